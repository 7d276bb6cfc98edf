"""Finds columns that are exact functions of others: proposed from a sample of rows, kept if they hold in every row.

**Lookups.** If y were independent of x, the :math:`m_v` rows with x = v would all have the same y with probability
about :math:`q^{m_v - 1}`, where :math:`q = \\sum_y p_y^2` is the chance that two rows agree. Hence a function arises by
chance with probability :math:`q^{n - k}`, n rows and k values of x, which must be below `CHANCE` over all pairs of
columns; and k must be small beside n, as every x that identifies rows determines everything.

**Formulas.** In a sample, the correlation of y with f must leave no more variance than rounding does. Weights are
rounded to as few digits as the rows allow (w, or 1 / w).
"""

import math
from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from monge.data.table.derived import OPERATIONS, PARTS, Derivation, Formula, Lookup, Operation, digits, feature, part_of
from monge.data.table.schema import Column, Schema

CHANCE = 1e-9
"""Probability, over all pairs of columns, that a lookup arises by chance."""
SAMPLE = 20_000
"""Rows that functions are proposed from."""
FORMULA_SAMPLE = 2_000
"""Rows that formulas are proposed from."""
FEWEST = 50
"""Rows below which nothing is looked for."""
MOST_KEYS = {True: 10_000, False: 1_000}
"""Most values of the source of a lookup: if it has levels, and if not."""
ROWS_PER_KEY = 10
"""Fewest rows per value of the source of a lookup, on average."""
FREQUENT = 5
"""Rows of a value that is frequent; 95 % of the rows must have such a value of the source."""

Array = NDArray[np.float64]


def find(schema: Schema, raw: Array) -> tuple[Derivation, ...]:
    """The derived columns of a table, in an order in which they can be restored.

    A column is derived once at most, and never from itself by way of others. Of two columns that determine each other
    the one with levels is kept, or else the first.

    Arguments:
        schema: the columns.
        raw: rows (n, d).

    Returns:
        What can be left out; empty if there are fewer than 50 rows.

    Example:
        >>> from monge.data.table.derived import restore
        >>> schema = Schema((Column("celsius", "number", decimals=1), Column("fahrenheit", "number", decimals=2)))
        >>> celsius = np.arange(100) / 10
        >>> (found,) = find(schema, np.stack([celsius, np.round(1.8 * celsius + 32, 2)], axis=1))
        >>> found.described(schema)
        'fahrenheit = 1.8 * celsius + 32'
        >>> restore([found], np.array([[20.0, 0.0]])).tolist()
        [[20.0, 68.0]]
    """
    if len(raw) < FEWEST:
        return ()
    rows = np.random.default_rng(0).choice(len(raw), min(SAMPLE, len(raw)), replace=False)
    sample = raw[np.sort(rows)]
    varied = [index for index in range(len(schema)) if _varies(sample[:, index])]
    found: list[Derivation] = [*_formulas(schema, raw, sample, varied), *_lookups(schema, raw, sample, varied)]
    return _ordered(sorted(found, key=lambda derivation: _rank(schema, derivation)))


def _varies(values: Array) -> bool:
    filled = _filled(values)
    return bool((filled != filled[0]).any())


def _filled(values: Array) -> Array:
    """Values with infinity, which is no value, for missing ones, so that they equal each other."""
    return np.where(np.isnan(values), np.inf, values)


def _lookups(schema: Schema, raw: Array, sample: Array, varied: list[int]) -> Iterator[Lookup]:
    columns = schema.kept
    filled = {index: _filled(sample[:, index]) for index in varied}
    agreement = {index: _agreement(values) for index, values in filled.items()}
    least = math.log(CHANCE / len(columns) ** 2)
    for source in varied:
        column = columns[source]
        for part in PARTS if column.kind in ("date", "datetime") else PARTS[:1]:
            date = column.kind == "date"
            keys, codes = np.unique(_filled(part_of(sample[:, source], part, date=date)), return_inverse=True)
            whole = None
            for target in varied:
                if target == source or not _constant(codes, filled[target], len(keys)):
                    continue
                if whole is None:
                    whole = np.unique(_filled(part_of(raw[:, source], part, date=date)), return_inverse=True)
                    if not _repeated(whole[1], len(whole[0]), column):
                        break
                if (len(raw) - len(whole[0])) * math.log(agreement[target]) > least:
                    continue
                values = _constant(whole[1], _filled(raw[:, target]), len(whole[0]))
                if values:
                    yield Lookup(target, source, part, date, _plain(whole[0]), _plain(np.array(values)))


