"""What kind a column of dates or times that are written as text is."""

import re
from dataclasses import replace
from typing import Any

import numpy as np

from monge.data.table import calendar
from monge.data.table.content import Texts
from monge.data.table.numeric import Inferred, bounded, refusal
from monge.data.table.schema import Column
from monge.errors import UserError

ORDERS = {"day-first": True, "month-first": False}
"""Dates by the order of their numbers, as an override of a column."""


def moments_in(texts: Texts, asked: str | None) -> calendar.Moments | None:
    """Texts as dates or times, or None."""
    if not len(texts.levels) or not re.match("text|string|large_string", texts.type):
        return None
    return calendar.moments_of(texts.levels, ORDERS.get(asked or ""))


def of_moments(name: str, texts: Texts, moments: calendar.Moments, asked: str | None) -> Inferred:
    """A column of dates or times, which are dates where all are midnight.

    Raises:
        UserError: a time where dates were asked for.
    """
    values = np.append(moments.values, np.nan)[texts.codes]
    kind: Any = moments.kind
    type, form = _type(moments) if texts.type == "text" else texts.type, moments.form
    if asked == "datetime" and kind == "date":
        values, kind, form = values * calendar.DAY, "datetime", form or "%Y-%m-%d"
    elif kind == "datetime" and asked != "datetime":
        odd = np.flatnonzero(moments.values % calendar.DAY)
        if not len(odd) and not calendar.dateless(form):
            values, kind, form = values / calendar.DAY, "date", form or "%Y-%m-%dT%H:%M:%S"
        elif asked == "date":
            first = int(odd[0]) if len(odd) else 0
            raise refusal(name, asked, texts.first(first), texts.levels[first].as_py(), "a day")
    found = bounded(Column(name, kind, type, decimals=moments.digits, form=form), values)
    return replace(found, notes=_order_said(name, texts, moments.form) if moments.in_doubt else ())


def _type(moments: calendar.Moments) -> str:
    """The type of pyarrow for dates or times."""
    if moments.kind == "date":
        return "date32[day]"
    if calendar.dateless(moments.form):
        return "time64[us]" if moments.digits else "time32[ms]"  # Parquet has none of seconds
    return f"timestamp[{'us' if moments.digits else 's'}{', tz=UTC' if moments.zoned else ''}]"


def _order_said(name: str, texts: Texts, form: str | None) -> tuple[str, ...]:
    """What to say of dates whose day and month could be exchanged."""
    first = "day" if form and form.index("d") < form.index("m") else "month"
    other = "month" if first == "day" else "day"
    text = f"{texts.levels[0].as_py()!r} in data row {texts.first(0):,} is read with the {first} first"
    return (f"column {name!r}: {text}; --data.columns {name}:{other}-first reads it the other way",)


def no_date(name: str, asked: str, texts: Texts) -> UserError:
    """The refusal of texts that are no dates, with the first that is none."""
    for index in range(len(texts.levels)):
        if calendar.moments_of(texts.levels[index : index + 1], ORDERS.get(asked)) is None:
            return refusal(name, asked, texts.first(index), texts.levels[index].as_py(), "a date")
    return UserError(f"--data.columns {name}:{asked}: all dates must be written alike; got several ways")
