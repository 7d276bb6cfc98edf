"""Two sample sets that estimates are taken of, and which of their samples each kind of estimate can afford."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monge.distance.bounds import Progress, silent
from monge.distance.part import Clusters
from monge.distance.points import Points
from monge.distance.two_sample.battery import Battery, battery
from monge.evaluation.whole import Whole

PAIRED = 10_000
"""Samples a side, at most, for what looks at all pairs."""
PAIRED_WORK = 64 * PAIRED**2
"""Pairs of samples times dimensions, at most, for the same: beyond 64 dimensions fewer than 10,000 are taken."""
SPARSE = 10
"""Dimensions above which nearest neighbours are too far away to stand for a density."""
SCARCE = 2000
"""Samples a side whose neighbours are looked for in more dimensions."""


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sample sets that estimates are taken of.

    Arguments:
        x, y: samples (n, d) and (m, d), in random order.
        seed: of what estimates draw.
        progress: called with what is being done, and how much of it is done and to do.
        whole: what all rows say, where x and y are only some of them.
        clusters: of rows that depend on each other.
    """

    x: Points
    y: Points
    seed: int = 0
    progress: Progress = silent
    whole: Whole | None = None
    clusters: Clusters | None = None

    @cached_property
    def some(self) -> "Pair":
        """As many samples of either side as can be compared with as many others in reasonable time."""
        return Pair(some(self.x), some(self.y), self.seed)

    @property
    def near(self) -> "Pair":
        """As many samples as neighbours are looked for among: few where there are too many dimensions for them."""
        few = SCARCE if self.dimension > SPARSE else PAIRED
        return Pair(self.some.x[:few], self.some.y[:few], self.seed)

    @cached_property
    def battery(self) -> Battery:
        """Whether they come from one distribution."""
        return battery(self.x, self.y, clusters=self.clusters, seed=self.seed, progress=self.progress)

    @property
    def sizes(self) -> tuple[int, int]:
        """Samples on either side."""
        return len(self.x), len(self.y)

    @property
    def dimension(self) -> int:
        """Numbers of a sample."""
        return int(self.x.shape[1])


def common(x: Points, y: Points) -> int:
    """How many different points are in both of two sets."""
    return len(different(x) & different(y))


def repeats(x: Points) -> int:
    """How many points of a set equal an earlier one."""
    return len(x) - len(different(x))


def different(x: Points) -> set[bytes]:
    """The different points of a set."""
    return {row.tobytes() for row in np.ascontiguousarray(x)}


def some(points: Points) -> Points:
    """As many points as can be compared with as many others in reasonable time."""
    return points[: min(PAIRED, int((PAIRED_WORK / points.shape[1]) ** 0.5))]
