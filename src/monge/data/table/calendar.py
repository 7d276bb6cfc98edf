"""Dates and times as people write them, as days and seconds since 1970; `date_form` writes them again."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.float64]

DAY = 86_400
MONTHS: tuple[str, ...] = ("January", "February", "March", "April", "May", "June")
MONTHS += ("July", "August", "September", "October", "November", "December")
_CLOCK = r"(?P<H>\d{1,2}):(?P<M>\d{2})(:(?P<S>\d{2})(\.(?P<f>\d{1,9}))?)?(?P<p> ?[AaPp][Mm])?"
_TIME = rf"(?P<gap>T| ){_CLOCK}(?P<z> ?(Z|[+-]\d{{2}}:?\d{{2}}))?"
_YEAR, _TWO = r"(?P<Y>\d{4})", r"(?P<y>\d{2})"
_DAY, _MONTH, _NAME = r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})", r"(?P<b>[A-Za-z]{3,9})"


@dataclass(frozen=True)
class Moments:
    """Dates or times.

    Arguments:
        values: days, or seconds, since 1970.
        kind: date or datetime.
        form: how they are written, as `strftime` takes it; None is ISO 8601.
        digits: of a second's fraction.
        zoned: whether they were written with a difference to UTC, in which they are now.
        in_doubt: whether day and month could as well be exchanged.
    """

    values: Days
    kind: str
    form: str | None
    digits: int = 0
    zoned: bool = False
    in_doubt: bool = False


def dateless(form: str | None) -> bool:
    """Whether times of a form are those of a day, whichever it was."""
    return form is not None and "%Y" not in form and "%y" not in form


def moments_of(text: Any, day_first: bool | None = None) -> Moments | None:
    """Text as dates or times, with or without a date; None where one of the texts is none.

    Day or month is first as the values say; where they do not, the day is, unless slashes divide.

    Arguments:
        text: a pyarrow array of strings, trimmed, without nulls and not empty.
        day_first: which is first, or None to decide it.
    """
    if re.fullmatch(_CLOCK, text[0].as_py()):
        parts = _parts(text, f"^{_CLOCK}$")
        return None if parts is None else _with_times(parts, np.zeros(len(text)))
    for pattern in _patterns(text[0].as_py()):
        for time in ("", _TIME):
            parts = _parts(text, f"^{pattern}{time}$")
            if parts is not None:
                return _moments(parts, pattern, day_first)
    return None


def _patterns(word: str) -> list[str]:
    """What forms of dates a text may have, as regular expressions."""
    if found := re.match(r"\d{4}([-/.])\d{1,2}([-/.])\d", word):
        return [_YEAR + re.escape(found[1]) + _MONTH + re.escape(found[2]) + _DAY]
    if found := re.match(r"\d{1,2}([-/.])\d{1,2}\1(\d{4}|\d{2})(?!\d)", word):
        mark = re.escape(found[1])
        short = len(found[2]) == 2
        if short and found[1] != "/" and not re.match(r"\d{2}.\d{2}", word):
            return []  # a version rather than a date
        return [f"(?P<one>\\d{{1,2}}){mark}(?P<two>\\d{{1,2}}){mark}" + (_TWO if short else _YEAR)]
    if found := re.match(r"\d{1,2}([- ])[A-Za-z]{3,9}([- ])(\d{4}|\d{2})(?!\d)", word):
        return [_DAY + found[1] + _NAME + found[2] + (_TWO if len(found[3]) == 2 else _YEAR)]
    if found := re.match(r"[A-Za-z]{3,9} \d{1,2}(,? )\d{4}", word):
        return [f"{_NAME} {_DAY}{found[1]}{_YEAR}"]
    if re.fullmatch(r"\d{4}-\d{2}", word):
        return [f"{_YEAR}-(?P<m>\\d{{2}})"]
    return []


def _parts(text: Any, pattern: str) -> dict[str, Any] | None:
    """The named parts of each text; None where one does not fit."""
    import pyarrow.compute as compute

    pattern = re.sub(r"\((?!\?)", "(?:", pattern).replace("\\-", "-")
    # most columns are told from the first texts
    for some in (text[:100], text):
        found = compute.extract_regex(some, pattern)
        if found.null_count:
            return None
    return {field.name: found.field(index) for index, field in enumerate(found.type)}


def _moments(parts: dict[str, Any], pattern: str, day_first: bool | None) -> Moments | None:
    year = _whole(parts["Y"]) if "Y" in parts else _century(_whole(parts["y"]))
    in_doubt = False
    if "one" in parts:
        ordered = _ordered(parts, pattern, day_first)
        if ordered is None:
            return None
        parts, in_doubt = ordered
    month = _whole(parts["m"]) if "m" in parts else _named_months(parts["b"])
    day = _whole(parts["d"]) if "d" in parts else np.ones_like(year)
    if month.min() < 1 or month.max() > 12 or day.min() < 1 or year.min() < 1:
        return None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    if (days.astype("datetime64[M]") != months).any():
        return None
    date, values = _date_form(parts, pattern), days.astype(np.int64).astype(np.float64)
    if "H" not in parts:
        return Moments(values, "date", None if date == "%Y-%m-%d" else date, in_doubt=in_doubt)
    return _with_times(parts, values, date, in_doubt)


def _ordered(parts: dict[str, Any], pattern: str, day_first: bool | None) -> tuple[dict[str, Any], bool] | None:
    """The parts with day and month by their order, and whether that is in doubt; None where no order is possible."""
    first_is_day = _day_first(parts, "/" in pattern) if day_first is None else day_first
    if first_is_day is None:
        return None
    largest = max(_whole(parts["one"]).max(), _whole(parts["two"]).max())
    in_doubt = day_first is None and "." not in pattern and bool(largest <= 12)
    return parts | dict(zip("dm" if first_is_day else "md", (parts["one"], parts["two"]), strict=True)), in_doubt


def _with_times(parts: dict[str, Any], days: Days, date: str = "", in_doubt: bool = False) -> Moments | None:
    """Days with their times; of times without a date, which `date`, its form, is empty for, they are all the first."""
    import pyarrow.compute as compute

    hour, minute, second = (_whole(parts[name]) for name in "HMS")
    half = bool(compute.any(compute.not_equal(parts["p"], "")).as_py())
    hour = _of_halves(hour, parts["p"]) if half else hour
    if hour.max() > 23 or minute.max() > 59 or second.max() > 59:
        return None
    digits = int(compute.max(compute.utf8_length(parts["f"])).as_py())
    fraction = np.zeros(len(days))
    if digits:
        fraction = np.array([float(f"0.{text or 0}") for text in parts["f"].to_pylist()])
    zones = _zones(parts["z"]) if date else (0, "")
    if zones is None:
        return None
    offset, zone = zones
    gap = parts["gap"][0].as_py() if date else ""
    form = f"{date}{gap}{_time_form(parts, half, digits)}{zone}"
    values = np.rint((days * DAY + hour * 3600 + minute * 60 + second - offset + fraction) * 1e6) / 1e6
    iso = form == "%Y-%m-%dT%H:%M:%S" + ".%f" * (digits > 0)
    return Moments(values, "datetime", None if iso else form, min(digits, 6), zone != "", in_doubt)


def _of_halves(hour: NDArray[np.int64], half: Any) -> NDArray[np.int64]:
    """Hours of the day from those of its halves, AM and PM; 24 where one is none."""
    import pyarrow.compute as compute

    after = compute.match_substring_regex(half, "[Pp]").to_numpy(zero_copy_only=False)
    given = compute.not_equal(half, "").to_numpy(zero_copy_only=False)
    return np.where((hour >= 1) & (hour <= 12) & given, hour % 12 + 12 * after, 24)


def _time_form(parts: dict[str, Any], half: bool, digits: int) -> str:
    """The form of times by their parts."""
    import pyarrow.compute as compute

    bare = "" if compute.min(compute.utf8_length(parts["H"])).as_py() == 2 else "-"
    seconds = bool(compute.any(compute.not_equal(parts["S"], "")).as_py())
    form = f"%{bare}{'I' if half else 'H'}:%M" + ":%S" * seconds + ".%f" * (digits > 0)
    return form + parts["p"][0].as_py()[:-2] + "%p" if half else form


def _zones(text: Any) -> tuple[NDArray[np.int64], str] | None:
    """Differences to UTC in seconds, and how that of UTC is written; None where some have one and others not."""
    codes = text.dictionary_encode()
    words = [word.strip() for word in codes.dictionary.to_pylist()]
    if "" in words and len(words) > 1:
        return None

    def seconds(word: str) -> int:
        found = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", word)
        return 0 if found is None else int(f"{found[1]}1") * (int(found[2]) * 3600 + int(found[3]) * 60)

    offset = np.array([seconds(word) for word in words])[codes.indices.to_numpy(zero_copy_only=False)]
    zone = "" if words == [""] else "Z" if words == ["Z"] else "+00:00" if ":" in words[0] else "+0000"
    return offset.astype(np.int64), zone


def _whole(text: Any) -> NDArray[np.int64]:
    import pyarrow.compute as compute

    text = compute.if_else(compute.equal(text, ""), "0", text)
    return np.asarray(text.cast("int64").to_numpy(zero_copy_only=False))


def _century(year: NDArray[np.int64]) -> NDArray[np.int64]:
    """Years of two digits from 1969 to 2068, as POSIX has it."""
    return year + np.where(year >= 69, 1900, 2000)


def _day_first(parts: dict[str, Any], slashes: bool) -> bool | None:
    """Whether the first number is the day; None where neither order is possible."""
    one, two = _whole(parts["one"]).max(), _whole(parts["two"]).max()
    if max(one, two) <= 12:
        return not slashes
    return None if min(one, two) > 12 else bool(one > 12)


def _named_months(text: Any) -> NDArray[np.int64]:
    """Months by their English names, whole or of three letters; 0 where there is no such name."""
    codes = text.dictionary_encode()
    place = {month.lower(): index for index, month in enumerate(MONTHS, 1)}
    place |= {month[:3].lower(): index for index, month in enumerate(MONTHS, 1)} | {"sept": 9}
    number = np.array([place.get(name.lower(), 0) for name in codes.dictionary.to_pylist()])
    return np.asarray(number[codes.indices.to_numpy(zero_copy_only=False)].astype(np.int64))


def _date_form(parts: dict[str, Any], pattern: str) -> str:
    """The form of dates by their parts: numbers without a zero in front have a dash in theirs."""
    import pyarrow.compute as compute

    def short(name: str) -> bool:
        return bool(compute.min(compute.utf8_length(parts[name])).as_py() == 1)

    def filled(name: str) -> bool:
        return bool(compute.any(compute.starts_with(parts[name], "0")).as_py())

    bare = any(short(name) for name in "dm" if name in parts)
    form = pattern
    names = {"one": "d", "two": "m"} if "one" in parts and parts["d"] is parts["one"] else {"one": "m", "two": "d"}
    for group in re.findall(r"\(\?P<(\w+)>", pattern):
        name = names.get(group, group)
        if name == "b":
            token = "%b" if compute.max(compute.utf8_length(parts["b"])).as_py() == 3 else "%B"
        else:
            token = f"%-{name}" if name in "dm" and bare and (short(name) or not filled(name)) else f"%{name}"
        form = re.sub(rf"\(\?P<{group}>[^)]*\)", token, form, count=1)
    return form.replace("\\", "")
