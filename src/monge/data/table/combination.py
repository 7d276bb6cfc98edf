"""Combinations of two columns' values that a table does not have, or hardly: found, and recognised in other rows.

A value is a level, a missing value, or any value that is there. Of n rows, :math:`n_a` have the value a in one column
and :math:`n_b` the value b in another. If the columns were independent given these counts, :math:`e = n_a n_b / n`
would have both on average, and none with probability

.. math:: P_0 = \\binom{n - n_a}{n_b} \\Big/ \\binom{n}{n_b} \\approx e^{-e}.

A combination is looked at as *unseen* if no row has it and :math:`P_0 \\le .001 / T` for all T combinations, so that
independent columns give any with a probability below .001; this takes e of about 16 for 10,000 combinations. It is
*rare* if it was seen, but at most once for every 50 times expected.

Unseen need not be impossible: levels that avoid each other still meet now and then. In other rows of the census of
incomes, 5 of 19 unseen pairs of levels did, all with e below 61. So a pair of levels is *impossible* only if e is at
least 150, as then its rate is below 1 / 50 of the expected one with 95 % confidence (3 / n is the limit of what was
never seen in n rows). Whether values are missing is mostly ruled by something, and any unseen combination with it is
impossible.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from monge.data.table import order
from monge.data.table.order import Order
from monge.data.table.schema import Column, Schema

CHANCE = 1e-3
"""Probability that independent columns give any unseen combination."""
RARE = 1 / 50
"""Largest share of the expected number that is rare."""
ENOUGH = 3 / RARE
"""Expected number from which an unseen pair of levels is impossible."""
UNSEEN = 0.5
"""How many training rows an unseen combination that is not impossible counts for."""
PRESENT = -1
"""Stands for any value that is not missing."""
MISSING = -2
"""Stands for a missing value."""
REST = -3
"""Stands for the levels that are too seldom, or too many, to be looked at."""
FEWEST = 5
"""Rows of the least frequent level that is looked at."""
MOST = 1000
"""Levels of a column that are looked at, the most frequent."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Combination:
    """Values of two columns that hardly go together.

    Arguments:
        columns: positions of the two columns in a raw row.
        values: a value of each: the position of a level, `PRESENT` or `MISSING`.
        seen: how many training rows have both.
        expected: how many would have both if the columns were independent.
        rows: number of the training rows.
    """

    columns: tuple[int, int]
    values: tuple[int, int]
    seen: int
    expected: float
    rows: int

    @property
    def impossible(self) -> bool:
        """Whether no row should have it."""
        return self.seen == 0 and (self.expected >= ENOUGH or min(self.values) < 0)

    @property
    def rate(self) -> float:
        """The share of rows that may have it: its share of the training rows, and half a row's if it was unseen."""
        return 0.0 if self.impossible else (self.seen or UNSEEN) / self.rows

    def described(self, schema: Schema) -> str:
        """The combination in words."""
        return " and ".join(
            _described(schema.kept[column], value) for column, value in zip(self.columns, self.values, strict=True)
        )


@dataclass(frozen=True)
class Combinations:
    """The unseen and the rare combinations of a table.

    Arguments:
        found: all of them; those of the same two columns follow each other.
        orders: columns of which one is never greater than the other; rows that break one are impossible as well.

    Example:
        >>> schema = Schema(tuple(Column(name, "boolean", levels=("no", "yes")) for name in ("minor", "licence")))
        >>> raw = np.repeat([[0.0, 0], [0, 1], [1, 0]], 500, axis=0)
        >>> combinations = find(schema, raw)
        >>> [found.described(schema) for found in combinations.found]
        ["minor = 'yes' and licence = 'yes'"]
        >>> combinations.violated(np.array([[1.0, 1], [1, 0]])).tolist()
        [True, False]
    """

    found: tuple[Combination, ...]
    orders: tuple[Order, ...] = ()

    def violated(self, raw: Array) -> Mask:
        """Which rows (n,) of rows (n, d) have an impossible combination, or break an order."""
        out = np.zeros(len(raw), np.bool_)
        for one in self.orders:
            out |= one.violated(raw)
        for _, has in self._each(raw, impossible=True):
            out |= has
        return out

    def keep(self, raw: Array, random: np.random.Generator, shares: Mapping[int, float] | None = None) -> Mask:
        """Which rows to keep, so that no combination is more frequent than its rate.

        No row with an impossible combination is kept, and of those with any other at most the combination's rate times
        n, rounded up or down so that this is the mean. A Poisson number has that mean, too, but where real rows have
        two of a kind, one table in 19 would have more than four.

        Arguments:
            raw: rows (n, d); the more at once, the more exactly the rates are held.
            random: source of the choice.
            shares: where the rows were asked for certain levels of a column, the share of all rows that have these, by
                column. A combination with these levels is as much more frequent among them.
        """
        out, shares = ~self.violated(raw), shares or {}
        for combination, has in self._each(raw, impossible=False):
            rows = np.flatnonzero(has & out)
            among = min(shares.get(column, 1.0) for column in combination.columns)
            most = int(combination.rate * len(raw) / among + random.random())
            if most < len(rows):
                out[random.permutation(rows)[most:]] = False
        return out

    def _each(self, raw: Array, impossible: bool) -> Iterator[tuple[Combination, Mask]]:
        """The combinations that are impossible, or are not, with the rows that have them."""
        for columns, group in groupby(self.found, key=lambda combination: combination.columns):
            left, right = (np.where(np.isnan(raw[:, column]), MISSING, raw[:, column]) for column in columns)
            for combination in group:
                if combination.impossible == impossible:
                    yield combination, _matches(left, combination.values[0]) & _matches(right, combination.values[1])

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Combinations":
        """The combinations whose `as_json` this is."""
        pairs = ("columns", "values")
        each = [{**one, **{key: tuple(one[key]) for key in pairs}} for one in given["found"]]
        orders = tuple(Order(tuple(one["columns"])) for one in given.get("orders", ()))
        return cls(tuple(Combination(**one) for one in each), orders)


