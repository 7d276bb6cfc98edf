"""The rows of two samples together, and what tests that relabel them need: nothing here depends on the labels."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from monge.distance.points import Points

Single = NDArray[np.float32]
MOST_AXES = 64
"""Directions that single numbers are looked at in, at most: of more coordinates, so many principal directions."""
PROBED = 512
"""Rows that principal directions are taken of, at most."""


class Pooled:
    """Rows of two samples together, with what the tests of the battery look at.

    Arguments:
        points: (N, d).
        seed: of directions, folds and centres, which do not depend on which rows are whose.
    """

    def __init__(self, points: Points, seed: int = 0) -> None:
        self.points = points
        self.seed = seed

    def __len__(self) -> int:
        return len(self.points)

    def random(self, stream: int) -> np.random.Generator:
        """Random numbers of one purpose."""
        return np.random.default_rng([self.seed, stream])

    @cached_property
    def distances(self) -> Single:
        """All distances between rows, (N, N)."""
        return between(self.points, self.points)

    @cached_property
    def axes(self) -> Points:
        """Unit vectors (k, d): the coordinates or, of more than 64, the first principal directions of all rows."""
        dimension = self.points.shape[1]
        if dimension <= MOST_AXES:
            return np.eye(dimension)
        return principal(self.points - self.points.mean(axis=0), MOST_AXES)

    @cached_property
    def scores(self) -> Points:
        """Coordinates along the axes by rank, as normal scores with mean 0 and deviation 1, (N, k); 0 where constant.

        Ranks keep a few huge values from deciding alone.
        """
        ranks = rankdata(self.points @ self.axes.T, axis=0)
        return standardised(ndtri((ranks - 0.5) / len(self)))


def between(x: Points, y: Points) -> Single:
    """The distances between rows x (n, d) and y (m, d), (n, m), single, by one matrix product; 0 where they are below
    a millionth of the largest, which rounding can make."""
    middle = x.mean(axis=0)
    x, y = x - middle, y - middle
    squares = (x @ y.T) * -2
    squares += (x * x).sum(axis=1)[:, None]
    squares += (y * y).sum(axis=1)
    squares[squares < 1e-12 * squares.max()] = 0
    return np.sqrt(squares).astype(np.float32)


def principal(centred: Points, count: int) -> Points:
    """The first principal directions of centred rows (N, d), as unit vectors (k, d); of many rows every so many-th."""
    rows = centred[:: -(-len(centred) // PROBED)]
    return np.asarray(np.linalg.svd(rows, full_matrices=False)[2][:count])


def standardised(columns: Points) -> Points:
    """Columns with mean 0 and deviation 1; 0 where they are constant."""
    centred = columns - columns.mean(axis=0)
    deviation = centred.std(axis=0)
    varies = deviation > 1e-9 * np.abs(columns).max(axis=0, initial=0)
    return np.asarray(np.where(varies, centred / np.where(varies, deviation, 1.0), 0.0))
