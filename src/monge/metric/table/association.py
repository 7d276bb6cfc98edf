r"""How strongly each two columns of a table go together, whatever their kinds, for pictures.

Two numbers have Pearson's correlation, from -1 to 1. A number and levels have the correlation ratio, two columns of
levels Cramer's V, both from 0 to 1 and corrected for what chance makes of many levels:

.. math:: \eta^2 = 1 - \frac{\mathrm{SS_{within}} / (n - k)}{\mathrm{SS_{total}} / (n - 1)}, \qquad
          V^2 = \frac{\phi^2 - (k - 1)(r - 1)/(n - 1)}{\min(\tilde k, \tilde r) - 1}, \quad
          \tilde k = k - \frac{(k - 1)^2}{n - 1},

with n rows, k and r levels, and 0 in the place of negative values. A missing value is a level; missing numbers are left
out.

References: Kelley 1935, "An unbiased correlation ratio measure"; Bergsma 2013, "A bias-correction for Cramer's V and
Tschuprow's T".
"""

import math

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Schema
from monge.metric.table.bin import Codes, Rows
from monge.metric.table.pair import Matrix, correlations


def association(schema: Schema, rows: Rows) -> Matrix:
    """The association of every pair of columns, (d, d), symmetric, with 1 on the diagonal.

    Arguments:
        schema: of the columns.
        rows: raw, (n, d), at least 2.

    Example:
        >>> import numpy as np
        >>> from monge.data.table.schema import Column, Schema
        >>> schema = Schema((Column("age", "integer"), Column("old", "boolean", levels=("false", "true"))))
        >>> association(schema, np.array([[1.0, 0], [2, 0], [8, 1], [9, 1]])).round(2).tolist()
        [[1.0, 0.98], [0.98, 1.0]]
    """
    d = len(schema)
    levelled = [index for index, column in enumerate(schema) if column.levelled]
    numbers = [index for index in range(d) if index not in levelled]
    found = np.eye(d)
    found[np.ix_(numbers, numbers)] = correlations(rows[:, numbers])
    codes = {index: _codes(rows[:, index]) for index in levelled}
    for place, index in enumerate(levelled):
        for other in numbers:
            found[index, other] = found[other, index] = correlation_ratio(codes[index], rows[:, other])
        for other in levelled[:place]:
            found[index, other] = found[other, index] = cramer(codes[index], codes[other])
    return found


def correlation_ratio(codes: Codes, values: Rows) -> float:
    """The corrected correlation ratio of numbers (n,) within the levels of codes (n,); 0 where it is not defined."""
    present = ~np.isnan(values)
    codes, values = _codes(codes[present]), values[present]
    total = ((values - values.mean()) ** 2).sum() if len(values) else 0.0
    counts = np.bincount(codes)
    if not total > 0 or len(values) <= len(counts):
        return 0.0
    means = np.bincount(codes, values) / counts
    within = ((values - means[codes]) ** 2).sum()
    squared = 1 - within / (len(values) - len(counts)) / (total / (len(values) - 1))
    return math.sqrt(max(float(squared), 0.0))


def cramer(first: Codes, second: Codes) -> float:
    """The corrected V of Cramer of two columns of codes, both (n,); 0 where one does not vary."""
    n, k, r = len(first), int(first.max()) + 1, int(second.max()) + 1
    if min(k, r) < 2 or n < 2:
        return 0.0
    shares = np.bincount(first * r + second, minlength=k * r).reshape(k, r) / n
    expected = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    squared = ((shares - expected) ** 2 / expected).sum() - (k - 1) * (r - 1) / (n - 1)
    least = min(size - (size - 1) ** 2 / (n - 1) for size in (k, r)) - 1
    return min(1.0, math.sqrt(max(float(squared), 0.0) / least)) if least > 0 else 0.0


def _codes(values: NDArray[np.float64] | Codes) -> Codes:
    """Levels that occur, numbered from 0; missing values are one of them."""
    return np.unique(values, return_inverse=True, equal_nan=True)[1].astype(np.int64)
