"""Rows chosen from many generated ones: to complete rows of which some values are known, or to have equal classes.

A given row is completed from a generated one that has the same known levels and nulls, and is nearest in the known
numbers, in the metric of tables: differences in standard deviations, and 1 for a null beside a number. Where no
generated row has all the known levels, those with the fewest others come first. Of rows that are equally near, any is
chosen. This is a nearest-neighbour hot deck with generated donors (Andridge and Little 2010, "A Review of Hot Deck
Imputation for Survey Non-response"): the completed values come from one row, so that they go together.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Schema
from monge.errors import UserError

BLOCK = 2**21
"""Most distances at once."""

Array = NDArray[np.float64]


def fill(
    schema: Schema,
    given: Array,
    known: NDArray[np.bool_],
    pool: Array,
    deviations: Array,
    seed: int = 0,
) -> Array:
    """Rows of which some values are known, completed from generated rows.

    Arguments:
        schema: the columns.
        given: rows (n, d); a known NaN is a missing value that stays missing.
        known: which of their values are known, (n, d).
        pool: generated rows (m, d), m >= 1.
        deviations: standard deviation of each column of numbers among the training rows, (d,); others are not read.
        seed: of the choice among rows that are equally near.

    Returns:
        New rows (n, d), known values as given.

    Example:
        >>> from monge.data.table.schema import Column
        >>> schema = Schema((Column("sex", "category", levels=("f", "m")), Column("age", "integer")))
        >>> pool = np.array([[0.0, 30], [1, 40], [1, 41]])
        >>> given, known = np.array([[np.nan, 39.0], [0, np.nan]]), np.array([[False, True], [True, False]])
        >>> fill(schema, given, known, pool, deviations=np.ones(2)).tolist()
        [[1.0, 39.0], [0.0, 30.0]]
    """
    if not len(pool):
        raise UserError("pool must have at least one row; got none")
    chosen = np.zeros(len(given), np.int64)
    random = np.random.default_rng(seed)
    pool = pool[random.permutation(len(pool))]
    starts = random.integers(len(pool), size=len(given))
    numeric = np.array([column.numeric for column in schema])
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    for index, pattern in enumerate(patterns):
        rows = np.flatnonzero(which.ravel() == index)
        numbers = pattern & numeric & (deviations > 0)
        scaled = [some[:, numbers] / deviations[numbers] for some in (given[rows], pool)]
        levels = [np.nan_to_num(some[:, pattern & ~numbers], nan=np.inf) for some in (given[rows], pool)]
        for some, donors, all_agree in _groups(*levels):
            step = max(BLOCK // len(donors), 1)
            for start in range(0, len(some), step):
                block = some[start : start + step]
                distance = _squared(scaled[0][block], scaled[1][donors])
                if not all_agree:
                    # Numbers never outweigh a level.
                    distance /= 1 + distance.max()
                    distance += (levels[0][some[0]] != levels[1]).sum(axis=1)
                chosen[rows[block]] = donors[_any_least(distance, starts[rows[block]])]
    return np.where(known, given, pool[chosen])


def balance(schema: Schema, pool: Array, column: int, n: int, seed: int = 0) -> NDArray[np.int64]:
    """Rows of a pool with the levels of a column in equal numbers, in any order.

    Arguments:
        schema: the columns.
        pool: rows (m, d).
        column: position of a column with levels; rows where it is missing are not chosen.
        n: number of rows; the first levels have one more where it is no multiple.
        seed: of the choice.

    Returns:
        Positions in the pool (n,), all different.

    Raises:
        UserError: the column has no levels, or the pool too few rows of one.

    Example:
        >>> from monge.data.table.schema import Column
        >>> schema = Schema((Column("sex", "category", levels=("f", "m")),))
        >>> sorted(balance(schema, np.array([[0.0], [0], [0], [1]]), 0, 2).tolist())[-1]
        3
    """
    which = schema.kept[column]
    if not which.levelled:
        raise UserError(f"--balance must be a column with levels; {which.name!r} is of kind {which.kind}")
    random = np.random.default_rng(seed)
    chosen = []
    for level, count in enumerate(quotas(len(which.levels), n)):
        rows = np.flatnonzero(pool[:, column] == level)
        if len(rows) < count:
            text = f"got {len(rows)} with {which.levels[level]!r}, of {len(pool)}"
            raise UserError(f"--balance {which.name}: {count} generated rows are needed of each level; {text}")
        chosen.append(random.choice(rows, count, replace=False))
    return np.asarray(random.permutation(np.concatenate(chosen)), np.int64)


def quotas(levels: int, n: int) -> list[int]:
    """How many of n rows each level gets when all get as many; the first get one more where they must."""
    return [n // levels + (index < n % levels) for index in range(levels)]


def _squared(left: Array, right: Array) -> Array:
    """Squared distances (n, m) between rows of numbers; 1 for each null beside a number."""
    out = np.zeros((len(left), len(right)))
    for a, b in zip(left.T, right.T, strict=True):
        square = (a[:, None] - b) ** 2
        out += np.where(np.isnan(square), np.isnan(a)[:, None] != np.isnan(b), square)
    return out


def _groups(given: Array, pool: Array) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], bool]]:
    """Given rows with the same levels, the rows of the pool to choose from, and whether these have all the levels."""
    if not given.shape[1]:
        yield np.arange(len(given)), np.arange(len(pool)), True
        return
    keys, code = np.unique(np.concatenate([given, pool]), axis=0, return_inverse=True)
    code = code.ravel()
    order = np.argsort(code[len(given) :], kind="stable")
    ends = np.searchsorted(code[len(given) :][order], np.arange(len(keys) + 1))
    everyone = np.arange(len(pool))
    for key in np.unique(code[: len(given)]):
        donors = order[ends[key] : ends[key + 1]]
        rows = np.flatnonzero(code[: len(given)] == key)
        yield rows, donors if len(donors) else everyone, len(donors) > 0


def _any_least(distance: Array, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each row of distances (n, m) the first that is least, counted from its start."""
    size = distance.shape[1]
    after = (np.arange(size) - starts[:, None]) % size
    least = distance <= distance.min(axis=1, keepdims=True) * (1 + 1e-12)
    return np.asarray(np.where(least, after, size).argmin(axis=1), np.int64)
