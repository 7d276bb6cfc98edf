"""Sizes of images: the range, resizing and cropping."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from monge.errors import UserError

SIZES = range(4, 513)


def check_size(size: int | None) -> None:
    """Raises a `UserError` unless the size is None or 4 to 512 pixels."""
    if size is not None and size not in SIZES:
        raise UserError(f"--data.size must be from {SIZES[0]} to {SIZES[-1]} pixels; got {size}")


def crop(image: Image.Image, size: int) -> Image.Image:
    """The central square of an image, at size x size pixels (Lanczos filter)."""
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)


def square(pixels: NDArray[Any], size: int) -> NDArray[Any]:
    """The central square of one channel (H, W), (size, size) of the same type; as it is where it is that already."""
    if pixels.shape == (size, size):
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(crop(Image.fromarray(np.ascontiguousarray(pixels)), size))
    cropped = np.asarray(crop(Image.fromarray(pixels.astype(np.float32)), size), np.float64)
    if pixels.dtype.kind in "iu":
        cropped = cropped.round()
    # the filter overshoots
    return cropped.clip(pixels.min(), pixels.max()).astype(pixels.dtype)


def resize(images: NDArray[Any], size: int | None) -> NDArray[Any]:
    """Images (n, H, W, C), cropped to (n, size, size, C); unchanged where size is None."""
    if size is None or images.shape[1:3] == (size, size):
        return images
    out = np.empty((len(images), size, size, images.shape[3]), images.dtype)
    for i, image in enumerate(images):
        for c in range(images.shape[3]):
            out[i, :, :, c] = square(image[:, :, c], size)
    return out
