"""The Frechet distance between two sets of features, each taken for a Gaussian."""

import numpy as np
from scipy.linalg import eigvalsh

from monge.distance.exact import Points


def frechet(real: Points, fake: Points) -> float:
    r"""Squared Frechet distance between the Gaussians fitted to features (n, d) and (m, d), in float64.

    .. math:: \lVert\mu_r - \mu_g\rVert^2 + \mathrm{tr}\,\Sigma_r + \mathrm{tr}\,\Sigma_g
              - 2\,\mathrm{tr}\,(\Sigma_r^{1/2} \Sigma_g \Sigma_r^{1/2})^{1/2}

    Reference: Dowson, Landau 1982, eq. 4; with Inception features it is the FID (Heusel et al. 2017), here it is
    taken on whatever features are given. It is biased at finite n.
    """
    difference = real.mean(axis=0) - fake.mean(axis=0)
    sigma_real, sigma_fake = np.atleast_2d(np.cov(real.T)), np.atleast_2d(np.cov(fake.T))
    values, vectors = np.linalg.eigh(sigma_real)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    cross = np.sqrt(eigvalsh(root @ sigma_fake @ root).clip(min=0)).sum()
    return float(difference @ difference + np.trace(sigma_real) + np.trace(sigma_fake) - 2 * cross)