def _agreement(values: Array) -> float:
    """The chance that two rows agree."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float((shares**2).sum())


def _repeated(codes: NDArray[np.intp], count: int, column: Column) -> bool:
    """Whether the values of a source are few beside the rows."""
    if count > MOST_KEYS[column.levelled] or count * ROWS_PER_KEY > len(codes) or count < 2:
        return False
    rows = np.bincount(codes, minlength=count)
    return bool(rows[rows >= FREQUENT].sum() >= 0.95 * len(codes))


def _constant(codes: NDArray[np.intp], values: Array, count: int) -> list[float]:
    """The one value (count,) of each code's rows; empty if some code has several."""
    table = np.zeros(count)
    table[codes] = values
    return table.tolist() if bool((table[codes] == values).all()) else []


def _plain(values: Array) -> tuple[float | None, ...]:
    return tuple(None if math.isinf(value) else float(value) for value in values)


def _formulas(schema: Schema, raw: Array, sample: Array, varied: list[int]) -> Iterator[Formula]:
    columns = schema.kept
    numeric = [index for index in varied if columns[index].numeric]
    few = sample[:FORMULA_SAMPLE]
    groups: dict[bytes, list[int]] = {}
    for index in numeric:
        groups.setdefault(np.isnan(few[:, index]).tobytes(), []).append(index)
    for targets in groups.values():
        rows = few[~np.isnan(few[:, targets[0]])]
        if len(rows) < FEWEST:
            continue
        known = [index for index in numeric if not np.isnan(rows[:, index]).any()]
        for target, sources, operation in _proposed(columns, rows, known, targets):
            formula = _fitted(columns, (rows, sample, raw), target, sources, operation)
            if formula is not None:
                yield formula


def _proposed(
    columns: tuple[Column, ...], rows: Array, known: list[int], targets: list[int]
) -> Iterator[tuple[int, tuple[int, ...], Operation]]:
    """Targets with the features that leave hardly more of their variance than rounding does."""
    spread = rows[:, targets].std(axis=0)
    units = np.array([_unit(columns[target]) for target in targets])
    # Columns of hardly any values are near many features; a lookup does for them.
    fine = spread > 5 * units
    scaled = (rows[:, targets] - rows[:, targets].mean(axis=0)) / np.where(spread > 0, spread, 1)
    most = 1e-9 + units**2 / np.where(fine, spread, 1) ** 2
    for sources, operation in _features(columns, known):
        values = np.stack([feature(rows, some, operation) for some in sources], axis=1)
        defined = ~np.isnan(values).any(axis=0)
        values = np.where(defined, values, 0) - np.where(defined, values, 0).mean(axis=0)
        deviation = values.std(axis=0)
        defined &= deviation > 0
        correlation = (values / np.where(defined, deviation, 1)).T @ scaled / len(rows)
        near = (1 - correlation**2 <= most) & fine & defined[:, None]
        for which, target in zip(*np.nonzero(near), strict=True):
            if targets[target] not in sources[which]:
                yield targets[target], sources[which], operation


