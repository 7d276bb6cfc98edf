r"""Statistics of images of two phases, such as pores and grains: how much there is of one, how it lies, how it ends.

A picture of a material is judged by these rather than by eye: the phase fraction is the first moment of the phase's
indicator, the two-point correlation its second, and the length of the surface says how ragged the phases are. A grey
image has two phases by a threshold.

Reference: Torquato 2002, "Random Heterogeneous Materials", sections 2.2 and 12.
"""

import math

import numpy as np
from numpy.typing import NDArray

from monge.distance.estimate import Estimate

Mask = NDArray[np.bool_]
"""Where the phase is: (n, H, W)."""
LEVELS = 256
"""Levels of grey among which a threshold is sought."""
CHUNK = 2_000_000
"""Pixels that are transformed at once."""
AXES = {"y": 1, "x": 2}
"""Axes of a mask along which correlations are taken: down the height, and along the width."""


def otsu(images: NDArray[np.float64], low: float = -1.0, high: float = 1.0) -> float:
    r"""The threshold that sets two groups of pixels farthest apart: it maximises :math:`w (1 - w) (\mu_1 - \mu_0)^2`.

    Of several that do, the middle one; so of binary images it is the midpoint of their two values.

    Reference: Otsu 1979, "A threshold selection method from gray-level histograms".

    Arguments:
        images: grey levels, of any shape.
        low, high: range of the levels.

    Example:
        >>> otsu(np.array([-1.0, -1.0, 1.0]))
        0.0
    """
    counts, edges = np.histogram(images, LEVELS, (low, high))
    share, middles = counts / max(1, counts.sum()), (edges[1:] + edges[:-1]) / 2
    below, moment = share.cumsum()[:-1], (share * middles).cumsum()[:-1]
    mixed = below * (1 - below)
    apart = np.divide((moment - below * (share @ middles)) ** 2, mixed, out=np.zeros_like(mixed), where=mixed > 0)
    best = np.flatnonzero(apart >= apart.max() * (1 - 1e-9))
    return float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)


def phase_fraction(mask: Mask) -> Estimate:
    """Share of the pixels that are of the phase, with the error of a mean over independent images."""
    return _mean(mask.mean(axis=(1, 2)))


def two_point(mask: Mask, axis: int) -> NDArray[np.float64]:
    r"""The chance that both ends of a segment of r pixels along an axis are of the phase, for r = 0 to half the side.

    .. math:: S_2(r) = P(\text{phase at } x \text{ and at } x + r)

    S2(0) is the phase fraction p. Of pixels that are independent of each other S2(r) = p^2 from r = 1 on, and stripes
    of one pixel along the axis give p and 0 in turn. No image is continued beyond its edge.

    Arguments:
        mask: (n, H, W).
        axis: 1 or 2.

    Returns:
        S2 at 0, 1, ..., (side // 2), averaged over the images.
    """
    along = np.moveaxis(mask, axis, -1)
    side = along.shape[-1]
    # a transform of twice the length takes every lag at once, without continuing a row at its other end
    spectrum = np.zeros(side + 1)
    for part in np.array_split(along, math.ceil(along.size / CHUNK)):
        spectrum += (np.abs(np.fft.rfft(part, 2 * side)) ** 2).sum((0, 1))
    lags = np.arange(side // 2 + 1)
    pairs = np.fft.irfft(spectrum)[lags].round()
    found: NDArray[np.float64] = pairs / (along.size // side * (side - lags))
    return found


def surface_length(mask: Mask) -> Estimate:
    """Pairs of neighbouring pixels of different phases, per pixel: the length of the surface, in sides of pixels.

    A chessboard of H x W has 2 - 1 / H - 1 / W. The error is that of a mean over independent images.
    """
    pairs = sum(
        (mask.take(range(1, mask.shape[axis]), axis) != mask.take(range(mask.shape[axis] - 1), axis)).sum((1, 2))
        for axis in AXES.values()
    )
    return _mean(pairs / math.prod(mask.shape[1:]))


def _mean(values: NDArray[np.float64]) -> Estimate:
    return Estimate(float(values.mean()), float(values.std() / math.sqrt(len(values))))
