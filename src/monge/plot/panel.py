"""Two sample sets, the potential between them and their coupling, in three panels side by side."""

from dataclasses import dataclass
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
from monge.plot.canvas import PlaneSides, as_image, principal
from monge.plot.style import BLUE, INK, VERMILION

MARKERS = {"A": ("o", BLUE), "B": ("x", VERMILION)}
MOST = 1000
"""Points a side in a cloud."""
FEW = 300
"""Points a side over the potential."""
GREYS = LinearSegmentedColormap.from_list("greys", ["#6d7480", "#ffffff"])
LONGEST = 36
"""Letters of a line of an axis's label, which has a third of the picture."""
LINES = 120
"""Pairs whose coupling is drawn."""
FONT_SIZES: dict[Any, Any] = {"font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "legend.fontsize": 8}


@dataclass(frozen=True, eq=False)
class Plane:
    """The plane in which points are drawn: their own, or that of two pooled principal axes.

    Attributes:
        centre, axes: a point x is drawn at axes (x - centre), (d,) and (2, d).
        labels: of the two axes.
        low, high: corners of the square around all points; equal sides, so that lengths can be compared.
    """

    centre: Points
    axes: Points
    labels: tuple[str, str]
    low: Points
    high: Points

    @classmethod
    def of(cls, x: Points, y: Points, unit: str) -> "Plane":
        """The plane of two sets (n, d) and (m, d), d >= 2."""
        pooled = np.concatenate([x, y])
        if x.shape[1] == 2:
            centre, axes, labels = np.zeros(2), np.eye(2), (f"x₁ ({unit})", f"x₂ ({unit})")
        else:
            centre = (x.mean(axis=0) + y.mean(axis=0)) / 2
            axes, shares = principal(pooled - centre)
            names = [f"PC {i + 1}, {100 * share:.0f} % of variance ({unit})" for i, share in enumerate(shares)]
            labels = (names[0], names[1])
        flat = (pooled - centre) @ axes.T
        middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
        reach = 0.54 * float(np.ptp(flat, axis=0).max()) or 1.0
        return cls(centre, axes, labels, middle - reach, middle + reach)

    def __call__(self, points: Points) -> Points:
        return np.asarray((points - self.centre) @ self.axes.T)

    def frame(self, plot: Axes) -> None:
        """Limits, labels and shape of a panel."""
        plot.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]), box_aspect=1)
        plot.set_xlabel(_broken(self.labels[0]))
        plot.set_ylabel(_broken(self.labels[1]))


def _broken(label: str) -> str:
    """The label of an axis, with the unit in a line of its own where it is long."""
    return label if len(label) <= LONGEST else label.replace(" (", "\n(")


def panels(
    x: Points, y: Points, potential: Potential, plan: Coupling, names: tuple[str, str], unit: str
) -> Image.Image:
    """The two clouds, the potential that proves the lower limit, and a part of the optimal coupling.

    Above the plane, points are drawn on the two principal axes of both sets together, where the potential is shown by
    their colour; in the plane it is drawn as a field, and on a line as a curve.

    Arguments:
        x, y: sets A (n, d) and B (m, d).
        potential: high on A and low on B; drawn divided by its Lipschitz constant, with mean 0 on both sets together.
        plan: a coupling of the first points of either.
        names: of A and B.
        unit: of distances.
    """
    with rc_context(FONT_SIZES):
        # a little room, because the colour bar stands next to the third panel's label
        figure = Figure(figsize=(10, 3.05), dpi=160, layout=ConstrainedLayoutEngine(wspace=0.04))
        FigureCanvasAgg(figure)
        left, middle, right = figure.subplots(1, 3)
        some = x[:MOST], y[:MOST]
        if x.shape[1] == 1:
            _on_a_line((left, middle, right), some, potential, plan, unit)
        else:
            plane = Plane.of(*some, unit)
            _clouds(left, plane, some)
            _field(figure, middle, plane, some, potential, unit)
            _lines(right, plane, (x, y), plan)
            for plot in (left, middle, right):
                plane.frame(plot)
        for plot, title in zip((left, middle, right), _titles(names, potential, plan), strict=True):
            plot.set_title(legible(title), parse_math=False)
            plot.spines[["top", "right"]].set_visible(False)
        return as_image(figure)


def _titles(names: tuple[str, str], potential: Potential, plan: Coupling) -> tuple[str, str, str]:
    first, second = (name if len(name) <= 20 else f"…{name[-19:]}" for name in names)
    count = min(LINES, len(plan.source))
    return (
        f"A: {first},  B: {second}",
        f"potential f ({potential.family}, {potential.proof})",
        f"optimal coupling, {count} pairs",
    )


