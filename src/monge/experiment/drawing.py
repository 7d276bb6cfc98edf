"""What the figures of claims share: panels side by side, curves that differ in colour, dash and mark, and the files."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from monge.experiment.figure import BLUE, GREEN, INK, PURPLE, STYLE, VERMILION, Files, rendered

SKY = "#56b4e9"
LOOKS: Sequence[dict[str, Any]] = (
    {"color": BLUE, "linestyle": "-", "marker": "o"},
    {"color": VERMILION, "linestyle": "--", "marker": "s"},
    {"color": GREEN, "linestyle": "-.", "marker": "^"},
    {"color": PURPLE, "linestyle": ":", "marker": "D"},
    {"color": INK, "linestyle": (0, (6, 2)), "marker": "v"},
    {"color": SKY, "linestyle": (0, (1, 2)), "marker": "x"},
)
"""Colours of Okabe and Ito; dashes and marks differ as well."""


def panels(paints: Sequence[Callable[[Axes], None]], height: float = 2.7, width: float = 7.2) -> Files:
    """One panel for each function, side by side, as PNG and SVG without time stamps.

    Arguments:
        paints: each draws into its panel.
        height, width: of the figure in inches.
    """
    with mpl.rc_context({**STYLE, "axes.spines.right": False, "legend.frameon": False, "legend.fontsize": 7.5}):
        figure = Figure(figsize=(width, height), dpi=200, layout="constrained")
        for plot, paint in zip(figure.subplots(1, len(paints), squeeze=False)[0], paints, strict=True):
            paint(plot)
        return rendered(figure)


def curve(plot: Axes, x: ArrayLike, y: ArrayLike, look: int, label: str, **how: Any) -> None:
    """A line in one of the looks, with few marks."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    every = max(1, len(x) // 8)
    style = LOOKS[look] | {"label": label, "markersize": 3.5, "markevery": every} | how
    plot.plot(x, y, **style)


def band(plot: Axes, x: ArrayLike, runs: ArrayLike, look: int, label: str, **how: Any) -> None:
    """The median of repeats (r, n) as a line, lowest to highest as a band."""
    runs = np.asarray(runs, dtype=float)
    curve(plot, x, np.median(runs, axis=0), look, label, **how)
    low, high = runs.min(axis=0), runs.max(axis=0)
    plot.fill_between(np.asarray(x, dtype=float), low, high, color=LOOKS[look]["color"], alpha=0.2, linewidth=0)


def key(plot: Axes, columns: int = 1) -> None:
    """The legend, above its panel."""
    plot.legend(loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=columns, handlelength=2.6, columnspacing=1)
