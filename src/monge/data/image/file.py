"""One image file as pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from monge.data.image.resize import crop
from monge.errors import UserError

_MOST_PIXELS = 100_000_000
_GREY = ("1", "L", "LA", "La", "I", "F")


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded: width and height in pixels, and whether it is grey."""

    size: tuple[int, int]
    grey: bool


def header(path: Path) -> Header:
    """The header of an image file.

    Raises:
        UserError: not an image, or one of more than 100 million pixels, which is never decoded.
    """
    try:
        with _open(path) as image:
            return Header(image.size, _is_grey(image))
    except UserError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error


def decode(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """The central square of an image, upright, composited on white, (size, size, channels) with 1 or 3 channels.

    Raises:
        UserError: the file cannot be decoded.
    """
    try:
        with _open(path) as image:
            upright = _opaque(ImageOps.exif_transpose(image))
            square = crop(upright.convert("L" if channels == 1 else "RGB"), size)
    except UserError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error
    return np.asarray(square).reshape(size, size, channels)


def _open(path: Path) -> Image.Image:
    if not path.is_file():
        raise UserError(f"{path} is not a file; --data.skip-bad skips it")
    try:
        # The formats are named, because others of Pillow's run programs or have no limits.
        image = Image.open(path, formats=("PNG", "JPEG", "WEBP"))
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    if image.width * image.height > _MOST_PIXELS:
        image.close()
        raise _too_large(path)
    return image


def _is_grey(image: Image.Image) -> bool:
    if image.mode not in ("P", "PA"):
        return image.mode in _GREY or image.mode.startswith("I;16")
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode == "I" or image.mode.startswith("I;16"):
        pixels: NDArray[Any] = np.asarray(image) / 257
        return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _too_large(path: Path) -> UserError:
    return UserError(f"{path} must have at most 100 million pixels; --data.skip-bad skips it")


def _unreadable(path: Path, error: Exception) -> UserError:
    # Pillow's own text repeats the path.
    text = " ".join(str(error).split()).replace(repr(str(path)), "the file") or type(error).__name__
    return UserError(f"{path} is not a readable image ({text}); --data.skip-bad skips it")
