"""Samples of a data set to be compared with those of another.

Nothing is trained, so training and held-out samples are used together.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from monge.data.dataset import DataSet
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
        kind: image or vector.
        shape: of one sample as its owner has it, (H, W, C) or (d,).
        points: the samples in random order, (n, D).
        available: how many samples there are; None where every draw is fresh.
        columns: names of a vector's numbers, or None.
    """

    name: str
    kind: Literal["image", "vector"]
    shape: tuple[int, ...]
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
        if data.size is None:
            total, taken = None, [data.train_sample(most, number)]
        else:
            total = data.size + data.held_out_size
            held_out = int(random.hypergeometric(data.held_out_size, data.size, min(most, total)))
            train = min(most, total) - held_out
            taken = [data.train_sample(train, number), data.held_out_sample(held_out, number)]
        outside = np.concatenate(taken)
        if len(outside) < LEAST:
            raise UserError(f"{name} has {len(outside)} samples: at least {LEAST} are needed")
        points = data.codec.metric(outside)[random.permutation(len(outside))]
        return cls(name, data.kind, outside.shape[1:], points, total, data.columns)

    @property
    def form(self) -> str:
        """What one sample is, in words."""
        if self.kind == "image":
            return f"images {' x '.join(map(str, self.shape))}"
        return f"vectors of {self.shape[0]} number{'s' if self.shape[0] > 1 else ''}"

    def as_json(self) -> dict[str, Any]:
        """What is known of the set, without its points."""
        facts = {"data": self.name, "kind": self.kind, "shape": list(self.shape)}
        return facts | {"available": self.available, "used": len(self.points)}
