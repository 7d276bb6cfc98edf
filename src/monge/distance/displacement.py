r"""The directions in which two sample sets differ: the excess of a bracket split by directions instead of coordinates.

What a coupling moves along a unit vector v is a part of its cost, as |d| = sum_v (v . d)^2 / |d| over any orthonormal
basis. With the matrix of a transport

.. math:: M(P, Q) = \mathbb{E}_{(x, y) \sim \gamma}\,\frac{(x - y)(x - y)^\top}{\lVert x - y \rVert}, \qquad
          N = M(\hat P, \hat Q) - \tfrac12 \bigl(M(\hat P, \hat P') + M(\hat Q, \hat Q')\bigr),

the part of the excess along v is :math:`v^\top N v`, and the trace of N is the excess (`bounds.bracket`). Its leading
eigenvectors are the directions with most of it; its diagonal is the split by coordinates (`excess_split`). Chance makes
both signs of eigenvalue alike, so that one no larger than the most negative is not to be trusted.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from monge.distance.bounds import DRAWS
from monge.distance.part import parts
from monge.distance.points import Points, point_sets
from monge.distance.transport.exact import coupling
from monge.errors import UserError

SIZE = 512
"""Samples on each side of a transport, at most. In 10 dimensions, 8 draws found the plane of a correlation of .8 among
3,000 rows to 96 %, and the direction of a mode of 2 % of 5,000 to 83 %; with 1,024 to 97 and 93 % in 6 times the time,
with 256 to 94 and 75 %."""
DENSE = 512
"""Dimensions up to which the matrix is written down."""
NUMBERS = 2**25
"""Coordinates of displacements that are kept, at most: 256 MiB; of many dimensions fewer draws are taken."""
STREAM = 40_000
"""Sets the draws apart from the bracket's, which start with the same seed."""


@dataclass(frozen=True, eq=False)
class Displacement:
    """Directions with most of the excess.

    Attributes:
        axes: orthonormal, that with most of it first; the largest coordinate of each is positive, (k, d).
        parts: of the excess along each, (k,).
        chance: the part below 0 of the direction that has least, as a size; larger parts than this are no chance.
        coordinates: parts of the excess of single coordinates, (d,); they sum to the excess.
    """

    axes: NDArray[np.float64]
    parts: NDArray[np.float64]
    chance: float
    coordinates: NDArray[np.float64]


def displacement(
    x: ArrayLike,
    y: ArrayLike,
    count: int = 2,
    *,
    within: NDArray[np.intp] | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Displacement:
    """The directions with most of the excess between x (n, d), the reference, and y (m, d).

    Arguments:
        count: of directions, fewer than the coordinates among which they are sought.
        within: the coordinates that directions may have, more than `count`; all if not given.
        draws: random splits for the transport, at least 1.
        seed: decides them.

    Raises:
        UserError: bad points, fewer than three samples in a set, or no such count.

    Example:
        >>> import numpy as np
        >>> x, y = np.random.default_rng(0).normal(size=(2, 600, 4))
        >>> found = displacement(x, y + [0, 3, 0, 4], 1)
        >>> found.axes.round(1).tolist()
        [[-0.0, 0.6, 0.0, 0.8]]
    """
    x, y = point_sets(x, y)
    kept = np.arange(x.shape[1]) if within is None else within
    if not 0 < count < len(kept):
        raise UserError(f"count must be from 1 to {len(kept) - 1}, one less than the coordinates; got {count}")
    n = min(SIZE, len(x) // 3, len(y) // 3)
    if n < 1:
        raise UserError(f"directions need at least 3 samples on each side; got {len(x)} and {len(y)}")
    draws = max(1, min(draws, NUMBERS // (6 * n * x.shape[1])))
    weights, moves = map(np.concatenate, zip(*_moves(x, y, n, draws, seed), strict=True))
    coordinates = weights @ moves**2
    values, vectors = _extremes(weights, moves[:, kept], count, seed)
    axes = np.zeros((count, x.shape[1]))
    axes[:, kept] = vectors[:, :0:-1].T
    axes *= np.sign(axes[np.arange(count), np.abs(axes).argmax(axis=1)])[:, None]  # that of an eigenvector is arbitrary
    return Displacement(axes, values[:0:-1], max(-float(values[0]), 0.0), coordinates)


def _moves(x: Points, y: Points, n: int, draws: int, seed: int) -> Iterator[tuple[Points, Points]]:
    """Weights (k,) and displacements (k, d) of every transport, by which N is the sum of weight times d d^T."""
    for draw in range(draws):
        (a, b), (c, d) = (parts(points, (n, n), seed, STREAM + draw, side) for side, points in enumerate((x, y)))
        for first, second, weight in ((a, c, 1.0), (a, b, -0.5), (c, d, -0.5)):
            plan = coupling(first, second)
            moved = first[plan.source] - second[plan.target]
            lengths = np.linalg.norm(moved, axis=1)
            far = lengths > 0
            yield weight / draws * plan.mass[far] / lengths[far], moved[far]


def _extremes(weights: Points, moves: Points, count: int, seed: int) -> tuple[Points, Points]:
    """The least eigenvalue of N and its largest ones, ascending, (1 + count,), with eigenvectors, (d, 1 + count)."""
    d = moves.shape[1]
    if d <= DENSE or not len(moves):
        values, vectors = np.linalg.eigh((moves * weights[:, None]).T @ moves)
        chosen = [0, *range(d - count, d)]
        return values[chosen], vectors[:, chosen]
    matrix = LinearOperator((d, d), matvec=lambda v: moves.T @ (weights * (moves @ v.ravel())), dtype=np.float64)
    start = np.random.default_rng(seed).normal(size=d)
    (least, last), (most, first) = (
        eigsh(matrix, number, which=end, v0=start, tol=1e-6) for number, end in ((1, "SA"), (count, "LA"))
    )
    order = np.argsort(most)
    return np.append(least, most[order]), np.hstack([last, first[:, order]])
