"""Columns that keep close to another, or beyond it, such as a delivery to its order: their difference is modelled.

Days between an order and its delivery vary by a few, while the orders are spread over years. A generator of both dates
would have to be exact to a thousandth of either to keep them in order. So a column y is modelled as y - x, with the
bounds of this difference, if

- y - x varies much less than y: its standard deviation is at most `CLOSE` times that of y; or
- x is never greater than y (or never less) though their ranges overlap, and y - x varies less than y. Of dates this is
  believed at once, of numbers if `order` finds it.

y must be missing wherever x is. Of several such x the one is taken from which y - x varies least, and of two columns
that would do for each other, the later is y.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.column import ColumnCode
from monge.data.table.derived import digits
from monge.data.table.schema import COMPARABLE, Column, Schema

CLOSE = 0.1
"""Largest standard deviation of a difference, in that of the column, for which it is modelled in any case."""
FEWEST = 50
"""Rows below which nothing is looked for."""
SAMPLE = 20_000
"""Rows whose variances are compared."""
MOST = 500
"""Columns of one kind beyond which nothing is looked for: there are too many pairs."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Offset:
    """A column that is modelled by its difference to another.

    Arguments:
        column: position of the column in a raw row.
        base: position of the other.
        code: of the difference.
        decimals: digits after the point that the column is rounded to; None keeps all.
        low, high: the column's values are cut off there.
    """

    column: int
    base: int
    code: ColumnCode
    decimals: int | None
    low: float
    high: float

    @property
    def sources(self) -> tuple[int, int]:
        """Positions of what `compute` reads: the base and, in the column's place, the difference."""
        return self.base, self.column

    def difference(self, raw: Array) -> Array:
        """The column less its base (n,) in rows (n, d)."""
        return np.asarray(raw[:, self.column] - raw[:, self.base])

    def compute(self, raw: Array) -> Array:
        """The column's values (n,) of rows (n, d) that have the difference in its place."""
        out = raw[:, self.base] + raw[:, self.column]
        return np.clip(out if self.decimals is None else np.round(out, self.decimals) + 0.0, self.low, self.high)

    def described(self, schema: Schema) -> str:
        """The difference in words."""
        return f"{schema.names[self.column]} - {schema.names[self.base]}"

    def as_json(self) -> dict[str, Any]:
        """How the column is computed, as plain values."""
        bounds = {"decimals": self.decimals, "low": self.low, "high": self.high}
        return {"form": "offset", "column": self.column, "base": self.base, **bounds}

    def state(self) -> dict[str, Any]:
        """The whole as plain values; `from_state` reads them."""
        return self.as_json() | {"code": self.code.state()}

    @classmethod
    def from_state(cls, schema: Schema, state: Mapping[str, Any]) -> "Offset":
        """The offset whose `state` this is."""
        column = _difference_of(*(schema.kept[state[key]] for key in ("column", "base")))
        fields = {key: value for key, value in state.items() if key != "form"}
        return cls(**{**fields, "code": ColumnCode.from_state(column, state["code"])})


def find(
    schema: Schema, raw: Array, without: Collection[int] = (), orders: Collection[tuple[int, int]] = ()
) -> tuple[Offset, ...]:
    """The columns that are better modelled by a difference, in an order in which they can be restored.

    Arguments:
        schema: the columns.
        raw: the training rows (n, d).
        without: positions of columns that are not looked at, such as derived ones.
        orders: pairs of columns of which the first is never greater.

    Example:
        >>> schema = Schema((Column("ordered", "date"), Column("delivered", "date")))
        >>> ordered, days = np.arange(365.0), np.tile([1.0, 2, 3, 2, 5], 73)
        >>> (found,) = find(schema, np.stack([ordered, ordered + days], axis=1))
        >>> found.described(schema)
        'delivered - ordered'
        >>> found.compute(np.array([[100.0, 3.0]])).tolist()
        [103.0]
    """
    chosen: dict[int, int] = {}

    def roots(index: int) -> set[int]:
        return {index} | (roots(chosen[index]) if index in chosen else set())

    for _, later, base in sorted(_close(schema, raw, without, orders)):
        column = -later
        if column not in chosen and column not in roots(base):
            chosen[column] = base
    order = sorted(chosen, key=lambda column: len(roots(column)))
    return tuple(_offset(schema, raw, column, chosen[column]) for column in order)


def _offset(schema: Schema, raw: Array, column: int, base: int) -> Offset:
    ours, values = schema.kept[column], raw[:, column]
    code = ColumnCode.fit(_difference_of(ours, schema.kept[base]), values - raw[:, base])
    return Offset(column, base, code, digits(ours), float(np.nanmin(values)), float(np.nanmax(values)))


def _difference_of(column: Column, base: Column) -> Column:
    """The difference of two columns as a column, written to the finer of their last digits."""
    if column.kind in ("date", "datetime"):
        return column
    fine, coarse = digits(column), digits(base)
    return replace(column, kind="number", decimals=None if fine is None or coarse is None else max(fine, coarse))


def _close(
    schema: Schema, raw: Array, without: Collection[int], orders: Collection[tuple[int, int]]
) -> Iterator[tuple[float, int, int]]:
    """Of each pair of columns that qualifies: the deviation of the difference, the column's negative, and its base."""
    if len(raw) < FEWEST:
        return
    rows = np.random.default_rng(0).choice(len(raw), min(SAMPLE, len(raw)), replace=False)
    for kinds in COMPARABLE:
        ours = [index for index, one in enumerate(schema) if one.kind in kinds and index not in without]
        if not 2 <= len(ours) <= MOST:
            continue
        left, own = _deviations(raw[rows][:, ours])
        ratios = left / own[:, None]
        for first, second in np.argwhere((ratios > 0) & (ratios < 1)).tolist():
            column, base = ours[first], ours[second]
            ordered = {(column, base), (base, column)} & set(orders)
            if ratios[first, second] > CLOSE and "number" in kinds and not ordered:
                continue
            difference, known = raw[:, column] - raw[:, base], ~np.isnan(raw[:, column])
            if known.sum() < FEWEST or np.isnan(difference[known]).any():
                continue
            if ratios[first, second] <= CLOSE or ordered or _ordered(raw[:, column], raw[:, base]):
                yield float(left[first, second]), -column, base


def _ordered(values: Array, base: Array) -> bool:
    """Whether values (n,) never are less than those of a base (n,), or never more, though their ranges overlap."""
    difference = values - base
    after = np.nanmin(difference) >= 0 and np.nanmin(values) < np.nanmax(base)
    before = np.nanmax(difference) <= 0 and np.nanmax(values) > np.nanmin(base)
    return bool(after or before)


def _deviations(sample: Array) -> tuple[Array, Array]:
    """Of each column less each other (d, d), infinite on the diagonal; and of each column (d,), NaN for a constant."""
    known = ~np.isnan(sample)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, sample, 0) - np.where(known, sample, 0).sum(axis=0) / count
    centred[~known] = 0
    weight = known.astype(np.float64)
    both = np.maximum(weight.T @ weight, 1)
    squares, sums, products = (centred**2).T @ weight, centred.T @ weight, centred.T @ centred
    variance = (squares + squares.T - products - products.T) / both - ((sums - sums.T) / both) ** 2
    np.fill_diagonal(variance, np.inf)
    own = (centred**2).sum(axis=0) / count
    return np.sqrt(np.maximum(variance, 0)), np.sqrt(np.where(own > 0, own, np.nan))
