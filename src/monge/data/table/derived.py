"""Columns that are exact functions of others, so that no generator need learn them: they are restored afterwards.

Two forms. A *lookup* reads a value off a table: the number of years of an education, the state of a city, the month of
a date. A *formula* is

.. math:: y = c + w f, \\qquad f \\in \\{x_1,\\; x_1 + x_2,\\; x_1 - x_2,\\; x_1 x_2,\\; x_1 / x_2\\},

rounded to the digits that the column is written with; or the date of a time. `dependence.find` finds both.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Column, Schema

Part = Literal["value", "year", "month", "day", "weekday", "hour"]
PARTS: tuple[Part, ...] = get_args(Part)

Operation = Literal["", "date", "+", "-", "*", "/"]
OPERATIONS: dict[Operation, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


@dataclass(frozen=True)
class Lookup:
    """A column that is read off a table of another column's values.

    A value of a number that is not in the table is read off the nearest that is.

    Arguments:
        column: position of the column in a raw row.
        source: position of the column that determines it.
        part: which part of the source's values: all of it, or a part of its date.
        date: whether the source is a date in days; otherwise times are in seconds.
        keys: the source's values in rising order; None, the last, stands for a missing one.
        values: the column's value for each key; None is missing.
    """

    column: int
    source: int
    part: Part
    date: bool
    keys: tuple[float | None, ...]
    values: tuple[float | None, ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """Positions of the columns that determine it."""
        return (self.source,)

    def compute(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The column's values (n,) of rows (n, d)."""
        given = part_of(raw[:, self.source], self.part, date=self.date)
        whole = [index for index, key in enumerate(self.keys) if key is not None]
        keys = np.array([self.keys[index] for index in whole], np.float64)
        values = np.array([np.nan if value is None else value for value in self.values], np.float64)
        out = np.full(len(given), values[-1] if len(whole) < len(values) else np.nan)
        known = ~np.isnan(given)
        if len(keys):
            middle = (keys[1:] + keys[:-1]) / 2
            out[known] = values[whole][np.searchsorted(middle, given[known], side="right")]
        return out

    def described(self, schema: Schema) -> str:
        """The function in words."""
        name = schema.names[self.source]
        source = f"{name!r}" if self.part == "value" else f"the {self.part} of {name!r}"
        return f"{schema.names[self.column]!r} is determined by {source}"

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them."""
        return {"form": "lookup", **asdict(self)}


@dataclass(frozen=True)
class Formula:
    """A column computed from one or two others; missing where one of them is, or where it divides by zero.

    Arguments:
        column: position of the column in a raw row.
        sources: positions of the one or two columns that determine it.
        operation: what joins the two sources; for one it is empty, or `date` for the day of a time.
        weight: the factor w.
        intercept: the summand c.
        decimals: digits after the point that it is rounded to; None keeps all.
    """

    column: int
    sources: tuple[int, ...]
    operation: Operation
    weight: float
    intercept: float
    decimals: int | None

    def compute(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The column's values (n,) of rows (n, d)."""
        out = self.weight * feature(raw, self.sources, self.operation) + self.intercept
        return out if self.decimals is None else np.asarray(np.round(out, self.decimals) + 0.0)

    def described(self, schema: Schema) -> str:
        """The function in words."""
        names = [schema.names[source] for source in self.sources]
        right = f"date of {names[0]}" if self.operation == "date" else f" {self.operation} ".join(names)
        if self.weight != 1:
            right = f"{self.weight:g} * " + (f"({right})" if self.operation in ("+", "-") else right)
        if self.intercept:
            right += f" {'+' if self.intercept > 0 else '-'} {abs(self.intercept):g}"
        return f"{schema.names[self.column]} = {right}"

    def as_json(self) -> dict[str, Any]:
        """Plain values; `from_json` reads them."""
        return {"form": "formula", **asdict(self)}


Derivation = Lookup | Formula


def from_json(given: Mapping[str, Any]) -> Derivation:
    """The derivation whose `as_json` this is."""
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    form = fields.pop("form")
    return Lookup(**fields) if form == "lookup" else Formula(**fields)


class Computed(Protocol):
    """What computes a column of a row from the others, and from what stands in its place."""

    @property
    def column(self) -> int:
        """Position of the column in a raw row."""

    def compute(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """The column's values (n,) of rows (n, d)."""


def restore(derivations: Iterable[Computed], raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows with their derived columns computed from the others.

    Arguments:
        derivations: in an order in which every source comes before what is derived from it, as `find` returns them.
        raw: rows (n, d); what they contain in derived columns is not read.

    Returns:
        New rows (n, d).

    Example:
        >>> total = Formula(2, (0, 1), "*", weight=1.0, intercept=0.0, decimals=2)
        >>> restore([total], np.array([[2.5, 3, np.nan]])).tolist()
        [[2.5, 3.0, 7.5]]
    """
    out = raw.copy()
    for derivation in derivations:
        out[:, derivation.column] = derivation.compute(out)
    return out


def feature(raw: NDArray[np.float64], sources: tuple[int, ...], operation: Operation) -> NDArray[np.float64]:
    """The function f of one or two columns of rows (n, d), (n,); NaN where it is not defined."""
    if not operation:
        return raw[:, sources[0]]
    if operation == "date":
        return np.asarray(np.floor(raw[:, sources[0]] / 86400))
    with np.errstate(divide="ignore", invalid="ignore"):
        out = OPERATIONS[operation](raw[:, sources[0]], raw[:, sources[1]])
    return np.where(np.isfinite(out), out, np.nan)


def part_of(values: NDArray[np.float64], part: Part, *, date: bool) -> NDArray[np.float64]:
    """A part of dates in days, or of times in seconds, since 1970 (n,); weekdays are 0 for Monday to 6."""
    if part == "value":
        return values
    known = np.isfinite(values)
    out = np.full(len(values), np.nan)
    days = np.floor(values[known] if date else values[known] / 86400).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    if part == "year":
        out[known] = days.astype("datetime64[Y]").astype(np.int64) + 1970
    elif part == "month":
        out[known] = months.astype(np.int64) % 12 + 1
    elif part == "day":
        out[known] = (days - months).astype(np.int64) + 1
    elif part == "weekday":
        out[known] = (days.astype(np.int64) + 3) % 7
    else:
        out[known] = np.floor(values[known] % 86400 / 3600)
    return out


def digits(column: Column) -> int | None:
    """Digits after the point of a column's numbers; None if it keeps all of them."""
    return 0 if column.kind in ("integer", "date") else 6 if column.kind == "datetime" else column.decimals
