"""What an array of samples may look like, and how it becomes images (n, H, W, C) or float vectors (n, d)."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.image.resize import resize, size_of
from monge.errors import UserError, unknown_name

_LAYOUTS = ("auto", "nhwc", "nchw")
_CHANNELS = range(1, 5)
LARGEST = np.float64(np.finfo(np.float32).max)
"""Largest number in a vector; anything larger would be infinite in the model."""


def as_raw(x: NDArray[Any], what: str, layout: str = "auto", size: int | str | None = None) -> NDArray[Any]:
    """Samples in raw scale: images (n, H, W, C) of the array's type, or float32 or float64 vectors (n, d).

    Arguments:
        x: images of rank 3 (grey) or 4, or vectors of rank 2.
        what: names the array in errors.
        layout: auto, nhwc or nchw: order of the axes of images of rank 4.
        size: side, or height and width such as "64x96", to which images are cropped and resized.

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
        _check_values(x, what)
        return resize(x.astype(np.uint8) if x.dtype.kind == "b" else x, fitting)
    for option, used in (("layout", layout != "auto"), ("size", size is not None)):
        if used:
            raise UserError(f"{what}: --data.{option} needs images; got vectors of shape {x.shape}")
    return _vectors(x, what)


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


def _check_values(x: NDArray[Any], what: str) -> None:
    """Rejects NaN, infinity and numbers beyond float32, which only float arrays can contain."""
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


def _vectors(x: NDArray[Any], what: str) -> NDArray[Any]:
    _check_values(x, what)
    single = x.dtype.kind == "f" and x.dtype.itemsize == 4
    return x.astype(np.float32 if single else np.float64, copy=False)
