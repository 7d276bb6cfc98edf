r"""Pair trends: how alike each two columns are together, from 0 to 1.

Two numbers are compared by their correlations, and any other pair by the shares p and q of its contingency table,

.. math:: 1 - \tfrac12 \lvert r_{\mathrm{real}} - r_{\mathrm{fake}} \rvert, \qquad
          1 - \tfrac12 \sum\nolimits_{kl} \lvert p_{kl} - q_{kl} \rvert,

with numbers in ten bins of equal width over the real range. The strict version compares the tables of all pairs, with
numbers in twenty bins of equal shares of the real rows: it sees what a correlation does not, and what hides in one wide
bin of a skewed number. A missing value is a cell of its own; correlations are of the rows where both are present. Small
samples and many cells lower the figures of equal distributions too: compare them with their floor.
"""

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Schema
from monge.metric.table.bin import Bins, Rows, quantile_bins, wide_bins

Matrix = NDArray[np.float64]


def pair_trends(schema: Schema, real: Rows, fake: Rows) -> Matrix:
    """The likeness of every pair of columns, (d, d), symmetric, from 0 to 1.

    On the diagonal are 1 for numbers, and the shape for levels.

    Arguments:
        schema: of the columns.
        real, fake: raw rows (n, d) and (m, d).

    Example:
        >>> import numpy as np
        >>> from monge.data.table.schema import Column, Schema
        >>> x = np.array([[0.0, 0], [1, 1], [2, 2]])
        >>> pair_trends(Schema((Column("a", "number"), Column("b", "number"))), x, x * [1, -1])[0, 1].round(9)
        np.float64(0.0)
    """
    found = _tables(wide_bins(schema, real), real, fake)
    numbers = [index for index, column in enumerate(schema) if not column.levelled]
    trends = np.abs(correlations(real[:, numbers]) - correlations(fake[:, numbers]))
    found[np.ix_(numbers, numbers)] = 1 - trends / 2
    return found


def strict_pairs(schema: Schema, real: Rows, fake: Rows) -> Matrix:
    """The likeness of the contingency tables of every pair of columns, (d, d), symmetric, from 0 to 1.

    Arguments are those of `pair_trends`. On the diagonal is the likeness of the cells of each column by itself.
    """
    return _tables(quantile_bins(schema, real), real, fake)


def pair_mean(matrix: Matrix) -> float | None:
    """The mean over the pairs of different columns; None of a single column."""
    above = matrix[np.triu_indices(len(matrix), 1)]
    return float(above.mean()) if len(above) else None


def least_pairs(matrix: Matrix, count: int) -> list[tuple[int, int]]:
    """Positions of the pairs of different columns with the least values of a symmetric matrix (d, d), least first."""
    first, second = np.triu_indices(len(matrix), 1)
    order = np.argsort(matrix[first, second], kind="stable")[:count]
    return [(int(first[place]), int(second[place])) for place in order]


def correlations(numbers: Rows) -> Matrix:
    """Pearson correlations (k, k) of columns (n, k), each pair over the rows where both are present.

    0 where there is none, as a column does not vary; 1 on the diagonal.
    """
    present = (~np.isnan(numbers)).astype(np.float64)
    count = np.maximum(present.sum(axis=0), 1)
    centred = np.where(present > 0, numbers - np.where(present > 0, numbers, 0.0).sum(axis=0) / count, 0.0)
    largest = np.abs(centred).max(axis=0, initial=0.0)  # so that squares of large and small numbers are in range
    centred /= np.where(largest > 0, largest, 1.0)
    both = np.maximum(present.T @ present, 1)
    sums = centred.T @ present  # of the first of a pair, where the second is present
    covariance = centred.T @ centred / both - sums * sums.T / both**2
    variance = (centred**2).T @ present / both - (sums / both) ** 2
    scale = np.sqrt(np.maximum(variance * variance.T, 0))
    varies = np.minimum(variance, variance.T) > 1e-14
    found = np.where(varies, covariance / np.where(varies, scale, 1.0), 0.0).clip(-1, 1)
    np.fill_diagonal(found, 1.0)
    return found


def _tables(bins: Bins, real: Rows, fake: Rows) -> Matrix:
    """One minus the total variation of the contingency tables of all pairs, (d, d)."""
    shares = []
    for rows in (real, fake):
        cells = bins.indicator(bins.codes(rows))
        shares.append(cells.T @ cells / len(rows))
    gap = (shares[0] - shares[1]).tocoo()
    d, owners = len(bins.sizes), bins.owners
    first, second = gap.coords
    totals = np.bincount(owners[first] * d + owners[second], np.abs(gap.data), d * d)
    return 1 - totals.reshape(d, d) / 2
