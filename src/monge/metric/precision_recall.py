"""Precision, recall, density and coverage: fidelity and diversity from nearest-neighbour balls.

Each set is thickened to a manifold: the union of balls around its points that reach their k-th nearest neighbour.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from monge.distance.estimate import Estimate
from monge.distance.kernel.discrepancy import blocks
from monge.distance.points import Points, point_sets
from monge.errors import UserError


def manifold(real: Points, fake: Points, k: int = 3) -> dict[str, Estimate]:
    r"""Precision, recall, density and coverage, each with a standard error; memory grows as n + m.

    The errors are those of a mean over independent points, given the balls: of fake points for precision and density,
    of real ones for recall and coverage. That the balls too are drawn is not in them: between samples of one
    distribution (200 to 500 points in 2 and 10 dimensions) the deviation over draws was 0.9 to 1.8 times the error.

    Arguments:
        real, fake: features of shape (n, d) and (m, d).
        k: neighbours that set the radius of a ball, smaller than n and m.

    Returns:
        `precision`: share of fake inside real balls. `recall`: share of real inside fake balls (Kynkaanniemi et al.
        2019, "Improved precision and recall metric", eq. 2-3). `density`: mean number of real balls around a fake
        point, over k. `coverage`: share of real balls that contain a fake point (Naeem et al. 2020, "Reliable fidelity
        and diversity metrics for generative models", eq. 3-4).

    Raises:
        UserError: bad shapes or values, or a k that is not as above.
    """
    real, fake = point_sets(real, fake)
    n, m = len(real), len(fake)
    if not 1 <= k < min(n, m):
        raise UserError(f"k must be a whole number from 1 to min(n, m) - 1 = {min(n, m) - 1}; got {k}")
    reach_real, reach_fake = _radii(real, k), _radii(fake, k)
    around, recalled, covered = np.zeros(m), np.zeros(n), np.zeros(n)
    for part in blocks(n, m):
        distances = cdist(real[part], fake)
        inside_real = distances <= reach_real[part, None]
        around += inside_real.sum(axis=0)
        covered[part] = inside_real.any(axis=1)
        recalled[part] = (distances <= reach_fake[None, :]).any(axis=1)
    inside = (around > 0).astype(np.float64)
    found = {"precision": inside, "recall": recalled, "density": around / k, "coverage": covered}
    return {name: _mean(values) for name, values in found.items()}


def coverage(real: Points, fake: Points, k: int = 3) -> dict[str, float]:
    """The values of `manifold`, without their errors."""
    return {name: estimate.value for name, estimate in manifold(real, fake, k).items()}


def expected_coverage(n: int, m: int, k: int = 3) -> float:
    r"""Coverage that a perfect generator shows in expectation, whatever the distribution, if it has a density.

    The ball of a real point contains no fake one when the k nearest of its n - 1 + m fellows are all real:

    .. math:: 1 - \prod_{i=1}^{k} \frac{n - i}{n + m - i}

    Reference: Naeem et al. 2020, who derive it for the choice of k.

    Arguments:
        n, m: numbers of real and of generated points.
        k: as in `manifold`.
    """
    return 1 - math.prod((n - i) / (n + m - i) for i in range(1, k + 1))


def _radii(x: Points, k: int) -> NDArray[np.float64]:
    """Distance of every point of x (n, d) to its k-th nearest other point."""
    parts = [np.partition(cdist(x[part], x), k, axis=1)[:, k] for part in blocks(len(x), len(x))]
    return np.concatenate(parts)


def _mean(values: NDArray[np.float64]) -> Estimate:
    """The mean of some values and its standard error; of a share it is the binomial one."""
    return Estimate(float(values.mean()), float(values.std() / math.sqrt(len(values))))
