"""Arrays in memory and in `.npy` and `.npz` files as data sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.data.label import Indices, index_labels
from monge.data.layout import as_raw
from monge.data.split import ArraySplit
from monge.errors import UserError

_MAP_BYTES = 256 * 2**20
_LABELS = {"x_train": "y_train", "x_test": "y_test", "x": "y"}


def from_array(
    name: str,
    what: str,
    x: NDArray[Any],
    y: NDArray[Any] | None = None,
    *,
    layout: str = "auto",
    size: int | None = None,
) -> ArrayData:
    """One array, by the rules of `layout.as_raw` and `label.index_labels`, split.

    Arguments:
        name: short name.
        what: names the array in errors.
        x: images, or vectors.
        y: labels, or None.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: crops images to size x size.

    Raises:
        UserError: an array that is not allowed.
    """
    values = as_raw(x, what, layout, size)
    (labels,), names = index_labels([y], [len(values)])
    return split_data(DataInfo(name, classes=names), values, labels)


def read_array(path: Path, key: str | None = None, *, layout: str = "auto", size: int | None = None) -> ArrayData:
    """A `.npy` or `.npz` file as a data set. Nothing is ever unpickled.

    Arrays `x_train` and `x_test` (with `y_train`, `y_test` and `classes`, if present) are the training and the
    held-out samples. Otherwise a single array, or the array `x` (with `y`), or `x_train` alone, is split.

    Arguments:
        path: the file.
        key: name of the only array to use of a `.npz` file.
        layout: auto, nhwc or nchw: order of the axes of images.
        size: crops images to size x size.

    Raises:
        UserError: a file that cannot be read, or an array that is not allowed.
    """
    arrays = _load(path, key)
    if isinstance(arrays, np.ndarray):
        return from_array(path.stem, path.name, arrays, layout=layout, size=size)
    if key is not None:
        return from_array(f"{path.stem}-{key}", f"{path.name}:{key}", arrays[key], layout=layout, size=size)
    if "x_train" in arrays and "x_test" in arrays:
        return _two(path, arrays, layout, size)
    x = next((name for name in ("x_train", "x") if name in arrays), next(iter(arrays)))
    values = as_raw(arrays[x], f"{path.name}:{x}", layout, size)
    (labels,), names = _labels(path, arrays, {x: len(values)})
    return split_data(DataInfo(path.stem, classes=names), values, labels)


def _two(path: Path, arrays: Mapping[str, NDArray[Any]], layout: str, size: int | None) -> ArrayData:
    train, test = (as_raw(arrays[x], f"{path.name}:{x}", layout, size) for x in ("x_train", "x_test"))
    labels, names = _labels(path, arrays, {"x_train": len(train), "x_test": len(test)})
    splits = (ArraySplit.whole(x, y) for x, y in zip((train, test), labels, strict=True))
    return ArrayData(DataInfo(path.stem, classes=names), *splits)


def _labels(
    path: Path, arrays: Mapping[str, NDArray[Any]], sizes: Mapping[str, int]
) -> tuple[list[Indices | None], list[str] | None]:
    """The labels that belong to arrays of samples, whose sizes are given by their keys; see `index_labels`."""
    keys = [_LABELS.get(x, "") for x in sizes]
    try:
        return index_labels([arrays.get(y) for y in keys], list(sizes.values()), arrays.get("classes"))
    except UserError as error:
        what = f"{path.name}:{' and '.join(y for y in keys if y in arrays)}"
        raise UserError(f"{what}: {error}; use {path}:{next(iter(sizes))} for the data without labels") from error


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


def _wanted(path: Path, names: list[str], key: str | None) -> list[str]:
    if not names:
        raise UserError(f"{path} must contain an array; got none")
    listed = f"{path} contains the arrays {', '.join(names)}"
    if key is not None:
        if key not in names:
            raise UserError(f"{listed}; {key!r} is not among them")
        return [key]
    if known := [name for name in _LABELS if name in names]:
        return [name for name in (*known, *(_LABELS[x] for x in known), "classes") if name in names]
    if len(names) != 1:
        raise UserError(f"{listed}; choose one with {path.name}:KEY")
    return names


def reason(error: BaseException) -> str:
    """The text of a foreign error on one line; of numpy's advice to unpickle what it cannot read, only the cause."""
    if "allow_pickle" in str(error):
        held = str(error).startswith("Object arrays")
        return "it contains Python objects, which are never unpickled" if held else "its content has neither format"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
