"""Two sample sets and how far apart they are."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from monge.data.space import TableSpace, VectorSpace
from monge.data.table.codec import TableCodec
from monge.data.table.reader import difference
from monge.distance.bounds import CERTIFIED, Bracket, Progress, bracket, silent
from monge.distance.dual.family import FAMILIES, Family
from monge.distance.serial import SerialDependence, serial_dependence
from monge.distance.transport.exact import Coupling, coupling
from monge.errors import UserError, unknown_name
from monge.evaluation.estimates import ESTIMATES, Figure, Pair, annotated, common, repeats
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.scales import Scales, scales
from monge.evaluation.verdict import Verdict, judge

COUPLED = 400
"""Samples a side of the coupling that is drawn."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sample sets and how far apart they are.

    Attributes:
        a, b: the sets; a takes the place of the real samples.
        seed: decided all choices.
        bracket: W1 between them.
        figures: further estimates by name.
        shared: points that are in both sets.
        repeated: samples of a, and of b, that equal an earlier one of their set.
        dependence: of the rows of a, and of b, on their order in the file; None where none is seen.
        scales: columns that hardly count beside others; None for images, and where every column counts.
        plan: optimal coupling of the first 400 points of a with those of b.
    """

    a: SampleSet
    b: SampleSet
    seed: int
    bracket: Bracket
    figures: dict[str, Figure]
    shared: int
    repeated: tuple[int, int]
    dependence: tuple[SerialDependence | None, SerialDependence | None]
    scales: Scales | None
    plan: Coupling

    @cached_property
    def verdict(self) -> Verdict:
        """What all of this says together."""
        return judge(self)

    def as_json(self) -> dict[str, Any]:
        """Everything but the points, as plain mappings."""
        return {
            "a": self.a.as_json(),
            "b": self.b.as_json(),
            "seed": self.seed,
            **self.verdict.as_json(),
            "shared": self.shared,
            "repeated": self.repeated,
            "dependence": [None if found is None else asdict(found) for found in self.dependence],
            "scales": None if self.scales is None else asdict(self.scales),
            "bracket": self.bracket.as_json(),
            **{name: asdict(figure) for name, figure in self.figures.items()},
        }


def compare(
    a: SampleSet,
    b: SampleSet,
    *,
    seed: int = 0,
    families: Sequence[str | Family] = (),
    progress: Progress = silent,
) -> Comparison:
    """Measures how far apart two sample sets are.

    Arguments:
        a, b: sets of samples of one kind and shape.
        seed: equal seeds give equal results.
        families: of potentials for the lower limit; the bracket's own where none are given.
        progress: called with what is being done, and how much of it is done and to do.

    Raises:
        UserError: samples of different kinds, shapes or columns, or an unknown family.
    """
    if found := difference(a.columns, b.columns):
        raise UserError(f"A and B must have the same columns in one order: of those of {a.name}, {b.name} {found}")
    if a.space != b.space:
        if isinstance(a.space, TableSpace) and (found := a.space.difference(b.space)):
            raise UserError(f"A and B must hold the same kind of values in each column: {found}")
        raise UserError(
            f"A and B must hold the same kind of samples: {a.name} has {a.space.form}, {b.name} has {b.space.form}"
        )
    check_families(families)
    x, y = a.points, b.points
    measured = bracket(x, y, seed=seed, families=families or CERTIFIED, progress=progress)
    pair, figures = Pair(x, y, seed), {}
    for entry in ESTIMATES:
        progress(entry.name, 0, 1)
        figure = annotated(entry, pair)
        if figure is not None:
            figures[entry.name] = figure
        progress(entry.name, 1, 1)
    return Comparison(
        a,
        b,
        seed,
        measured,
        figures,
        shared=common(x, y),
        repeated=(repeats(x), repeats(y)),
        dependence=(serial(a, seed), serial(b, seed)),
        scales=scales(x, y, a.columns or b.columns) if isinstance(a.space, VectorSpace) else None,
        plan=coupling(x[:COUPLED], y[:COUPLED]),
    )


def serial(side: SampleSet, seed: int) -> SerialDependence | None:
    """How the rows of a set depend on their order in the file, within each class where there are classes.

    Of a table, the column is one of its own, not a coordinate in metric scale.
    """
    if side.recorded is None:
        return None
    classes = None if side.classes is None else side.classes[side.recorded]
    found = serial_dependence(side.points[side.recorded], classes, seed=seed)
    if found is None or found.column is None or not isinstance(side.codec, TableCodec):
        return found
    ends = [group.stop for group in side.codec.groups]
    return replace(found, column=bisect_right(ends, found.column))


def check_families(families: Sequence[str | Family]) -> None:
    """Refuses names of families that do not exist.

    Raises:
        UserError: names the nearest one.
    """
    for family in families:
        if isinstance(family, str) and family not in FAMILIES:
            raise unknown_name("--families", family, FAMILIES)
