"""Data sets: training samples to draw batches from, and held-out samples that training never sees."""

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.codec import Codec, ImageCodec, VectorCodec
from monge.data.split import Part, content_fingerprint, split
from monge.errors import UserError

_ENCODE_AHEAD_BYTES = 64 * 2**20


class DataSet(ABC):
    """Training and held-out samples of one law.

    Attributes:
        name: short name, without separators, as in a run folder's name.
        source: name or path by which it was opened, None where it was given in memory.
        how: how it was opened, keywords as in `config.DataConfig`.
        kind: image or vector.
        codec: converts between the outside, model and metric scales.
        size: number of training samples, None where every draw is fresh.
        held_out_size: number of held-out samples (nominal where every draw is fresh).
        fingerprint: 32 hexadecimal digits that change when the training data do.
        labels: class of every training sample as an index into `classes`, int64 (size,), or None.
        held_out_labels: the same for the held-out samples.
        classes: names of the classes, or None.
        columns: names of a vector's numbers, or None.
        label_column: name of what the classes are of, or None.
        centres: known modes in metric scale (m, d), or None.
        deviation: standard deviation of each mode, in the data's units, or None.
    """

    name: str
    source: str | None = None
    how: Mapping[str, Any] | None = None
    kind: Literal["image", "vector"]
    codec: Codec
    size: int | None
    held_out_size: int
    fingerprint: str
    labels: NDArray[np.int64] | None = None
    held_out_labels: NDArray[np.int64] | None = None
    classes: list[str] | None = None
    columns: list[str] | None = None
    label_column: str | None = None
    centres: NDArray[np.float64] | None = None
    deviation: float | None = None

    @property
    @abstractmethod
    def train(self) -> NDArray[Any]:
        """All training samples, outside scale; a fixed draw of 20,000 where every draw is fresh."""

    @abstractmethod
    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        """n training samples in model scale, with replacement: a function of the CPU generator's state alone."""

    @abstractmethod
    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The samples of `batch`, and the class (n,) of each.

        Raises:
            UserError: the data has no labels.
        """

    @abstractmethod
    def train_rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """The training samples at these positions, which are those of `labels`, read without the others.

        Raises:
            UserError: every draw is fresh.
        """

    @abstractmethod
    def held_out_rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """The held-out samples at these positions, which are those of `held_out_labels`; see `train_rows`."""

    @abstractmethod
    def train_sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n different training samples, outside scale, chosen by the seed.

        Raises:
            UserError: there are fewer than n.
        """

    @abstractmethod
    def held_out_sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n different held-out samples, outside scale, chosen by the seed.

        Raises:
            UserError: there are fewer than n.
        """


class ArrayData(DataSet):
    """Samples of an array, in memory or memory-mapped.

    Arguments:
        name: short name.
        train: training samples, at least 2.
        held_out: held-out samples of the same shape, at least 1.
        classes: names of the classes that labels index.
        fingerprint: given where hashing the content would take too long.

    Raises:
        UserError: too few samples, or different shapes.

    Warns:
        UserWarning: all training samples are equal.
    """

    def __init__(
        self, name: str, train: Part, held_out: Part, *, classes: list[str] | None = None, fingerprint: str = ""
    ) -> None:
        _check_parts(name, train, held_out)
        self.name, self.classes = name, classes
        self.size, self.held_out_size = len(train), len(held_out)
        self.labels, self.held_out_labels = train.labels, held_out.labels
        self._train, self._held_out = train, held_out
        self.kind = "image" if train.values.dtype == np.uint8 else "vector"
        if self.kind == "image":
            height, width, channels = train.values.shape[1:]
            self.codec = ImageCodec((channels, height, width))
        else:
            self.codec = VectorCodec.fit(self.train)
        self.fingerprint = fingerprint or content_fingerprint(train)
        small = len(train) * int(np.prod(self.codec.shape)) * 4 <= _ENCODE_AHEAD_BYTES
        self._encoded = self.codec.encode(self.train) if small else None

    @property
    def train(self) -> NDArray[Any]:
        """All training samples, outside scale, as a new in-memory array."""
        return np.asarray(self._train.values[self._train.index])

    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        """n training samples in model scale, with replacement: a function of the CPU generator's state alone."""
        return self._model(torch.randint(len(self._train), (n,), generator=generator))

    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """n training samples and their classes; see `DataSet`."""
        if self.labels is None:
            raise UserError(f"{self.name}: the data has no labels")
        which = torch.randint(len(self._train), (n,), generator=generator)
        return self._model(which), torch.from_numpy(self.labels)[which]

    def _model(self, which: Tensor) -> Tensor:
        """The given training samples in model scale."""
        if self._encoded is not None:
            return self._encoded[which]
        return self.codec.encode(self._train.rows(which.numpy()))

    def train_rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """The training samples at these positions; see `DataSet`."""
        return self._train.rows(which)

    def held_out_rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """The held-out samples at these positions; see `DataSet`."""
        return self._held_out.rows(which)

    def train_sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n different training samples; see `DataSet`."""
        return self._train.sample(n, seed, "training")

    def held_out_sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n different held-out samples; see `DataSet`."""
        return self._held_out.sample(n, seed, "held-out")


