"""What a column of a table contains: numbers, or positions of texts."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.written import PLAIN_STYLE, Style


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
    """

    values: NDArray[np.float64]
    type: str
    kind: str = "number"
    style: Style = PLAIN_STYLE
    example: str = ""
    in_doubt: bool = False
    words: Counter[str] = field(default_factory=Counter)


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


class Growing:
    """Numbers that are appended, in memory that grows with them: pieces that stay where they were read scatter."""

    def __init__(self, type: type[np.generic] = np.float64) -> None:
        self._room, self.size = np.empty(2**14, type), 0

    def add(self, values: NDArray[Any]) -> None:
        """Appends numbers."""
        size = self.size + len(values)
        if size > len(self._room):
            self._room.resize(max(size, len(self._room) * 2), refcheck=False)
        self._room[self.size : size] = values
        self.size = size

    def all(self) -> NDArray[Any]:
        """All numbers; none can be added after."""
        self._room.resize(self.size, refcheck=False)
        return self._room


class Tally:
    """Collects texts as positions among those that were seen, some of which may be equal.

    Attributes:
        bytes: of the texts that are kept.
    """

    def __init__(self) -> None:
        self._codes, self._levels, self._count, self.bytes = Growing(np.int32), list[Any](), 0, 0

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

        codes = self._codes.all()
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
