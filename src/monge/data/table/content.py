"""What a column of a table contains: numbers, or positions of texts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.written import PLAIN_STYLE, Style

LARGEST_LEVELS = 2**22
"""Bytes of a category's levels, at most: a run keeps them in its `run.json`."""
_FIRST_NUMBERS = 2**19
_BLOCK_ROWS = 2**12


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Arguments:
        values: (n,); NaN where one is missing.
        type: as pyarrow names it.
        kind: date or datetime where the values are days or seconds, else number.
        style: how they were written.
        example: a text that is not written plainly.
        in_doubt: whether they could as well be of another style.
        words: how often each word stood for a missing value.
        notes: choices that were made, in sentences.
    """

    values: NDArray[np.float64]
    type: str
    kind: str = "number"
    style: Style = PLAIN_STYLE
    example: str = ""
    in_doubt: bool = False
    words: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Texts:
    """A column of texts.

    Arguments:
        codes: positions of the texts (n,); -1 where one is missing.
        levels: the different texts that occur, trimmed: a pyarrow array of strings.
        type: as pyarrow names it; text where the file has no types, so that it follows from the texts.
        words: how often each word stood for a missing value.
    """

    codes: NDArray[np.int32]
    levels: Any
    type: str
    words: Counter[str] = field(default_factory=Counter)

    def first(self, level: int) -> int:
        """The first row, from 1, with a text."""
        return int((self.codes == level).argmax()) + 1


@dataclass(frozen=True)
class Dropped:
    """A column that is not kept: why, in words."""

    why: str
    type: str = "string"


Content = Numbers | Texts | Dropped


class Room:
    """Rows of numbers in memory that grows with them, so that a table is never there twice.

    Arguments:
        width: of a row.
    """

    def __init__(self, width: int) -> None:
        self._flat, self._width = np.empty(max(_FIRST_NUMBERS // max(width, 1), 1) * width), width

    def put(self, column: int, start: int, values: NDArray[Any]) -> None:
        """Writes values into a column from a row on."""
        stop = start + len(values)
        if stop * self._width > len(self._flat):
            self._flat.resize(max(stop, len(self._flat) // self._width * 5 // 4) * self._width, refcheck=False)
        self._rows()[start:stop, column] = values

    def column(self, column: int, size: int) -> NDArray[np.float64]:
        """The first values of a column, in place: nothing may be put beyond them as long as they are used."""
        return self._rows()[:size, column]

    def first(self, columns: int, rows: int) -> NDArray[np.float64]:
        """The first columns as an array of their own (rows, columns); the room is used up by it."""
        for start in range(0, rows, _BLOCK_ROWS):
            block = self._rows()[start : min(start + _BLOCK_ROWS, rows), :columns].copy()
            self._flat[start * columns : start * columns + block.size] = block.ravel()
        self._flat.resize(rows * columns, refcheck=False)
        return self._flat.reshape(rows, columns)

    def _rows(self) -> NDArray[np.float64]:
        return self._flat[: len(self._flat) // self._width * self._width].reshape(-1, self._width)


class Growing:
    """A column of a room, to which numbers are appended."""

    def __init__(self, room: Room, column: int) -> None:
        self._room, self._column, self.size = room, column, 0

    def add(self, values: NDArray[Any]) -> None:
        """Appends numbers."""
        self._room.put(self._column, self.size, values)
        self.size += len(values)

    def all(self) -> NDArray[np.float64]:
        """All numbers, in place."""
        return self._room.column(self._column, self.size)


class Tally:
    """Collects texts as positions among those that were seen, some of which may be equal.

    Arguments:
        codes: takes the positions.

    Attributes:
        bytes: of the texts that are kept.
    """

    def __init__(self, codes: Growing) -> None:
        self._codes, self._levels, self._count, self.bytes = codes, list[Any](), 0, 0

    def add(self, texts: Any) -> None:
        """The next rows: a dictionary of pyarrow whose values are strings."""
        same = bool(self._levels) and self._levels[-1].equals(texts.dictionary)
        if not same:
            self._levels.append(texts.dictionary)
            self._count += len(texts.dictionary)
            self.bytes += texts.dictionary.nbytes
        codes = texts.indices.cast("int32").fill_null(-1).to_numpy()
        self._codes.add(np.where(codes < 0, -1, codes + (self._count - len(texts.dictionary))))

    def texts(self, words: frozenset[str], type: str) -> Texts:
        """The column, without the texts that mean a missing value.

        Arguments:
            words: in lower case.
            type: as pyarrow names it.
        """
        import pyarrow
        import pyarrow.compute as compute

        codes = self._codes.all().astype(np.int32)
        levels = compute.utf8_trim_whitespace(pyarrow.concat_arrays(self._levels or [pyarrow.array([], "string")]))
        is_missing = compute.is_in(compute.utf8_lower(levels), value_set=set_of(words)).to_numpy(zero_copy_only=False)
        merged = levels.dictionary_encode()
        place = merged.indices.fill_null(-1).to_numpy()
        counts = np.bincount(codes + 1, minlength=len(levels) + 1)[1:]
        used: Counter[str] = Counter()
        for index in np.flatnonzero(is_missing & (counts > 0)):
            used[levels[index].as_py() or ""] += int(counts[index])
        used.pop("", None)
        codes = np.append(np.where(is_missing, -1, place), -1).astype(np.int32)[codes]
        occurring = np.bincount(codes + 1, minlength=len(merged.dictionary) + 1)[1:] > 0
        codes = np.append(np.where(occurring, np.cumsum(occurring) - 1, -1), -1).astype(np.int32)[codes]
        return Texts(codes, merged.dictionary.filter(pyarrow.array(occurring)), type, used)


def set_of(words: frozenset[str]) -> Any:
    """Words as an array of pyarrow."""
    import pyarrow

    return pyarrow.array(sorted(words), pyarrow.string())
