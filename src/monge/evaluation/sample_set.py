"""Samples of a data set to be compared with those of another.

Nothing is trained, so training and held-out samples are used together.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from monge.data.dataset import DataSet
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
        space: what one sample is.
        points: the samples in random order, (n, D).
        available: how many samples there are; None where every draw is fresh.
        columns: names of a vector's numbers, or None.
    """

    name: str
    space: Space
    points: Points
    available: int | None
    columns: list[str] | None = None

    @classmethod
    def draw(cls, data: DataSet, name: str, *, most: int = SAMPLES, seed: int = 0, side: int = 0) -> "SampleSet":
        """All samples of a data set or, where there are more than `most`, so many at random.

        Arguments:
            data: where they come from.
            name: for errors and tables.
            most: at least 8.
            seed: decides which ones, and fresh draws.
            side: 0 or 1: two sets drawn with one seed are independent of each other.

        Raises:
            UserError: fewer than 8 samples.
        """
        random = np.random.default_rng([seed, side, STREAM])
        number = int(random.integers(2**63))
        total, trained, kept = None, data.train.size, data.held_out.size
        if trained is None or kept is None:
            taken = [data.train.sample(most, number)]
        else:
            total = trained + kept
            held_out = int(random.hypergeometric(kept, trained, min(most, total)))
            train = min(most, total) - held_out
            taken = [data.train.sample(train, number), data.held_out.sample(held_out, number)]
        raw = np.concatenate(taken)
        if len(raw) < LEAST:
            raise UserError(f"{name} must have at least {LEAST} samples; got {len(raw)}")
        points = data.codec.metric(raw)[random.permutation(len(raw))]
        return cls(name, data.space, points, total, data.info.columns)

    def as_json(self) -> dict[str, Any]:
        """What is known of the set, without its points."""
        facts = {"data": self.name, "kind": self.space.name, "shape": list(self.space.raw_shape)}
        return facts | {"available": self.available, "used": len(self.points)}
