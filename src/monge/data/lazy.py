"""Arrays and positions of which nothing is made but what is asked for."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

COPIED_BYTES = 256 * 2**20
"""Up to which an array is copied, or read from its file, as a whole."""


def is_large(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether an array is too large to be copied."""
    return math.prod(shape) * dtype.itemsize > COPIED_BYTES


@dataclass(frozen=True, eq=False)
class LazyArray:
    """An array whose rows are converted when they are read, so that it may be larger than memory.

    Arguments:
        base: the rows as they are stored.
        convert: some of these rows as rows of the array.
        row: shape of one of its rows.
        dtype: type of its numbers.
    """

    base: "Values"
    convert: Callable[[NDArray[Any]], NDArray[Any]]
    row: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, and the shape of one."""
        return (len(self.base), *self.row)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 1 + len(self.row)

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, which: slice | NDArray[np.int64]) -> NDArray[Any]:
        return self.convert(np.asarray(self.base[which]))


Values = Union[NDArray[Any], LazyArray]  # noqa: UP007, which a name in quotes above needs
"""Rows that may be larger than memory."""


@dataclass(frozen=True, eq=False)
class Complement:
    """The positions 0 to n - 1 in order without some of them, in memory for these alone.

    Arguments:
        n: number of positions.
        without: those that are left out, ascending.

    Example:
        >>> Complement(7, np.array([0, 3]))[:3]
        array([1, 2, 4])
    """

    n: int
    without: NDArray[np.int64]

    def __len__(self) -> int:
        return self.n - len(self.without)

    def __getitem__(self, which: slice | NDArray[np.int64]) -> NDArray[np.int64]:
        places = np.arange(*which.indices(len(self))) if isinstance(which, slice) else which
        found: NDArray[np.int64] = places + np.searchsorted(self._before, places, side="right")
        return found

    def __iter__(self) -> Iterator[np.int64]:
        return iter(self[:])  # else Python asks for places 0, 1, 2, ... without end

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.int64]:
        return self[:]

    @cached_property
    def _before(self) -> NDArray[np.int64]:
        """How many positions that stay are before each of those that are left out."""
        return self.without - np.arange(len(self.without))


Positions = NDArray[np.int64] | Complement
"""Rows that belong to a part of an array."""
