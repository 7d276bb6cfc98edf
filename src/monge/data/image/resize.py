"""Sizes of images: the range, resizing and cropping."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from monge.data.lazy import Values
from monge.errors import UserError
from monge.nn.spectral import Size

ALLOWED = range(4, 513)
"""Pixels of a height or width that can be asked for."""


def size_of(given: int | str | None) -> Size | None:
    """Height and width that a setting stands for: the side of squares, or a text such as "64x96".

    Raises:
        UserError: it stands for none, or for one outside 4 to 512 pixels.

    Example:
        >>> size_of(32), size_of("64x96"), size_of(None)
        ((32, 32), (64, 96), None)
    """
    if given is None:
        return None
    found = re.fullmatch(r"(\d{1,3})(?:x(\d{1,3}))?", str(given), re.ASCII)
    height, width = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if height not in ALLOWED or width not in ALLOWED:
        limits = f"from {ALLOWED[0]} to {ALLOWED[-1]} pixels"
        raise UserError(f"--data.size must be a side or HEIGHTxWIDTH, {limits} each; got {given}")
    return height, width


def crop(image: Image.Image, size: Size) -> Image.Image:
    """The largest central part of an image that has the proportions of a size, at that size (Lanczos filter)."""
    return ImageOps.fit(image, size[::-1], Image.Resampling.LANCZOS)


def fitted(pixels: NDArray[Any], size: Size) -> NDArray[Any]:
    """The central part of one channel (H, W) at a size, of the same type; as it is where it has that already."""
    if pixels.shape == size:
        return pixels
    if pixels.dtype == np.uint8:
        return np.asarray(crop(Image.fromarray(np.ascontiguousarray(pixels)), size))
    cropped = np.asarray(crop(Image.fromarray(pixels.astype(np.float32)), size), np.float64)
    if pixels.dtype.kind in "iu":
        cropped = cropped.round()
    # the filter overshoots
    return cropped.clip(pixels.min(), pixels.max()).astype(pixels.dtype)


def resize(images: Values, size: Size) -> NDArray[Any]:
    """Images (n, H, W, C), each cropped and resized to a size."""
    out = np.empty((len(images), *size, images.shape[3]), images.dtype)
    for i, image in enumerate(resized(images, size)):
        out[i] = image
    return out


def resized(images: Values, size: Size) -> Iterator[NDArray[Any]]:
    """The images of `resize` one after the other."""
    for i in range(len(images)):
        (image,) = images[i : i + 1]
        yield np.stack([fitted(image[:, :, c], size) for c in range(image.shape[2])], axis=2)
