"""Samples of a data set to be compared with those of another.

Nothing is trained, so training and held-out samples are used together.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import ArrayData, DataInfo, DataSet
from monge.data.scale import Codec
from monge.data.space import Space, TableSpace
from monge.data.table.codec import TableCodec
from monge.data.table.reader import difference
from monge.distance.divergence.discriminator import LEAST
from monge.distance.points import Points
from monge.distance.serial import SerialDependence, serial_dependence
from monge.errors import UserError

SAMPLES = 5000
"""Samples of a data set, by default at most."""
STREAM = 20_000
"""Sets the choice of samples apart from the bracket's streams, which start with the same seed."""

Chosen = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Positions of samples in the training and in the held-out part of some data."""


@dataclass(frozen=True, eq=False)
class SampleSet:
    """Samples of one data set, in metric scale.

    Attributes:
        name: what the user calls it.
        codec: in whose metric scale they are.
        points: the samples in random order, (n, D).
        available: how many samples there are; None where every draw is fresh.
        columns: names of a vector's numbers, or None.
        rows: of the data that the points are, counted from 0, (n,); None where every draw is fresh.
        classes: class of each point, (n,), or None.
        class_names: of the classes, or None.
        standardise: what the numbers are counted in (see `evaluation.units`); None for the metric scale of the space.
        raw: the samples as the data have them, in the order of the points, (n, ...).
        origin: what a raw sample is: of a table by its own schema, of images by their own pixels; the codec's space if
            not given.
        remarks: what was left out or changed when the data were read, a sentence each.
        convert: from the metric scale into these units.
        data: where the points were drawn from.
        clusters: of each point, (n,), equal in both sets for equal values; None where rows are independent.
    """

    name: str
    codec: Codec
    points: Points
    available: int | None
    columns: list[str] | None = None
    rows: NDArray[np.int64] | None = None
    classes: NDArray[np.int64] | None = None
    standardise: str | None = None
    raw: NDArray[Any] | None = None
    origin: Space | None = None
    remarks: tuple[str, ...] = ()
    convert: Callable[[Points], Points] = np.asarray
    data: DataSet | None = None
    clusters: NDArray[np.intp] | None = None
    class_names: list[str] | None = None

    @classmethod
    def draw(
        cls,
        data: DataSet,
        name: str,
        *,
        most: int = SAMPLES,
        seed: int = 0,
        side: int = 0,
        like: "SampleSet | None" = None,
    ) -> "SampleSet":
        """All samples of a data set or, where there are more than `most`, so many at random.

        Arguments:
            data: where they come from.
            name: for errors and tables.
            most: at least 8.
            seed: decides which ones, and fresh draws.
            side: 0 or 1: two sets drawn with one seed are independent of each other.
            like: a set of the same kind, in whose metric scale this one is to be; none means the data's own.

        Raises:
            UserError: fewer than 8 samples.
        """
        own = data
        if like is not None and like.space == data.space:
            data = data.measured_by(like.codec)  # before any rows are taken: those of tables change with it
        random = np.random.default_rng([seed, side, STREAM])
        number = int(random.integers(2**63))
        total = data.train.size + data.held_out.size if isinstance(data, ArrayData) else None
        n = most if total is None else min(most, total)
        if n < LEAST:
            raise UserError(f"{name} must have at least {LEAST} samples; got {n}")
        if not isinstance(data, ArrayData):
            fresh = data.train.sample(n, number)
            order = random.permutation(len(fresh))
            raw, points = fresh[order], data.codec.metric(fresh)[order]
            return cls(name, data.codec, points, None, data.info.columns, raw=raw, origin=own.space)
        chosen = _chosen(data, n, number, random)
        taken = _rows(data, chosen)
        order = random.permutation(len(taken))
        classes = _classes(data, chosen)
        return cls(
            name,
            data.codec,
            data.codec.metric(taken)[order],
            total,
            data.info.columns,
            _places(data, chosen)[order],
            None if classes is None else classes[order],
            data=data,
            raw=(taken if data.train is own.train else _rows(own, chosen))[order],
            origin=own.space,
            remarks=_remarks(data.info),
            class_names=data.info.classes,
        )

    @property
    def space(self) -> Space:
        """What one sample is."""
        return self.codec.space

    @property
    def drawn(self) -> bool:
        """Whether there are more samples than the points."""
        return self.available is not None and self.available > len(self.points)

    def chunks(self) -> Iterator[Points]:
        """All samples, in the order of the file, some at a time, (n, D)."""
        assert self.data is not None
        for part in (self.data.train, self.data.held_out):
            for raw in part.chunks():
                yield self.convert(self.codec.metric(raw))

    @property
    def recorded(self) -> NDArray[np.int64] | None:
        """Positions of the points in the order of the file, (n,); None where every draw is fresh."""
        return None if self.rows is None else np.argsort(self.rows)

    def dependence(self, seed: int) -> SerialDependence | None:
        """How the rows depend on their order in the file, within each class where there are classes.

        Of a table, the column is one of its own, not a coordinate in metric scale.
        """
        recorded = self.recorded
        if recorded is None:
            return None
        classes = None if self.classes is None else self.classes[recorded]
        found = serial_dependence(self.points[recorded], classes, seed=seed)
        if found is None or found.column is None or not isinstance(self.codec, TableCodec):
            return found
        ends = [group.stop for group in self.codec.groups]
        return replace(found, column=bisect_right(ends, found.column))

    def as_json(self) -> dict[str, Any]:
        """What is known of the set, without its points."""
        facts = {"data": self.name, "kind": self.space.name, "shape": list(self.space.raw_shape)}
        return facts | {"available": self.available, "used": len(self.points)}


def check_kinds(a: SampleSet, b: SampleSet) -> None:
    """Refuses sets that cannot be compared.

    Raises:
        UserError: samples of different kinds, shapes or columns.
    """
    if found := difference(a.columns, b.columns):
        raise UserError(f"A and B must have the same columns in one order: of those of {a.name}, {b.name} {found}")
    if a.space != b.space:
        if isinstance(a.space, TableSpace) and (found := a.space.difference(b.space)):
            raise UserError(f"A and B must hold the same kind of values in each column: {found}")
        raise UserError(
            f"A and B must hold the same kind of samples: {a.name} has {a.space.form}, {b.name} has {b.space.form}"
        )


def _chosen(data: ArrayData, n: int, seed: int, random: np.random.Generator) -> Chosen:
    """n samples of both parts of some data."""
    held_out = int(random.hypergeometric(data.held_out.size, data.train.size, n))
    return data.train.chosen(n - held_out, seed), data.held_out.chosen(held_out, seed)


def _rows(data: DataSet, chosen: Chosen) -> NDArray[Any]:
    """The chosen samples, raw."""
    return np.concatenate([part.rows(which) for part, which in zip((data.train, data.held_out), chosen, strict=True)])


def _places(data: ArrayData, chosen: Chosen) -> NDArray[np.int64]:
    """The rows of the file that the chosen samples are; two arrays of one file are one after the other."""
    start = 0 if data.held_out.values is data.train.values else len(data.train.values)
    return np.concatenate([data.train.index[chosen[0]], start + data.held_out.index[chosen[1]]])


def _classes(data: ArrayData, chosen: Chosen) -> NDArray[np.int64] | None:
    """The class of each chosen sample; None where a part has none."""
    sides = data.train.labels, data.held_out.labels
    labels = [labels[which] for labels, which in zip(sides, chosen, strict=True) if labels is not None]
    return np.concatenate(labels) if len(labels) == len(sides) else None


def _remarks(info: DataInfo) -> tuple[str, ...]:
    """What was left out or changed when some data were read."""
    left_out = [f"left out: {count:,} {reason}" for reason, count in info.left_out.items() if count]
    resized = [f"{info.resized:,} images cropped and resized"] if info.resized else []
    return (*left_out, *resized, *info.notes)
