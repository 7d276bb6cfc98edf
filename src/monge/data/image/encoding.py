"""Images as the bytes of files, at the depth of their numbers; equal images give equal bytes."""

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monge.errors import UserError

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""A PNG's number for so many channels: grey, grey with transparency, colours, colours with transparency."""

Pixels = NDArray[np.generic]


def usual_suffix(dtype: str) -> str:
    """The ending of files that keep pixels of a type: .png for 8 and 16 bits without sign, else .tif."""
    return ".png" if dtype in ("uint8", "uint16") else ".tif"


def image_file(image: Pixels, suffix: str) -> bytes:
    """One image (H, W, C) as a file with its `usual_suffix`.

    Raises:
        UserError: numbers that no such file can contain.
    """
    if suffix == ".tif":
        return tiff(image[None])
    if image.dtype == np.uint16:
        return _deep_png(image)
    buffer = io.BytesIO()
    page(image).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def tiff(images: Pixels) -> bytes:
    """Images (n, H, W, C) as the pages of a TIFF file.

    Raises:
        UserError: numbers that Pillow puts into no such file: 16-bit colours, and wider ones of several channels.
    """
    buffer = io.BytesIO()
    first, *others = (page(image) for image in images)
    first.save(buffer, format="TIFF", save_all=True, append_images=others)
    return buffer.getvalue()


def page(image: Pixels) -> Image.Image:
    """An image (H, W, C) for Pillow: of 8 bits with 1 to 4 channels, or grey of 16 bits, whole numbers or floats.

    Raises:
        UserError: other numbers.
    """
    channels, kind = image.shape[2], image.dtype.kind
    if image.dtype == np.uint8:
        return Image.fromarray(image[..., 0] if channels == 1 else image)
    if channels == 1 and kind == "f":
        return Image.fromarray(image[..., 0].astype(np.float32))
    if channels == 1 and image.dtype == np.uint16:
        return Image.fromarray(image[..., 0])
    limits = np.iinfo(np.int32)
    if channels == 1 and limits.min <= image.min() and image.max() <= limits.max:
        return Image.fromarray(image[..., 0].astype(np.int32))
    what = f"images of {image.dtype} with {channels} channel{'s' if channels > 1 else ''}"
    hint = "; a folder (--out FOLDER/) takes them as .png" if image.dtype == np.uint16 else ""
    raise UserError(f"--out must be a .npz or .npy file for {what}, which TIFF files cannot contain here{hint}")


def _deep_png(image: Pixels) -> bytes:
    """A PNG of 16 bits per channel, of which Pillow writes grey ones only (PNG specification, sections 5, 9 and 11)."""
    height, width, channels = image.shape
    rows = image.astype(">u2").view(np.uint8).reshape(height, -1)
    # differences to the pixel on the left compress better
    rows[:, 2 * channels :] -= rows[:, : -2 * channels].copy()
    lines = np.hstack([np.full((height, 1), 1, np.uint8), rows]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    kind, content = chunk
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
