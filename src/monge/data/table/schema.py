"""What the columns of a table are: kinds, levels, precision, bounds. It is JSON in a run, and holds no row.

A row of a table is a row of a float64 array, its *raw* form: numbers as they are, dates as days and times as seconds
since 1970, levels of categories as their positions, NaN where a value is missing. Columns that identify rows are in no
row; they are left out, and made anew when asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Kind = Literal["number", "integer", "category", "boolean", "date", "datetime", "constant", "identifier"]
KINDS: tuple[str, ...] = get_args(Kind)
LEVELLED = ("category", "boolean")
COMPARABLE = (("number", "integer"), ("date",), ("datetime",))
"""Kinds of columns whose values can be compared with each other, and taken from each other."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Arguments:
        name: as in the file.
        kind: number, integer, category, boolean, date, datetime, constant or identifier.
        type: how values are written and kept in a frame, as pyarrow names it: `int64`, `string`, `date32[day]`.
        levels: the values of a category, a truth value or a constant as text, in order.
        decimals: digits after the point that numbers are written with; None keeps all.
        low: smallest number, or None.
        high: largest number, or None.
        missing: whether there are missing values.
        form: how a date or a time is written in text, as `strftime` takes it; None is ISO 8601.
    """

    name: str
    kind: Kind
    type: str = "double"
    levels: tuple[str, ...] = ()
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    missing: bool = False
    form: str | None = None

    @property
    def levelled(self) -> bool:
        """Whether its values are levels, so that a raw number is a position among them."""
        return self.kind in LEVELLED

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers, dates or times, so that differences mean something; a constant may be one."""
        constant = self.kind == "constant" and self.low is not None
        return constant or self.kind in ("number", "integer", "date", "datetime")


@dataclass(frozen=True)
class Schema:
    """The columns of a table in order.

    Arguments:
        columns: all of them.

    Example:
        >>> schema = Schema((Column("age", "integer"), Column("id", "identifier")))
        >>> [column.name for column in schema.kept]
        ['age']
    """

    columns: tuple[Column, ...]

    @cached_property
    def kept(self) -> tuple[Column, ...]:
        """The columns that are in a raw row: all but identifiers."""
        return tuple(column for column in self.columns if column.kind != "identifier")

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns of a raw row."""
        return [column.name for column in self.kept]

    def position(self, name: str) -> int:
        """The position of a column in a raw row."""
        return self.names.index(name)

    def __iter__(self) -> Iterator[Column]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def as_json(self) -> list[dict[str, Any]]:
        """The columns as plain mappings, without what they do not have."""
        standard = asdict(Column("", "number"))
        return [
            {key: value for key, value in asdict(column).items() if key in ("name", "kind") or value != standard[key]}
            for column in self.columns
        ]

    @classmethod
    def from_json(cls, columns: Sequence[Mapping[str, Any]]) -> "Schema":
        """The schema whose `as_json` this is."""
        return cls(tuple(Column(**{**column, "levels": tuple(column.get("levels", ()))}) for column in columns))

    def recoded(self, raw: NDArray[np.float64], other: "Schema") -> NDArray[np.float64]:
        """Rows of another table with the same columns, their levels by their positions here.

        Arguments:
            raw: rows (n, d) of the other table.
            other: its schema.

        Returns:
            The rows (n, d); a level that is unknown here has the position after the last.
        """
        out = raw.copy()
        for index, (mine, theirs) in enumerate(zip(self, other, strict=True)):
            if mine.levels == theirs.levels or not theirs.levels:
                continue
            place = {level: position for position, level in enumerate(mine.levels)}
            table = np.array([place.get(level, len(mine.levels)) for level in theirs.levels], np.float64)
            known = ~np.isnan(raw[:, index])
            out[known, index] = table[raw[known, index].astype(np.int64)]
        return out
