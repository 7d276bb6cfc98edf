"""Data sets: training samples to draw batches from, and held-out samples that training never sees."""

import copy
import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.codec import VectorCodec, codec_of
from monge.data.lazy import Values
from monge.data.scale import Codec
from monge.data.space import ImageSpace, Pixels, Space, TableSpace
from monge.data.split import ArraySplit, FreshSplit, Law, Split, drawn, split, split_array
from monge.data.table.schema import Schema
from monge.errors import UserError

ENCODE_AHEAD_BYTES = 64 * 2**20
"""Encoded training samples up to this size are kept."""
VALIDATION_MOST = 2000
"""Training samples that are kept from training, at most, where something chooses or steers by them."""
MOMENTS_FROM = 100_000
"""Draws from a distribution from which its mean and deviation are taken."""

RENAMED = {
    "kind": "space.name",
    "size": "train.size",
    "held_out_size": "held_out.size",
    "labels": "train.labels",
    "held_out_labels": "held_out.labels",
    "train_rows": "train.rows",
    "held_out_rows": "held_out.rows",
    "train_sample": "train.sample",
    "held_out_sample": "held_out.sample",
} | {
    name: f"info.{name}"
    for name in ("name", "source", "how", "classes", "columns", "label_column", "centres", "deviation")
}
"""Attributes of a data set in version 0.1, and what they are now."""


@dataclass(frozen=True)
class DataInfo:
    """What is known of a data set besides its samples.

    Arguments:
        name: short name, without separators, as in a run folder's name.
        source: name or path by which it was opened, None where it was given in memory.
        how: how it was opened, keywords as in `config.DataConfig`.
        classes: names of the classes that labels index, or None.
        columns: names of a vector's numbers, or None.
        label_column: name of what the classes are of, or None.
        centres: known modes in metric scale (m, d), or None.
        deviation: standard deviation of each mode, in the data's units, or None.
        left_out: how many of the files or rows were not read, by reason.
        resized: how many images were cropped and resized although no size was asked for.
        schema: the columns of a table's rows, or None.
        rule: a condition that generated rows of a table must meet, or None.
        notes: what the reader of a table chose, a sentence each.
        obstacle: what keeps the data from having classes that seem meant, or None.
    """

    name: str
    source: str | None = None
    how: Mapping[str, Any] | None = None
    classes: list[str] | None = None
    columns: list[str] | None = None
    label_column: str | None = None
    centres: NDArray[np.float64] | None = None
    deviation: float | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    resized: int = 0
    schema: Schema | None = None
    rule: str | None = None
    notes: tuple[str, ...] = ()
    obstacle: str | None = None


