"""Precision, recall, density and coverage: fidelity and diversity from nearest-neighbour balls.

Each set is thickened to a manifold: the union of balls around its points that reach their k-th nearest neighbour.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from monge.distance.exact import Points


def _radii(x: Points, k: int) -> NDArray[np.float64]:
    """Distance of every point of x (n, d) to its k-th nearest other point."""
    distances = cdist(x, x)
    return np.partition(distances, k, axis=1)[:, k]


def coverage(real: Points, fake: Points, k: int = 3) -> dict[str, float]:
    """Precision, recall (Kynkaanniemi et al. 2019, eq. 2-3), density and coverage (Naeem et al. 2020, eq. 3-4).

    Arguments:
        real, fake: features of shape (n, d) and (m, d).
        k: neighbours that set the radius of a ball, smaller than n and m.

    Returns:
        `precision`: share of fake inside real balls. `recall`: share of real inside fake balls. `density`: mean
        number of real balls around a fake point, over k. `coverage`: share of real balls that hold a fake point.
    """
    distances = cdist(real, fake)
    inside_real = distances <= _radii(real, k)[:, None]
    inside_fake = distances <= _radii(fake, k)[None, :]
    return {
        "precision": float(inside_real.any(axis=0).mean()),
        "recall": float(inside_fake.any(axis=1).mean()),
        "density": float(inside_real.sum(axis=0).mean() / k),
        "coverage": float(inside_real.any(axis=1).mean()),
    }
