"""Arrays in memory and in `.npy` and `.npz` files as data sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.data.label import Indices, index_labels, labels_of
from monge.data.layout import as_raw
from monge.data.split import ArraySplit
from monge.errors import UserError

_MAP_BYTES = 256 * 2**20
_LABELS = {
    "x_train": ("y_train",),
    "x": ("y",),
    "x_test": ("y_test",),
    "images": ("labels", "targets", "target"),
    "data": ("labels", "targets", "target"),
}
"""What samples are called in a `.npz` file, and their labels. Any of the first three is taken before the others."""
_FIRST = ("x_train", "x", "x_test")


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
) -> ArrayData:
    """One array, by the rules of `layout.as_raw` and `label.index_labels`, split.

    Arguments:
        name: short name.
        what: names the array in errors.
        x: images, or vectors.
        y: labels, or None.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: side, or height and width such as "64x96", to which images are cropped and resized.

    Raises:
        UserError: an array that is not allowed.
    """
    values = as_raw(x, what, layout, size)
    (labels,), names = index_labels([labels_of(y, len(values))], [len(values)])
    return split_data(DataInfo(name, classes=names), values, labels)


def read_array(path: Path, key: str | None = None, *, layout: str = "auto", size: int | str | None = None) -> ArrayData:
    """A `.npy` or `.npz` file as a data set. Nothing is ever unpickled.

    Arrays `x_train` and `x_test` (with `y_train`, `y_test` and `classes`, if present) are the training and the
    held-out samples. Otherwise a single array is split, or `x` (with `y`), `images` (with `labels`), `data` (with
    `target`, `targets` or `labels`), `arr_0` (with `arr_1`), or `x_train` alone. Capitals make no difference.

    Arguments:
        path: the file.
        key: name of the only array to use of a `.npz` file.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: side, or height and width such as "64x96", to which images are cropped and resized.

    Raises:
        UserError: a file that cannot be read, or an array that is not allowed.
    """
    arrays = _load(path, key)
    if isinstance(arrays, np.ndarray):
        return from_array(path.stem, path.name, arrays, layout=layout, size=size)
    if key is not None:
        return from_array(f"{path.stem}-{key}", f"{path.name}:{key}", arrays[key], layout=layout, size=size)
    found = parts(path, list(arrays))
    samples = [as_raw(arrays[part.samples], f"{path.name}:{part.samples}", layout, size) for part in found]
    labels, names = _labels(path, arrays, found)
    info = DataInfo(path.stem, classes=names)
    if len(found) == 1:
        return split_data(info, samples[0], labels[0])
    return ArrayData(info, *(ArraySplit.whole(x, y) for x, y in zip(samples, labels, strict=True)))


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


def _load(path: Path, key: str | None) -> NDArray[Any] | dict[str, NDArray[Any]]:
    # Broken files make numpy and zipfile raise almost anything, from EOFError to MemoryError.
    try:
        if path.suffix.lower() == ".npy" and path.stat().st_size > _MAP_BYTES:
            return cast(NDArray[Any], np.load(path, mmap_mode="r", allow_pickle=False))
        # Opened here, because numpy leaves broken files open.
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return loaded
            arrays = {name: loaded[name] for name in _wanted(path, loaded.files, key)}
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path} cannot be read as .npy or .npz: {reason(error)}") from error
    if strange := [name for name, x in arrays.items() if not isinstance(x, np.ndarray)]:
        raise UserError(f"{path} cannot be read as .npz: {strange[0]!r} is not an array")
    return arrays


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
    return f"{path} contains the arrays {', '.join(names)}"


def reason(error: BaseException) -> str:
    """The text of a foreign error on one line; of numpy's advice to unpickle what it cannot read, only the cause."""
    if "allow_pickle" in str(error):
        held = str(error).startswith("Object arrays")
        return "it contains Python objects, which are never unpickled" if held else "its content has neither format"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
