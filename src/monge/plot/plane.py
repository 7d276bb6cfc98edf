"""The axes on which two sets of points are drawn: coordinates, directions, or columns of a table in their own units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from monge.data.table.schema import Column
from monge.plot.table import shortened
from monge.plot.tick import number_ticks

Places = NDArray[np.float64]

LONGEST = 28
"""Letters of a line of an axis's label, which has a third of the picture."""
MARGIN = 0.04
"""Room beyond the points on either side, as a share of what they span."""
ELONGATED = 4
"""Ratio of the lengths along two axes from which each gets a scale of its own."""
APART = 0.2
"""Distance between a number that is written and a place that has a name, at least, as a share of the axis."""
CROWDED = 24
"""Letters of ticks side by side beyond which they are written aslant."""
TICKS = 5
"""Ticks among numbers, about."""
PLACE = 13
"""Letters of the name of a place."""


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis of a picture of two sets.

    Attributes:
        terms: what it is a sum of: a factor, such as "+ .70", and a name; one without a factor for a column.
        a, b: where the points of A (n,) and of B (m,) are.
        unit: of distances, where lengths along it are distances; None where it has a unit of its own.
        places: positions that have names, such as levels, and "missing" beside numbers.
        column: whose numbers or dates they are, or None.
    """

    terms: Sequence[tuple[str, str]]
    a: Places
    b: Places
    unit: str | None = None
    places: Mapping[float, str] = field(default_factory=dict)
    column: Column | None = None

    @property
    def label(self) -> str:
        """Its terms and its unit in lines of at most 28 letters; names are cut in the middle where they are longer."""
        lines: list[str] = []
        for factor, name in self.terms:
            text = f"{factor} {shortened(name, LONGEST - len(factor) - 1)}".strip()
            if lines and len(lines[-1]) + 1 + len(text) <= LONGEST:
                lines[-1] += f" {text}"
            else:
                lines.append(text)
        unit = f"({self.unit})" if self.unit else ""
        whole = lines and len(lines[-1]) + 1 + len(unit) <= LONGEST
        return "\n".join([*lines[:-1], f"{lines[-1]} {unit}".strip()] if whole else [*lines, unit])

    @property
    def range(self) -> tuple[float, float]:
        """The least and the largest position."""
        return float(min(self.a.min(), self.b.min())), float(max(self.a.max(), self.b.max()))

    def first(self, count: int) -> "Axis":
        """The same with the first points of either set."""
        return Axis(self.terms, self.a[:count], self.b[:count], self.unit, self.places, self.column)

    def ticks(self) -> tuple[list[float], list[str]] | None:
        """Positions and texts of its ticks; None for what matplotlib chooses."""
        if self.column is None:
            named = list(self.places), [shortened(name, PLACE) for name in self.places.values()]
            return named if self.places else None
        known = np.setdiff1d(np.concatenate([self.a, self.b]), list(self.places))
        if not len(known):
            return list(self.places), list(self.places.values())
        ends = float(known.min()), float(known.max())
        apart = APART * (ends[1] - min(ends[0], *self.places, ends[0]))
        kept = [
            (where, text)
            for where, text in zip(*number_ticks(self.column, *ends, TICKS), strict=True)
            if all(abs(where - place) > apart for place in self.places)
        ]
        kept += self.places.items()
        return [where for where, _ in kept], [text for _, text in kept]


def frame(plot: Axes, axes: tuple[Axis, Axis]) -> None:
    """Limits, labels, ticks and shape of a panel.

    Axes of one unit have sides of one length, so that lengths compare, unless the points reach much farther along one.
    """
    ends = [axis.range for axis in axes]
    middles, spans = [(low + high) / 2 for low, high in ends], [(high - low) or 1.0 for low, high in ends]
    alike = axes[0].unit is not None and axes[0].unit == axes[1].unit
    if alike and max(spans) <= ELONGATED * min(spans):
        spans = [max(spans)] * 2
    limits = [
        (middle - (0.5 + MARGIN) * span, middle + (0.5 + MARGIN) * span)
        for middle, span in zip(middles, spans, strict=True)
    ]
    plot.set(xlim=limits[0], ylim=limits[1], box_aspect=1)
    plot.set_xlabel(axes[0].label, parse_math=False)
    plot.set_ylabel(axes[1].label, parse_math=False)
    for axis, set_ticks in zip(axes, (plot.set_xticks, plot.set_yticks), strict=True):
        if (ticks := axis.ticks()) is not None:
            set_ticks(*ticks, parse_math=False)
    if (ticks := axes[0].ticks()) is not None and sum(map(len, ticks[1])) > CROWDED:
        plot.tick_params(axis="x", labelrotation=30)
        for text in plot.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
