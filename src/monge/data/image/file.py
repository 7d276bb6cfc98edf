"""One image file as pixels."""

import ctypes
import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile, ImageOps

from monge.data.image.resize import crop, fitted
from monge.errors import UserError
from monge.nn.spectral import Size

# Named, because others of Pillow's run programs or have no limits.
FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
"""Formats that are read, by Pillow's names, and the usual endings of their files."""
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
"""Endings of files that are read, in lower case."""

_MOST_PIXELS = 100_000_000
_LONGEST_SIDE = 1_000_000
"""Pixels of a side, at most: libwebp takes 14 s for the canvas of 8,388,617 x 8 that a file of 350 bytes claims."""
_STRIP_PIXELS = 2**21
"""Pixels of a large image that are converted at a time."""
# Pillow's blocks of 16 MiB stay with the thread that used them; larger ones go back to the system.
Image.core.set_block_size(2**26)  # type: ignore[attr-defined]
# Pillow and libtiff would write on standard error, by themselves, what is wrong with a file.
logging.getLogger("PIL").addHandler(logging.NullHandler())
for _library in (*Path(PIL.__file__).parents[1].glob("pillow.libs/libtiff*"), "libtiff.so.6"):
    with suppress(OSError, AttributeError):
        ctypes.CDLL(str(_library)).TIFFSetErrorHandler(None)
_GREY = ("1", "L", "LA", "La", "I", "F")
_DTYPES = {"I": "int32", "F": "float32"}
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""Orders of bytes as Pillow abbreviates them: the largest first, last, or the machine's; and the opposite of each."""


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded.

    Attributes:
        size: height and width in pixels, upright.
        grey: whether it has one channel, besides transparency.
        dtype: of its pixels: uint8, uint16, int32 or float32.
        animated: whether further frames or pages follow the first, which is the one that is decoded.
        shortened: whether its colours have 16 bits, of which Pillow decodes 8; with uint16, the others can be had, too.
    """

    size: Size
    grey: bool
    dtype: str = "uint8"
    animated: bool = False
    shortened: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes that decoding takes at a time, about."""
        return self.size[0] * self.size[1] * (8 if self.dtype == "uint8" else 16)


def header(path: Path) -> Header:
    """The header of an image file.

    Raises:
        UserError: not an image, or one of more than 100 million pixels or a million on a side, which is never decoded.
    """
    try:
        with _open(path) as image:
            deep = image.mode.startswith("I;16") or _has_deep_colours(image)
            dtype = "uint16" if deep else _DTYPES.get(image.mode, "uint8")
            # before the frames are counted, which goes on to the next one
            known = _upright_size(image), _is_grey(image), dtype
            colours = not image.mode.startswith(("I", "F"))
            shortened = colours and any(";16" in raw_mode for raw_mode in _raw_modes(image))
            # the further pictures in a phone's JPEG are previews and brightness maps
            animated = image.format not in ("JPEG", "MPO") and getattr(image, "is_animated", False)
            return Header(*known, animated, shortened)
    except UserError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error


def decode(path: Path, size: Size, channels: int, dtype: str = "uint8") -> NDArray[Any]:
    """The central part of an image, upright, composited on white, (height, width, channels) with 1 or 3 channels.

    Arguments:
        path: the file.
        size: height and width in pixels.
        channels: 1 or 3.
        dtype: the file's own, for values as they are; or uint8, for which grey pixels of 16 bits are divided by 257,
            and of colours the upper 8 bits are taken.

    Raises:
        UserError: the file cannot be decoded, or contains NaN or infinite values.
    """
    try:
        with _open(path) as image:
            if dtype != "uint8":
                pixels = _deep_colours(path, image) if _has_deep_colours(image) else _measured(image, dtype)
                found = np.stack([fitted(channel, size) for channel in np.moveaxis(pixels, 2, 0)], axis=2)
                return np.broadcast_to(found, (*size, channels))
            ImageOps.exif_transpose(image, in_place=True)
            flat = crop(_flat(image, "L" if channels == 1 else "RGB"), size)
    except UserError:
        raise
    except Exception as error:
        raise _unreadable(path, error) from error
    return np.asarray(flat).reshape(*size, channels)


def _open(path: Path) -> ImageFile.ImageFile:
    if not path.is_file():
        raise UserError(f"{path} is not a file; --data.skip-bad skips it")
    try:
        image = Image.open(path, formats=tuple(FORMATS))
    except Image.DecompressionBombError:
        raise _too_large(path) from None
    if image.width * image.height > _MOST_PIXELS or max(image.size) > _LONGEST_SIDE:
        image.close()
        raise _too_large(path)
    return image


