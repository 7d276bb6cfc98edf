"""The Frechet distance between two sets of features, each taken for a Gaussian."""

import numpy as np

from monge.distance.exact import Points
from monge.distance.gaussian import GaussianLaw, wasserstein2


def frechet(real: Points, fake: Points) -> float:
    r"""Squared Frechet distance between the Gaussians fitted to features (n, d) and (m, d), in float64.

    .. math:: \lVert\mu_r - \mu_g\rVert^2 + \mathrm{tr}\,\Sigma_r + \mathrm{tr}\,\Sigma_g
              - 2\,\mathrm{tr}\,(\Sigma_r^{1/2} \Sigma_g \Sigma_r^{1/2})^{1/2}

    Reference: Dowson, Landau 1982, eq. 4; with Inception features it is the FID (Heusel et al. 2017), here it is
    taken on whatever features are given. It is biased at finite n.
    """
    laws = (GaussianLaw(x.mean(axis=0), np.cov(x.T).reshape(x.shape[1], x.shape[1])) for x in (real, fake))
    return wasserstein2(*laws) ** 2
