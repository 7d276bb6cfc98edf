"""What all pictures share: colours, axes, and how a figure becomes bytes."""

import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

Sides = tuple[NDArray[Any], NDArray[Any]]
INK, REAL, FAKE = "#1f2430", "#9aa3b2", "#d1495b"


def flat(real: NDArray[Any], fake: NDArray[Any]) -> Sides:
    """Both sides in their own coordinates, above the plane on the two principal axes of the real one."""
    real, fake = real.astype(float), fake.astype(float)
    if real.shape[1] > 2:
        centre = real.mean(axis=0)
        _, _, axes = np.linalg.svd(real - centre, full_matrices=False)
        real, fake = (real - centre) @ axes[:2].T, (fake - centre) @ axes[:2].T
    return real, fake


def drawn(figure: Figure) -> Image.Image:
    """A figure as an image, without a time stamp."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Image.open(buffer).convert("RGB")


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file, without a time stamp."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
