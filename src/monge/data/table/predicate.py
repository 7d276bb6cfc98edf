"""What a condition on the rows of a table is made of: comparisons, levels, nulls, and `not`, `and`, `or`.

Truth has three values, as in SQL: a comparison with a missing value is neither true nor false, so that neither it nor
its negation holds. Every part gives two masks (n,) of rows (n, d): where it is true, and where it is false.
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Column, Schema

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

COMPARISONS: dict[str, Callable[[Array, Array], Mask]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}


class Predicate(Protocol):
    """Something that is true, false or neither of a row."""

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false, both (n,), of rows (n, d)."""

    def positions(self) -> Iterator[int]:
        """Positions of the columns that it reads."""

    def printed(self, schema: Schema) -> str:
        """Its text, which parses to the same predicate."""


@dataclass(frozen=True)
class Sum:
    """A sum of columns and a number.

    Arguments:
        terms: pairs of a factor and a column's position; a factor is 1 or -1, and 86400 times that for days in seconds.
        constant: the number.
        literal: how a date is written that the sum consists of; None for other sums.
    """

    terms: tuple[tuple[float, int], ...]
    constant: float = 0.0
    literal: str | None = None

    def values(self, raw: Array) -> Array:
        """The sum (n,); NaN where a column's value is missing."""
        out = np.full(len(raw), self.constant)
        for factor, index in self.terms:
            out += factor * raw[:, index]
        return out

    def printed(self, schema: Schema) -> str:
        """Its text."""
        if self.literal is not None:
            return quoted(self.literal)
        parts = [(factor < 0, name(schema, index)) for factor, index in self.terms]
        if self.constant or not parts:
            parts.append((self.constant < 0, repr(abs(self.constant)).removesuffix(".0")))
        text = " ".join(f"{'-' if negative else '+'} {part}" for negative, part in parts)
        return text.removeprefix("+ ")


@dataclass(frozen=True)
class Comparison:
    """Two sums compared. Equal is what differs by no more than rounding, `tolerance` of the larger of the two.

    Arguments:
        left: a sum with a column.
        operation: one of `COMPARISONS`.
        right: a sum.
        tolerance: relative error of the columns' values.
    """

    left: Sum
    operation: str
    right: Sum
    tolerance: float = 1e-12

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false."""
        left, right = self.left.values(raw), self.right.values(raw)
        difference = left - right
        known = ~np.isnan(difference)
        equal = np.abs(difference) <= self.tolerance * np.maximum(np.abs(left), np.abs(right))
        difference[equal] = 0
        true = COMPARISONS[self.operation](difference, np.zeros(1)) & known
        return true, ~true & known

    def positions(self) -> Iterator[int]:
        """Positions of the columns that it reads."""
        return (index for _, index in self.left.terms + self.right.terms)

    def printed(self, schema: Schema) -> str:
        """Its text."""
        return f"{self.left.printed(schema)} {self.operation} {self.right.printed(schema)}"


@dataclass(frozen=True)
class Membership:
    """A column whose level is among some.

    Arguments:
        column: position of a column with levels.
        allowed: positions of the levels in rising order.
    """

    column: int
    allowed: tuple[int, ...]

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false."""
        values = raw[:, self.column]
        known, true = ~np.isnan(values), np.isin(values, self.allowed)
        return true, ~true & known

    def positions(self) -> Iterator[int]:
        """Position of the column."""
        return iter((self.column,))

    def printed(self, schema: Schema) -> str:
        """Its text."""
        levels = [quoted(schema.kept[self.column].levels[index]) for index in self.allowed]
        return f"{name(schema, self.column)} in ({', '.join(levels)})"


@dataclass(frozen=True)
class SameLevel:
    """Two columns with levels whose levels have the same name.

    Arguments:
        left: position of a column.
        right: position of another.
        table: for each level of the first, the position of its name in the second, or -1.
    """

    left: int
    right: int
    table: tuple[int, ...]

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false."""
        known = ~np.isnan(raw[:, self.left]) & ~np.isnan(raw[:, self.right])
        true = known.copy()
        true[known] = np.array(self.table)[raw[known, self.left].astype(np.int64)] == raw[known, self.right]
        return true, ~true & known

    def positions(self) -> Iterator[int]:
        """Positions of both columns."""
        return iter((self.left, self.right))

    def printed(self, schema: Schema) -> str:
        """Its text."""
        return f"{name(schema, self.left)} = {name(schema, self.right)}"


@dataclass(frozen=True)
class Missing:
    """A column whose value is missing.

    Arguments:
        column: its position.
    """

    column: int

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false."""
        true = np.isnan(raw[:, self.column])
        return true, ~true

    def positions(self) -> Iterator[int]:
        """Position of the column."""
        return iter((self.column,))

    def printed(self, schema: Schema) -> str:
        """Its text."""
        return f"{name(schema, self.column)} is null"


@dataclass(frozen=True)
class Not:
    """The negation of a predicate.

    Arguments:
        part: the predicate.
    """

    part: Predicate

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false."""
        true, false = self.part.masks(raw)
        return false, true

    def positions(self) -> Iterator[int]:
        """Positions of the columns that it reads."""
        return self.part.positions()

    def printed(self, schema: Schema) -> str:
        """Its text."""
        return f"not {_inner(schema, self.part)}"


@dataclass(frozen=True)
class Junction:
    """Several predicates joined by `and` or `or`.

    Arguments:
        word: `and` or `or`.
        parts: at least two.
    """

    word: str
    parts: tuple[Predicate, ...]

    def masks(self, raw: Array) -> tuple[Mask, Mask]:
        """Where it is true and where it is false."""
        each = [part.masks(raw) for part in self.parts]
        trues, falses = [true for true, _ in each], [false for _, false in each]
        if self.word == "and":
            return np.logical_and.reduce(trues), np.logical_or.reduce(falses)
        return np.logical_or.reduce(trues), np.logical_and.reduce(falses)

    def positions(self) -> Iterator[int]:
        """Positions of the columns that it reads."""
        return (index for part in self.parts for index in part.positions())

    def printed(self, schema: Schema) -> str:
        """Its text."""
        return f" {self.word} ".join(_inner(schema, part) for part in self.parts)


def conjuncts(predicate: Predicate) -> Iterator[Predicate]:
    """The predicates that must all be true for a predicate to be."""
    if isinstance(predicate, Junction) and predicate.word == "and":
        for part in predicate.parts:
            yield from conjuncts(part)
    else:
        yield predicate


def tolerance(columns: list[Column]) -> float:
    """The relative error that values of some columns have."""
    return 1e-6 if any(column.type in ("float", "halffloat") for column in columns) else 1e-12


def name(schema: Schema, index: int) -> str:
    """A column's name as it is written in a condition."""
    return "`" + schema.names[index].replace("`", "``") + "`"


def quoted(text: str) -> str:
    """A text as it is written in a condition."""
    return "'" + text.replace("'", "''") + "'"


def _inner(schema: Schema, part: Predicate) -> str:
    text = part.printed(schema)
    return f"({text})" if isinstance(part, Junction) else text
