"""Conditions on the rows of a table, as `--where` and `--rule` take them: `income = '>50K' and age >= 60`.

::

    condition   = conjunction {"or" conjunction}
    conjunction = negation {"and" negation}
    negation    = "not" negation | "(" condition ")" | comparison
    comparison  = sum ("=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=") sum
                | column ["not"] "in" "(" value {"," value} ")"
                | column ["not"] "between" sum "and" sum
                | column "is" ["not"] "null"
    sum         = ["-"] operand {("+" | "-") operand}
    operand     = column | value
    value       = number | date | level

Names and texts that are not plain words stand in quotes, '..' or "..", doubled inside; `..` is always a column's name.
A quoted text is a level of the column that it is compared with, if there is one of that name, and otherwise a column.
Dates are written as 2024-01-31 or as in the table. In comparisons with times, numbers are seconds; with dates, days.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monge.data.table.grammar import Parser, levelled
from monge.data.table.predicate import Array, Mask, Predicate, conjuncts
from monge.data.table.schema import Schema
from monge.errors import UserError


@dataclass(frozen=True)
class Condition:
    """A condition on rows.

    Arguments:
        predicate: what it says.
        schema: the columns of the rows.
    """

    predicate: Predicate
    schema: Schema

    def holds(self, raw: Array) -> Mask:
        """Where it is true (n,) of rows (n, d); where a value that it needs is missing, it is not."""
        return self.predicate.masks(raw)[0]

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Positions of the columns that it reads, in rising order."""
        return tuple(sorted(set(self.predicate.positions())))

    def levels(self) -> dict[int, tuple[int, ...]]:
        """What it asks of single columns with levels, whatever the others are.

        Returns:
            For each such column, by its position, the positions of the levels that it allows; the position after the
            last level is a missing value. A row that satisfies the condition has one of them in each.
        """
        out: dict[int, tuple[int, ...]] = {}
        for part in conjuncts(self.predicate):
            positions = set(part.positions())
            index = positions.pop()
            if positions or not levelled(self.schema.kept[index]):
                continue
            size = len(self.schema.kept[index].levels)
            rows = np.zeros((size + 1, len(self.schema)))
            rows[:, index] = [*range(size), np.nan]
            allowed = np.flatnonzero(part.masks(rows)[0]).tolist()
            out[index] = tuple(level for level in allowed if level in out.get(index, allowed))
        return out

    def __str__(self) -> str:
        """Its text, which parses to the same condition."""
        return self.predicate.printed(self.schema)


def parse(text: str, schema: Schema, what: str = "--where") -> Condition:
    """The condition that a text says.

    Arguments:
        text: as the module describes.
        schema: the columns that it may name.
        what: names the argument in errors.

    Raises:
        UserError: names the position in the text, what is there, and what is allowed.

    Example:
        >>> from monge.data.table.schema import Column
        >>> schema = Schema((Column("age", "integer"), Column("sex", "category", levels=("female", "male"))))
        >>> condition = parse("sex = 'male' and not age < 60", schema)
        >>> condition.holds(np.array([[61, 1], [61, 0], [np.nan, 1]])).tolist()
        [True, False, False]
        >>> condition.levels()
        {1: (1,)}
    """
    try:
        return Condition(Parser(text, schema, what).whole(), schema)
    except RecursionError:
        raise UserError(f"{what} must have fewer parts inside each other; got {text[:40]!r}...") from None
