"""Pictures of a synthetic table beside the real one: associations, columns and pairs of columns."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from monge.data.table.schema import Column, Schema
from monge.errors import legible
from monge.metric.table.association import association
from monge.metric.table.bin import Rows
from monge.plot.canvas import as_image
from monge.plot.style import FAKE, INK, REAL, STYLE
from monge.plot.tick import number_ticks

COLUMNS = 30
"""Columns in a heat map, at most."""
NAME = 18
"""Characters of a name, at most."""
LEVELS = 8
"""Levels in a panel, at most; the others are one."""
POINTS = 1000
"""Rows of a side in a cloud."""
LEAST_GAP = 0.25
"""Difference of associations that has the darkest colour, at least."""
TAIL = 0.005
"""Share of the real numbers beyond each end of a panel, at most."""
WIDTH = 2.6
"""Of a panel in inches."""
HEIGHTS = {"column": 2.0, "pair": 2.5}
"""Of panels in inches, by what they show."""
BINS = 30
ACROSS = 3
"""Panels side by side."""

Matrix = NDArray[np.float64]
Shares = tuple[Matrix, Matrix]


def association_maps(schema: Schema, real: Rows, fake: Rows) -> Image.Image:
    """Heat maps of the associations of all pairs of columns: real, synthetic, and their difference.

    Of more than 30 columns, those with the largest differences are shown, in the order of the table.

    Arguments:
        schema: of the columns.
        real, fake: raw rows (n, d) and (m, d).
    """
    first, second = association(schema, real), association(schema, fake)
    worst = np.argsort(-np.abs(first - second).max(axis=0), kind="stable")[:COLUMNS]
    shown = np.sort(worst)
    first, second = (matrix[np.ix_(shown, shown)] for matrix in (first, second))
    names = [shortened(schema.names[index]) for index in shown]
    side = max(1.6, 0.14 * len(names))
    gap = second - first
    parts = (
        ("real", first, 1.0),
        ("synthetic", second, 1.0),
        ("synthetic - real", gap, max(float(np.abs(gap).max()), LEAST_GAP)),
    )
    with mpl.rc_context(STYLE):
        size = (3 * side + 3.4, side + 0.65 + 0.07 * max(map(len, names)))
        figure = Figure(figsize=size, dpi=130, layout="constrained")
        FigureCanvasAgg(figure)
        plots = list(figure.subplots(1, 3))
        for plot, (title, matrix, bound) in zip(plots, parts, strict=True):
            drawn = plot.imshow(matrix, cmap="RdBu_r", vmin=-bound, vmax=bound, interpolation="nearest")
            plot.set_title(title)
            plot.set_xticks(range(len(names)), names, rotation=90, fontsize=7, parse_math=False)
            plot.set_yticks(range(len(names)), names if plot is plots[0] else [], fontsize=7, parse_math=False)
            plot.tick_params(length=0)
            plot.spines[:].set_visible(False)
            if plot is not plots[0]:
                bar = figure.colorbar(
                    drawn, ax=plot if plot is plots[2] else plots[:2], shrink=0.7, aspect=25, pad=0.02
                )
                bar.outline.set_visible(False)
                bar.ax.yaxis.set_major_locator(MaxNLocator(5))
        return as_image(figure)


def column_panels(
    schema: Schema, real: Rows, fake: Rows, columns: Sequence[int], notes: Sequence[str] = ()
) -> Image.Image:
    """Some columns, real and synthetic over each other: histograms of numbers, bars of levels.

    The outermost half per cent of numbers is not shown, nor synthetic ones farther beyond the real ones than these
    range. Shares are of all rows, and the title says how many are missing.

    Arguments:
        schema: of the columns.
        real, fake: raw rows (n, d) and (m, d).
        columns: positions of the columns to show, such as the worst ones.
        notes: written behind the name of each, such as its score.
    """
    figure, plots = _sheet(len(columns), HEIGHTS["column"])
    with mpl.rc_context(STYLE):
        for place, (plot, index) in enumerate(zip(plots, columns, strict=True)):
            column, sides = schema.kept[index], (real[:, index], fake[:, index])
            (_bars if column.levelled else _histogram)(plot, column, sides)
            _title(plot, shortened(column.name, 28), *notes[place : place + 1], _missing(column, sides))
        _legend(figure, len(real) > 0)
        return as_image(figure)


def pair_panels(
    schema: Schema, real: Rows, fake: Rows, pairs: Sequence[tuple[int, int]], notes: Sequence[str] = ()
) -> Image.Image:
    """Some pairs of columns: clouds of two numbers, spans of a number in each level, shares of levels within levels.

    A span is from the tenth to the ninetieth percentile, with a mark at the median. Arguments are those of
    `column_panels`, with pairs of positions.
    """
    figure, plots = _sheet(len(pairs), HEIGHTS["pair"])
    with mpl.rc_context(STYLE):
        for place, (plot, (i, j)) in enumerate(zip(plots, pairs, strict=True)):
            if schema.kept[j].levelled and not schema.kept[i].levelled:
                i, j = j, i  # levels first
            columns = schema.kept[i], schema.kept[j]
            sides = real[:, [i, j]], fake[:, [i, j]]
            draw = (_cloud, _spans, _share_gaps)[sum(column.levelled for column in columns)]
            draw(plot, columns, sides)
            names = [shortened(column.name, 20) for column in columns]
            both = " and ".join(names)
            _title(plot, *([both] if len(both) <= 24 else names), *notes[place : place + 1])
        _legend(figure, len(real) > 0)
        return as_image(figure)


def _sheet(count: int, height: float) -> tuple[Figure, list[Axes]]:
    rows = max(1, -(-count // ACROSS))
    with mpl.rc_context(STYLE):
        size = (WIDTH * ACROSS + 0.6, height * rows + 0.35)
        figure = Figure(figsize=size, dpi=130, layout="constrained")
        FigureCanvasAgg(figure)
        plots = list(np.ravel(figure.subplots(rows, ACROSS, squeeze=False)))
    for plot in plots:
        plot.spines[["top", "right"]].set_visible(False)
    for plot in plots[count:]:
        plot.set_axis_off()
    return figure, plots[:count]


def _legend(figure: Figure, real: bool) -> None:
    handles = [mpl.patches.Patch(color=REAL, label="real"), mpl.patches.Patch(color=FAKE, label="synthetic")]
    figure.legend(handles=handles if real else handles[1:], loc="outside upper right", ncols=2, frameon=False)


def _title(plot: Axes, *parts: str) -> None:
    plot.set_title("\n".join(part for part in parts if part), fontsize=7.5, loc="left", parse_math=False)


def _missing(column: Column, sides: Shares) -> str:
    pairs = zip(sides, ("real", "synthetic"), strict=True)
    shares = {name: float(np.isnan(side).mean()) for side, name in pairs if len(side)}
    if column.levelled or not max(shares.values()):
        return ""
    return "missing: " + ", ".join(f"{share:.1%} {name}" for name, share in shares.items())


def _histogram(plot: Axes, column: Column, sides: Shares) -> None:
    real, fake = (side[~np.isnan(side)] for side in sides)
    low, high = _range(real, fake)
    edges = np.linspace(low, high, BINS + 1)
    if column.kind == "integer":  # bins of equally many whole numbers
        edges = np.arange(np.floor(low), high + (high - low) / BINS + 1, np.ceil((high - low + 1) / BINS)) - 0.5
    for values, side, colour in ((real, sides[0], REAL), (fake, sides[1], FAKE)):
        shares = np.histogram(values, edges)[0] / max(len(side), 1)
        plot.stairs(shares, edges, fill=side is sides[0], linewidth=1.2, color=colour)
    plot.set_ylabel("share")
    plot.set_xticks(*number_ticks(column, low, high))


def _bars(plot: Axes, column: Column, sides: Shares) -> None:
    levels, names = _levels(column, sides)
    place = np.arange(len(levels))
    for shift, side, colour in ((-0.2, sides[0], REAL), (0.2, sides[1], FAKE)):
        shares = [inside.sum() / max(len(side), 1) for inside in _members(side, levels)]
        plot.barh(place + shift, shares, 0.4, color=colour)
    plot.set_yticks(place, names, fontsize=7, parse_math=False)
    plot.invert_yaxis()
    plot.xaxis.set_major_locator(MaxNLocator(3))
    plot.set_xlabel("share")


def _levels(column: Column, sides: Shares) -> tuple[list[float], list[str]]:
    """The levels to show, most frequent first, and their names; NaN is a missing value, -1 all others."""
    pooled = np.concatenate(sides)
    found, counts = np.unique(pooled, return_counts=True, equal_nan=True)
    order = found[np.argsort(-counts, kind="stable")].tolist()
    shown = order if len(order) <= LEVELS else [*order[: LEVELS - 1], -1.0]
    return shown, [_level_name(column, level) for level in shown]


def _level_name(column: Column, level: float) -> str:
    if np.isnan(level):
        return "(missing)"
    if level < 0:
        return "(others)"
    return shortened(column.levels[int(level)]) if level < len(column.levels) else "(unknown)"


def _members(values: Matrix, levels: Sequence[float]) -> list[NDArray[np.bool_]]:
    """Which values have each of some levels."""
    named = [np.isnan(values) if np.isnan(level) else values == level for level in levels]
    others = ~np.logical_or.reduce([inside for inside, level in zip(named, levels, strict=True) if level != -1])
    return [others if level == -1 else inside for inside, level in zip(named, levels, strict=True)]


def _cloud(plot: Axes, columns: tuple[Column, Column], sides: Shares) -> None:
    """Both sides over each other, in random order so that none hides the other."""
    some = [rows[~np.isnan(rows).any(axis=1)][:POINTS] for rows in sides]
    points = np.concatenate(some)
    colours = np.repeat([REAL, FAKE], [len(part) for part in some])
    order = np.random.default_rng(0).permutation(len(points))
    plot.scatter(points[order, 0], points[order, 1], s=3, c=colours[order], alpha=0.6, linewidths=0)
    for axis, column, first, second in zip("xy", columns, some[0].T, some[1].T, strict=True):
        low, high = _range(first, second)
        margin = 0.05 * (high - low)
        (plot.set_xlim if axis == "x" else plot.set_ylim)(low - margin, high + margin)
        (plot.set_xticks if axis == "x" else plot.set_yticks)(*number_ticks(column, low, high))
    plot.set_xlabel(shortened(columns[0].name), parse_math=False)
    plot.set_ylabel(shortened(columns[1].name), parse_math=False)


def _spans(plot: Axes, columns: tuple[Column, Column], sides: Shares) -> None:
    levels, names = _levels(columns[0], (sides[0][:, 0], sides[1][:, 0]))
    ends = []
    for shift, rows, colour in ((-0.17, sides[0], REAL), (0.17, sides[1], FAKE)):
        for place, inside in enumerate(_members(rows[:, 0], levels)):
            values = rows[inside & ~np.isnan(rows[:, 1]), 1]
            if len(values):
                low, middle, high = np.quantile(values, [0.1, 0.5, 0.9])
                plot.plot([low, high], [place + shift] * 2, color=colour, linewidth=3, solid_capstyle="projecting")
                plot.plot([middle], [place + shift], "|", color=INK, markersize=5)
                ends += [low, high]
    plot.set_yticks(range(len(names)), names, fontsize=7, parse_math=False)
    plot.invert_yaxis()
    plot.set_xlabel(shortened(columns[1].name), parse_math=False)
    if ends:
        plot.set_xticks(*number_ticks(columns[1], min(ends), max(ends)))


def _share_gaps(plot: Axes, columns: tuple[Column, Column], sides: Shares) -> None:
    """Differences of the shares of pairs of levels, red where the synthetic rows have more."""
    named = [_levels(column, (sides[0][:, k], sides[1][:, k])) for k, column in enumerate(columns)]
    shares = []
    for rows in sides:
        down, across = (_members(rows[:, k], levels) for k, (levels, _) in enumerate(named))
        shares.append(np.array([[float((one & other).mean()) for other in across] for one in down]))
    gap = 100 * (shares[1] - shares[0])
    bound = max(float(np.abs(gap).max()), 1e-9)
    drawn = plot.imshow(gap, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest")
    plot.set_yticks(range(len(named[0][1])), named[0][1], fontsize=7, parse_math=False)
    plot.set_xticks(range(len(named[1][1])), named[1][1], rotation=90, fontsize=6.5, parse_math=False)
    plot.tick_params(length=0)
    bar = plot.figure.colorbar(drawn, ax=plot, aspect=18, pad=0.02, ticks=MaxNLocator(3))
    bar.outline.set_visible(False)
    bar.ax.set_title("% points", fontsize=6.5)


def _range(real: Matrix, fake: Matrix) -> tuple[float, float]:
    """Where most numbers are, reaching beyond the real ones by as much as their range at most."""
    ends = [np.quantile(side, [TAIL, 1 - TAIL], method="nearest") for side in (real, fake) if len(side)]
    if not ends:
        return 0.0, 1.0
    (low, high), wide = ends[0], float(np.ptp(ends[0]))
    low = max(float(min(end[0] for end in ends)), low - wide)
    high = min(float(max(end[1] for end in ends)), high + wide)
    return (float(low), float(high)) if high > low else (low - 0.5, high + 0.5)


def shortened(name: str, most: int = NAME) -> str:
    """A name without its middle, as beginning and end tell names apart."""
    name = legible(name)
    end = most // 3
    return name if len(name) <= most else f"{name[: most - 1 - end]}…{name[-end:]}"
