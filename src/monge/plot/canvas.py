"""What all pictures share: colours, axes, and how a figure becomes bytes."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

PlaneSides = tuple[NDArray[Any], NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Projection:
    """Points as they are drawn: up to the plane in their own coordinates, above on two principal axes.

    Attributes:
        centre, axes: a point x is drawn at axes (x - centre), (d,) and (k, d) with k = min(d, 2).
        labels: of the k axes.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, points: NDArray[Any]) -> "Projection":
        """That of some points (n, d), whose principal axes are taken."""
        points = points.astype(float)
        d = points.shape[1]
        if d <= 2:
            return cls(np.zeros(d), np.eye(d), ("x",) if d == 1 else ("x₁", "x₂"))
        centre = points.mean(axis=0)
        if len(points) == 1:
            points = points.repeat(2, axis=0)  # one point spans no plane
        axes, shares = principal(points - centre)
        first, second = (f"{100 * share:.0f} % of the variance" for share in shares)
        return cls(centre, axes, (f"first principal component, {first}", f"second principal component, {second}"))

    def __call__(self, points: NDArray[Any]) -> NDArray[np.float64]:
        return np.asarray((points.astype(float) - self.centre) @ self.axes.T)


def flat(real: NDArray[Any], fake: NDArray[Any]) -> PlaneSides:
    """Both sides as they are drawn, on the principal axes of the real one."""
    project = Projection.of(real)
    return project(real), project(fake)


def principal(centred: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[float]]:
    """The two principal axes (2, d) of points (n, d) about their centre, and the share of the variance along each."""
    n, d = centred.shape
    products = centred.T @ centred if d <= n else centred @ centred.T
    values, vectors = np.linalg.eigh(products)
    axes = vectors[:, :-3:-1].T if d <= n else vectors[:, :-3:-1].T @ centred
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    total = float(values.clip(0).sum()) or 1.0
    # the sign of an eigenvector is arbitrary
    signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(axis=1)])[:, None]
    return axes * signs / np.where(lengths > 0, lengths, 1), [float(v) / total for v in values[:-3:-1].clip(0)]


def as_image(figure: Figure) -> Image.Image:
    """A figure as an image, without a time stamp."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return Image.open(buffer).convert("RGB")


def png(image: Image.Image, *, quick: bool = False) -> bytes:
    """The bytes of a PNG file, without a time stamp.

    Arguments:
        image: what it shows.
        quick: whether to take a tenth of the time, for a file that is a tenth larger.
    """
    buffer = io.BytesIO()
    if quick:
        image.save(buffer, format="PNG", compress_level=1)
    else:
        image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
