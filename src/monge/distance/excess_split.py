r"""The excess of a bracket split exactly by coordinates: what remains of each after its own chance is taken off.

Upper, floor and spread of every draw are transports, and sums over coordinates (`transport.split`). So is the excess,

.. math:: e_j = u_j - \tfrac12 (f_j + s_j), \qquad \sum_j e_j = \mathrm{excess}.

A part can be below 0 by chance, as the excess can. A difference that no coordinate shows alone, such as a changed
correlation, has parts in those that it is between.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.bounds import CERTIFIED, DRAWS, SIZE, Progress, silent, split_bound
from monge.distance.dual.family import Family
from monge.distance.part import Clusters, parts
from monge.distance.points import point_sets
from monge.distance.summary import Bracket, Draw, Limit, Shape, Sides, reuse, summary
from monge.distance.transport.split import group_of, split
from monge.errors import UserError

Parts = NDArray[np.float64]
Recall = Callable[[str, Callable[[], Parts]], Parts]
"""Gives a result that rests on the first sample set alone, by its name: as it was kept, or as a function makes it."""


def afresh(name: str, make: Callable[[], Parts]) -> Parts:
    """Keeps nothing."""
    return make()


@dataclass(frozen=True, eq=False)
class ExcessSplit:
    """Parts of upper, floor and spread of R draws by g groups of coordinates, in the units of the points.

    Attributes:
        uppers, floors, spreads: (R, g).
        reused: squared error of a mean that draws from one pool share, as a multiple of the variance between draws:
            n / (N - n) for draws of n from N samples; 0 where every draw is fresh (see `distance.summary`).
    """

    uppers: Parts
    floors: Parts
    spreads: Parts
    reused: float = 0.0

    @property
    def upper(self) -> Parts:
        """Mean of the uppers, (g,)."""
        return np.asarray(self.uppers.mean(axis=0))

    @property
    def floor(self) -> Parts:
        """Mean of the floors, (g,)."""
        return np.asarray(self.floors.mean(axis=0))

    @property
    def spread(self) -> Parts:
        """Mean of the spreads, (g,)."""
        return np.asarray(self.spreads.mean(axis=0))

    @property
    def excess(self) -> Parts:
        """Upper - (floor + spread) / 2 of each group, (g,); they sum to the excess of the bracket."""
        return self.upper - (self.floor + self.spread) / 2

    @property
    def excess_error(self) -> Parts | None:
        """Standard errors of `excess`, (g,); None for a single draw."""
        count = len(self.uppers)
        if count < 2:
            return None
        excesses = self.uppers - (self.floors + self.spreads) / 2
        return np.asarray(excesses.std(axis=0, ddof=1) * (1 / count + self.reused) ** 0.5)

    @property
    def draws(self) -> list[Draw]:
        """What `distance.summary` takes: the sums of the parts."""
        sums = (part.sum(axis=1) for part in (self.uppers, self.floors, self.spreads))
        return [Draw(float(upper), float(floor), float(spread)) for upper, floor, spread in zip(*sums, strict=True)]


def excess_split(
    first: Sequence[Sides],
    second: Sequence[Sides],
    groups: ArrayLike | None = None,
    reused: float = 0.0,
    progress: Progress = silent,
    recall: Recall = afresh,
) -> ExcessSplit:
    """The split of draws that were made already.

    Arguments:
        first: for every draw two disjoint samples (n, d) of the first distribution, the real one; the first of them
            is compared with the second distribution.
        second: the same of the second.
        groups: of the coordinates, as in `transport.split.split`.
        reused: as in `ExcessSplit`.
        progress: called with what is being done, and how much of it is done and to do.
        recall: gives the floor's parts of a draw, if they are known already.

    Raises:
        UserError: no draws, bad points or bad groups.
    """
    if not first or len(first) != len(second):
        raise UserError(f"first and second must be equally many draws, at least 1; got {len(first)} and {len(second)}")
    draws, count = [], len(first)
    for done, ((real, other), (fake, another)) in enumerate(zip(first, second, strict=True)):
        progress("transport", done, count)
        floor = recall(f"floor of {len(real)}, draw {done}", partial(_parts, real, other, groups))
        draws.append([_parts(real, fake, groups), floor, _parts(fake, another, groups)])
    progress("transport", count, count)
    found = np.array(draws)
    return ExcessSplit(found[:, 0], found[:, 1], found[:, 2], reused)


def _parts(x: ArrayLike, y: ArrayLike, groups: ArrayLike | None) -> Parts:
    return split(x, y, groups).parts


def bracket_split(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    clusters: Clusters | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress = silent,
    recall: Recall = afresh,
) -> ExcessSplit:
    """The split of the draws of `bounds.bracket` with the same seed: x (n, d) is the reference, y (m, d) the other.

    Arguments:
        groups: of the coordinates, as in `transport.split.split`.
        clusters: of rows that depend on each other: none is on both sides of a floor or spread.
        draws: random splits for the transport, at least 1; with more than one there are standard errors.
        seed: decides the draws.
        progress, recall: as in `excess_split`.

    Raises:
        UserError: bad points or groups, fewer than three samples in a set, or draws < 1.

    Example:
        >>> import numpy as np
        >>> from monge.distance.excess_split import bracket_split
        >>> x, y = np.random.default_rng(0).normal(size=(2, 600, 3))
        >>> found = bracket_split(x, y + [0, 2, 0])
        >>> int(found.excess.argmax()), bool(found.excess[1] > 1.5)
        (1, True)
    """
    x, y = point_sets(x, y)
    group_of(x.shape[1], groups)
    if min(len(x), len(y)) < 3:
        raise UserError(f"a bracket needs at least 3 samples on each side; got {len(x)} and {len(y)}")
    if draws < 1:
        raise UserError(f"draws must be at least 1; got {draws}")
    available = min(len(x), len(y))
    n = min(SIZE, available // 3)
    first, second = (
        [(cut[0], cut[1]) for cut in (parts(points, (n, n), seed, draw, side, clusters=own) for draw in range(draws))]
        for side, (points, own) in enumerate(zip((x, y), clusters or (None, None), strict=True))
    )
    return excess_split(first, second, groups, reuse(n, available), progress, recall)


def split_bracket(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    clusters: Clusters | None = None,
    families: Sequence[str | Family] = CERTIFIED,
    seed: int = 0,
    progress: Progress = silent,
    recall: Recall = afresh,
) -> tuple[Bracket, ExcessSplit]:
    """The bracket of `bounds.bracket` and the split of its own draws, at the cost of the bracket.

    Arguments and errors are those of `bounds.bracket`; groups, clusters and recall as in `bracket_split`. Rows that
    depend on each other prove no limit, so with clusters there is none.
    """
    x, y = point_sets(x, y)
    found = bracket_split(x, y, groups, clusters=clusters, seed=seed, progress=progress, recall=recall)
    limit = split_bound((x, y), families, seed, DRAWS, progress) if clusters is None else Limit()
    available = min(len(x), len(y))
    return summary(found.draws, limit, min(SIZE, available // 3), (Shape.of(x), Shape.of(y)), available), found
