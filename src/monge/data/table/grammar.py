"""The grammar of conditions, read by recursive descent: see `condition`."""

from collections.abc import Callable
from itertools import count

import numpy as np

from monge.data.table.calendar import dateless
from monge.data.table.lexer import Token, number, seconds, tokens
from monge.data.table.predicate import (
    COMPARISONS,
    Comparison,
    Junction,
    Membership,
    Missing,
    Not,
    Predicate,
    SameLevel,
    Sum,
    tolerance,
)
from monge.data.table.schema import Column, Schema
from monge.errors import UserError, unknown_name

MIRRORED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
Side = list[tuple[int, Token]]
"""Operands with their signs."""


class Parser:
    """Recursive descent; each method reads one rule of the grammar."""

    def __init__(self, text: str, schema: Schema, what: str) -> None:
        self.schema, self.what, self.index = schema, what, 0
        self.tokens = tokens(text, schema, what)

    def whole(self) -> Predicate:
        found = self.junction("or", lambda: self.junction("and", self.negation))
        if self.here.kind != "end":
            raise self.wrong(self.here, "'and', 'or' or the end")
        return found

    @property
    def here(self) -> Token:
        return self.tokens[self.index]

    def taken(self, *words: str) -> str:
        """The next keyword or symbol, if it is one of some; otherwise nothing is read."""
        if self.here.keyword not in words:
            return ""
        self.index += 1
        return self.tokens[self.index - 1].keyword

    def expect(self, word: str) -> None:
        if not self.taken(word):
            raise self.wrong(self.here, repr(word))

    def wrong(self, token: Token, allowed: str) -> UserError:
        return UserError(f"{self.what}: position {token.position} must be {allowed}; got {token.shown}")

    def junction(self, word: str, part: Callable[[], Predicate]) -> Predicate:
        parts = [part()]
        while self.taken(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(word, tuple(parts))

    def negation(self) -> Predicate:
        if self.taken("not"):
            return Not(self.negation())
        if self.taken("("):
            inner = self.junction("or", lambda: self.junction("and", self.negation))
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Predicate:
        left = self.side()
        if operation := self.taken(*COMPARISONS):
            return self.compared(left, operation, self.side())
        operations = "one of " + " ".join(COMPARISONS)
        if len(left) > 1 or left[0][0] < 0:
            raise self.wrong(self.here, operations)
        index = self.column(left[0][1])
        if self.taken("is"):
            negated = self.taken("not")
            self.expect("null")
            return Not(Missing(index)) if negated else Missing(index)
        negated = self.taken("not")
        if self.taken("in"):
            found = self.among(left)
        elif self.taken("between"):
            lowest = self.compared(left, ">=", self.side())
            self.expect("and")
            found = Junction("and", (lowest, self.compared(left, "<=", self.side())))
        else:
            raise self.wrong(self.here, "'in' or 'between'" if negated else f"{operations}, 'in', 'between' or 'is'")
        return Not(found) if negated else found

    def among(self, left: Side) -> Predicate:
        self.expect("(")
        parts = [self.compared(left, "=", self.side())]
        while self.taken(","):
            parts.append(self.compared(left, "=", self.side()))
        self.expect(")")
        members = [part for part in parts if isinstance(part, Membership)]
        if len(members) == len(parts):
            return Membership(members[0].column, tuple(sorted({part.allowed[0] for part in members})))
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def side(self) -> Side:
        out = [(-1 if self.taken("-") else 1, self.operand())]
        while sign := self.taken("+", "-"):
            out.append((-1 if sign == "-" else 1, self.operand()))
        return out

    def operand(self) -> Token:
        if self.here.keyword or self.here.kind == "end":
            raise self.wrong(self.here, "a column or a value")
        self.index += 1
        return self.tokens[self.index - 1]

    def named(self, token: Token) -> int | None:
        """The position of the column that a token may name."""
        names = self.schema.names
        return names.index(token.text) if token.kind in ("word", "text", "name") and token.text in names else None

    def column(self, token: Token) -> int:
        index = self.named(token)
        if index is not None:
            return index
        raise self.wrong(token, "a column") if token.kind in ("number", "date") else self.unknown(token)

    def unknown(self, token: Token) -> UserError:
        """What to say of a name that is not a column's in a row."""
        if token.text in [column.name for column in self.schema.columns]:
            where = f"{self.what}: position {token.position}"
            return UserError(f"{where}: column {token.text!r} identifies rows and is left out")
        return unknown_name(f"{self.what}: position {token.position}: column", token.text, self.schema.names)

    def compared(self, left: Side, operation: str, right: Side) -> Predicate:
        if len(left) == 1 and self.named(left[0][1]) is None and self.named(right[0][1]) is not None:
            left, operation, right = right, MIRRORED[operation], left
        index = self.named(left[0][1]) if len(left) == 1 and left[0][0] > 0 else None
        if index is not None and levelled(self.schema.kept[index]):
            return self.level(index, operation, right)
        return self.numbers(left, operation, right)

    def level(self, index: int, operation: str, right: Side) -> Predicate:
        column, (sign, token) = self.schema.kept[index], right[0]
        if len(right) > 1:
            raise self.wrong(right[1][1], f"after a single value, as {column.name!r} contains no numbers")
        text = ("-" if sign < 0 else "") + token.text
        if operation not in ("=", "!="):
            return Membership(index, self.ordered(column, operation, number(text), token))
        place = None if token.kind == "name" else _place(column, text)
        other = self.named(token)
        if place is not None:
            same: Predicate = Membership(index, (place,))
        elif other is not None and levelled(self.schema.kept[other]):
            places = dict(zip(self.schema.kept[other].levels, count(), strict=False))
            same = SameLevel(index, other, tuple(places.get(level, -1) for level in column.levels))
        else:
            raise unknown_name(f"{self.what}: position {token.position}: value of {column.name!r}", text, column.levels)
        return same if operation == "=" else Not(same)

    def ordered(self, column: Column, operation: str, value: float | None, token: Token) -> tuple[int, ...]:
        """The levels on one side of a number, where all levels are numbers."""
        levels = [number(level) for level in column.levels]
        if value is None or any(level is None for level in levels):
            raise UserError(
                f"{self.what}: position {token.position}: {column.name!r} contains no numbers, so that only "
                f"=, != and 'in' are allowed; got {operation!r}"
            )
        true = COMPARISONS[operation](np.array(levels, np.float64), np.array([value]))
        if not true.any():
            raise self.wrong(token, f"a number that some value of {column.name!r} is {operation}")
        return tuple(np.flatnonzero(true).tolist())

    def numbers(self, left: Side, operation: str, right: Side) -> Predicate:
        named = [self.named(token) for _, token in left + right]
        columns = [self.schema.kept[index] for index in named if index is not None]
        if not columns:
            raise self.unread(left[0][1], columns)
        dated = [column for column in columns if column.kind in ("date", "datetime")]
        unit = 1.0 if any(column.kind == "datetime" for column in dated) else 86400.0
        sums = [self.sum(side, dated, unit) for side in (left, right)]
        if sums[0][1] != sums[1][1]:
            raise self.wrong(right[0][1], f"{_example(dated[0])}, to compare with {dated[0].name!r}")
        return Comparison(sums[0][0], operation, sums[1][0], tolerance(columns))

    def sum(self, side: Side, dated: list[Column], unit: float) -> tuple[Sum, int]:
        """A sum, and how many more dates it adds than it subtracts; units are seconds."""
        terms, constant, literal, dates = [], 0.0, None, 0
        for sign, token in side:
            index = self.named(token)
            if index is not None:
                column = self.schema.kept[index]
                if levelled(column):
                    raise self.wrong(token, f"a column of numbers or dates, and {column.name!r} is neither")
                terms.append((sign * (86400.0 / unit if column.kind == "date" else 1.0), index))
                dates += sign * (column.kind in ("date", "datetime"))
            elif token.kind == "number":
                constant += sign * float(token.text)
            else:
                time = seconds(token.text, [column.form for column in dated]) if dated else None
                if time is None or len(side) > 1 or sign < 0:
                    raise self.unread(token, dated)
                constant, literal, dates = time / unit, token.text, 1
        return Sum(tuple(terms), constant, literal), dates

    def unread(self, token: Token, dated: list[Column]) -> UserError:
        """What to say of something that is neither a column nor a value of the right kind."""
        if dated and token.kind != "name":
            return self.wrong(token, f"{_example(dated[0])}, alone, to compare with {dated[0].name!r}")
        if token.kind == "text":
            return self.wrong(token, "a number or a column of numbers")
        if token.kind in ("number", "date"):
            return self.wrong(token, "a column")
        return self.unknown(token)


def _example(column: Column) -> str:
    """What may be compared with a column of dates or times."""
    return "a time such as '08:30'" if dateless(column.form) else "a date such as '2024-01-31'"


def _place(column: Column, text: str) -> int | None:
    """The position of a level by its text; by its value if it is a number, and in any case of a truth value."""
    if text in column.levels:
        return column.levels.index(text)
    if column.kind == "boolean":
        same = [index for index, level in enumerate(column.levels) if level.casefold() == text.casefold()]
    else:
        value = number(text)
        same = [index for index, level in enumerate(column.levels) if value is not None and number(level) == value]
    return same[0] if len(same) == 1 else None


def levelled(column: Column) -> bool:
    return column.levelled or bool(column.levels)