def find(schema: Schema, raw: Array, without: Collection[int] = ()) -> Combinations:
    """The combinations of two columns' values that were never seen though many were expected, or hardly; and orders.

    Arguments:
        schema: the columns; all with levels are looked at, of all whether a value is missing, and of numbers the order.
        raw: the training rows (n, d).
        without: positions of columns that are not looked at, such as derived ones.
    """
    coded = {
        index: _codes(column, raw[:, index])
        for index, column in enumerate(schema)
        if index not in without and (column.levelled or np.isnan(raw[:, index]).any())
    }
    pairs = list(combinations(coded, 2))
    tests = sum(len(coded[left][1]) * len(coded[right][1]) for left, right in pairs)
    found = tuple(one for pair in pairs for one in _found(pair, coded[pair[0]], coded[pair[1]], tests))
    return Combinations(found, order.find(schema, raw, without, ENOUGH))


def _codes(column: Column, values: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A code for each row (n,), and what the codes stand for: frequent levels, the rest, and a missing value."""
    missing = np.isnan(values)
    levels = np.where(missing, 0, values).astype(np.int64) if column.levelled else np.zeros(len(values), np.int64)
    counts = np.bincount(levels[~missing], minlength=1)
    frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST]) if column.levelled else np.zeros(0, np.int64)
    frequent = frequent[counts[frequent] >= FEWEST]
    code = np.full(len(counts), len(frequent))
    code[frequent] = np.arange(len(frequent))
    return np.where(missing, len(frequent) + 1, code[levels]), np.array([*frequent, REST, MISSING])


def _found(
    columns: tuple[int, int],
    left: tuple[NDArray[np.int64], NDArray[np.int64]],
    right: tuple[NDArray[np.int64], NDArray[np.int64]],
    tests: int,
) -> Iterator[Combination]:
    """The unseen and rare combinations of two columns; none that a wider one, of any present value, contains."""
    (left_codes, left_values), (right_codes, right_values) = left, right
    rows, shape = len(left_codes), (len(left_values), len(right_values))
    counts = np.bincount(left_codes * shape[1] + right_codes, minlength=shape[0] * shape[1]).reshape(shape)
    # What is present is all but what is missing, which is last.
    counts = np.concatenate([counts, counts[:-1].sum(axis=0, keepdims=True)])
    counts = np.concatenate([counts, counts[:, :-1].sum(axis=1, keepdims=True)], axis=1)
    many, others = counts[:, -2:].sum(axis=1), counts[-2:].sum(axis=0)
    expected = np.outer(many, others) / rows
    limit = math.log(CHANCE / tests)
    unseen = (counts == 0) & (_log_never(many[:, None], others, rows) <= limit)
    rare = (counts > 0) & (counts <= RARE * expected)
    left_values, right_values = np.append(left_values, PRESENT), np.append(right_values, PRESENT)
    contained = (left_values >= 0)[:, None] & unseen[-1] | (right_values >= 0) & unseen[:, -1:]
    named = (left_values != REST)[:, None] & (right_values != REST)
    for row, column in np.argwhere((unseen & ~contained | rare) & named).tolist():
        values = int(left_values[row]), int(right_values[column])
        yield Combination(columns, values, int(counts[row, column]), float(expected[row, column]), rows)


def _log_never(many: NDArray[np.int64], others: NDArray[np.int64], rows: int) -> Array:
    """The logarithm of P_0, the probability that none of `others` is among the `many` of all rows."""
    free = np.maximum(rows - many - others, 0)  # where negative, some row has both
    out = gammaln(rows - many + 1) + gammaln(rows - others + 1) - gammaln(rows + 1) - gammaln(free + 1)
    return np.asarray(out, np.float64)


def _matches(values: Array, value: int) -> Mask:
    return np.asarray(values != MISSING if value == PRESENT else values == value)


def _described(column: Column, value: int) -> str:
    if value >= 0:
        return f"{column.name} = {column.levels[value]!r}"
    return f"{column.name} is {'null' if value == MISSING else 'not null'}"
