"""Is excess fooled? Real samples made worse in five ways, by five strengths, against other real samples.

Each repeat splits the real samples into four disjoint parts: a and b, the reference, and those that the degraded
samples c and d are made from. Excess is that of the bracket, W1(a, c) - (W1(a, b) + W1(c, d)) / 2, and upper / floor
is W1(a, c) / W1(a, b). The parts and the random numbers of a repeat are the same for every strength, so differences
between strengths have small errors although all values of a repeat move together.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from monge.distance.summary import Draw
from monge.distance.transport.exact import wasserstein
from monge.experiment.bracket.degradation import DATA, DEGRADATIONS, SETTINGS
from monge.experiment.experiment import Budget, Experiment, Table, verdict_table, verdict_word
from monge.experiment.sweep import Result, digest
from monge.plot.style import BLUE, STYLE, VERMILION, Files, rendered

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

REPEATS: Mapping[Budget, Mapping[str, int]] = {
    "quick": {"digits": 3, "grid25": 100},
    "full": {"digits": 24, "grid25": 800},
}
"""Random splits, and fresh draws."""
BLUR: Mapping[str, str] = {"digits": "averaged", "grid25": "blended"}
"""The blur that lowers upper / floor. In the plane the mean of nearest neighbours does not: points of another mode are
too far away, and within a mode few samples are enough for the plug-in distance to be right."""
ERRORS = 2.0
"""Standard errors by which values must differ to count as different."""


@dataclass(frozen=True)
class DegradationCell:
    """One degradation of one kind of data, at all strengths.

    Arguments:
        data: a name in `DATA`.
        degradation: a name in `DEGRADATIONS`.
        repeats: random splits.
        seed: of everything random.
        folder: of the cache.
    """

    data: str
    degradation: str
    repeats: int
    seed: int
    folder: Path

    @property
    def path(self) -> Path:
        """Where the result is kept."""
        setting = SETTINGS[self.data][self.degradation]
        key = digest(self.data, self.degradation, self.repeats, self.seed, setting.strengths, setting.n)
        return self.folder / f"{self.data}-{self.degradation}.{key}.json"


def cells(budget: Budget, seed: int, folder: Path) -> list[DegradationCell]:
    """Every degradation of both kinds of data."""
    return [DegradationCell(data, kind, REPEATS[budget][data], seed, folder) for data in DATA for kind in DEGRADATIONS]


def measure(cell: DegradationCell) -> Result:
    """Excess and upper / floor at every strength, with standard errors over the repeats."""
    start = time.perf_counter()
    repeats = [_repeat(cell, number) for number in range(cell.repeats)]
    upper, floor, excess = (
        np.array([[getattr(draw, name) for draw in draws] for draws in repeats])
        for name in ("upper", "floor", "excess")
    )
    ratio = upper.mean(axis=0) / floor.mean(axis=0)
    steps = np.diff(excess, axis=1)
    setting = SETTINGS[cell.data][cell.degradation]
    return {
        "data": cell.data,
        "degradation": cell.degradation,
        "n": setting.n,
        "repeats": cell.repeats,
        "strengths": list(setting.strengths),
        "excess": _rounded(excess.mean(axis=0)),
        "excess_error": _rounded(_error(excess)),
        "change": _rounded(excess.mean(axis=0) - excess[:, 0].mean()),
        "change_error": _rounded(_error(excess - excess[:, :1])),
        "step_error": _rounded(_error(steps)),
        "ratio": _rounded(ratio),
        "ratio_error": _rounded(_error(upper - ratio * floor) / floor.mean(axis=0)),
        "seconds": round(time.perf_counter() - start, 2),
    }


def _repeat(cell: DegradationCell, number: int) -> list[Draw]:
    """The transports of one split, for every strength."""
    pool = DATA[cell.data](np.random.default_rng([cell.seed, number]))
    setting, degrade = SETTINGS[cell.data][cell.degradation], DEGRADATIONS[cell.degradation]
    n, middle = setting.n, (len(pool.points) + 2 * setting.n) // 2
    a, b = pool.points[:n], pool.points[n : 2 * n]
    floor = wasserstein(a, b)
    draws = []
    for strength in setting.strengths:
        # the classes that are missing are the same on both sides: it is one generator; the noise is not
        first, second = (np.random.default_rng([cell.seed, number, side]) for side in (1, 2))
        if cell.degradation == "dropped":
            second = np.random.default_rng([cell.seed, number, 1])
        c = degrade(pool[2 * n : middle], n, strength, first)
        d = degrade(pool[middle:], n, strength, second)
        draws.append(Draw(wasserstein(a, c), floor, wasserstein(c, d)))
    return draws


def _error(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values.std(axis=0, ddof=1) / len(values) ** 0.5)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 5) for value in values]


def grows(row: Result) -> bool:
    """Whether excess falls at no step by more than 2 standard errors, and rises from the first to the last by more."""
    steps = zip(np.diff(row["excess"]), row["step_error"], strict=True)
    return all(s >= -ERRORS * e for s, e in steps) and row["change"][-1] > ERRORS * row["change_error"][-1]


def rises(row: Result) -> bool:
    """Whether mean excess is greater at every strength than at the one before."""
    return bool((np.diff(row["excess"]) > 0).all())


def not_below(row: Result) -> bool:
    """Whether excess is at no strength below that of the untouched samples by more than 2 standard errors."""
    return all(c >= -ERRORS * e for c, e in zip(row["change"], row["change_error"], strict=True))


def fooled(row: Result) -> bool:
    """Whether upper / floor is somewhere below 1 by more than 2 standard errors."""
    return any(r < 1 - ERRORS * e for r, e in zip(row["ratio"][1:], row["ratio_error"][1:], strict=True))


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, with what contradicts them."""

    def name(row: Result) -> str:
        return f"{row['data']} {row['degradation']}"

    falling = [name(row) for row in rows if not grows(row)]
    below = [name(row) for row in rows if not not_below(row)]
    blurred = [row for row in rows if BLUR[row["data"]] == row["degradation"]]
    return {
        "grows": {
            "verdict": verdict_word(not falling),
            "not": falling,
            "mean_rises_at_every_step": f"{sum(map(rises, rows))} of {len(rows)}",
        },
        "not_below_untouched": {"verdict": verdict_word(not below), "not": below},
        "ratio_below_1_for_blur": {
            "verdict": verdict_word(all(fooled(row) for row in blurred)),
            "lowest": {name(row): min(row["ratio"]) for row in blurred},
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['data']} {row['degradation']}: excess {row['excess'][0]:.3f} to {row['excess'][-1]:.3f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Excess and upper / floor at every strength, and the verdicts."""
    body = []
    for row in rows:
        for what, label in (("excess", "excess"), ("ratio", "upper / floor")):
            values = zip(row["strengths"], row[what], row[f"{what}_error"], strict=True)
            shown = [f"{s:g}: {value:.3f} ± {error:.3f}" for s, value, error in values]
            body.append([row["data"], row["degradation"], str(row["n"]), str(row["repeats"]), label, *shown])
    header = ["data", "degradation", "n", "repeats", "strength: value ± standard error", "untouched", *"12345"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Excess and upper / floor against the strength: a row for each kind of data, a column for each degradation."""
    data = list(dict.fromkeys(row["data"] for row in rows))
    found = {(row["data"], row["degradation"]): row for row in rows}
    with mpl.rc_context(STYLE):
        canvas = Figure(figsize=(7.6, 4.2), dpi=200, layout="constrained")
        plots = canvas.subplots(len(data), 4, squeeze=False)
        for name, panels in zip(data, plots, strict=True):
            # blur has an axis of its own: its effect is small beside the others'
            _row(panels[:1], name, [found[name, BLUR[name]]])
            _row(panels[1:], name, [found[name, kind] for kind in ("shrunken", "dropped", "noisy")])
        return rendered(canvas)


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


reproduce = Experiment(
    name="excess",
    claims={
        "grows": "excess grows with every degradation",
        "not_below_untouched": "at no strength is the excess below that of untouched samples",
        "ratio_below_1_for_blur": "upper / floor is fooled: blur lowers it below 1",
    },
    cells=cells,
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
