"""The pictures that a training drew of the same latent codes, step by step."""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from monge.errors import UserError
from monge.run.files import numbered
from monge.run.folder import RunFolder

FRAMES = 60
"""Pictures of an animation, at most."""
FRAME, LAST_FRAME = 150, 2000
"""Milliseconds for which a picture, and the last one, are shown."""
LEAST_FONT = 12
"""Pixels of a line of text, at least."""


def film(run: RunFolder) -> tuple[bytes, int]:
    """The pictures as an animated WebP, at most `FRAMES` of them, each with its step; and how many they are.

    Raises:
        UserError: there are none.

    Warns:
        UserWarning: a picture is damaged, and passed over.
    """
    frames = [titled(image, f"step {step:,}") for step, image in drawn(run, FRAMES, "is left out")]
    if not frames:
        raise UserError(f"run {str(run.path)!r} has no pictures of its training")
    durations = [*[FRAME] * (len(frames) - 1), LAST_FRAME]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], duration=durations, loop=0, lossless=True)
    return buffer.getvalue(), len(frames)


def titled(image: Image.Image, text: str) -> Image.Image:
    """A picture with a line of text above it, on white."""
    font = ImageFont.load_default(max(LEAST_FONT, image.width // 24))
    width, height = (int(end) + 8 for end in font.getbbox(text)[2:])
    page = Image.new("RGB", (max(image.width, width), image.height + height), "white")
    ImageDraw.Draw(page).text((4, 2), text, "black", font)
    page.paste(image.convert("RGB"), (0, height))
    return page


def drawn(run: RunFolder, most: int, otherwise: str) -> Iterator[tuple[int, Image.Image]]:
    """The pictures of a training with their steps, an even choice of at most so many.

    Arguments:
        otherwise: what becomes of a damaged one, in words.

    Warns:
        UserWarning: a picture is damaged, and passed over.
    """
    paths = numbered(run.samples, ".png")
    chosen = np.linspace(0, len(paths) - 1, min(most, len(paths))).round().astype(int)
    for step, path in (paths[index] for index in chosen):
        try:
            with Image.open(path) as image:
                image.load()
        # a damaged PNG ends in any of these
        except (OSError, ValueError, SyntaxError, EOFError, zlib.error, struct.error, Image.DecompressionBombError):
            warnings.warn(f"{path} cannot be read, and {otherwise}", UserWarning, stacklevel=4)
            continue
        yield step, image
