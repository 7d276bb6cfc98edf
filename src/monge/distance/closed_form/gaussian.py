r"""Distances and divergences between two Gaussian distributions in closed form: what estimators are tested against.

On a line the optimal coupling is monotone, so W1 is the mean of a folded normal; in d dimensions W2 adds the distance
of the means and the Bures distance of the covariances in squares. Logarithms are natural: KL and JS are in nats.

Example:
    >>> from math import sqrt
    >>> from monge.distance import GaussianLaw, gaussian
    >>> p, q = GaussianLaw(0, 1), GaussianLaw(3, 4)
    >>> round(gaussian.kl(p, q), 4), round(gaussian.kl(q, p), 4)
    (1.4431, 5.3069)
    >>> round(gaussian.wasserstein2(p, q), 6) == round(sqrt(3**2 + (2 - 1) ** 2), 6)
    True
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad
from scipy.linalg import LinAlgError, cholesky, solve_triangular, svdvals
from scipy.special import erf, ndtr

from monge.distance.points import Points
from monge.errors import UserError

REACH = 12.0
"""Standard deviations over which expectations are integrated; 4e-33 of the mass lies outside."""


@dataclass(frozen=True, eq=False, init=False)
class GaussianLaw:
    """A Gaussian distribution in d dimensions; on a line both arguments may be numbers, the second being the variance.

    Attributes:
        mean: (d,), finite.
        covariance: (d, d), symmetric and positive semi-definite.

    Raises:
        UserError: an argument that is not as above.

    Example:
        >>> from monge.distance import GaussianLaw, wasserstein2
        >>> p = GaussianLaw([0, 0], [[1, 0.5], [0.5, 1]])
        >>> wasserstein2(p, GaussianLaw([3, 4], p.covariance))  # the same shape, moved by (3, 4)
        5.0
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def __init__(self, mean: ArrayLike, covariance: ArrayLike) -> None:
        centre = np.atleast_1d(np.asarray(mean, dtype=np.float64))
        spread = np.atleast_2d(np.asarray(covariance, dtype=np.float64))
        if centre.ndim != 1 or not centre.size or spread.shape != (centre.size, centre.size):
            raise UserError(f"mean and covariance must be (d,) and (d, d); got {centre.shape} and {spread.shape}")
        if not np.isfinite(centre).all() or not np.isfinite(spread).all():
            raise UserError("mean and covariance must be finite")
        slack, least = 1e-9 * np.abs(spread).max(), np.linalg.eigvalsh((spread + spread.T) / 2)[0]
        if np.abs(spread - spread.T).max() > slack or least < -slack:
            raise UserError(
                f"covariance must be symmetric and positive semidefinite; got smallest eigenvalue {least:g}"
            )
        object.__setattr__(self, "mean", centre)
        object.__setattr__(self, "covariance", (spread + spread.T) / 2)


def wasserstein1(p: GaussianLaw, q: GaussianLaw) -> float:
    r"""W1 between two Gaussians on a line, in their units; both may be single points (variance 0).

    .. math:: W_1 = \mathbb{E}\,\lvert\mu + \sigma Z\rvert
              = \sigma \sqrt{2/\pi}\, e^{-\mu^2 / 2\sigma^2} + \mu\, \mathrm{erf}\frac{\mu}{\sigma\sqrt 2}, \qquad
              \mu = \mu_p - \mu_q, \quad \sigma = \lvert\sigma_p - \sigma_q\rvert

    Reference: Leone, Nelson, Nottingham 1961, "The folded normal distribution".

    Raises:
        UserError: a distribution that is not on a line.

    Example:
        >>> from monge.distance import GaussianLaw, wasserstein1
        >>> round(wasserstein1(GaussianLaw(0, 1), GaussianLaw(0, 4)), 4)  # sqrt(2 / pi)
        0.7979
        >>> wasserstein1(GaussianLaw(0, 1), GaussianLaw(5, 1))
        5.0
    """
    (mean_p, sd_p), (mean_q, sd_q) = _on_the_line(p, q)
    shift, spread = abs(mean_p - mean_q), abs(sd_p - sd_q)
    if spread == 0 or shift > 40 * spread:  # beyond 40 the rest is below 1e-300, and its square may overflow
        return shift
    ratio = shift / spread
    return float(spread * np.sqrt(2 / np.pi) * np.exp(-(ratio**2) / 2) + shift * erf(ratio / np.sqrt(2)))


