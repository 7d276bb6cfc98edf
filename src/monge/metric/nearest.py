"""Distance to the nearest training sample: does the generator copy?"""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin

from monge.distance.exact import Points

SEARCHED = 20_000_000
"""Numbers in the training samples that are searched, at most."""


def searchable(size: int, shape: tuple[int, ...]) -> int:
    """How many of `size` training samples of a shape are searched."""
    return min(size, max(1, SEARCHED // math.prod(shape)))


def nearest(x: Points, train: Points) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Index of and Euclidean distance to the nearest training sample of every row of x (n, d)."""
    index = pairwise_distances_argmin(x, train)
    return index, np.linalg.norm(x - train[index], axis=1)


def novelty(fake: Points, train: Points, held_out: Points) -> float | None:
    """Mean distance of generated samples to their nearest training sample, over that of held-out samples.

    Near 1 for a perfect generator, near 0 for one that copies its training data; none where held-out samples are
    themselves copies.
    """
    real = float(nearest(held_out, train)[1].mean())
    return float(nearest(fake, train)[1].mean()) / real if real > 0 else None
