"""The two splits of a data set: what is trained on, and what is held out.

What is held out depends on the data only, never on a training seed, so that runs can be compared.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.lazy import Complement, Positions, Values
from monge.data.survey import Fingerprint, Survey, survey
from monge.errors import UserError

HELD_OUT_MOST = 10_000
"""Most samples held out by default."""
CHUNK_BYTES = 4 * 2**20
"""Bytes read at a time from an array that may exceed memory; they fit into a processor's cache."""
PERMUTED = 2**22
"""Rows up to which some are chosen by a permutation of all, which takes memory for all."""
FRESH_ALL = 20_000
"""Samples that represent a whole distribution."""


class Split(ABC):
    """Samples of one distribution, in raw scale.

    Attributes:
        name: "training" or "held-out".
        size: number of samples; None where every draw is fresh.
        labels: class of every sample as an index into the data's classes, int64 (size,), or None.
    """

    name: str
    labels: NDArray[np.int64] | None

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Number of samples; None where every draw is fresh."""

    @abstractmethod
    def all(self) -> NDArray[Any]:
        """All samples, as a new array; a fixed draw of 20,000 where every draw is fresh."""

    @abstractmethod
    def rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """The samples at these positions, which are those of `labels`, read without the others.

        Raises:
            UserError: every draw is fresh.
        """

    @abstractmethod
    def chunks(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        """The samples of `all` in order, so many at a time, by default some megabytes of them.

        Together `train.chunks()` and `held_out.chunks()` read every row of a file once, each part in the file's order.
        """

    @abstractmethod
    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n different samples in random order, chosen by the seed.

        Raises:
            UserError: there are fewer than n.
        """

    def at_most(self, n: int) -> int:
        """n, or the number of samples where that is smaller."""
        return n if self.size is None else min(n, self.size)


@dataclass(frozen=True, eq=False)
class ArraySplit(Split):
    """The rows `index` of `values`: a part of an array that may be larger than memory.

    Arguments:
        values: raw samples: images (N, H, W, C), or vectors (N, d) of float32 or float64.
        index: rows that belong to the split, (n,).
        labels: class of each of these rows, int64 (n,), or None.
        name: of the split, for errors.
        known: what one pass over these rows found before, or None.
    """

    values: Values
    index: Positions
    labels: NDArray[np.int64] | None = None
    name: str = "training"
    known: Survey | None = None

    @classmethod
    def whole(cls, values: Values, labels: NDArray[np.int64] | None = None) -> "ArraySplit":
        """All rows of an array."""
        return cls(values, Complement(len(values), np.empty(0, np.int64)), labels)

    @property
    def size(self) -> int:
        return len(self.index)

    def all(self) -> NDArray[Any]:
        return np.asarray(self.values[self.index[:]])

    def rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        return np.asarray(self.values[self.index[which]])

    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        return self.rows(self.chosen(n, seed))

    def chosen(self, n: int, seed: int = 0) -> NDArray[np.int64]:
        """Positions of the rows that `sample` gives, (n,), in its order.

        Raises:
            UserError: there are fewer than n.
        """
        if n > self.size:
            raise UserError(f"number of {self.name} samples must be at most {self.size}; got {n}")
        return chosen(self.size, n, seed)

    def chunks(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        step = rows or max(1, CHUNK_BYTES // max(1, self.values[:1].nbytes))
        for start in range(0, self.size, step):
            yield np.asarray(self.values[self.index[start : start + step]])

    @cached_property
    def survey(self) -> Survey:
        """What one pass over the rows finds."""
        return self.known or survey(self.chunks(), self._facts, self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits for the rows and their labels: that of the survey, without the rest of it."""
        with Fingerprint(self._facts) as fingerprint:
            for rows in self.chunks():
                fingerprint.add(np.ascontiguousarray(rows))
            if self.labels is not None:
                fingerprint.add(np.ascontiguousarray(self.labels))
            return fingerprint.hexdigest()

    @property
    def _facts(self) -> str:
        return repr((self.values.dtype.str, self.size, self.values.shape[1:]))


class Law(Protocol):
    """A distribution with a sampler."""

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, d), float32, in the data's units, from a CPU generator."""


@dataclass(frozen=True, eq=False)
class FreshSplit(Split):
    """Fresh draws from a distribution of vectors.

    Arguments:
        law: the sampler.
        what: names the data in errors.
        stream: sets the draws by a seed apart from those of other splits.
        all_stream: the same for the draw that stands for all samples.
        name: of the split.
    """

    law: Law
    what: str
    stream: int
    all_stream: int
    name: str = "training"
    labels: None = None

    @property
    def size(self) -> None:
        return None

    def all(self) -> NDArray[Any]:
        return drawn(self.law, FRESH_ALL, self.all_stream, seed=0)

    def rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        raise UserError(f"{self.what}: fresh draws have no positions")

    def chunks(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        samples, step = self.all(), rows or FRESH_ALL
        yield from (samples[start : start + step] for start in range(0, len(samples), step))

    def sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        return drawn(self.law, n, self.stream, seed)


def drawn(law: Law, n: int, stream: int, seed: int) -> NDArray[np.float32]:
    """n samples of a distribution (n, d); different streams are independent."""
    state = int(np.random.SeedSequence([stream, seed]).generate_state(1, np.uint64)[0])
    samples: NDArray[np.float32] = law.draw(n, torch.Generator().manual_seed(state)).numpy()
    return samples


def split(n: int, held_out: int | None = None) -> tuple[Complement, NDArray[np.int64]]:
    """Sorted indices of the training and the held-out samples: 20 %, at most 10,000, unless a number is given.

    Raises:
        UserError: n < 3 (training needs 2 samples, evaluation 1).
    """
    if n < 3:
        raise UserError(f"the data must have at least 3 samples, 2 to train on and 1 to hold out; got {n}")
    held = np.sort(chosen(n, held_out or min(HELD_OUT_MOST, max(1, n // 5)), seed=0))
    return Complement(n, held), held


def split_array(
    values: Values, labels: NDArray[np.int64] | None = None, held_out: int | None = None
) -> tuple[ArraySplit, ArraySplit]:
    """The training and the held-out samples of an array, by `split`; labels, one per sample, are split along."""
    train, held = split(len(values), held_out)
    if labels is None:
        return ArraySplit(values, train), ArraySplit(values, held)
    return ArraySplit(values, train, labels[train[:]]), ArraySplit(values, held, labels[held])


def chosen(n: int, size: int, seed: int) -> NDArray[np.int64]:
    """Some of the positions 0 to n - 1 in random order, (size,), without memory for millions of others."""
    random = np.random.default_rng(seed)
    return random.permutation(n)[:size] if n <= PERMUTED else random.choice(n, size, replace=False)