class DataSet(ABC):
    """Training and held-out samples of one distribution.

    Attributes:
        info: what is known of them.
        codec: converts between the raw, model and metric scales, and owns the space.
        train: training samples.
        held_out: held-out samples.
        fingerprint: 32 hexadecimal digits that change when the training data do.
    """

    info: DataInfo
    codec: Codec
    train: Split
    held_out: Split
    fingerprint: str

    @property
    @abstractmethod
    def held_out_fingerprint(self) -> str:
        """32 hexadecimal digits that change when the held-out samples do."""

    @property
    def space(self) -> Space:
        """What one sample is."""
        return self.codec.space

    def opened(self, source: str | None, how: Mapping[str, Any]) -> "DataSet":
        """The same data, which know by what name and how they were opened."""
        twin = copy.copy(self)
        twin.info = replace(self.info, source=source, how=how)
        return twin

    def measured_by(self, codec: Codec) -> "DataSet":
        """The same data in the metric scale of other data of their shape, with which they are to be compared.

        Warns:
            UserWarning: images with pixels of another type, or of quite another range.
        """
        ours, theirs = self.space, codec.space
        if isinstance(ours, ImageSpace) and isinstance(theirs, ImageSpace) and not ours.pixels.resemble(theirs.pixels):
            what = f"{self.info.name}: its pixels are {ours.pixels}, and are compared as they are with {theirs.pixels}"
            warnings.warn(what, UserWarning, stacklevel=3)
        twin = copy.copy(self)
        twin.codec = codec
        if isinstance(ours, TableSpace) and isinstance(theirs, TableSpace) and ours.schema != theirs.schema:
            twin.train, twin.held_out = _recoded(self, ours.schema, theirs.schema)
        return twin

    @abstractmethod
    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        """n training samples in model scale, with replacement: a function of the CPU generator's state alone."""

    @abstractmethod
    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The samples of `batch`, and the class (n,) of each.

        Raises:
            UserError: the data has no labels.
        """

    if not TYPE_CHECKING:  # so that type checkers name what is gone

        def __getattr__(self, name: str) -> Any:
            if name not in RENAMED:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            warnings.warn(f"a data set's {name} is now {RENAMED[name]}", DeprecationWarning, stacklevel=2)
            owner, attribute = RENAMED[name].split(".")
            return getattr(getattr(self, owner), attribute)


class ArrayData(DataSet):
    """Samples of an array, in memory or memory-mapped.

    Arguments:
        info: what is known of them.
        train: training samples, at least 2.
        held_out: held-out samples of the same shape, at least 1.

    Raises:
        UserError: too few samples, or different shapes.

    Warns:
        UserWarning: all training samples are equal.
    """

    train: ArraySplit
    held_out: ArraySplit

    def __init__(self, info: DataInfo, train: ArraySplit, held_out: ArraySplit) -> None:
        _check_splits(info.name, train, held_out)
        self.info, self.train, self.held_out = info, train, replace(held_out, name="held-out")
        self.codec = codec_of(train, info.schema, info.rule)
        self.fingerprint = self._content(train)
        if isinstance(self.space, ImageSpace) and self.space.pixels != Pixels():
            self.fingerprint = fingerprint_of(self.fingerprint, repr(self.space.pixels))
        small = train.size * int(np.prod(self.space.shape)) * 4 <= ENCODE_AHEAD_BYTES
        self._prepared = self.codec.prepare(train.all()) if small else None

    @cached_property
    def held_out_fingerprint(self) -> str:
        return self._content(self.held_out)

    def _content(self, part: ArraySplit) -> str:
        # the rest of a survey is of no use for tables
        return part.fingerprint if isinstance(self.space, TableSpace) else part.survey.fingerprint

    def validated(self) -> "tuple[ArrayData, ArrayData]":
        """The same data without a part of the training samples, and with that part in their place.

        The part is for whatever chooses or steers, since held-out samples may only be reported: 10 %, at most 2,000,
        of rows that depend on nothing but their number.
        """
        kept, validation = split(self.train.size, min(VALIDATION_MOST, max(1, self.train.size // 10)))
        return self._restricted(kept[:]), self._restricted(validation)

    def _restricted(self, which: NDArray[np.int64]) -> "ArrayData":
        """The same data with some of the training samples, and the fingerprint of all."""
        twin, train = copy.copy(self), self.train
        labels = None if train.labels is None else train.labels[which]
        twin.train = replace(train, index=train.index[which], labels=labels, known=None)
        twin._prepared = None if self._prepared is None else self._prepared[torch.from_numpy(which)]
        return twin

    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        return self._model(torch.randint(self.train.size, (n,), generator=generator), generator)

    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        if self.train.labels is None:
            raise UserError(f"{self.info.name} has no labels")
        which = torch.randint(self.train.size, (n,), generator=generator)
        return self._model(which, generator), torch.from_numpy(self.train.labels)[which]

    def _model(self, which: Tensor, generator: torch.Generator) -> Tensor:
        """The given training samples in model scale."""
        prepared = (
            self._prepared[which] if self._prepared is not None else self.codec.prepare(self.train.rows(which.numpy()))
        )
        return self.codec.finish(prepared, generator)


class ToyData(DataSet):
    """Fresh draws from a distribution of vectors.

    Arguments:
        info: what is known of them.
        law: the sampler; its text form (`repr`) identifies it in the fingerprint.
    """

    def __init__(self, info: DataInfo, law: Law) -> None:
        self.info, self._law = info, law
        self.train = FreshSplit(law, info.name, stream=2, all_stream=1)
        self.held_out = FreshSplit(law, info.name, stream=3, all_stream=4, name="held-out")
        self.fingerprint = fingerprint_of(info.name, repr(law))
        moments = VectorCodec.fit(drawn(law, MOMENTS_FROM, stream=0, seed=0))
        # Rounded, so that the last digits of the draw, which differ between machines, do not matter.
        self.codec = VectorCodec(moments.mean.round(3), moments.scale.round(3))

    @property
    def held_out_fingerprint(self) -> str:
        return self.fingerprint

    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        return self.codec.from_metric(self._law.draw(n, generator))

    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        raise UserError(f"{self.info.name}: fresh draws have no labels")


def split_data(
    info: DataInfo, values: Values, labels: NDArray[np.int64] | None = None, *, held_out: int | None = None
) -> ArrayData:
    """One array of raw samples as a data set, by `split_array`."""
    return ArrayData(info, *split_array(values, labels, held_out))


def _recoded(data: DataSet, ours: Schema, theirs: Schema) -> tuple[Split, Split]:
    """Both splits of a table by the levels of another one; those that share their rows still do."""
    train, held_out = data.train, data.held_out
    assert isinstance(train, ArraySplit)  # as those of tables are
    assert isinstance(held_out, ArraySplit)
    values = theirs.recoded(train.values[:], ours)
    others = values if held_out.values is train.values else theirs.recoded(held_out.values[:], ours)
    return replace(train, values=values), replace(held_out, values=others)


def fingerprint_of(*texts: str) -> str:
    """32 hexadecimal digits for some texts."""
    return hashlib.blake2b(repr(texts).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _check_splits(name: str, train: ArraySplit, held_out: ArraySplit) -> None:
    if train.size < 2 or held_out.size < 1:
        raise UserError(
            f"{name} must have at least 2 training and 1 held-out samples; got {train.size} and {held_out.size}"
        )
    ours, theirs = train.values, held_out.values
    if ours.shape[1:] != theirs.shape[1:] or (ours.ndim == 4 and ours.dtype != theirs.dtype):
        raise UserError(
            f"{name}: training and held-out samples must have the same type and shape; "
            f"got {ours.dtype} {ours.shape[1:]} and {theirs.dtype} {theirs.shape[1:]}"
        )
    first = train.rows(np.zeros(1, np.int64))
    if all((rows == first).all() for rows in train.chunks()):
        text = f"{name}: all training samples are identical, so their variety cannot be measured"
        warnings.warn(text, UserWarning, stacklevel=4)
