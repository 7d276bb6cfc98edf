"""The Frechet distance between two sets of features, each taken for a Gaussian."""

import numpy as np
from numpy.typing import NDArray

from monge.distance.closed_form.gaussian import GaussianLaw, wasserstein2
from monge.distance.estimate import Estimate
from monge.distance.points import Points

Matrix = NDArray[np.float64]


def frechet(real: Points, fake: Points) -> float:
    r"""Squared Frechet distance between the Gaussians fitted to features (n, d) and (m, d), in float64.

    .. math:: \lVert\mu_r - \mu_g\rVert^2 + \mathrm{tr}\,\Sigma_r + \mathrm{tr}\,\Sigma_g
              - 2\,\mathrm{tr}\,(\Sigma_r^{1/2} \Sigma_g \Sigma_r^{1/2})^{1/2}

    Reference: Dowson, Landau 1982, eq. 4; with Inception features it is the FID (Heusel et al. 2017), here it is
    taken on whatever features are given. It is biased at finite n.
    """
    return wasserstein2(_law(real), _law(fake)) ** 2


def frechet_estimate(real: Points, fake: Points) -> Estimate:
    r"""`frechet` with the standard error of its first-order term.

    It is a largest value over pairs of quadratic potentials, so that to first order it moves as the mean of the best
    pair does. With the optimal map of real to fake :math:`x \mapsto \mu_g + A (x - \mu_r)` and its inverse,

    .. math:: f(x) = (x - \mu_r)^T (I - A) (x - \mu_r) + 2 (\mu_r - \mu_g)^T x, \qquad
              \mathrm{Var} \approx \frac{\mathrm{Var} f(X)}{n} + \frac{\mathrm{Var} g(Y)}{m}

    and g alike, with the roles exchanged. For equal distributions f = g = 0: there the deviation is of second order, as
    is the bias, about :math:`d (1/n + 1/m)` times the variance of a feature, which the error does not include.

    Of fewer samples than dimensions only the directions that they span are looked at, which changes nothing but time.

    Reference: Rippl, Munk, Sturm 2016, "Limit distributions of the empirical Wasserstein distance: Gaussian
    distributions".
    """
    real, fake = _spanned(real, fake)
    first, second = _law(real), _law(fake)
    shift = first.mean - second.mean
    variance = 0.0
    for x, law, other, sign in ((real, first, second, 1), (fake, second, first, -1)):
        centred = x - law.mean
        bend = np.eye(len(shift)) - _transport(law.covariance, other.covariance)
        values = ((centred @ bend) * centred).sum(axis=1) + 2 * sign * centred @ shift
        variance += float(values.var(ddof=1)) / len(x)
    return Estimate(wasserstein2(first, second) ** 2, float(np.sqrt(variance)))


def _spanned(real: Points, fake: Points) -> tuple[Points, Points]:
    """Both sets in coordinates along the directions that they span, about a common origin, if these are fewer."""
    if len(real) + len(fake) >= real.shape[1]:
        return real, fake
    together = np.concatenate([real, fake]) - real.mean(axis=0)
    along = together @ np.linalg.qr(together.T)[0]
    return along[: len(real)], along[len(real) :]


def _law(x: Points) -> GaussianLaw:
    return GaussianLaw(x.mean(axis=0), np.cov(x.T).reshape(x.shape[1], x.shape[1]))


def _transport(source: Matrix, target: Matrix) -> Matrix:
    r"""The optimal linear map :math:`S^{-1/2} (S^{1/2} T S^{1/2})^{1/2} S^{-1/2}`, on the span of the source."""
    values, vectors = np.linalg.eigh(source)
    roots = np.sqrt(np.clip(values, 0, None))
    seen = values > len(values) * np.finfo(float).eps * max(float(values.max()), 0.0)
    inverse = np.divide(1.0, roots, out=np.zeros_like(roots), where=seen)
    root, inverted = (vectors * roots) @ vectors.T, (vectors * inverse) @ vectors.T
    middle, axes = np.linalg.eigh(root @ target @ root)
    result: Matrix = inverted @ (axes * np.sqrt(np.clip(middle, 0, None))) @ axes.T @ inverted
    return result
