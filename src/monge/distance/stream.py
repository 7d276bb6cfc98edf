r"""Distances of sets of any size: every row is looked at once, and only counts and means are kept.

Rows are projected on random directions, and the values on each are counted between fixed edges, so that distribution
functions F and G are exact at the edges. In between they are taken to be straight, and beyond the outermost edges to
have the mean that was found. Then

.. math:: \mathrm{SW}_1 = \mathbb{E}_\theta \int |F_\theta - G_\theta|, \qquad
          D^2 = \frac{2}{\kappa_d} \mathbb{E}_\theta \int (F_\theta - G_\theta)^2, \qquad
          \kappa_d = \frac{\Gamma(d / 2)}{\sqrt\pi \, \Gamma((d + 1) / 2)},

as the mean length of a projection of v is :math:`\kappa_d \lVert v \rVert` (Szekely, Rizzo 2013, for d = 1). MMD is the
distance of the means of random Fourier features (Rahimi, Recht 2007). Errors are those of the random directions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from monge.distance.estimate import Estimate
from monge.distance.kernel.kernel import FACTORS, median_distance
from monge.distance.points import Points

DIRECTIONS = 64
"""Random directions that rows are projected on."""
FREQUENCIES = 128
"""Random Fourier features, each a cosine and a sine."""
EDGES = 1000
"""Edges between which values are counted, about: quantiles of the rows that were drawn."""


class Counts:
    """How many values of k columns are at most each of their edges.

    Arguments:
        edges: ascending, of each column, (e,).
    """

    def __init__(self, edges: list[Points]) -> None:
        self.edges = edges
        self.at_most = [np.zeros(len(own), np.int64) for own in edges]
        self.beyond = np.zeros((len(edges), 2))
        self.total = 0

    def add(self, columns: Iterable[Points]) -> None:
        """Counts the values (n,) of every column of some rows."""
        size = 0
        for k, values in enumerate(columns):
            ordered, edges = np.sort(values), self.edges[k]
            self.at_most[k] += np.searchsorted(ordered, edges, side="right")
            low, high = np.searchsorted(ordered, edges[[0, -1]])
            self.beyond[k] += (edges[0] - ordered[:low]).sum(), (ordered[high:] - edges[-1]).sum()
            size = len(values)
        self.total += size

    def shares(self, k: int) -> Points:
        """The distribution function of a column at its edges."""
        return np.asarray(self.at_most[k] / self.total)


@dataclass(frozen=True)
class Streamed:
    """What was found of two sets by looking at all rows.

    Attributes:
        sliced: sliced W1, in the units of the rows.
        energy: squared energy distance.
        mmd: squared MMD, with Gaussian kernels around the median distance.
        rows: of either set.
    """

    sliced: Estimate
    energy: Estimate
    mmd: Estimate
    rows: tuple[int, int]


def streamed(
    first: Iterable[Points], second: Iterable[Points], drawn: tuple[Points, Points], *, seed: int = 0
) -> Streamed:
    """Distances between two sets whose rows come in chunks.

    Arguments:
        first, second: chunks (n, d) of all rows of either.
        drawn: some rows of either at random, (n, d) and (m, d): they decide edges and the length of kernels.
        seed: of directions and frequencies.

    Example:
        >>> import numpy as np
        >>> from monge import distance
        >>> x, y = np.random.default_rng(0).normal(size=(2, 4000, 3)) + [[[0, 0, 0]], [[0, 1, 0]]]
        >>> found = streamed(np.split(x, 4), np.split(y, 4), (x[:500], y[:500]))
        >>> bool(abs(found.energy.value / distance.energy(x, y).squared - 1) < 0.3)
        True
    """
    random = np.random.default_rng(seed)
    dimension = drawn[0].shape[1]
    onto = random.normal(size=(DIRECTIONS, dimension))
    onto /= np.linalg.norm(onto, axis=1, keepdims=True)
    lengths = median_distance(*drawn) * np.resize(FACTORS, FREQUENCIES)
    frequencies = random.normal(size=(FREQUENCIES, dimension)) / lengths[:, None]
    pooled = np.concatenate(drawn) @ onto.T
    edges = [edges_of(column) for column in pooled.T]
    sides = [_read(chunks, onto, frequencies, edges) for chunks in (first, second)]
    (counts, waves), (others, opposite) = sides
    rows = counts.total, others.total
    transports, squares = np.array([gaps(counts, others, k) for k in range(len(edges))]).T
    near = sum(_mean_distance(side) / n for side, n in zip(drawn, rows, strict=True))
    energies = 2 * squares / mean_projection(dimension) - near
    waved = np.abs(waves - opposite) ** 2 - (1 - np.abs(waves) ** 2) / rows[0] - (1 - np.abs(opposite) ** 2) / rows[1]
    return Streamed(_mean(transports), _mean(energies), _mean(waved), rows)


def edges_of(values: Points) -> Points:
    """Ascending edges between which values like these are counted: all different ones, or so many quantiles."""
    different = np.unique(values)
    if len(different) <= EDGES:
        return different
    return np.unique(np.quantile(values, np.linspace(0, 1, EDGES)))


def gaps(first: Counts, second: Counts, k: int) -> tuple[float, float]:
    """The integrals of |F - G| and of (F - G)^2 of a column."""
    edges, difference = first.edges[k], first.shares(k) - second.shares(k)
    left, right, widths = difference[:-1], difference[1:], np.diff(edges)
    # of a straight line that crosses zero, the mean of its size is that of two triangles
    crosses = left * right < 0
    total = np.abs(left) + np.abs(right)
    sizes = np.where(crosses, (left**2 + right**2) / np.where(total > 0, 2 * total, 1), total / 2)
    outside = np.abs(first.beyond[k] / first.total - second.beyond[k] / second.total).sum()
    squares = (left**2 + left * right + right**2) / 3
    return float(widths @ sizes + outside), float(widths @ squares)


def mean_projection(dimension: int) -> float:
    """The mean length of a unit vector's projection on a random direction."""
    return float(np.exp(gammaln(dimension / 2) - gammaln((dimension + 1) / 2)) / np.pi**0.5)


def _read(
    chunks: Iterable[Points], onto: Points, frequencies: Points, edges: list[Points]
) -> tuple[Counts, NDArray[np.complex128]]:
    counts, waves = Counts(edges), np.zeros(len(frequencies), np.complex128)
    for chunk in chunks:
        counts.add((chunk @ onto.T).T)
        phases = (chunk @ frequencies.T).astype(np.float32)
        waves += np.cos(phases).sum(axis=0, dtype=np.float64) + 1j * np.sin(phases).sum(axis=0, dtype=np.float64)
    return counts, waves / counts.total


def _mean_distance(rows: Points) -> float:
    """The mean distance between two rows, by neighbours in a random order."""
    return float(np.linalg.norm(rows[1:] - rows[:-1], axis=1).mean())


def _mean(values: Points) -> Estimate:
    return Estimate(float(values.mean()), float(values.std(ddof=1) / len(values) ** 0.5))
