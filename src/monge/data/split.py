"""Parts of an array: what is trained on, and what is held out.

What is held out depends on the data only, never on a training seed, so that runs can be compared.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.errors import UserError

_HELD_OUT_MOST = 10_000
_CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True, eq=False)
class Part:
    """The rows `index` of `values`: a part of an array that may be larger than memory.

    Arguments:
        values: outside samples: uint8 (N, H, W, C), or float (N, d).
        index: rows that belong to the part, (n,).
        labels: class of each of these rows, int64 (n,), or None.
    """

    values: NDArray[Any]
    index: NDArray[np.int64]
    labels: NDArray[np.int64] | None = None

    @classmethod
    def whole(cls, values: NDArray[Any], labels: NDArray[np.int64] | None = None) -> "Part":
        """All rows of an array."""
        return cls(values, np.arange(len(values)), labels)

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """The given rows of the part, as a new in-memory array."""
        return np.asarray(self.values[self.index[which]])

    def chunks(self) -> Iterator[NDArray[Any]]:
        """All rows in order, some megabytes at a time."""
        step = max(1, _CHUNK_BYTES // max(1, self.values[:1].nbytes))
        for start in range(0, len(self), step):
            yield np.asarray(self.values[self.index[start : start + step]])

    def sample(self, n: int, seed: int, what: str) -> NDArray[Any]:
        """n different rows in random order.

        Raises:
            UserError: the part has fewer rows.
        """
        if n > len(self):
            raise UserError(f"{n} {what} samples were asked for, there are {len(self)}")
        return self.rows(np.random.default_rng(seed).permutation(len(self))[:n])


def split(n: int, held_out: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sorted indices of the training and the held-out samples: 20 %, at most 10,000, unless a number is given.

    Raises:
        UserError: n < 3 (training needs 2 samples, evaluation 1).
    """
    if n < 3:
        raise UserError(f"the data have {n} sample(s); at least 3 are needed (2 to train, 1 held out)")
    held = held_out or min(_HELD_OUT_MOST, max(1, n // 5))
    order = np.random.default_rng(0).permutation(n)
    return np.sort(order[held:]), np.sort(order[:held])


def content_fingerprint(part: Part) -> str:
    """32 hexadecimal digits for the rows of a part and their labels."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((part.values.dtype.str, len(part), part.values.shape[1:])).encode())
    for rows in part.chunks():
        digest.update(np.ascontiguousarray(rows).data)
    if part.labels is not None:
        digest.update(np.ascontiguousarray(part.labels).data)
    return digest.hexdigest()