class Law(Protocol):
    """A law with a sampler."""

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, d), float32, in the data's units, from a CPU generator."""


class ToyData(DataSet):
    """Fresh draws from a law of vectors.

    Arguments:
        name: short name.
        law: the sampler; its text form (`repr`) identifies it in the fingerprint.
        centres: known modes (m, d), or None.
        deviation: standard deviation of each mode, or None.
    """

    kind = "vector"
    size = None
    held_out_size = 10_000

    def __init__(
        self, name: str, law: Law, centres: NDArray[np.float64] | None = None, deviation: float | None = None
    ) -> None:
        self.name, self.centres, self.deviation = name, centres, deviation
        self._law = law
        self.fingerprint = fingerprint_of(name, repr(law))
        moments = VectorCodec.fit(self._draw(100_000, stream=0, seed=0))
        # Rounded, so that the last digits of the draw, which differ between machines, do not matter.
        self.codec = VectorCodec(moments.mean.round(3), moments.scale.round(3))

    def _draw(self, n: int, stream: int, seed: int) -> NDArray[np.float32]:
        state = int(np.random.SeedSequence([stream, seed]).generate_state(1, np.uint64)[0])
        samples: NDArray[np.float32] = self._law.draw(n, torch.Generator().manual_seed(state)).numpy()
        return samples

    @cached_property
    def train(self) -> NDArray[Any]:
        """A fixed draw of 20,000 samples."""
        return self._draw(20_000, stream=1, seed=0)

    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        """n fresh samples in model scale: a function of the CPU generator's state alone."""
        return self.codec.from_metric(self._law.draw(n, generator))

    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Not for fresh draws, which have no labels; see `DataSet`."""
        raise UserError(f"{self.name}: fresh draws have no labels")

    def train_rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """Not for fresh draws, which have no positions; see `DataSet`."""
        raise UserError(f"{self.name}: fresh draws have no positions")

    def held_out_rows(self, which: NDArray[np.int64]) -> NDArray[Any]:
        """Not for fresh draws; see `train_rows`."""
        return self.train_rows(which)

    def train_sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n samples drawn by the seed, any n."""
        return self._draw(n, stream=2, seed=seed)

    def held_out_sample(self, n: int, seed: int = 0) -> NDArray[Any]:
        """n samples drawn by the seed, any n, independent of the training samples of every seed."""
        return self._draw(n, stream=3, seed=seed)


def split_data(
    name: str,
    values: NDArray[Any],
    labels: NDArray[np.int64] | None = None,
    *,
    classes: list[str] | None = None,
    held_out: int | None = None,
    fingerprint: str = "",
) -> ArrayData:
    """One array of outside samples as a data set, by `split`; labels, one per sample, are split along."""
    parts = [Part(values, i, None if labels is None else labels[i]) for i in split(len(values), held_out)]
    return ArrayData(name, *parts, classes=classes, fingerprint=fingerprint)


def fingerprint_of(*texts: str) -> str:
    """32 hexadecimal digits for some texts."""
    return hashlib.blake2b(repr(texts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _check_parts(name: str, train: Part, held_out: Part) -> None:
    if len(train) < 2 or len(held_out) < 1:
        raise UserError(
            f"{name}: {len(train)} training and {len(held_out)} held-out sample(s); at least 2 and 1 are needed"
        )
    ours, theirs = train.values, held_out.values
    if (ours.shape[1:], ours.dtype == np.uint8) != (theirs.shape[1:], theirs.dtype == np.uint8):
        raise UserError(
            f"{name}: training samples are {ours.dtype} {ours.shape[1:]}, "
            f"held-out ones are {theirs.dtype} {theirs.shape[1:]}"
        )
    first = train.rows(np.zeros(1, np.int64))
    if all((rows == first).all() for rows in train.chunks()):
        warnings.warn(f"{name}: all training samples are equal", UserWarning, stacklevel=4)
