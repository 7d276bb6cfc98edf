"""Euclidean distances between the rows of two arrays."""

import numpy as np
from scipy.spatial.distance import cdist

from monge.distance.points import Points

MANY_DIMENSIONS = 32
"""Dimensions from which distances are taken by a matrix product: at 784, n = 1,024, 0.05 s instead of 0.7 s."""

CLOSE_PAIRS = 100_000
"""Pairs at a time whose distance is taken by differences all the same."""


def distances(x: Points, y: Points) -> Points:
    """The distances between the rows of x (n, d) and y (m, d), (n, m).

    Example:
        >>> import numpy as np
        >>> from monge.distance.ground import distances
        >>> distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [[5.0, 1.0]]
    """
    if len(x) and len(y) and x.shape[1] >= MANY_DIMENSIONS:
        return _by_products(x, y)
    return np.asarray(cdist(x, y))


def _by_products(x: Points, y: Points) -> Points:
    """Euclidean distances by |x|^2 + |y|^2 - 2 <x, y>, many times faster than differences in many dimensions.

    Differences of nearly equal squares lose digits, so pairs that are close against their distance from the centre are
    computed from their own differences.
    """
    centre = (x.mean(axis=0) + y.mean(axis=0)) / 2
    x, y = x - centre, y - centre
    x_squares, y_squares = (np.einsum("ij,ij->i", points, points) for points in (x, y))
    cost = x @ y.T
    cost *= -2
    cost += x_squares[:, None]
    cost += y_squares
    i, j = np.nonzero(cost < 1e-6 * (x_squares.max() + y_squares.max()))
    np.sqrt(cost, out=cost, where=cost > 0)
    for rows in np.array_split(np.arange(len(i)), len(i) // CLOSE_PAIRS + 1):
        cost[i[rows], j[rows]] = np.linalg.norm(x[i[rows]] - y[j[rows]], axis=1)
    return cost
