r"""Kernel discrepancies: MMD, KID and the energy distance, one formula with different kernels.

.. math:: D^2(P, Q) = \mathbb{E}\,k(X, X') + \mathbb{E}\,k(Y, Y') - 2\,\mathbb{E}\,k(X, Y),
          \qquad X, X' \sim P,\ Y, Y' \sim Q \text{ independent}

(Gretton et al. 2012, lemma 6). With k(x, y) = -||x - y|| it is the energy distance (Szekely, Rizzo 2013). D is
an integral probability metric; `ipm` has the function that attains it. Two estimates, from samples of n and m points:

- the **U-statistic** leaves out the pairs of a point with itself. Its expectation is D^2 exactly; near P = Q it is
  negative about half of the time, which is right and must not be cut off.
- the **V-statistic** (plug-in) keeps them: the D^2 between the two empirical distributions, never negative. Its root is
    a
  metric between sample sets, and its expectation is too large, by a term of order 1/n.

**Standard error.** With w = E k(., X) - E k(., Y) and the doubly centred kernels k~ (mean zero in either argument), the
Hoeffding decomposition of the U-statistic has uncorrelated terms, so that for every n and m

.. math:: \mathrm{Var} = \frac{4 \mathrm{Var}\,w(X)}{n} + \frac{4 \mathrm{Var}\,w(Y)}{m}
          + \frac{2\,\mathbb{E}\,\tilde k(X, X')^2}{n(n-1)} + \frac{2\,\mathbb{E}\,\tilde k(Y, Y')^2}{m(m-1)}
          + \frac{4\,\mathbb{E}\,\tilde k(X, Y)^2}{nm}.

The first two terms rule when P and Q differ, the others when they are equal. Each is estimated without bias from the
same pairs; a negative estimate of the first two, which happens near P = Q, is set to zero. References: Hoeffding 1948;
Sutherland et al. 2017, appendix A, for n = m; Szekely, Rizzo 2014 (E k~^2 by U-centring).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from monge.distance.kernel.kernel import Gaussian, Kernel, NegativeDistance, Polynomial, Values, paired
from monge.distance.points import Points

BLOCK = 2**18
"""Entries of a kernel matrix that are in memory at a time."""
LEAST = 4
"""Samples a side below which the standard error cannot be estimated."""


@dataclass(frozen=True)
class Discrepancy:
    """Estimates of the squared discrepancy between two distributions, in the kernel's units.

    Attributes:
        squared: U-statistic; unbiased, may be negative.
        error: standard error of `squared`.
        plug_in: V-statistic; never negative.

    Example:
        >>> import numpy as np
        >>> from monge.distance import mmd
        >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
        >>> equal, shifted = mmd(x, y), mmd(x, y + 1)
        >>> abs(equal.squared) < 3 * equal.error, shifted.squared > 5 * shifted.error
        (True, True)
    """

    squared: float
    error: float
    plug_in: float

    @property
    def distance(self) -> float:
        """Root of the plug-in: a metric between the two sample sets."""
        return math.sqrt(self.plug_in)


def discrepancy(x: ArrayLike, y: ArrayLike, kernel: Kernel) -> Discrepancy:
    """The squared discrepancy between the distributions of two samples (n, d) and (m, d); see the module for the
    formulas.

    Time grows as (n + m)^2 d, memory as n + m.

    Raises:
        UserError: bad shapes, values that are not finite, or fewer than 4 samples a side.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Gaussian, discrepancy
        >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
        >>> kernel = Gaussian((0.5, 1.0, 2.0))
        >>> discrepancy(x, y + 1, kernel).squared > discrepancy(x, y + 0.5, kernel).squared
        True
    """
    x, y = paired(x, y, LEAST)
    n, m = len(x), len(y)
    xx, yy, xy = within(x, kernel), within(y, kernel), between(x, y, kernel)
    cross = xy.total / (n * m)
    squared = xx.total / (n * (n - 1)) + yy.total / (m * (m - 1)) - 2 * cross
    repeated = kernel.diagonal(x).sum() / n**2 + kernel.diagonal(y).sum() / m**2
    plug_in = xx.total / n**2 + yy.total / m**2 + repeated - 2 * cross
    linear, degenerate = variance_terms(xx, yy, xy)
    variance = _positive(linear) + degenerate
    return Discrepancy(float(squared), math.sqrt(variance), _positive(float(plug_in)))


def mmd(x: ArrayLike, y: ArrayLike, kernel: Kernel | None = None) -> Discrepancy:
    """Maximum mean discrepancy; without a kernel the Gaussian mixture around the median distance.

    Example:
        >>> import numpy as np
        >>> from monge.distance import mmd
        >>> x, y = np.random.default_rng(0).normal(size=(2, 300, 2))
        >>> mmd(x, y).squared < mmd(x, 2 * y).squared < mmd(x, 2 * y + 3).squared
        True
    """
    return discrepancy(x, y, kernel or Gaussian.median(x, y))


def kid(x: ArrayLike, y: ArrayLike) -> Discrepancy:
    """The kernel inception distance on any features (n, d), (m, d), without subsets (Binkowski et al. 2018).

    The published protocol averages it over random subsets of 1,000 samples, which changes its variance only.

    Example:
        >>> import numpy as np
        >>> from monge.distance import kid
        >>> real, fake = np.random.default_rng(0).normal(size=(2, 200, 64))  # features of images
        >>> abs(kid(real, fake).squared) < 0.1 < kid(real, fake + 0.5).squared
        True
    """
    return discrepancy(x, y, Polynomial())


def energy(x: ArrayLike, y: ArrayLike) -> Discrepancy:
    r"""Energy distance; `squared` and `plug_in` have the units of the data, `distance` their root.

    .. math:: D^2 = 2\,\mathbb{E}\lVert X - Y\rVert_2 - \mathbb{E}\lVert X - X'\rVert_2
              - \mathbb{E}\lVert Y - Y'\rVert_2

    On the line :math:`D^2 = 2 \int (F - G)^2`, and `distance` is what `scipy.stats.energy_distance` returns.
    Reference: Szekely, Rizzo 2013, "Energy statistics: a class of statistics based on distances".

    Example:
        >>> import numpy as np
        >>> from scipy import stats
        >>> from monge.distance import energy
        >>> x, y = np.random.default_rng(0).normal(size=(2, 300))
        >>> ours, scipys = energy(x[:, None], y[:, None] + 1).distance, stats.energy_distance(x, y + 1)
        >>> bool(np.isclose(ours, scipys))
        True
    """
    return discrepancy(x, y, NegativeDistance())


@dataclass(frozen=True)
class PairSums:
    """Sums over the entries of a kernel matrix: each row's, each column's, and that of the squares."""

    rows: Values
    columns: Values
    squares: float

    @property
    def total(self) -> float:
        """Sum over all entries."""
        return float(self.rows.sum())


def between(x: Points, y: Points, kernel: Kernel) -> PairSums:
    """Sums over all pairs (x_i, y_j)."""
    rows, columns, squares = np.zeros(len(x)), np.zeros(len(y)), 0.0
    for part in blocks(len(x), len(y)):
        matrix = kernel.matrix(x[part], y)
        rows[part] = matrix.sum(axis=1)
        columns += matrix.sum(axis=0)
        squares += float(np.vdot(matrix, matrix))
    return PairSums(rows, columns, squares)


def within(x: Points, kernel: Kernel) -> PairSums:
    """Sums over all pairs (x_i, x_j) with i != j; each unordered pair is computed once."""
    rows, squares = np.zeros(len(x)), 0.0
    for part in blocks(len(x), len(x)):
        square, rest = kernel.matrix(x[part], x[part]), kernel.matrix(x[part], x[part.stop :])
        np.fill_diagonal(square, 0)
        rows[part] += square.sum(axis=1) + rest.sum(axis=1)
        rows[part.stop :] += rest.sum(axis=0)
        squares += float(np.vdot(square, square) + 2 * np.vdot(rest, rest))
    return PairSums(rows, rows, squares)


def blocks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of the rows of a matrix, each of at most 2^18 entries if a row has fewer."""
    size = max(1, BLOCK // max(1, columns))
    return (slice(start, min(rows, start + size)) for start in range(0, rows, size))


def variance_terms(xx: PairSums, yy: PairSums, xy: PairSums) -> tuple[float, float]:
    """Unbiased estimates of the variance of the U-statistic: its first-order and its second-order terms."""
    n, m = len(xx.rows), len(yy.rows)
    crossed = _centred_between(xy)
    linear, degenerate = 0.0, 4 * crossed / (n * m)
    for own, other, size, opposite in ((xx, xy.rows, n, m), (yy, xy.columns, m, n)):
        centred = _centred_within(own)
        # rows over n - 2, not n - 1: a row's own first-order term is missing from the sum over the others
        values = own.rows / (size - 2) - other / opposite
        linear += 4 * (values.var(ddof=1) - centred / (size - 2) - crossed / opposite) / size
        degenerate += 2 * centred / (size * (size - 1))
    return float(linear), degenerate


def _centred_within(sums: PairSums) -> float:
    """Unbiased estimate of E k~(X, X')^2 by U-centring."""
    n = len(sums.rows)
    centred = sums.squares - 2 * sums.rows @ sums.rows / (n - 2) + sums.total * sums.total / ((n - 1) * (n - 2))
    return _positive(float(centred) / (n * (n - 3)))


def _centred_between(sums: PairSums) -> float:
    """Unbiased estimate of E k~(X, Y)^2."""
    n, m = len(sums.rows), len(sums.columns)
    squares = sums.total * sums.total  # which, unlike **2, may be infinite
    centred = sums.squares - sums.rows @ sums.rows / m - sums.columns @ sums.columns / n + squares / (n * m)
    return _positive(float(centred) / ((n - 1) * (m - 1)))


def _positive(value: float) -> float:
    """Zero in place of a negative number; one that is not a number, of sums beyond float64, stays none."""
    return max(value, 0.0)
