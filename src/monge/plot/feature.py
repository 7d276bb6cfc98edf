"""In which features two sample sets differ: bars for columns, a heat map for the pixels of images."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image

from monge.errors import legible
from monge.plot.canvas import as_image
from monge.plot.panel import FONT_SIZES
from monge.plot.style import INK, REAL, VERMILION

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
        plot.set_yticks(where, [_short(name) for name in names[:shown]], parse_math=False)
        plot.set_ylim(shown - 0.4, -0.6)
        plot.margins(x=0.12)
        plot.set_xlabel(f"part of the excess, and two standard errors ({unit})")
        of = f"{shown} of {len(names):,} " if len(names) > shown else ""
        plot.set_title(f"{of}features, those that differ most clearly first", loc="left")
        plot.spines[["top", "right"]].set_visible(False)
        plot.tick_params(axis="y", length=0)
        squares = {f"p at most {significant:g}, corrected for all features": VERMILION, "no difference seen": REAL}
        marks = [Line2D([], [], marker="s", linestyle="", color=colour, label=text) for text, colour in squares.items()]
        plot.legend(handles=marks, loc="lower right", framealpha=0.85, edgecolor="none")
        return as_image(figure)


def pixel_maps(first: Values, second: Values, excess: Values, unit: str) -> Image.Image:
    """The mean images of A and of B, and the part of the excess of each pixel.

    Arguments:
        first, second: mean images (H, W, C) in metric scale.
        excess: (H, W).
        unit: of distances.
    """
    both = np.stack([first, second])
    low, high = float(both.min()), float(both.max())
    with rc_context(FONT_SIZES):
        figure = Figure(figsize=(WIDTH, 3.05), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        plots = figure.subplots(1, 3)
        for plot, name, mean in zip(plots, "AB", (first, second), strict=False):
            grey = (mean - low) / ((high - low) or 1.0)
            shown = grey if grey.shape[2] == 3 else grey.mean(axis=2)
            plot.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            plot.set_title(f"mean of {name}")
        bound = float(np.abs(excess).max()) or 1.0
        drawn = plots[2].imshow(excess, cmap="RdBu_r", vmin=-bound, vmax=bound, interpolation="nearest")
        plots[2].set_title("excess by pixel")
        bar: Any = figure.colorbar(drawn, ax=plots[2], label=f"part of the excess ({unit})", aspect=25, pad=0.02)
        bar.outline.set_visible(False)
        for plot in plots:
            plot.set_axis_off()
        return as_image(figure)


def stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    """Two pictures as one, the second under the first."""
    sheet = Image.new("RGB", (max(above.width, below.width), above.height + below.height), "white")
    sheet.paste(above, (0, 0))
    sheet.paste(below, (0, above.height))
    return sheet


def _short(name: str) -> str:
    return legible(name if len(name) <= NAME else f"{name[: NAME - 1]}…")
