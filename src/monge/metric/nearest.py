"""Distance to the nearest training sample: does the generator copy?"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from monge.distance.exact import Points


def nearest(x: Points, train: Points) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Index of and Euclidean distance to the nearest training sample of every row of x (n, d)."""
    distances = cdist(x, train)
    index = distances.argmin(axis=1)
    return index, distances[np.arange(len(x)), index]


def novelty(fake: Points, train: Points, held_out: Points) -> float:
    """Mean distance of generated samples to their nearest training sample, over that of held-out samples.

    Near 1 for a perfect generator, near 0 for one that copies its training data.
    """
    return float(nearest(fake, train)[1].mean() / max(nearest(held_out, train)[1].mean(), np.finfo(float).tiny))
