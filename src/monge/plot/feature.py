"""In which features two sample sets differ: bars for columns, a heat map for the pixels of images."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image

from monge.plot.canvas import as_image
from monge.plot.panel import FONT_SIZES, PANEL
from monge.plot.style import INK, REAL, VERMILION
from monge.plot.table import shortened

BARS = 20
"""Features that are shown, at most."""
NAME = 28
"""Letters of a name, at most."""
WIDTH = 10
"""Of the picture in inches, as that of the panels."""
DPI = 160

Values = NDArray[np.float64]


def feature_bars(
    names: Sequence[str], excess: Values, errors: Values | None, p_values: Values, significant: float, unit: str
) -> Image.Image:
    """The part of the excess of each feature, from above in the order given, with two standard errors; 20 at most.

    Arguments:
        names: of the features, g of them.
        excess, errors, p_values: (g,).
        significant: the largest p-value of a feature that is drawn in colour.
        unit: of distances.
    """
    shown = min(BARS, len(names))
    with rc_context(FONT_SIZES):
        figure = Figure(figsize=(WIDTH, 1.0 + 0.21 * shown), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        plot = figure.subplots()
        heights, where = excess[:shown], np.arange(shown)
        seen = p_values[:shown] <= significant
        bars = None if errors is None else 2 * errors[:shown]
        error: Any = {"ecolor": INK, "elinewidth": 0.9, "capsize": 2}
        plot.barh(where, heights, 0.7, xerr=bars, color=np.where(seen, VERMILION, REAL).tolist(), error_kw=error)
        plot.axvline(0, color=INK, linewidth=0.8)
        ends = np.maximum(heights + (0 if bars is None else bars), 0)
        for row, end in enumerate(ends):
            plot.annotate(
                f"p = {p_values[row]:.2g}" if p_values[row] >= 1e-4 else "p < 0.0001",
                (float(end), row),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        plot.set_yticks(where, [shortened(name, NAME) for name in names[:shown]], parse_math=False)
        plot.set_ylim(shown - 0.4, -0.6)
        plot.margins(x=0.12)
        plot.set_xlabel(f"part of the excess, and two standard errors ({unit})")
        of = f"{shown} of {len(names):,} " if len(names) > shown else ""
        plot.set_title(f"{of}features, those that differ most clearly first", loc="left")
        plot.spines[["top", "right"]].set_visible(False)
        plot.tick_params(axis="y", length=0)
        squares = {f"p at most {significant:g}, corrected for all features": VERMILION, "no difference seen": REAL}
        marks = [Line2D([], [], marker="s", linestyle="", color=colour, label=text) for text, colour in squares.items()]
        plot.legend(handles=marks, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderpad=0.3)
        return as_image(figure)


def pixel_maps(first: Values, second: Values, excess: Values, unit: str) -> Image.Image:
    """The mean images of A and of B, and the part of the excess of each pixel.

    Arguments:
        first, second: mean images (H, W, C) in metric scale.
        excess: (H, W).
        unit: of distances.
    """
    with rc_context(FONT_SIZES):
        figure = Figure(figsize=(WIDTH, 3.05), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        for plot, paint in zip(figure.subplots(1, 3), _pixel_paints(first, second, excess, unit), strict=True):
            paint(plot)
        return as_image(figure)


def single_pixel_maps(first: Values, second: Values, excess: Values, unit: str) -> list[Image.Image]:
    """The three of `pixel_maps`, each a picture of its own."""
    pictures = []
    with rc_context(FONT_SIZES):
        for paint in _pixel_paints(first, second, excess, unit):
            figure = Figure(figsize=PANEL, dpi=DPI, layout="constrained")
            FigureCanvasAgg(figure)
            paint(figure.subplots())
            pictures.append(as_image(figure))
    return pictures


def _pixel_paints(first: Values, second: Values, excess: Values, unit: str) -> list[Callable[[Axes], None]]:
    both = np.stack([first, second])
    low, high = float(both.min()), float(both.max())
    bound = float(np.abs(excess).max()) or 1.0

    def mean(plot: Axes, name: str, image: Values) -> None:
        grey = (image - low) / ((high - low) or 1.0)
        shown = grey if grey.shape[2] == 3 else grey.mean(axis=2)
        plot.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        plot.set_title(f"mean of {name}")
        plot.set_axis_off()

    def heat(plot: Axes) -> None:
        drawn = plot.imshow(excess, cmap="RdBu_r", vmin=-bound, vmax=bound, interpolation="nearest")
        plot.set_title("excess by pixel")
        room = plot.inset_axes((1.03, 0, 0.05, 1))  # as high as the panel
        bar: Any = plot.figure.colorbar(drawn, cax=room, label=f"part of the excess ({unit})")
        bar.outline.set_visible(False)
        plot.set_axis_off()

    return [partial(mean, name="A", image=first), partial(mean, name="B", image=second), heat]


def stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    """Two pictures as one, the second under the first."""
    sheet = Image.new("RGB", (max(above.width, below.width), above.height + below.height), "white")
    sheet.paste(above, (0, 0))
    sheet.paste(below, (0, above.height))
    return sheet
