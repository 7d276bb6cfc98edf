"""The figures of `honesty` and `excess`, as PNG and SVG without time stamps."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monge.experiment.sweep import Result

INK, BLUE, VERMILION, GREEN, PURPLE = "#1f2430", "#0072b2", "#d55e00", "#009e73", "#cc79a7"
"""Of Okabe and Ito: colour-blind people tell them apart; markers differ as well."""
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "monge",
    "svg.fonttype": "none",
}
MARKERS = {"line": ("o", BLUE), "shift": ("x", VERMILION), "funnel": ("^", GREEN), "other": ("s", PURPLE)}
LABELS = {"line": "laws on a line", "shift": "shifts", "funnel": "funnels", "other": "radial, clusters, …"}
TITLES = {
    "averaged": ("blurred: averaged", "neighbours in a mean, k"),
    "blended": ("blurred: blended", "matched samples in a mean, k"),
    "shrunken": ("shrunken", "towards the mean, s"),
    "dropped": ("dropped", "share of {} missing"),
    "noisy": ("noisy", "noise deviation ({})"),
}
CLASSES = {"digits": "classes", "grid25": "modes"}
NOISE = {"digits": "grey", "grid25": "units"}
UNITS = {"digits": "grey, [-1, 1]", "grid25": "data units"}
Files = dict[str, bytes]


def honesty(rows: Sequence[Result]) -> Files:
    """Lower and upper over the truth against the dimension, a mark for each pair of positive W1."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 3), dpi=200, layout="constrained")
        left, right = figure.subplots(1, 2)
        for kind, (marker, colour) in MARKERS.items():
            some = [row for row in rows if row["kind"] == kind]
            # laws of one dimension lie side by side, in the order in which they were drawn
            across = [row["d"] * 2 ** (0.36 * (i % 15 / 14 - 0.5)) for i, row in enumerate(some)]
            how = {"marker": marker, "s": 14, "linewidths": 0.8, "label": LABELS[kind]}
            how |= {"color": colour} if marker == "x" else {"facecolors": "none", "edgecolors": colour}
            left.scatter(across, [row["lower"] / row["w1"] for row in some], **how)
            right.scatter(across, [row["upper"] / row["w1"] for row in some], **how)
        for plot, side in ((left, "95 % lower limit"), (right, "mean upper estimate")):
            plot.axhline(1, color=INK, linewidth=0.9, zorder=0)
            plot.spines["right"].set_visible(False)
            plot.set_xscale("log", base=2)
            plot.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
            plot.set_xlabel("dimension D")
            plot.set_ylabel(f"{side} / true W1")
        left.set_ylim(-0.03, 1.2)
        right.set_yscale("log")
        right.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        right.minorticks_off()
        right.legend(loc="upper left", frameon=False, handletextpad=0.1)
        return rendered(figure)


def excess(rows: Sequence[Result], blur: Mapping[str, str]) -> Files:
    """Excess and upper / floor against the strength: a row for each kind of data, a column for each degradation."""
    data = list(dict.fromkeys(row["data"] for row in rows))
    found = {(row["data"], row["degradation"]): row for row in rows}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 4.2), dpi=200, layout="constrained")
        plots = figure.subplots(len(data), 4, squeeze=False)
        for name, line in zip(data, plots, strict=True):
            # blur has an axis of its own: its effect is small beside the others'
            _row(line[:1], name, [found[name, blur[name]]])
            _row(line[1:], name, [found[name, kind] for kind in ("shrunken", "dropped", "noisy")])
        return rendered(figure)


def _row(plots: Sequence[Axes], name: str, rows: Sequence[Result]) -> None:
    """Panels with common axes, labelled at the two ends."""
    top = max(value for row in rows for value in row["excess"])
    ratios = [value for row in rows for value in row["ratio"]]
    low, high = min(ratios), max(ratios)
    for i, (plot, row) in enumerate(zip(plots, rows, strict=True)):
        other = plot.twinx()
        _panel(plot, other, row)
        plot.set_ylim(-0.25 * top, 1.15 * top)
        other.set_ylim(low - 0.25 * (high - low), high + 0.3 * (high - low))
        title, label = TITLES[row["degradation"]]
        plot.set_title(f"{name}, {title}")
        plot.set_xlabel(label.format((CLASSES if row["degradation"] == "dropped" else NOISE)[name]))
        if i == 0:
            plot.set_ylabel(f"excess, ● ({UNITS[name]})", color=BLUE)
        if plot is plots[-1]:
            other.set_ylabel("upper / floor, □", color=VERMILION)
        plot.tick_params(axis="y", colors=BLUE, labelleft=i == 0)
        other.tick_params(axis="y", colors=VERMILION, labelright=plot is plots[-1])


def _panel(plot: Axes, other: Axes, row: Result) -> None:
    """Both curves with bars of two standard errors, at equal steps of the strength."""
    at = np.arange(len(row["strengths"]))
    plot.axhline(row["excess"][0], color=BLUE, linewidth=0.6, linestyle=":")
    other.axhline(1, color=VERMILION, linewidth=0.6, linestyle=":")
    bars: dict[str, Any] = {"capsize": 2, "markersize": 3.5, "elinewidth": 0.8}
    errors = 2 * np.array(row["ratio_error"])
    other.errorbar(at + 0.06, row["ratio"], errors, color=VERMILION, marker="s", linestyle="--", mfc="white", **bars)
    plot.errorbar(at - 0.06, row["excess"], 2 * np.array(row["excess_error"]), color=BLUE, marker="o", **bars)
    plot.set_xticks(at, [f"{strength:g}".removeprefix("0") or "0" for strength in row["strengths"]])
    plot.set_zorder(other.get_zorder() + 1)
    plot.patch.set_visible(False)


def rendered(figure: Figure) -> Files:
    """A figure as PNG and SVG, without time stamps."""
    FigureCanvasAgg(figure)
    files = {}
    for kind, stamp in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=stamp)
        files[f"figure.{kind}"] = buffer.getvalue()
    return files
