"""Pictures as `data:` URLs, so that a page needs nothing else."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from monge.plot.canvas import png

LARGEST_PNG = 100_000
"""Bytes beyond which a picture is stored as JPEG."""


@dataclass(frozen=True)
class Picture:
    """An embedded picture."""

    url: str
    alt: str
    width: int
    height: int
    step: int = 0


def embed(image: Image.Image, alt: str, step: int = 0) -> Picture:
    """A picture as PNG, or as JPEG where that would be large."""
    kind, content = "png", png(image)
    if len(content) > LARGEST_PNG:
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, format="JPEG", quality=80)
        kind, content = "jpeg", buffer.getvalue()
    url = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Picture(url, alt, image.width, image.height, step)