def wasserstein2(p: GaussianLaw, q: GaussianLaw) -> float:
    r"""W2 between two Gaussians, in their units.

    .. math:: W_2^2 = \lVert\mu_p - \mu_q\rVert^2 + \mathrm{tr}\bigl(\Sigma_p + \Sigma_q
              - 2 (\Sigma_p^{1/2} \Sigma_q \Sigma_p^{1/2})^{1/2}\bigr)
              = \lVert\mu_p - \mu_q\rVert^2 + \min_{U^T U = 1} \lVert\Sigma_p^{1/2} - \Sigma_q^{1/2} U\rVert_F^2

    The second form is computed: it has no difference of large numbers, so equal distributions give 0 and not 1e-8.

    References: Dowson, Landau 1982, eq. 4; Bhatia, Jain, Lim 2019, "On the Bures-Wasserstein distance between positive
    definite matrices", theorem 1.

    Raises:
        UserError: distributions of different dimension.

    Example:
        >>> from monge.distance import GaussianLaw, wasserstein2
        >>> wasserstein2(GaussianLaw(0, 1), GaussianLaw(0, 9))  # standard deviations 1 and 3
        2.0
    """
    _same_dimension(p, q)
    root_p, root_q = _root(p.covariance), _root(q.covariance)
    left, _, right = np.linalg.svd(root_q @ root_p)
    return float(np.hypot(np.linalg.norm(p.mean - q.mean), np.linalg.norm(root_p - root_q @ left @ right)))


def kl(p: GaussianLaw, q: GaussianLaw) -> float:
    r"""Kullback-Leibler divergence of q from p, in nats; `kl(q, p)` is the other way round, and another number.

    .. math:: \tfrac12 \Bigl(\mathrm{tr}\,\Sigma_q^{-1}\Sigma_p - d
              + (\mu_q - \mu_p)^T \Sigma_q^{-1} (\mu_q - \mu_p) + \log\frac{\det\Sigma_q}{\det\Sigma_p}\Bigr)

    Reference: Kullback 1959, "Information theory and statistics", chapter 9, eq. 1.2.

    Raises:
        UserError: distributions of different dimension, or a singular covariance.
    """
    _same_dimension(p, q)
    factor_p, factor_q = _factor("p", p), _factor("q", q)
    # with s the singular values of L_q^-1 L_p, trace - d - log det is the sum of s^2 - 1 - log s^2, each >= 0
    logs = 2 * np.log(svdvals(solve_triangular(factor_q, factor_p, lower=True)))
    shift = solve_triangular(factor_q, p.mean - q.mean, lower=True)
    return float((np.sum(np.expm1(logs) - logs) + shift @ shift) / 2)


def hellinger(p: GaussianLaw, q: GaussianLaw) -> float:
    r"""Hellinger distance between two Gaussians, from 0 to 1.

    .. math:: H^2 = 1 - \frac{(\det\Sigma_p \det\Sigma_q)^{1/4}}{(\det\Sigma)^{1/2}}
              \exp\bigl(-\tfrac18 (\mu_p - \mu_q)^T \Sigma^{-1} (\mu_p - \mu_q)\bigr),
              \qquad \Sigma = \tfrac12 (\Sigma_p + \Sigma_q)

    Reference: Pardo 2006, "Statistical inference based on divergence measures", page 51.

    Raises:
        UserError: distributions of different dimension, or a singular covariance.
    """
    _same_dimension(p, q)
    factor_p, factor_q = _factor("p", p), _factor("q", q)
    middle = _factor("p + q", GaussianLaw(p.mean, (p.covariance + q.covariance) / 2))
    shift = solve_triangular(middle, p.mean - q.mean, lower=True)
    logs = np.log([factor_p.diagonal(), factor_q.diagonal(), middle.diagonal()]).sum(axis=1)
    affinity = (logs[0] + logs[1]) / 2 - logs[2] - shift @ shift / 8
    return float(np.sqrt(abs(np.expm1(min(0.0, affinity)))))