def _upright_size(image: Image.Image) -> Size:
    """Height and width after `exif_transpose`."""
    # a PNG that has no such data before its pixels would be decoded in search of them; a TIFF is upright already
    known = "exif" in image.info or image.format in ("JPEG", "MPO", "WEBP")
    turned = known and image.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    return image.size if turned else image.size[::-1]


def _raw_modes(image: Image.Image) -> list[str]:
    """How pixels lie in the parts of a file, from the arguments of Pillow's decoder for it."""
    arguments = [tile[3] for tile in getattr(image, "tile", ())]
    return [str(one[0] if isinstance(one, tuple) else one) for one in arguments]


def _has_deep_colours(image: Image.Image) -> bool:
    """Whether an image that is not decoded yet has colours of 16 bits that `_deep_colours` can read."""
    known = {f"{image.mode};16{order}" for order in _OTHER_ORDER}
    found = set(_raw_modes(image))
    return image.mode in ("RGB", "RGBA") and bool(found) and found <= known and "transparency" not in image.info


def _deep_colours(path: Path, image: Image.Image) -> NDArray[np.uint16]:
    """Colours of 16 bits (H, W, 3), on white.

    Pillow decodes the upper byte of each number, and in the other order of bytes the lower one.
    """
    with _open(path) as twin:
        twin.tile = [tile._replace(args=_swapped(tile.args)) for tile in twin.tile]
        for one in (image, twin):
            ImageOps.exif_transpose(one, in_place=True)
        pixels = np.empty((*image.size[::-1], 3), np.uint16)
        for upper, lower, rows in zip(*map(_strips, (image, twin)), _rows(image), strict=True):
            deep: NDArray[np.uint16] = np.asarray(upper).astype(np.uint16) * 256 + np.asarray(lower)
            pixels[rows] = deep if deep.shape[2] == 3 else _on_white(deep)
    return pixels


def _on_white(deep: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Colours and transparency (H, W, 4) as colours on white."""
    on_white: NDArray[np.float64] = 65535 + deep[..., 3:] / 65535 * (deep[..., :3] - 65535.0)
    return on_white.round()


def _swapped(arguments: Any) -> Any:
    """The arguments of Pillow's decoder with the other order of bytes."""
    if isinstance(arguments, tuple):
        return _swapped(arguments[0]), *arguments[1:]
    return arguments[:-1] + _OTHER_ORDER[arguments[-1]]


def _is_grey(image: Image.Image) -> bool:
    if image.mode not in ("P", "PA"):
        return image.mode in _GREY or image.mode.startswith("I;16")
    palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _rows(image: Image.Image) -> Iterator[slice]:
    """The rows of an image, some at a time."""
    step = max(1, _STRIP_PIXELS // image.width)
    return (slice(top, min(top + step, image.height)) for top in range(0, image.height, step))


def _strips(image: Image.Image) -> Iterator[Image.Image]:
    """Copies of these rows of an image."""
    return (image.crop((0, rows.start, image.width, rows.stop)) for rows in _rows(image))


def _flat(image: Image.Image, mode: str) -> Image.Image:
    """An image on white in a mode; as copies of a large one would not fit into memory, in strips."""
    image.load()
    if image.mode == mode and not image.has_transparency_data:
        return image
    if image.width * image.height <= _STRIP_PIXELS:
        return _opaque(image).convert(mode)
    flat = Image.new(mode, image.size)
    for strip, rows in zip(_strips(image), _rows(image), strict=True):
        flat.paste(_opaque(strip).convert(mode), (0, rows.start))
    return flat


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        pixels: NDArray[Any] = np.asarray(image) / 257
        return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
    if not image.has_transparency_data:
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _measured(image: Image.Image, dtype: str) -> NDArray[Any]:
    """The pixels (H, W, 1) of a grey image of numbers that have more than 8 bits."""
    ImageOps.exif_transpose(image, in_place=True)
    pixels = np.asarray(image).astype(dtype, copy=False)
    if not np.isfinite([pixels.min(), pixels.max()]).all():
        raise ValueError("it contains NaN or infinite values")
    return pixels[..., None]


def _too_large(path: Path) -> UserError:
    return UserError(f"{path} must have at most 100 million pixels, a million on a side; --data.skip-bad skips it")


def _unreadable(path: Path, error: Exception) -> UserError:
    # Pillow's own text repeats the path.
    text = " ".join(str(error).split()).replace(repr(str(path)), "the file") or type(error).__name__
    return UserError(f"{path} is not a readable image ({text}); --data.skip-bad skips it")
