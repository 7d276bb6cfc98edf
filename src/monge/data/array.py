"""Arrays in memory and in `.npy` and `.npz` files as data sets."""

import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.data import cache, npy
from monge.data.dataset import ArrayData, DataInfo
from monge.data.growth import refuse_growth
from monge.data.label import Indices, index_labels, labels_of
from monge.data.layout import LARGEST, as_raw, check_values
from monge.data.lazy import Values, is_large
from monge.data.recall import surveyed
from monge.data.split import ArraySplit, split_array
from monge.errors import MongeError, UserError
from monge.run.archive import opened
from monge.run.files import ordinary

_BLOCK_BYTES = 2**22
_NAMED = 20
"""Arrays of a file that are named, at most."""
_LABELS = {
    "x_train": ("y_train",),
    "x": ("y",),
    "x_test": ("y_test",),
    "images": ("labels", "targets", "target"),
    "data": ("labels", "targets", "target"),
}
"""What samples are called in a `.npz` file, and their labels. Any of the first three is taken before the others."""
_FIRST = ("x_train", "x", "x_test")


Place = tuple[str | bytes, ...]
"""Where an array lies, and what tells that it has changed."""


class Part(NamedTuple):
    """The names of the arrays of a `.npz` file that are its samples and, if it has some, their labels."""

    samples: str
    labels: str | None = None


def from_array(
    name: str,
    what: str,
    x: NDArray[Any],
    y: ArrayLike | None = None,
    *,
    layout: str = "auto",
    size: int | str | None = None,
    place: Place = (),
) -> ArrayData:
    """One array, by the rules of `layout.as_raw` and `label.index_labels`, split.

    Arguments:
        name: short name.
        what: names the array in errors.
        x: images, or vectors.
        y: labels, or None.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: side, or height and width such as "64x96", to which images are cropped and resized.
        place: of its file and what tells a changed one, if it comes from one.

    Raises:
        UserError: an array that is not allowed.
    """
    values = as_raw(x, what, layout, size, place)
    (labels,), names = index_labels([labels_of(y, len(values))], [len(values)])
    return _data(
        DataInfo(name, classes=names), split_array(values, labels), {what: values}, (*place, layout, str(size))
    )


def read_array(path: Path, key: str | None = None, *, layout: str = "auto", size: int | str | None = None) -> ArrayData:
    """A `.npy` or `.npz` file as a data set. Nothing is ever unpickled.

    Arrays `x_train` and `x_test` (with `y_train`, `y_test` and `classes`, if present) are the training and the
    held-out samples. Otherwise a single array is split, or `x` (with `y`), `images` (with `labels`), `data` (with
    `target`, `targets` or `labels`), `arr_0` (with `arr_1`), or `x_train` alone. Capitals make no difference.

    Arrays of more than 256 MiB stay in the file, of which only what is used is read. Those in a compressed `.npz` file
    are unpacked once, into the cache.

    Arguments:
        path: the file.
        key: name of the only array to use of a `.npz` file.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: side, or height and width such as "64x96", to which images are cropped and resized.

    Raises:
        UserError: a file that cannot be read, or an array that is not allowed.
    """
    arrays, place = _load(path, key)
    if isinstance(arrays, np.ndarray):
        return from_array(path.stem, path.name, arrays, layout=layout, size=size, place=place)
    if key is not None:
        what = f"{path.name}:{key}"
        return from_array(f"{path.stem}-{key}", what, arrays[key], layout=layout, size=size, place=(*place, key))
    found = parts(path, list(arrays))
    names = {f"{path.name}:{part.samples}": part.samples for part in found}
    samples = {what: as_raw(arrays[name], what, layout, size, (*place, name)) for what, name in names.items()}
    labels, classes = _labels(path, arrays, found)
    info, place = DataInfo(path.stem, classes=classes), (*place, *names.values(), layout, str(size))
    if len(found) == 1:
        (values,) = samples.values()
        return _data(info, split_array(values, labels[0]), samples, place)
    whole = (ArraySplit.whole(x, y) for x, y in zip(samples.values(), labels, strict=True))
    return _data(info, whole, samples, place)


def _data(info: DataInfo, parts: Iterable[ArraySplit], arrays: Mapping[str, Values], place: Place) -> ArrayData:
    """The training and the held-out samples as data.

    Arguments:
        arrays: all samples, by what errors call them.
        place: on which the samples depend; empty for those that are in no file.

    Raises:
        UserError: there are values that are not finite.
    """
    train, held_out = (
        surveyed(part, *place, str(number)) if place and is_large(part.values.shape, part.values.dtype) else part
        for number, part in enumerate(parts)
    )
    for found in (train.survey, held_out.survey):
        if not (found.low.min() >= -LARGEST and found.high.max() <= LARGEST):
            for what, values in arrays.items():
                check_values(values, what)
    return ArrayData(info, train, held_out)


