"""The columns of a table as they come in, batch by batch: as numbers where they are, else as positions of texts."""

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table import written
from monge.data.table.content import Content, Dropped, Growing, Numbers, Tally, set_of
from monge.data.table.written import PLAIN_STYLE, Style
from monge.errors import UserError

_LOOKED_AT = 1000
"""Texts by which a style of numbers is chosen."""

LARGEST_TEXTS = 2**27
"""Bytes of a column's different texts that are kept; more are not the levels of a category."""


class TextColumn:
    """A column of text, which becomes numbers while all its texts are.

    Arguments:
        room: for the values.
        words: for missing values, in lower case.
        commas_divide: whether commas stand between the columns of the file.
        type: as pyarrow names it where it is known, else the type is that of what the texts say.
        as_text: whether to take no text as a number.

    Attributes:
        failed: whether numbers were followed by other texts, so that the column must be read again as text.
    """

    def __init__(
        self,
        room: Growing,
        words: frozenset[str],
        commas_divide: bool,
        type: str | None = None,
        as_text: bool = False,
    ):
        self.failed = False
        self._words, self._commas_divide, self._type = words, commas_divide, type
        self._style: Style | None = None
        self._as_text = as_text or type is not None
        self._example, self._in_doubt, self._whole = "", False, True
        self._used: Counter[str] = Counter()
        self._values = room
        self._texts = Tally(room)

    def add(self, text: Any) -> None:
        """The next rows: a pyarrow array of strings, or a dictionary of them."""
        import pyarrow

        if self.failed:
            return
        if not self._as_text and self._style is None:
            self._as_text = not self._look(text)
        if self._as_text:
            if not pyarrow.types.is_dictionary(text.type):
                text = text.dictionary_encode()
            if self._texts.bytes <= LARGEST_TEXTS:
                self._texts.add(text.cast(pyarrow.dictionary(text.type.index_type, pyarrow.string())))
        elif self._style is not None:
            self._add_numbers(text)

    def _look(self, text: Any) -> bool:
        """Chooses a style by the first texts; whether the column may still be one of numbers."""
        some = self._values_among(text[:_LOOKED_AT]) or self._values_among(text)
        self._style = written.style_of(some or ["0"], self._commas_divide)
        if self._style is None or any(len(word) > 1 and word[0] == "0" and word.isdigit() for word in some):
            self._style = None
            return False
        if some and self._style != PLAIN_STYLE:
            self._example = written.example(some, self._style)
            self._in_doubt = written.in_doubt(some, self._style)
        return True

    def _values_among(self, text: Any) -> list[str]:
        """The different texts that do not stand for a missing value."""
        words = [word.strip() for word in text.unique().drop_null().to_pylist()]
        return [word for word in words if word.lower() not in self._words and not written.is_word(word)]

    def _add_numbers(self, text: Any) -> None:
        import pyarrow.compute as compute

        assert self._style is not None
        codes = text.filter(compute.starts_with(text, "0"))
        if len(codes) and compute.any(compute.match_substring_regex(codes, written.CODE), min_count=0).as_py():
            self.failed = True
            return
        if self._whole:
            fractions = compute.match_substring_regex(text, self._style.fraction)
            self._whole = not compute.any(fractions, min_count=0).as_py()
        found = written.numbers(text, self._style)
        if found is None:
            text = compute.utf8_trim_whitespace(text)
            is_missing = compute.is_in(compute.utf8_lower(text), value_set=set_of(self._words))
            self._used.update(_counted(text.filter(is_missing)))
            found = written.numbers(text.filter(compute.invert(is_missing)), self._style)
            if found is None:
                self.failed = True
                return
            values = np.full(len(text), np.nan)
            values[~is_missing.to_numpy(zero_copy_only=False)] = found.to_numpy(zero_copy_only=False)
        else:
            values = found.to_numpy(zero_copy_only=False)
            if spoken := int(np.isnan(values).sum()) - found.null_count:
                self._used["NaN"] += spoken
        self._values.add(values)

    def content(self) -> Content:
        """The column when all rows are in."""
        if not self._as_text and self._values.size:
            kind, style = "int64" if self._whole else "double", self._style or PLAIN_STYLE
            values = self._values.all()
            return Numbers(values, kind, "number", style, self._example, self._in_doubt, self._used)
        if self._texts.bytes > LARGEST_TEXTS:
            return Dropped("contains long texts", self._type or "string")
        return self._texts.texts(self._words, self._type or "text")


class LevelColumn:
    """A column with values that are levels: truth values, or the entries of a dictionary, as texts."""

    def __init__(self, room: Growing, words: frozenset[str], type: str):
        self.failed = False
        self._words, self._type, self._texts = words, type, Tally(room)

    def add(self, values: Any) -> None:
        """The next rows: a pyarrow array of truth values, or a dictionary."""
        import pyarrow

        if pyarrow.types.is_boolean(values.type):
            values = values.cast(pyarrow.string())
        if not pyarrow.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        self._texts.add(pyarrow.DictionaryArray.from_arrays(values.indices, values.dictionary.cast("string")))

    def content(self) -> Content:
        """The column when all rows are in."""
        return self._texts.texts(self._words, self._type)


class NumberColumn:
    """A column of a type of numbers, dates or times."""

    def __init__(self, room: Growing, type: Any):
        self.failed = False
        self._type, self._values = type, room

    def add(self, values: Any) -> None:
        """The next rows."""
        self._values.add(_as_numbers(values))

    def content(self) -> Content:
        """The column when all rows are in."""
        from pyarrow import types

        timed = types.is_timestamp(self._type) or types.is_time(self._type)
        kind = "date" if types.is_date(self._type) else "datetime" if timed else "number"
        return Numbers(self._values.all(), str(self._type), kind)


def column_of(
    room: Growing, name: str, type: Any, words: frozenset[str], as_text: bool
) -> "TextColumn | LevelColumn | NumberColumn":
    """Collects a column of a frame or a `.parquet` file by its type.

    Raises:
        UserError: there is no column of this type in a table; the text names it.
    """
    from pyarrow import types

    if types.is_boolean(type) or types.is_dictionary(type):
        value = type.value_type if types.is_dictionary(type) else None
        if value is None or not (types.is_nested(value) or types.is_binary(value) or types.is_large_binary(value)):
            return LevelColumn(room, words, str(type))
    if types.is_string(type) or types.is_large_string(type) or types.is_string_view(type):
        return TextColumn(room, words, True, str(type), as_text)
    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_null, types.is_date, types.is_timestamp)
    if any(test(type) for test in (*tests, types.is_time, types.is_duration)):
        return NumberColumn(room, type)
    advice = f"drop it, make several columns of it, or leave it out with --data.columns {name}:identifier"
    raise UserError(f"column {name!r} contains values of type {type}; {advice}")


def _as_numbers(values: Any) -> NDArray[np.float64]:
    """Values of a type of pyarrow as numbers: days, seconds, or themselves; NaN where one is missing."""
    import pyarrow
    from pyarrow import types

    type, scale = values.type, 1.0
    if types.is_date(type):
        values = values.cast(pyarrow.date32()).cast(pyarrow.int32())
    elif types.is_timestamp(type) or types.is_time(type) or types.is_duration(type):
        scale = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[type.unit]
        values = values.cast(pyarrow.int32() if types.is_time32(type) else pyarrow.int64())
    found = values.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
    return np.asarray(found / scale if scale != 1 else found)


def _counted(texts: Any) -> Counter[str]:
    found = Counter({pair["values"]: pair["counts"] for pair in texts.value_counts().to_pylist()})
    found.pop("", None)
    found.pop(None, None)
    return found