def tv(p: GaussianLaw, q: GaussianLaw) -> float:
    r"""Total variation distance between two Gaussians on a line, from 0 to 1.

    Half the sum of :math:`\lvert P(I) - Q(I) \rvert` over the intervals between the points where the densities cross.

    Raises:
        UserError: a distribution that is not on a line, or a variance of 0.
    """
    shift, ratio = _standardised(p, q)
    borders = np.array([-np.inf, *_crossings(shift, ratio), np.inf])
    return float(np.abs(np.diff(ndtr(borders)) - np.diff(ndtr((borders - shift) / ratio))).sum() / 2)


def js(p: GaussianLaw, q: GaussianLaw) -> float:
    r"""Jensen-Shannon divergence between two Gaussians on a line, in nats, by quadrature to about 1e-11.

    .. math:: \log 2 - \tfrac12 \mathbb{E}_p \log\Bigl(1 + \frac{q}{p}\Bigr)
              - \tfrac12 \mathbb{E}_q \log\Bigl(1 + \frac{p}{q}\Bigr)

    There is no closed form.

    Raises:
        UserError: a distribution that is not on a line, or a variance of 0.
    """
    shift, ratio = _standardised(p, q)
    value = (_gain(shift, ratio) + _gain(-shift / ratio, 1 / ratio)) / 2
    return float(min(max(value, 0.0), np.log(2)))


def _gain(shift: float, ratio: float) -> float:
    """E log 2p / (p + q) under the standard normal p, with q of mean `shift` and standard deviation `ratio`."""

    def integrand(z: float) -> float:
        log_ratio = z**2 / 2 - ((z - shift) / ratio) ** 2 / 2 - np.log(ratio)
        return float(np.exp(-(z**2) / 2) * (np.log(2) - np.logaddexp(0, log_ratio)))

    inside = [z for z in _crossings(shift, ratio) if abs(z) < REACH]
    borders = [-REACH, *inside, REACH]
    pieces = [quad(integrand, a, b, epsabs=1e-13, epsrel=1e-12, limit=200)[0] for a, b in pairwise(borders)]
    return float(np.sum(pieces) / np.sqrt(2 * np.pi))


def _crossings(shift: float, ratio: float) -> list[float]:
    """Where the standard normal density crosses that of mean `shift` and standard deviation `ratio`, in order.

    The roots of (1 - ratio^2) z^2 - 2 shift z + shift^2 + 2 ratio^2 log ratio.
    """
    square, constant = 1 - ratio**2, shift**2 + 2 * ratio**2 * np.log(ratio)
    if square == 0:
        return [shift / 2] if shift else []
    # the sum without cancellation, then the other root from the product of both
    larger = shift + np.copysign(np.sqrt(max(0.0, shift**2 - square * constant)), shift)
    return sorted([float(larger / square), float(constant / larger)])


def _standardised(p: GaussianLaw, q: GaussianLaw) -> tuple[float, float]:
    """Mean and standard deviation of q in units in which p is standard normal; divergences do not depend on them."""
    (mean_p, sd_p), (mean_q, sd_q) = _on_the_line(p, q)
    if sd_p == 0 or sd_q == 0:
        raise UserError("p and q must have densities; got a variance of 0")
    return (mean_q - mean_p) / sd_p, sd_q / sd_p


def _on_the_line(*laws: GaussianLaw) -> list[tuple[float, float]]:
    """Means and standard deviations."""
    sizes = [law.mean.size for law in laws]
    if set(sizes) != {1}:
        raise UserError(f"p and q must be distributions on a line; got dimensions {sizes[0]} and {sizes[1]}")
    return [(float(law.mean[0]), float(np.sqrt(law.covariance[0, 0]))) for law in laws]


def _same_dimension(p: GaussianLaw, q: GaussianLaw) -> None:
    if p.mean.size != q.mean.size:
        raise UserError(f"p and q must have the same dimension; got {p.mean.size} and {q.mean.size}")


def _root(covariance: Points) -> Points:
    """The symmetric square root."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(values.clip(min=0))) @ vectors.T)


def _factor(name: str, law: GaussianLaw) -> Points:
    """The Cholesky factor of a covariance."""
    try:
        return np.asarray(cholesky(law.covariance, lower=True))
    except LinAlgError:
        raise UserError(f"{name} must have a density; got a singular covariance") from None