def parts(path: Path, names: Sequence[str]) -> list[Part]:
    """Which arrays of a `.npz` file are read: its samples, or its training and its held-out samples.

    Arguments:
        path: the file.
        names: of its arrays; among arrays that have nothing to do with samples, `x` and `X` are the same.

    Raises:
        UserError: it is not clear which; says how to choose, and which names bring labels.
    """

    def spelt(name: str) -> str | None:
        return name if name in names else next((found for found in names if found.lower() == name), None)

    found = {x: Part(known, next(filter(None, map(spelt, _LABELS[x])), None)) for x in _LABELS if (known := spelt(x))}
    if "x_train" in found and "x_test" in found:
        return [found["x_train"], found["x_test"]]
    first = next(iter(found), None)
    if first is not None and (first in _FIRST or len(found) == 1):
        return [found[first]]
    if sorted(names) == ["arr_0", "arr_1"]:  # as numpy calls samples and labels that are saved without names
        return [Part("arr_0", "arr_1")]
    if len(names) == 1:
        return [Part(names[0])]
    labelled = "labels come with x and y, images and labels, data and target, or x_train and y_train"
    raise UserError(f"{_listed(path, names)}; choose one with {path.name}:KEY; {labelled}")


def _labels(
    path: Path, arrays: Mapping[str, NDArray[Any]], found: Sequence[Part]
) -> tuple[list[Indices | None], list[str] | None]:
    """The labels of the parts, see `index_labels`."""
    given = [None if part.labels is None else arrays[part.labels] for part in found]
    try:
        return index_labels(given, [len(arrays[part.samples]) for part in found], arrays.get("classes"))
    except UserError as error:
        what = f"{path.name}:{' and '.join(part.labels for part in found if part.labels)}"
        raise UserError(f"{what}: {error}; use {path}:{found[0].samples} for the data without labels") from error


def _load(path: Path, key: str | None) -> tuple[NDArray[Any] | dict[str, NDArray[Any]], Place]:
    """The array of a `.npy` file, or those of a `.npz` file that are wanted, and what tells a changed file."""
    # Broken files make numpy and zipfile raise almost anything, from EOFError to MemoryError.
    try:
        ordinary(path)
        with path.open("rb") as file:
            state = cache.identity(os.fstat(file.fileno()))
            place = (os.path.realpath(path), state)
            cache.settle([state])
            first = file.read(4)
            file.seek(0)
            if first[:2] == b"PK":
                with opened(file) as archive:
                    names = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
                    wanted = _wanted(path, list(names), key)
                    return {name: _member(path, archive, names[name], place) for name in wanted}, place
            if first != b"\x93NUM":
                raise ValueError("its content has neither format")
            header = npy.read_header(file)
            if not is_large(header.shape, header.dtype):
                return npy.read_numbers(file, header), place
            return npy.mapped(path, header, 0, path.stat().st_size), place
    except MongeError:
        raise
    except Exception as error:
        raise UserError(f"{path} cannot be read as .npy or .npz: {reason(error)}") from error


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: Place) -> NDArray[Any]:
    """An array of a `.npz` file, of which a large one is mapped: from the file, or unpacked from the cache.

    Raises:
        ValueError: it is no array.
        UserError: it grows beyond all measure.
    """
    if not info.filename.endswith(".npy"):
        raise ValueError(f"{info.filename!r} is not an array")
    with archive.open(info) as stream:
        header = npy.read_header(stream)
        if not is_large(header.shape, header.dtype):
            return npy.read_numbers(stream, header)
        if info.compress_type == zipfile.ZIP_STORED:
            with path.open("rb") as file:
                return npy.mapped(path, header, npy.offset_in(file, info), info.file_size)
        advice = "save it with numpy.savez, which does not compress"
        refuse_growth(f"{path.name}:{info.filename}", info.compress_size, header.nbytes, advice)
        return _unpacked(header, stream, cache.key_of("array", *place, info.filename))


def _unpacked(header: npy.Header, stream: IO[bytes], key: str) -> NDArray[Any]:
    """The array in a member of a `.npz` file that is compressed, in the cache."""
    if (known := cache.load(key)) is not None:
        return header.shaped(known["numbers"].view(header.dtype))

    def blocks() -> Iterator[NDArray[np.uint8]]:
        left = header.nbytes
        while left:
            block = stream.read(min(left, _BLOCK_BYTES))
            if not block:
                raise ValueError("it ends early")
            left -= len(block)
            yield np.frombuffer(block, np.uint8)
        stream.read(1)  # compares the checksum

    with cache.storing(key) as entry:
        flat = entry.write("numbers", blocks(), (), "uint8")
    return header.shaped(flat.view(header.dtype))


def _wanted(path: Path, names: Sequence[str], key: str | None) -> list[str]:
    if key is None:
        read = [name for part in parts(path, names) for name in part if name is not None]
        return read + [name for name in ("classes",) if name in names]
    if key not in names:
        raise UserError(f"{_listed(path, names)}; {key!r} is not among them")
    return [key]


def _listed(path: Path, names: Sequence[str]) -> str:
    """Which arrays a file contains, in words.

    Raises:
        UserError: there are none.
    """
    if not names:
        raise UserError(f"{path} must contain an array; got none")
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return f"{path} contains the arrays {', '.join(names[:_NAMED])}{more}"


def reason(error: BaseException) -> str:
    """The text of a foreign error on one line; of numpy's advice to unpickle what it cannot read, only the cause."""
    if "allow_pickle" in str(error):
        held = str(error).startswith("Object arrays")
        return "it contains Python objects, which are never unpickled" if held else "its content has neither format"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