def _clouds(plot: Axes, plane: Plane, sides: PlaneSides) -> None:
    for name, points in zip("AB", sides, strict=True):
        _dots(plot, plane(points), name, alpha=0.5)
    _legend(plot)


def _field(figure: Figure, plot: Axes, plane: Plane, sides: PlaneSides, potential: Potential, unit: str) -> None:
    """The potential as filled contours in the plane, else as the colour of the points."""
    values = [_heights(potential, points) for points in sides]
    middle = (values[0].mean() + values[1].mean()) / 2
    shown: Any
    if sides[0].shape[1] == 2:
        across, up = (np.linspace(low, high, 150) for low, high in zip(plane.low, plane.high, strict=True))
        grid = np.stack(np.meshgrid(across, up), axis=-1)
        heights = _heights(potential, grid.reshape(-1, 2)).reshape(150, 150) - middle
        levels = MaxNLocator(10).tick_values(heights.min(), heights.max())
        shown = plot.contourf(across, up, heights, levels, cmap=GREYS)
        for name, points in zip("AB", sides, strict=True):
            _dots(plot, points[:FEW], name, alpha=0.7)
    else:
        low, high = np.quantile(np.concatenate(values) - middle, [0.01, 0.99])
        for name, points, height in zip("AB", sides, values, strict=True):
            how = {"cmap": "cividis", "vmin": low, "vmax": high, "marker": MARKERS[name][0], "linewidths": 0.8}
            flat = plane(points)
            shown = plot.scatter(flat[:, 0], flat[:, 1], s=11, c=height - middle, alpha=0.8, **how)
    bar: Any = figure.colorbar(shown, ax=plot, label=f"f, high on A ({unit})", aspect=25, pad=0.02)
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)


def _lines(plot: Axes, plane: Plane, sides: PlaneSides, plan: Coupling) -> None:
    chosen = _chosen(plan)
    _matched(plot, plane(sides[0][plan.source[chosen]]), plane(sides[1][plan.target[chosen]]))
    _legend(plot)


def _matched(plot: Axes, a: Points, b: Points) -> None:
    """A line for each pair of points in the picture, (n, 2) and (n, 2)."""
    plot.add_collection(LineCollection(list(np.stack([a, b], axis=1)), colors=INK, linewidths=0.6, alpha=0.6, zorder=0))
    for name, points in zip("AB", (a, b), strict=True):
        _dots(plot, points, name)


def _on_a_line(
    plots: tuple[Axes, Axes, Axes], sides: PlaneSides, potential: Potential, plan: Coupling, unit: str
) -> None:
    """Histograms, the potential as a curve, and the coupling between two rows of points."""
    pooled = np.concatenate(sides)[:, 0]
    bins = np.histogram_bin_edges(pooled, 40)
    for points, (name, (_, colour)) in zip(sides, MARKERS.items(), strict=True):
        plots[0].hist(
            points[:, 0], bins.tolist(), density=True, histtype="step", color=colour, linewidth=1.4, label=name
        )
    plots[0].set_ylabel("density")
    where = np.linspace(bins[0], bins[-1], 400)
    middle = np.mean([_heights(potential, points).mean() for points in sides])
    plots[1].plot(where, _heights(potential, where[:, None]) - middle, color=INK)
    plots[1].set_ylabel(f"f, high on A ({unit})")
    chosen = _chosen(plan)
    ends = sides[0][plan.source[chosen], 0], sides[1][plan.target[chosen], 0]
    rows = [np.stack([end, np.full(len(end), height)], axis=1) for end, height in zip(ends, (1, 0), strict=True)]
    _matched(plots[2], rows[0], rows[1])
    plots[2].set_yticks([0, 1], ["B", "A"])
    for plot in plots:
        plot.set_xlabel(f"x ({unit})")
        plot.set_box_aspect(1)
    _legend(plots[0])


def _chosen(plan: Coupling) -> NDArray[np.intp]:
    """Some entries of the plan, evenly spread over it."""
    return np.linspace(0, len(plan.source) - 1, min(LINES, len(plan.source))).astype(np.intp)


def _heights(potential: Potential, points: Points) -> NDArray[np.float64]:
    return potential(points) / (potential.lipschitz or 1.0)


def _dots(plot: Axes, points: Points, name: str, alpha: float = 1.0) -> None:
    """Points of the picture, (n, 2), in the colour and shape of their side."""
    marker, colour = MARKERS[name]
    plot.scatter(points[:, 0], points[:, 1], s=9, c=colour, marker=marker, linewidths=0.7, alpha=alpha, label=name)


def _legend(plot: Axes) -> None:
    plot.legend(loc="upper right", markerscale=1.8, framealpha=0.85, edgecolor="none", handletextpad=0.2)
