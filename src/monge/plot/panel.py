"""Two sample sets, the potential between them and their coupling, in three panels side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from monge.distance.dual.potential import Potential
from monge.distance.points import Points
from monge.distance.transport.exact import Coupling
from monge.errors import legible
from monge.plot.canvas import as_image
from monge.plot.plane import Axis, frame
from monge.plot.style import BLUE, INK, VERMILION
from monge.plot.table import shortened

MARKERS = {"A": ("o", BLUE), "B": ("x", VERMILION)}
MOST = 1000
"""Points a side in a cloud."""
FEW = 300
"""Points a side over the potential."""
GREYS = LinearSegmentedColormap.from_list("greys", ["#6d7480", "#ffffff"])
LINES = 120
"""Pairs whose coupling is drawn."""
NAME = 16
"""Letters of the name of a set."""
FONT_SIZES: dict[Any, Any] = {"font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8}


PANEL = (3.5, 3.3)
"""Width and height of a panel in inches, where it is a picture of its own."""


@dataclass(frozen=True, eq=False)
class Sides:
    """What the panels show.

    Attributes:
        x, y: sets A (n, d) and B (m, d).
        axes: on which they are drawn: one for points on a line, else two.
        potential: high on A and low on B; drawn divided by its Lipschitz constant, with mean 0 on both sets together.
            Without one, as where rows depend on each other, its panel is left out.
        plan: a coupling of the first points of either.
        names: of A and B.
        unit: of distances.
    """

    x: Points
    y: Points
    axes: Sequence[Axis]
    potential: Potential | None
    plan: Coupling
    names: tuple[str, str]
    unit: str

    @property
    def shown(self) -> tuple[Points, Points]:
        """The points of a cloud."""
        return self.x[:MOST], self.y[:MOST]

    @property
    def plane(self) -> tuple[Axis, Axis]:
        """The axes of a cloud."""
        across, up = self.axes
        return across.first(MOST), up.first(MOST)

    def places(self, side: int) -> Points:
        """Where the points of A (0) or B (1) are drawn, (n, 2)."""
        return np.stack([(axis.a, axis.b)[side] for axis in self.axes], axis=1)

    @property
    def moves(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of A and of B that some entries of the plan connect, evenly spread over it."""
        count = len(self.plan.source)
        chosen = np.linspace(0, count - 1, min(LINES, count)).astype(np.intp)
        return self.plan.source[chosen], self.plan.target[chosen]


def panels(sides: Sides) -> Image.Image:
    """The two clouds, the potential that proves the lower limit, and a part of the optimal coupling.

    Where points have two coordinates and these are the axes, the potential is drawn as a field, on a line as a curve;
    else it is shown by the colour of the points.
    """
    with rc_context(FONT_SIZES):
        # a little room, because the colour bar stands next to the third panel's label
        paints = _paints(sides)
        size = (10 * len(paints) / 3, 3.3)
        figure = Figure(figsize=size, dpi=160, layout=ConstrainedLayoutEngine(h_pad=0.08, wspace=0.04))
        FigureCanvasAgg(figure)
        for plot, paint in zip(figure.subplots(1, len(paints)), paints, strict=True):
            paint(plot)
        return as_image(figure)


def single_panels(sides: Sides) -> list[Image.Image]:
    """The panels of `panels`, each a picture of its own."""
    pictures = []
    with rc_context(FONT_SIZES):
        for paint in _paints(sides):
            figure = Figure(figsize=PANEL, dpi=160, layout=ConstrainedLayoutEngine(h_pad=0.08))
            FigureCanvasAgg(figure)
            paint(figure.subplots())
            pictures.append(as_image(figure))
    return pictures


def _paints(sides: Sides) -> list[Callable[[Axes], None]]:
    """What draws each panel with its title."""
    parts = (_histograms, _curve, _rungs) if len(sides.axes) == 1 else (_clouds, _field, _lines)

    def paint(plot: Axes, draw: Callable[[Axes, Sides], None], title: str) -> None:
        draw(plot, sides)
        plot.set_title(title)
        plot.spines[["top", "right"]].set_visible(False)

    return [
        partial(paint, draw=draw, title=title)
        for draw, title in zip(parts, _titles(sides), strict=True)
        if title is not None
    ]


def _titles(sides: Sides) -> tuple[str, str | None, str]:
    potential = sides.potential
    return (
        "",  # its key stands there
        None if potential is None else f"potential f ({potential.family}, {potential.proof})",
        f"optimal coupling, {len(sides.moves[0])} pairs",
    )


def _clouds(plot: Axes, sides: Sides) -> None:
    for side, name in enumerate("AB"):
        _dots(plot, sides.places(side)[:MOST], name, alpha=0.5)
    _key(plot, sides)
    frame(plot, sides.plane)


