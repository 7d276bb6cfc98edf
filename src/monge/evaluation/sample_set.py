"""Samples of a data set to be compared with those of another.

Nothing is trained, so training and held-out samples are used together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import ArrayData, DataSet
from monge.data.scale import Codec
from monge.data.space import Space
from monge.distance.divergence.discriminator import LEAST
from monge.distance.points import Points
from monge.errors import UserError

SAMPLES = 5000
"""Samples of a data set, by default at most."""
STREAM = 20_000
"""Sets the choice of samples apart from the bracket's streams, which start with the same seed."""


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
        standardise: what the numbers are counted in (see `evaluation.units`); None for the metric scale of the space.
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
    convert: Callable[[Points], Points] = np.asarray
    data: DataSet | None = None
    clusters: NDArray[np.intp] | None = None

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
        if like is not None and like.space == data.space:
            data = data.measured_by(like.codec)  # before any rows are taken: those of tables change with it
        random = np.random.default_rng([seed, side, STREAM])
        number = int(random.integers(2**63))
        if isinstance(data, ArrayData):
            total = data.train.size + data.held_out.size
            raw, places, classes = _chosen(data, min(most, total), number, random)
        else:
            total, raw, places, classes = None, data.train.sample(most, number), None, None
        if len(raw) < LEAST:
            raise UserError(f"{name} must have at least {LEAST} samples; got {len(raw)}")
        order = random.permutation(len(raw))
        return cls(
            name,
            data.codec,
            data.codec.metric(raw)[order],
            total,
            data.info.columns,
            None if places is None else places[order],
            None if classes is None else classes[order],
            data=data,
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

    def as_json(self) -> dict[str, Any]:
        """What is known of the set, without its points."""
        facts = {"data": self.name, "kind": self.space.name, "shape": list(self.space.raw_shape)}
        return facts | {"available": self.available, "used": len(self.points)}


def _chosen(
    data: ArrayData, n: int, seed: int, random: np.random.Generator
) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64] | None]:
    """n raw samples of both parts of some data, the places of their rows in the file, and their classes."""
    train, held_out = data.train, data.held_out
    kept = int(random.hypergeometric(held_out.size, train.size, n))
    # two arrays of one file are one after the other
    parts = [(train, n - kept, 0), (held_out, kept, 0 if held_out.values is train.values else len(train.values))]
    chosen = [(part, part.chosen(count, seed), start) for part, count, start in parts]
    raw = np.concatenate([part.rows(which) for part, which, _ in chosen])
    places = np.concatenate([start + part.index[which] for part, which, start in chosen])
    labels = [part.labels[which] for part, which, _ in chosen if part.labels is not None]
    return raw, places, np.concatenate(labels) if len(labels) == len(chosen) else None
