r"""Do the rows of a sample depend on their neighbours? A permutation test along the order in which they were recorded.

Independent rows are exchangeable: every order of them is as likely as the recorded one. Each series, a column or a
projection of many columns, is replaced by its centred ranks r. Two statistics are taken of them,

.. math:: z_k = \sqrt n \, \frac{\sum_i r_i r_{i+k}}{\sum_i r_i^2}, \qquad
          z_s = \frac{(\chi^2 / \nu)^{1/3} - (1 - 2 / 9 \nu)}{\sqrt{2 / 9 \nu}},

for the lags k = 1 to 4, and for ten successive segments of the rows, with the statistic :math:`\chi^2` of Kruskal and
Wallis and its :math:`\nu = 9` degrees of freedom. Both are about standard normal for independent rows. The largest of
all is compared with those of shuffled rows, so the level of the test is exact at every size and for every distribution.
Lags see time series and small groups, segments see drift and large groups.

References: Wald, Wolfowitz 1943, "An exact test for randomness in the non-parametric case based on serial correlation";
Kruskal, Wallis 1952, "Use of ranks in one-criterion variance analysis".
"""

from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from monge.distance.points import Points, point_sets
from monge.errors import UserError

LEAST = 20
"""Rows below which nothing is tested."""
MOST = 10_000
"""Most rows that are tested; of more, the first are."""
LAGS = 4
"""Neighbours that a row is compared with: the next to the fourth."""
SEGMENTS = 10
"""Successive parts of the rows whose mean ranks are compared."""
SERIES = 16
"""Most columns that are tested one by one; of more, as many random projections of all of them are tested."""
SHUFFLES = 499
"""Shuffled copies, each of which the recorded order must exceed: a false alarm for at most 1 of 500 sets."""


@dataclass(frozen=True)
class SerialDependence:
    """How the rows of a sample depend on the order in which they were recorded.

    Attributes:
        column: index of the column that shows it most; None where projections of many columns were tested.
        lag: how many rows later it is strongest, from 1 to 4.
        correlation: of the ranks of rows so far apart in this column or projection, in [-1, 1].
        drift: share of the variance of its ranks that lies between ten successive segments of the rows, in [0, 1].
    """

    column: int | None
    lag: int
    correlation: float
    drift: float


def serial_dependence(x: ArrayLike, groups: ArrayLike | None = None, *, seed: int = 0) -> SerialDependence | None:
    """How rows depend on the order in which they were recorded; None where they look shuffled.

    Independent rows that were sorted by a column look like a slow time series, although sorting does no harm. Sorting
    by known groups is not seen where these are given, as ranks are then taken within each group.

    Arguments:
        x: rows (n, d) in the order of their record.
        groups: group of each row (n,), such as its class, or None.
        seed: of shuffles and projections.

    Raises:
        UserError: a bad shape, or values that are not finite.

    Example:
        >>> import numpy as np
        >>> steps = np.random.default_rng(0).normal(size=(200, 1))
        >>> serial_dependence(steps) is None
        True
        >>> serial_dependence(steps.cumsum(axis=0)).correlation > 0.9
        True
    """
    x, _ = point_sets(x, x)
    if groups is not None and np.shape(groups) != (len(x),):
        raise UserError(f"groups must have shape ({len(x)},), one group for each row; got {np.shape(groups)}")
    rows = x[:MOST]
    if len(rows) < LEAST:
        return None
    random = np.random.default_rng(seed)
    ranks = _ranks(_series(rows, random), np.zeros(len(rows)) if groups is None else np.asarray(groups)[:MOST])
    varied = np.flatnonzero(ranks.any(axis=0))
    if not len(varied):
        return None
    ranks = ranks[:, varied]
    found = _statistics(ranks)
    for _ in range(SHUFFLES):
        if _statistics(random.permutation(ranks)).max() >= found.max():
            return None
    worst = int(found.argmax())
    correlations = [float(_correlation(ranks, lag)[worst]) for lag in range(1, LAGS + 1)]
    lag, strongest = max(enumerate(correlations, 1), key=itemgetter(1))
    column = int(varied[worst]) if x.shape[1] <= SERIES else None
    return SerialDependence(column, lag, strongest, float(_between(ranks)[worst]))


def _series(x: Points, random: np.random.Generator) -> Points:
    """The columns of rows (n, d) or, of many, random projections of them, each column with the same variance."""
    if x.shape[1] <= SERIES:
        return x
    centred, deviation = x - x.mean(axis=0), x.std(axis=0)
    return np.asarray((centred / np.where(deviation > 0, deviation, 1)) @ random.normal(size=(x.shape[1], SERIES)))


def _ranks(series: Points, groups: NDArray[np.generic]) -> Points:
    """Ranks of every series within each group, from -1 to 1, (n, k); 0 in a group of one value."""
    ranks = np.empty(series.shape)
    for group in np.unique(groups):
        inside = groups == group
        count = int(inside.sum())
        ranks[inside] = (2 * rankdata(series[inside], axis=0) - 1 - count) / count
    return ranks


def _statistics(ranks: Points) -> NDArray[np.float64]:
    """The largest statistic of every series, (k,)."""
    lags = [_correlation(ranks, lag) * len(ranks) ** 0.5 for lag in range(1, LAGS + 1)]
    freedom = SEGMENTS - 1
    cube, share = np.cbrt(_between(ranks) * (len(ranks) - 1) / freedom), 2 / (9 * freedom)
    return np.asarray(np.max([*lags, (cube - 1 + share) / share**0.5], axis=0))


def _correlation(ranks: Points, lag: int) -> NDArray[np.float64]:
    """Correlation of every series with itself some rows later, (k,)."""
    return np.asarray((ranks[lag:] * ranks[:-lag]).sum(axis=0) / (ranks**2).sum(axis=0))


def _between(ranks: Points) -> NDArray[np.float64]:
    """Share of the sum of squares of every series that lies between successive segments, (k,)."""
    parts = np.array_split(ranks, SEGMENTS)
    return np.asarray(sum(part.sum(axis=0) ** 2 / len(part) for part in parts) / (ranks**2).sum(axis=0))
