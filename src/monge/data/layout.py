"""What an array of samples may look like, and how it becomes images (n, H, W, C) or float vectors (n, d)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data import cache
from monge.data.image.resize import resize, resized, size_of
from monge.data.lazy import LazyArray, Values, is_large
from monge.errors import UserError, unknown_name
from monge.nn.spectral import Size

_LAYOUTS = ("auto", "nhwc", "nchw")
_CHANNELS = range(1, 5)
LARGEST = np.float64(np.finfo(np.float32).max)
"""Largest number in a vector; anything larger would be infinite in the model."""


def as_raw(
    x: NDArray[Any],
    what: str,
    layout: str = "auto",
    size: int | str | None = None,
    place: tuple[str | bytes, ...] = (),
) -> Values:
    """Samples in raw scale: images (n, H, W, C) of the array's type, or float32 or float64 vectors (n, d).

    Large arrays are not copied: other types of numbers are converted when rows are read. `check_values` is left to do,
    except for images that are resized.

    Arguments:
        x: images of rank 3 (grey) or 4, or vectors of rank 2.
        what: names the array in errors.
        layout: auto, nhwc or nchw: order of the axes of images of rank 4.
        size: side, or height and width such as "64x96", to which images are cropped and resized.
        place: on what an array in a file depends, so that many resized images are kept in the cache; else empty.

    Raises:
        UserError: a type, shape or value that is not allowed, or a layout or size that does not apply.
    """
    fitting = size_of(size)
    if layout not in _LAYOUTS:
        raise unknown_name("--data.layout", layout, _LAYOUTS)
    _check_type(x, what)
    if x.ndim in (3, 4):
        if x.ndim == 4:
            x = _channels_last(x, what, layout)
        elif layout != "auto":
            raise UserError(f"{what}: --data.layout {layout} needs images with 4 axes; got shape {x.shape}")
        else:
            x = x[..., None]
        images = _converted(x, np.dtype(np.uint8)) if x.dtype.kind == "b" else x
        if fitting is None or x.shape[1:3] == fitting:
            return images
        key = cache.key_of("resized", *place, layout, repr(fitting)) if place else None
        return _resized(images, what, fitting, key)
    for option, used in (("layout", layout != "auto"), ("size", size is not None)):
        if used:
            raise UserError(f"{what}: --data.{option} needs images; got vectors of shape {x.shape}")
    return _vectors(x)


def _check_type(x: NDArray[Any], what: str) -> None:
    if x.dtype.kind not in "biuf":
        raise UserError(f"{what} must contain images or vectors of real numbers; got dtype {x.dtype}")
    if x.ndim not in (2, 3, 4):
        hint = "; reshape it to (n, 1)" if x.ndim == 1 else ""
        raise UserError(f"{what} must be vectors (n, d) or images (n, H, W, C); got shape {x.shape}{hint}")
    if x.size == 0:
        raise UserError(f"{what} must contain samples; got shape {x.shape}")


def _channels_last(x: NDArray[Any], what: str, layout: str) -> NDArray[Any]:
    found = [layout] if layout != "auto" else _fitting(x.shape, square=True) or _fitting(x.shape, square=False)
    if len(found) != 1:
        raise UserError(
            f"{what}: shape {x.shape} fits both (n, H, W, C) and (n, C, H, W); choose --data.layout nhwc or nchw"
            if found
            else f"{what}: images must have 1 to 4 channels on the last or the second axis; got shape {x.shape}"
        )
    if found[0] not in _fitting(x.shape, square=False):
        raise UserError(f"{what}: --data.layout {layout} needs 1 to 4 channels; got shape {x.shape}")
    return x if found[0] == "nhwc" else x.transpose(0, 2, 3, 1)


def _fitting(shape: tuple[int, ...], square: bool) -> list[str]:
    _, a, b, c = shape
    layouts = {"nhwc": (a, b, c), "nchw": (b, c, a)}
    return [
        name
        for name, (height, width, channels) in layouts.items()
        if channels in _CHANNELS and (height == width or not square)
    ]


def _resized(images: Values, what: str, size: Size, key: str | None) -> NDArray[Any]:
    """Images of a size; many of them in the cache by the name of the entry, if there is one."""
    row = (*size, images.shape[3])
    if key is None or not is_large((len(images), *row), images.dtype):
        check_values(images, what)
        return resize(images, size)
    if (known := cache.load(key)) is not None:
        return known["images"]
    check_values(images, what)
    with cache.storing(key) as entry:
        return entry.write("images", resized(images, size), row, images.dtype)


def check_values(x: Values, what: str) -> None:
    """Rejects NaN, infinity and numbers beyond float32, which only float arrays can contain.

    Arguments:
        x: samples in raw scale.
        what: names the array in errors.

    Raises:
        UserError: there are such values; says how many and where the first is.
    """
    count, first = 0, ""
    step = max(1, 2**21 // math.prod(x.shape[1:]))
    for start in range(0, len(x) if x.dtype.kind == "f" else 0, step):
        rows = x[start : start + step]
        bad = ~((rows >= -LARGEST) & (rows <= LARGEST))
        if bad.any() and not count:
            row, *rest = np.argwhere(bad)[0]
            first = f"[{', '.join(map(str, (start + row, *rest)))}]"
        count += int(bad.sum())
    if count:
        raise UserError(
            f"{what} must have finite float32 values; got {count} that are NaN, infinite or too large, "
            f"the first at {first}"
        )


def _vectors(x: NDArray[Any]) -> Values:
    single = x.dtype.kind == "f" and x.dtype.itemsize == 4
    return _converted(x, np.dtype(np.float32 if single else np.float64))


def _converted(x: NDArray[Any], dtype: np.dtype[Any]) -> Values:
    """An array with numbers of another type, of which a large one is not copied."""
    if x.dtype == dtype or not is_large(x.shape, dtype):
        return x.astype(dtype, copy=False)
    return LazyArray(x, lambda rows: rows.astype(dtype), x.shape[1:], dtype)
