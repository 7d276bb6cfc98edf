"""What kind a column of numbers, dates or times is: its precision, its bounds, whether it identifies rows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.layout import LARGEST
from monge.data.table import calendar, date_form
from monge.data.table.content import Numbers, Texts
from monge.data.table.schema import KINDS, Column
from monge.data.table.written import Style
from monge.errors import UserError

_EXACT = 2**53
_MOST_DECIMALS = 15
_SOME_ROWS = 1000
_DAYS_AT_LEAST = 5
_CLOCK = "%H:%M:%S"
_ID_NAME = re.compile(r"(.*[^a-z])?(id|ids|index|idx|uuid|guid|key|row|rowid|rownum|row_number|no|nr|number)", re.I)
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")


@dataclass(frozen=True)
class Inferred:
    """A column and its values.

    Arguments:
        column: what it is.
        values: raw (n,); empty for an identifier.
        notes: choices that were made, in sentences.
        words: how often each word stood for a missing value.
        style: how its numbers are written, unless plainly.
        example: one of them.
        in_doubt: whether they could as well be of another style.
    """

    column: Column
    values: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    words: Mapping[str, int] = field(default_factory=dict)
    style: Style | None = None
    example: str = ""
    in_doubt: bool = False


def left_out(name: str, type: str, notes: tuple[str, ...] = ()) -> Inferred:
    """A column that is in no row."""
    return Inferred(Column(name, "identifier", "string" if type == "text" else type), np.empty(0), notes)


def refusal(name: str, asked: str, row: int, value: str, must: str) -> UserError:
    """The refusal of a value that is not of the kind that was asked for."""
    return UserError(f"--data.columns {name}:{asked}: every value must be {must}; got {value!r} in data row {row:,}")


def as_asked(found: Inferred, asked: str | None) -> Inferred:
    """A column of the kind that was asked for, even where all its values are one, or missing."""
    if found.column.kind != "constant" or asked not in KINDS:
        return found
    kind: Any = asked
    return replace(found, column=replace(found.column, kind=kind))


def finite(name: str, numbers: Numbers) -> Numbers:
    """Numbers without infinite ones, which become missing and count among the words for it.

    Raises:
        UserError: a number beyond float32, in which networks compute.
    """
    values, words = numbers.values, numbers.words.copy()
    if (infinite := np.isinf(values)).any():
        words["inf"] += int(infinite.sum())
        values = np.where(infinite, np.nan, values)
    if (large := np.abs(values) > LARGEST).any():
        row = int(large.argmax())
        raise UserError(f"column {name!r} must be within float32; got {values[row]:g} in data row {row + 1:,}")
    return replace(numbers, values=values, words=words)


def of_numbers(name: str, numbers: Numbers, asked: str | None) -> Inferred:
    """What a column of finite numbers is.

    Arguments:
        name: of the column.
        numbers: its values.
        asked: the kind that it is said to be of, or None.

    Raises:
        UserError: a value that does not fit what was asked for; names column, row and value.
    """
    if numbers.kind != "number":
        return _of_times(name, numbers, asked)
    if asked not in (None, "number", "integer"):
        raise UserError(f"--data.columns {name}:{asked}: every value must be a date; got numbers")
    return _of_plain_numbers(name, numbers, asked)


def _of_plain_numbers(name: str, numbers: Numbers, asked: str | None) -> Inferred:
    values = numbers.values
    decimals = _decimals(values, numbers.type)
    if asked is None and decimals == 0 and (days := _calendar_days(values, numbers.type)) is not None:
        return bounded(Column(name, "date", numbers.type, decimals=0, form="%Y%m%d"), days)
    whole = decimals == 0 and not numbers.type.startswith("decimal")
    if asked == "integer" and decimals != 0:
        row = int((np.rint(values) != values)[~np.isnan(values)].argmax())
        row = int(np.flatnonzero(~np.isnan(values))[row])
        raise refusal(name, asked, row + 1, f"{values[row]:.15g}", "a whole number")
    notes: tuple[str, ...] = ()
    if asked is None and decimals is None and re.match("u?int", numbers.type):
        note = f"column {name!r} has whole numbers of over 15 digits, which rather name than count, and is left out"
        return left_out(name, numbers.type, (f"{note}; --data.columns {name}:number keeps it",))
    if asked is None and whole:
        why, notes = _identifies(name, values, numbers.type)
        if why is not None:
            note = f"column {name!r} {why} and is left out; --data.columns {name}:integer keeps it"
            return left_out(name, numbers.type, (note,))
    kind: Any = asked or ("integer" if whole else "number")
    return replace(bounded(Column(name, kind, numbers.type, decimals=decimals), values), notes=notes)


def _calendar_days(values: NDArray[np.float64], type: str) -> NDArray[np.float64] | None:
    """Whole numbers such as 20200131 as days; None where one is no day from 1900 to 2100, or too few differ to tell."""
    known = values[~np.isnan(values)]
    if not type.startswith("int") or not len(known) or known.min() < 19000101 or known.max() > 21001231:
        return None
    distinct, place = np.unique(known.astype(np.int64), return_inverse=True)
    month, day = distinct // 100 % 100, distinct % 100
    if len(distinct) < _DAYS_AT_LEAST or month.min() < 1 or month.max() > 12 or day.min() < 1:
        return None
    months = ((distinct // 10_000 - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    if (days.astype("datetime64[M]") != months).any():
        return None
    out = np.full(len(values), np.nan)
    out[~np.isnan(values)] = days.astype(np.int64)[place]
    return out


def _of_times(name: str, numbers: Numbers, asked: str | None) -> Inferred:
    """A column of a type of dates or times; a date where all times are midnight."""
    kind: Any = numbers.kind
    values = numbers.values
    known = values[~np.isnan(values)]
    if asked in ("number", "integer"):
        raise UserError(
            f"--data.columns {name}:{asked}: every value must be a number; got values of type {numbers.type}"
        )
    clock = numbers.type.startswith(("time32", "time64"))
    days = not clock and (kind == "date" or not (known % calendar.DAY).any())
    if asked == "date" and not days:
        row = int((np.nan_to_num(values) % calendar.DAY > 0).argmax())
        got = date_form.written(values[row : row + 1], kind, _CLOCK if clock else None)
        raise refusal(name, asked, row + 1, got[0] or "", "a day")
    if asked == "datetime" and kind == "date":
        kind, values = "datetime", values * calendar.DAY
    elif kind == "datetime" and asked != "datetime" and len(known) and days:
        kind, values = "date", values / calendar.DAY
    decimals = 0 if kind == "date" else _decimals(values, numbers.type, most=6)
    form = _CLOCK + ".%f" * bool(decimals) if clock else None
    return bounded(Column(name, kind, numbers.type, decimals=decimals, form=form), values)


def bounded(column: Column, values: NDArray[np.float64]) -> Inferred:
    """A column with its bounds; a constant where all values are one."""
    known = values[~np.isnan(values)]
    if not len(known):
        return Inferred(replace(column, kind="constant", missing=bool(len(values)), decimals=None), values)
    low, high, missing = float(known.min()), float(known.max()), len(known) < len(values)
    column = replace(column, low=low, high=high, missing=missing)
    if low == high and not missing and column.kind in ("number", "integer"):
        column = replace(column, kind="constant")
    return Inferred(column, values)


def _decimals(values: NDArray[np.float64], type: str, most: int = _MOST_DECIMALS) -> int | None:
    """Digits after the point that suffice for all numbers; None where there are too many."""
    known = values[~np.isnan(values)]
    single = np.float32 if type in ("float", "halffloat") else np.float64
    with np.errstate(over="ignore", invalid="ignore"):
        if len(known) and np.abs(known).max() >= _EXACT:
            return None
        for digits in range(most + 1):
            if any(
                (np.round(some, digits).astype(single) != some.astype(single)).any()
                for some in (known[:_SOME_ROWS], known)
            ):
                continue
            return digits
    return None


def _identifies(name: str, values: NDArray[np.float64], type: str) -> tuple[str | None, tuple[str, ...]]:
    """Why whole numbers identify rows, or None; and a note where that is in doubt."""
    if not len(values) or np.isnan(values).any():
        return None, ()
    counts = bool(len(values) > 1 and (np.diff(values) == 1).all())
    named = not name or bool(_ID_NAME.fullmatch(name) or _CAMEL_ID.fullmatch(name) or name.startswith("Unnamed:"))
    if named and len(values) > 1 and (counts or len(np.unique(values)) == len(values)):
        return "numbers the rows" if counts else "has a different number in every row and the name of one", ()
    if counts and not named:
        text = "counts the rows and is read as integer"
        return None, (f"column {name!r} {text}; --data.columns {name}:identifier leaves it out",)
    return None, ()


def texts_of(numbers: Numbers) -> Texts:
    """Numbers as the texts of levels."""
    import pyarrow

    values = numbers.values
    known = ~np.isnan(values)
    distinct, place = np.unique(values[known], return_inverse=True)
    codes = np.full(len(values), -1)
    codes[known] = place
    if numbers.kind != "number":
        moments = date_form.written(distinct, numbers.kind, None, 6)
        return Texts(codes, pyarrow.array(moments, pyarrow.string()), numbers.type, numbers.words)
    levels = [f"{value:.0f}" if value == np.rint(value) else repr(float(value)) for value in distinct]
    return Texts(codes, pyarrow.array(levels, pyarrow.string()), numbers.type, numbers.words)
