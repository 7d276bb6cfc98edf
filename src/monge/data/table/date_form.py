"""Dates and times as text, in the form in which they were written."""

import re
from collections.abc import Callable

import numpy as np

from monge.data.table.calendar import DAY, MONTHS, Days

_FIELDS: dict[str, Callable[[dict[str, int]], str]] = {
    "Y": lambda at: f"{at['Y']:04}",
    "y": lambda at: f"{at['Y'] % 100:02}",
    "m": lambda at: f"{at['m']:02}",
    "d": lambda at: f"{at['d']:02}",
    "-m": lambda at: str(at["m"]),
    "-d": lambda at: str(at["d"]),
    "b": lambda at: MONTHS[at["m"] - 1][:3],
    "B": lambda at: MONTHS[at["m"] - 1],
    "H": lambda at: f"{at['H']:02}",
    "-H": lambda at: str(at["H"]),
    "I": lambda at: f"{(at['H'] - 1) % 12 + 1:02}",
    "-I": lambda at: str((at["H"] - 1) % 12 + 1),
    "M": lambda at: f"{at['M']:02}",
    "S": lambda at: f"{at['S']:02}",
    "p": lambda at: "PM" if at["H"] >= 12 else "AM",
}


def written(values: Days, kind: str, form: str | None, digits: int | None = None) -> list[str | None]:
    """Dates or times as text.

    Arguments:
        values: days, or seconds, since 1970 (n,); NaN where one is missing.
        kind: date or datetime.
        form: as `Moments` has it.
        digits: of a second's fraction; None keeps none.
    """
    digits = digits or 0
    fields = fields_of(kind, form, digits)
    values = np.rint(values) if kind == "date" else values
    known = ~np.isnan(values)
    distinct, place = np.unique(values[known], return_inverse=True)
    texts = np.array([_one(value * (DAY if kind == "date" else 1), fields, digits) for value in distinct], object)
    out = np.full(len(values), None, object)
    out[known] = texts[place] if len(texts) else ()
    return out.tolist()


def fields_of(kind: str, form: str | None, digits: int) -> list[str]:
    """The literal parts of a form, the first of them and every other, and the names of `_FIELDS` between them.

    Arguments:
        kind, form, digits: as `written` takes them.
    """
    if form is None:
        form = "%Y-%m-%d" if kind == "date" else "%Y-%m-%dT%H:%M:%S" + ".%f" * (digits > 0)
    return re.split(r"%(-?[A-Za-z])", form)


def _one(seconds: float, fields: list[str], digits: int) -> str:
    """One moment in a form whose literal and named parts alternate."""
    units = round(seconds * 10**digits)
    whole, fraction = divmod(units, 10**digits)
    if "f" not in fields:
        whole = round(seconds)
    days, rest = divmod(whole, DAY)
    date = np.datetime64(days, "D").astype(object)
    at = {"Y": date.year, "m": date.month, "d": date.day}
    at |= {"H": rest // 3600, "M": rest // 60 % 60, "S": rest % 60}
    parts = [
        part if index % 2 == 0 else f"{fraction:0{digits}}" if part == "f" else _FIELDS[part](at)
        for index, part in enumerate(fields)
    ]
    return "".join(parts)