def _features(columns: tuple[Column, ...], known: list[int]) -> Iterator[tuple[list[tuple[int, ...]], Operation]]:
    """Blocks of features with the same operation: as many as there are columns, so that memory stays small."""
    if known:
        yield [(index,) for index in known], ""
    if times := [index for index in known if columns[index].kind == "datetime"]:
        yield [(index,) for index in times], "date"
    for operation in OPERATIONS:
        # Dates have no product; a date is in days and a time in seconds, so that they have no sum.
        dated = operation in ("+", "-")
        ours = [index for index in known if dated or columns[index].kind in ("number", "integer")]
        pairs: list[tuple[int, ...]] = list(combinations(ours, 2) if operation in ("+", "*") else permutations(ours, 2))
        pairs = [pair for pair in pairs if {"date", "datetime"} - {columns[index].kind for index in pair}]
        size = max(len(known), 1)
        for start in range(0, len(pairs), size):
            yield pairs[start : start + size], operation


def _unit(column: Column) -> float:
    """What the last digit of a column is worth; 0 if it keeps all digits."""
    places = digits(column)
    return 0.0 if places is None else 10.0**-places


def _fitted(
    columns: tuple[Column, ...], stages: tuple[Array, ...], target: int, sources: tuple[int, ...], operation: Operation
) -> Formula | None:
    """The formula with the simplest weights that holds in all rows, which are looked at in stages; None without one."""
    x, y = feature(stages[0], sources, operation), stages[0][:, target]
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    places = digits(columns[target])
    for weight in _simple(slope):
        rest = y - weight * x
        middle = float((rest.max() + rest.min()) / 2)
        # Where values are rounded, any other intercept would be one that happens to fit.
        for intercept in dict.fromkeys((0.0, middle if places is None else round(middle, places))):
            formula = Formula(target, sources, operation, weight, intercept, places)
            if all(_holds(columns[target], formula, rows) for rows in stages):
                return formula
    return None


def _simple(weight: float) -> Iterator[float]:
    """A weight rounded to ever more digits, as it is and as a divisor."""
    for count in (1, 2, 3, 4, 6):
        yield float(f"{weight:.{count - 1}e}")
        yield 1 / float(f"{1 / weight:.{count - 1}e}")
    yield weight


def _holds(column: Column, formula: Formula, rows: Array) -> bool:
    """Whether a formula gives a column's values to half their last digit, and is missing where they are."""
    x, y = feature(rows, formula.sources, formula.operation), rows[:, formula.column]
    missing = np.isnan(y)
    if (missing != np.isnan(x)).any():
        return False
    error = np.abs(formula.weight * x + formula.intercept - y)[~missing]
    largest = np.abs(y[~missing]).max(initial=0)
    relative = 1e-6 if column.type in ("float", "halffloat") else 1e-12 if column.kind == "datetime" else 1e-9
    half = 0.5 * _unit(column)
    slack = relative * largest if formula.decimals is None or column.kind == "datetime" else 1e-6 * half
    return bool((error <= half + slack).all())


def _rank(schema: Schema, derivation: Derivation) -> tuple[int, int, bool, int]:
    """What to prefer: the simplest form, the fewest keys, numbers read off levels, the last column.

    A sum keeps positive parts positive, which a difference would not; and a product of whole numbers is whole.
    """
    columns = schema.kept
    if isinstance(derivation, Lookup):
        turned = columns[derivation.column].levelled and not columns[derivation.source].levelled
        return 1, len(derivation.keys), turned, -derivation.column
    order = ("", "lookup", "date", "+", "*", "-", "/").index(derivation.operation)
    return order, 0, derivation.weight < 0, -derivation.column


def _ordered(candidates: list[Derivation]) -> tuple[Derivation, ...]:
    """The candidates that leave no circle, the first of each column, in the order of restoring."""
    chosen: dict[int, Derivation] = {}

    def roots(index: int) -> set[int]:
        below = [roots(source) for source in chosen[index].sources] if index in chosen else []
        return {index}.union(*below)

    for candidate in candidates:
        if candidate.column not in chosen and not any(candidate.column in roots(s) for s in candidate.sources):
            chosen[candidate.column] = candidate
    return tuple(sorted(chosen.values(), key=lambda derivation: len(roots(derivation.column))))
