"""What the figures of claims share: panels side by side, curves that differ in colour, dash and mark, and the files."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from monge.plot.style import BLUE, GREEN, INK, PURPLE, SKY, STYLE, VERMILION, Files, rendered

LOOKS: Sequence[dict[str, Any]] = (
    {"color": BLUE, "linestyle": "-", "marker": "o"},
    {"color": VERMILION, "linestyle": "--", "marker": "s"},
    {"color": GREEN, "linestyle": "-.", "marker": "^"},
    {"color": PURPLE, "linestyle": ":", "marker": "D"},
    {"color": INK, "linestyle": (0, (6, 2)), "marker": "v"},
    {"color": SKY, "linestyle": (0, (1, 2)), "marker": "x"},
)
"""Colours of Okabe and Ito; dashes and marks differ as well."""


def panels(
    paints: Sequence[Callable[[Axes], None]], height: float = 2.7, width: float = 7.2, *, rows: int = 1
) -> Files:
    """One panel for each function, side by side, as PNG and SVG without time stamps.

    Arguments:
        paints: each draws into its panel.
        height, width: of the figure in inches.
        rows: of panels, all of one length.
    """
    with mpl.rc_context({**STYLE, "axes.spines.right": False, "legend.frameon": False, "legend.fontsize": 7.5}):
        figure = Figure(figsize=(width, height), dpi=200, layout="constrained")
        plots = figure.subplots(rows, len(paints) // rows, squeeze=False).flat
        for plot, paint in zip(plots, paints, strict=True):
            paint(plot)
        return rendered(figure)


def storeys(rows: Sequence[Sequence[Callable[[Axes], None]]], heights: Sequence[float], width: float = 7.2) -> Files:
    """Rows of panels, one above the other, each with as many panels as it has functions, as PNG and SVG.

    Arguments:
        rows: of functions that draw into their panels.
        heights: of the rows in inches.
        width: of the figure in inches.
    """
    with mpl.rc_context({**STYLE, "axes.spines.right": False, "legend.frameon": False, "legend.fontsize": 7.5}):
        figure = Figure(figsize=(width, sum(heights)), dpi=200, layout="constrained")
        parts = np.atleast_1d(np.asarray(figure.subfigures(len(rows), 1, height_ratios=list(heights))))
        for part, row in zip(parts, rows, strict=True):
            for plot, paint in zip(part.subplots(1, len(row), squeeze=False)[0], row, strict=True):
                paint(plot)
        return rendered(figure)


def curve(plot: Axes, x: ArrayLike, y: ArrayLike, look: int, label: str, **how: Any) -> None:
    """A line in one of the looks, with few marks."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    every = max(1, len(x) // 8)
    style = LOOKS[look] | {"label": label, "markersize": 3.5, "markevery": every} | how
    plot.plot(x, y, **style)


def marks(plot: Axes, x: ArrayLike, y: ArrayLike, look: int, label: str, **how: Any) -> None:
    """A hollow mark for each repeat, which hides none of its neighbours."""
    hollow = {"linestyle": "", "markevery": 1, "markersize": 3, "markerfacecolor": "none"}
    curve(plot, x, y, look, label, **hollow | how)


def band(plot: Axes, x: ArrayLike, runs: ArrayLike, look: int, label: str, **how: Any) -> None:
    """The median of repeats (r, n) as a line, lowest to highest as a band."""
    runs = np.asarray(runs, dtype=float)
    curve(plot, x, np.median(runs, axis=0), look, label, **how)
    low, high = runs.min(axis=0), runs.max(axis=0)
    plot.fill_between(np.asarray(x, dtype=float), low, high, color=LOOKS[look]["color"], alpha=0.2, linewidth=0)


def key(plot: Axes, columns: int = 1) -> None:
    """The legend, above its panel."""
    plot.legend(loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=columns, handlelength=2.6, columnspacing=1)


def greys(image: NDArray[np.float64]) -> str:
    """An image in [-1, 1] as one hexadecimal digit for each pixel."""
    return "".join(f"{int(value):x}" for value in ((image.flatten() + 1) * 7.5).round().clip(0, 15))


def sheet(plot: Axes, images: Sequence[str], title: str) -> None:
    """Square images, as `greys` writes them, in a square."""
    across = math.isqrt(len(images))
    mosaic(plot, [images[start : start + across] for start in range(0, across**2, across)])
    plot.set_title(title)


def mosaic(plot: Axes, images: Sequence[Sequence[str]]) -> None:
    """Square images, as `greys` writes them, in rows of one length."""
    side = math.isqrt(len(images[0][0]))
    tiles = [[np.array([int(grey, 16) for grey in text]).reshape(side, side) for text in row] for row in images]
    lines = [np.hstack([np.pad(tile, 1, constant_values=15) for tile in row]) for row in tiles]
    plot.imshow(np.vstack(lines), cmap="gray", vmin=0, vmax=15, interpolation="nearest")
    plot.set(xticks=[], yticks=[])
    plot.spines[:].set_visible(False)