def _field(plot: Axes, sides: Sides) -> None:
    """The potential as filled contours in the plane, else as the colour of the points."""
    values = [_heights(sides, points) for points in sides.shown]
    middle = (values[0].mean() + values[1].mean()) / 2
    frame(plot, sides.plane)
    shown: Any
    if sides.x.shape[1] == 2 and all((sides.places(0) == sides.x).all(axis=0)):
        across, up = (np.linspace(*ends, 150) for ends in (plot.get_xlim(), plot.get_ylim()))
        grid = np.stack(np.meshgrid(across, up), axis=-1)
        heights = _heights(sides, grid.reshape(-1, 2)).reshape(150, 150) - middle
        levels = MaxNLocator(10).tick_values(heights.min(), heights.max())
        shown = plot.contourf(across, up, heights, levels, cmap=GREYS)
        for side, name in enumerate("AB"):
            _dots(plot, sides.places(side)[:FEW], name, alpha=0.7)
    else:
        low, high = np.quantile(np.concatenate(values) - middle, [0.01, 0.99])
        for side, (name, height) in enumerate(zip("AB", values, strict=True)):
            how = {"cmap": "cividis", "vmin": low, "vmax": high, "marker": MARKERS[name][0], "linewidths": 0.8}
            flat = sides.places(side)[:MOST]
            shown = plot.scatter(flat[:, 0], flat[:, 1], s=11, c=height - middle, alpha=0.8, **how)
    room = plot.inset_axes((1.03, 0, 0.05, 1))  # as high as the panel
    bar: Any = plot.figure.colorbar(shown, cax=room, label=f"f, high on A ({sides.unit})")
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)


def _lines(plot: Axes, sides: Sides) -> None:
    a, b = sides.moves
    _matched(plot, sides.places(0)[a], sides.places(1)[b])
    frame(plot, sides.plane)


def _matched(plot: Axes, a: Points, b: Points) -> None:
    """A line for each pair of points in the picture, (n, 2) and (n, 2)."""
    plot.add_collection(LineCollection(list(np.stack([a, b], axis=1)), colors=INK, linewidths=0.6, alpha=0.6, zorder=0))
    for name, points in zip("AB", (a, b), strict=True):
        _dots(plot, points, name)


def _histograms(plot: Axes, sides: Sides) -> None:
    bins = np.histogram_bin_edges(np.concatenate(sides.shown)[:, 0], 40)
    for points, (name, (_, colour)) in zip(sides.shown, MARKERS.items(), strict=True):
        plot.hist(points[:, 0], bins.tolist(), density=True, histtype="step", color=colour, linewidth=1.4, label=name)
    plot.set_ylabel("density")
    _key(plot, sides)
    _along(plot, sides)


def _curve(plot: Axes, sides: Sides) -> None:
    """The potential on a line."""
    bins = np.histogram_bin_edges(np.concatenate(sides.shown)[:, 0], 40)
    where = np.linspace(bins[0], bins[-1], 400)
    middle = np.mean([_heights(sides, points).mean() for points in sides.shown])
    plot.plot(where, _heights(sides, where[:, None]) - middle, color=INK)
    plot.set_ylabel(f"f, high on A ({sides.unit})")
    _along(plot, sides)


def _rungs(plot: Axes, sides: Sides) -> None:
    """The coupling between two rows of points."""
    ends = sides.x[sides.moves[0], 0], sides.y[sides.moves[1], 0]
    rows = [np.stack([end, np.full(len(end), height)], axis=1) for end, height in zip(ends, (1, 0), strict=True)]
    _matched(plot, rows[0], rows[1])
    plot.set_yticks([0, 1], ["B", "A"])
    _along(plot, sides)


def _along(plot: Axes, sides: Sides) -> None:
    plot.set_xlabel(sides.axes[0].label, parse_math=False)
    plot.set_box_aspect(1)


def _heights(sides: Sides, points: Points) -> NDArray[np.float64]:
    potential = sides.potential
    assert potential is not None  # else there is no panel of it
    return potential(points) / (potential.lipschitz or 1.0)


def _dots(plot: Axes, points: Points, name: str, alpha: float = 1.0) -> None:
    """Points of the picture, (n, 2), in the colour and shape of their side."""
    marker, colour = MARKERS[name]
    plot.scatter(points[:, 0], points[:, 1], s=9, c=colour, marker=marker, linewidths=0.7, alpha=alpha, label=name)


def _key(plot: Axes, sides: Sides) -> None:
    """Which colour and mark is which set, above the panel, where it hides no point."""
    texts = [legible(f"{side}: {shortened(name, NAME)}") for side, name in zip("AB", sides.names, strict=True)]
    how: dict[str, Any] = {"markerscale": 1.8, "frameon": False, "handletextpad": 0.2, "columnspacing": 1.2}
    key = plot.legend(texts, loc="lower center", bbox_to_anchor=(0.5, 0.99), ncols=2, borderpad=0, **how)
    for text in key.get_texts():
        text.set_parse_math(False)
