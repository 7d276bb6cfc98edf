"""Columns of which one is never greater than another, such as the day of an order and that of its delivery.

A pair is found if no row breaks it though many would, were the columns independent. Pairs whose ranges do not overlap
need no keeping.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import COMPARABLE, Schema

SAMPLE = 20_000
"""Rows that this number is estimated from."""
FEW = 1_000
"""Rows that pairs are proposed from."""

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Order:
    """A column that is never greater than another.

    Arguments:
        columns: positions of the two in a raw row, the smaller first.
    """

    columns: tuple[int, int]

    def violated(self, raw: Array) -> Mask:
        """Which rows (n,) of rows (n, d) break it; none in which either is missing."""
        first, second = self.columns
        return np.asarray(raw[:, first] > raw[:, second])

    def described(self, schema: Schema) -> str:
        """The order in words."""
        return " <= ".join(schema.names[column] for column in self.columns)


def find(schema: Schema, raw: Array, without: Collection[int], enough: float) -> tuple[Order, ...]:
    """The orders that a table's rows keep.

    Arguments:
        schema: the columns; numbers are compared with numbers, dates with dates, times with times.
        raw: the training rows (n, d).
        without: positions of columns that are not looked at, such as derived ones.
        enough: how many rows independent columns would have against an order, at least.

    Example:
        >>> from monge.data.table.schema import Column
        >>> schema = Schema((Column("low", "integer"), Column("high", "integer")))
        >>> raw = np.sort(np.random.default_rng(0).integers(100, size=(2000, 2)), axis=1).astype(float)
        >>> [found.described(schema) for found in find(schema, raw, without=(), enough=150)]
        ['low <= high']
    """
    rows = np.random.default_rng(0).choice(len(raw), min(SAMPLE, len(raw)), replace=False)
    sample = raw[rows]
    return tuple(
        order
        for order in _proposed(schema, sample[:FEW], without)
        if _expected(sample, order) * len(raw) >= enough and not order.violated(raw).any()
    )


def _proposed(schema: Schema, few: Array, without: Collection[int]) -> Iterator[Order]:
    """The orders that a few rows keep, of columns whose ranges overlap in them."""
    for kinds in COMPARABLE:
        ours = [index for index, one in enumerate(schema) if one.kind in kinds and index not in without]
        ours = [index for index in ours if not np.isnan(few[:, index]).all()]
        least, most = np.nanmin(few[:, ours], axis=0, initial=np.inf), np.nanmax(few[:, ours], axis=0, initial=-np.inf)
        for first, second in permutations(range(len(ours)), 2):
            order = Order((ours[first], ours[second]))
            if most[first] > least[second] and not order.violated(few).any():
                yield order


def _expected(sample: Array, order: Order) -> float:
    """The share of rows that would break an order if its columns were independent, given which are missing."""
    both = sample[:, order.columns]
    both = both[~np.isnan(both).any(axis=1)]
    below = np.searchsorted(np.sort(both[:, 1]), both[:, 0], side="left")
    return float(below.sum()) / max(len(both), 1) / len(sample)
