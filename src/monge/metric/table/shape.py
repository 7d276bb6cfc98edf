r"""Column shapes: how alike each column is by itself, from 0 to 1.

Of levels it is one minus the total variation, with a missing value as a level. Of numbers it is one minus the distance
of Kolmogorov and Smirnov, also with the missing value as a point of its own: with P(x <= t) and P(x > t) as shares of
*all* rows, which sum to one minus the share of missing values,

.. math:: 1 - \max_t \max\bigl(\lvert P(x \le t) - Q(x \le t) \rvert, \lvert P(x > t) - Q(x > t) \rvert\bigr).

Without missing values this is the usual one; where only their share differs it is one minus that difference; and in a
column of which a tenth is present, values that are all wrong cost a tenth, as wrong levels do.
"""

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Schema
from monge.metric.table.bin import Rows


def column_shapes(schema: Schema, real: Rows, fake: Rows) -> NDArray[np.float64]:
    """The likeness of every column, (d,), from 0 to 1.

    Arguments:
        schema: of the columns.
        real, fake: raw rows (n, d) and (m, d).

    Example:
        >>> import numpy as np
        >>> from monge.data.table.schema import Column, Schema
        >>> schema = Schema((Column("age", "integer"), Column("job", "category", levels=("a", "b"))))
        >>> column_shapes(schema, np.array([[1.0, 0], [2, 1]]), np.array([[1.0, 1], [1, np.nan]])).tolist()
        [0.5, 0.5]
    """
    columns = zip(schema, real.T, fake.T, strict=True)
    return np.array([1 - (_levels if column.levelled else _numbers)(x, y) for column, x, y in columns])


def missing_shares(rows: Rows) -> NDArray[np.float64]:
    """The share of missing values in every column, (d,)."""
    return np.asarray(np.isnan(rows).mean(axis=0))


def _levels(x: Rows, y: Rows) -> float:
    """Total variation; a missing value is a level."""
    sides = [np.where(np.isnan(side), -1, side).astype(np.int64) + 1 for side in (x, y)]
    size = int(max(side.max() for side in sides)) + 1
    p, q = (np.bincount(side, minlength=size) / len(side) for side in sides)
    return float(np.abs(p - q).sum()) / 2


def _numbers(x: Rows, y: Rows) -> float:
    """The largest difference of the shares up to a number, and of those above one."""
    present = [np.sort(side[~np.isnan(side)]) for side in (x, y)]
    where = np.concatenate([[-np.inf], *present])
    up_to = [np.searchsorted(side, where, "right") for side in present]
    below = up_to[0] / len(x) - up_to[1] / len(y)
    above = (len(present[0]) - up_to[0]) / len(x) - (len(present[1]) - up_to[1]) / len(y)
    return float(max(np.abs(below).max(), np.abs(above).max()))
