"""What one pass over samples finds, of which only some megabytes are in memory at a time."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDE = 1024
"""Numbers side by side that numpy adds up at full speed; narrower rows are joined."""
_JOINED_BYTES = 2**20
"""From which on it pays to join rows."""


@dataclass(frozen=True, eq=False)
class Survey:
    """What one pass over samples finds.

    Attributes:
        low, high: smallest and largest value of each feature, of a sample's shape; NaN where there is one.
        mean, deviation: of each feature of vectors, float64 (d,); of images empty.
        fingerprint: 32 hexadecimal digits for the samples and their labels.
    """

    low: NDArray[Any]
    high: NDArray[Any]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    fingerprint: str


class Fingerprint:
    """A hash of arrays that is computed beside other work, by one more thread.

    Arguments:
        facts: what is hashed first.
    """

    def __init__(self, facts: str) -> None:
        self._digest = hashlib.blake2b(facts.encode(), digest_size=16)
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> "Fingerprint":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._thread.shutdown()

    def add(self, rows: NDArray[Any]) -> None:
        """Hashes an array, which must be contiguous and not change, behind those before it."""
        if self._last is not None:
            self._last.result()
        self._last = self._thread.submit(self._digest.update, rows.data)

    def hexdigest(self) -> str:
        """32 hexadecimal digits."""
        if self._last is not None:
            self._last.result()
        return self._digest.hexdigest()


def survey(chunks: Iterable[NDArray[Any]], facts: str, labels: NDArray[np.int64] | None = None) -> Survey:
    """Reads samples once.

    Arguments:
        chunks: the samples, at least one, some rows at a time.
        facts: what else the fingerprint depends on.
        labels: of all samples, or None.
    """
    ends: tuple[NDArray[Any], NDArray[Any]] | None = None
    moments: _Moments | None = None
    with Fingerprint(facts) as fingerprint:
        for chunk in chunks:
            rows = np.ascontiguousarray(chunk)  # so that sums do not depend on how a file orders its axes
            fingerprint.add(rows)
            low, high = _ends(rows)
            ends = (low, high) if ends is None else (np.minimum(ends[0], low), np.maximum(ends[1], high))
            if rows.ndim == 2:
                moments = _merged([*([] if moments is None else [moments]), *_moments(rows)])
        if labels is not None:
            fingerprint.add(np.ascontiguousarray(labels))
        digits = fingerprint.hexdigest()
    assert ends is not None
    if moments is None:
        return Survey(*ends, np.empty(0), np.empty(0), digits)
    return Survey(*ends, moments.mean, np.sqrt(moments.squares / moments.count), digits)


@dataclass(frozen=True)
class _Moments:
    """Number of vectors, their mean, and the sum of squared differences from it, per feature."""

    count: int
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]


def _joined(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows (n, ...) side by side, (n / k, k, ...), and those that are left over, (m, 1, ...)."""
    side = _WIDE // max(1, rows[0].size)
    whole = len(rows) // side * side if side > 1 and rows.nbytes >= _JOINED_BYTES else 0
    return rows[:whole].reshape(-1, max(1, side), *rows.shape[1:]), rows[whole:, None]


def _ends(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The smallest and the largest value of each feature."""
    parts = [part for part in _joined(rows) if len(part)]
    low, high = (np.concatenate([end(part, axis=0) for part in parts]) for end in (np.min, np.max))
    return low.min(axis=0), high.max(axis=0)


def _moments(rows: NDArray[Any]) -> list[_Moments]:
    """The moments of several groups of vectors, which are all of them."""
    found = []
    # a sum that overflows is infinite, as are then the moments: whoever asked refuses such values
    with np.errstate(over="ignore", invalid="ignore"):
        for part in _joined(rows):
            if not len(part):
                continue
            mean = np.add.reduce(part, axis=0, dtype=np.float64) / len(part)
            gaps = part - mean
            np.multiply(gaps, gaps, out=gaps)
            squares = np.add.reduce(gaps, axis=0)
            found += [_Moments(len(part), *group) for group in zip(mean, squares, strict=True)]
    return found


def _merged(groups: list[_Moments]) -> _Moments:
    """The moments of all vectors of some groups.

    Reference: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance".
    """
    if len(groups) == 1:
        return groups[0]
    counts = np.array([group.count for group in groups], np.float64)[:, None]
    means = np.stack([group.mean for group in groups])
    with np.errstate(over="ignore", invalid="ignore"):
        mean = (counts * means).sum(axis=0) / counts.sum()
        squares = np.sum([group.squares for group in groups], axis=0) + (counts * (means - mean) ** 2).sum(axis=0)
    return _Moments(int(counts.sum()), mean, squares)
