"""The sides of a bracket during and after training: real sets drawn once, and what is measured of generated ones."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from scipy.spatial.distance import cdist

from monge.data.dataset import DataSet
from monge.distance import wasserstein
from monge.distance.bounds import CERTIFIED, CHOSEN, DRAWS, SIZE, lower_bound
from monge.distance.dual.family import FAMILIES, Family
from monge.distance.points import Points
from monge.distance.summary import Bracket, Draw, Shape, summary

QUICK_DRAWS = 2
QUICK: Sequence[Family] = (FAMILIES["linear"], FAMILIES["radial"], replace(FAMILIES["c-transform"], width=512, depth=1))
"""Potentials that need no training of their own, for measuring while something else trains."""
SAME_POINTS = "training and held-out samples are the same points"
"""What a floor of 0 says of data that vary."""
FEW_DIMENSIONS = 256
"""Dimensions up to which trained potentials are worth their time; in 4,096 they took minutes and proved no more."""
COLLAPSED = 0.5
"""Spread over floor below which generated samples are of few kinds."""
PAIRED = 256
"""Samples on each side whose distances are averaged, at most."""


class ReferenceSamples:
    """The real side of a bracket, drawn once, in metric scale: held-out and training samples, and their floor.

    Arguments:
        data: where they come from.
        draws: how many sets of each.
        trained: whether to train potentials for the lower limit, where the data has few dimensions.
    """

    def __init__(self, data: DataSet, *, draws: int = DRAWS, trained: bool = True) -> None:
        self.n = data.train.at_most(data.held_out.at_most(SIZE))
        self.draws = draws
        self.held_out, self.train = (
            [data.codec.metric(draw(self.n, seed)) for seed in range(self.draws)]
            for draw in (data.held_out.sample, data.train.sample)
        )
        few = self.train[0].shape[1] <= FEW_DIMENSIONS
        self._families: Sequence[str | Family] = CERTIFIED if trained and few else QUICK
        self._floors = [wasserstein(*sides) for sides in zip(self.held_out, self.train, strict=True)]
        self._shape = Shape.of(self.held_out[0])

    @cached_property
    def scatter(self) -> float:
        """Mean distance between a training and a held-out sample: what the floor would be if they were not matched."""
        return float(cdist(self.train[0][:PAIRED], self.held_out[0][:PAIRED]).mean())

    @property
    def floor(self) -> float:
        """W1 between held-out and training samples: 0 only where they are the same points."""
        return sum(self._floors) / len(self._floors)

    @property
    def varied(self) -> bool:
        """Whether training samples differ from each other."""
        return bool((self.train[0] != self.train[0][0]).any())

    @property
    def fakes(self) -> int:
        """Generated samples that a bracket takes."""
        return 2 * self.n * self.draws

    def bracket(self, fake: Points) -> Bracket:
        """The bracket of `fakes` generated samples, (2 n draws, d).

        Its standard errors are those of the draws. Where the data has fewer held-out samples than all draws take, draws
        share them, up to having the same ones where there are only n, and their own chance is not in the errors.
        """
        sets = fake.reshape(self.draws, 2, self.n, -1)
        found = [
            Draw(wasserstein(first, held_out), floor, wasserstein(first, second))
            for (first, second), held_out, floor in zip(sets, self.held_out, self._floors, strict=True)
        ]
        chosen, held_out = self.n // CHOSEN, self.held_out[0]
        limit = lower_bound(
            (self.train[0], sets[0, 1]),
            (held_out[:chosen], sets[0, 0, :chosen]),
            (held_out[chosen:], sets[0, 0, chosen:]),
            families=self._families,
        )
        return summary(found, limit, self.n, (self._shape, Shape.of(sets[0, 0])))
