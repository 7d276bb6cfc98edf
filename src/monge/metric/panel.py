"""Figures of generated against real features, whatever the features: none where one is not defined at their size."""

import numpy as np

from monge.distance.estimate import Estimate
from monge.distance.kernel.discrepancy import LEAST, kid
from monge.distance.points import Points
from monge.metric.frechet import frechet_estimate
from monge.metric.precision_recall import manifold

NEIGHBOURS = 3
"""Neighbours that set the radius of a ball of the manifolds, at most."""


def manifold_figures(real: Points, fake: Points) -> dict[str, Estimate]:
    """`manifold` of three neighbours, or of as many as there are.

    Arguments:
        real, fake: features (n, d) and (m, d), at least 2 of each.

    Raises:
        UserError: bad shapes or values.
    """
    return manifold(real, fake, k=min(NEIGHBOURS, len(real) - 1, len(fake) - 1))


def kid_estimate(real: Points, fake: Points) -> Estimate | None:
    """`kid` with its error; none below the 4 samples a side that the error needs.

    Raises:
        UserError: bad shapes or values.
    """
    if min(len(real), len(fake)) < LEAST:
        return None
    found = kid(real, fake)
    return Estimate(found.squared, found.error)


def regular_frechet(real: Points, fake: Points, *, singular: bool = False) -> Estimate | None:
    """`frechet_estimate`; none of fewer samples than a regular covariance takes, which says more of n than of the data.

    Arguments:
        real, fake: features (n, d) and (m, d).
        singular: whether to give that of fewer samples, whose covariances are singular, too.
    """
    if not singular and min(len(real), len(fake)) <= real.shape[1]:
        return None
    return frechet_estimate(real, fake)


def variance_ratio(real: Points, fake: Points) -> Estimate:
    r"""Total variance of generated over that of real features, with the error of a ratio of means.

    .. math:: \mathrm{tr}\,\Sigma_g / \mathrm{tr}\,\Sigma_r

    The means are of the squared distances from the centre. Below 1 the samples are too alike or averaged.
    """
    squares = [((x - x.mean(axis=0)) ** 2).sum(axis=1) for x in (fake, real)]
    below = max(float(squares[1].mean()), float(np.finfo(float).tiny))
    ratio = float(squares[0].mean()) / below
    # not ratio**2, which raises OverflowError where this is infinite
    variance = squares[0].var() / len(fake) + ratio * ratio * squares[1].var() / len(real)
    return Estimate(ratio, float(np.sqrt(variance)) / below)
