r"""Divergences between two discrete distributions, or two densities on a grid.

All are integrals over the ratio of densities, blind to how far apart the points are: between distributions on disjoint
sets they sit at their ceilings (KL infinity, JS log 2, TV and Hellinger 1) whatever the distance. Logarithms are
natural, so KL and JS are in nats. Densities on a grid become discrete distributions by `grid_masses`; the cell volume
cancels in every ratio, and the divergences of the masses tend to those of the densities from below as the cells shrink.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import kl_div

from monge.distance.points import Points
from monge.errors import UserError

SUM_TOLERANCE = 1e-6
"""Largest deviation of a sum of masses from 1, which is float32 rounding; masses are then scaled to sum to 1."""


def kl(p: ArrayLike, q: ArrayLike) -> float:
    r"""Kullback-Leibler divergence of q from p, in nats; `kl(q, p)` is the other way round, and another number.

    .. math:: \mathrm{KL}(p \,\|\, q) = \sum_i p_i \log \frac{p_i}{q_i}

    Infinite where p has mass and q has none. Reference: Kullback, Leibler 1951, eq. 2.4.

    Arguments:
        p, q: masses of two distributions on the same points, of equal shape, >= 0, each summing to one.

    Raises:
        UserError: shapes that differ, masses that are negative or not finite or do not sum to one.

    Example:
        >>> from monge.distance import kl
        >>> round(kl([0.5, 0.5], [0.9, 0.1]), 4), round(kl([0.9, 0.1], [0.5, 0.5]), 4)
        (0.5108, 0.3681)
        >>> kl([0.5, 0.5], [1, 0])
        inf
    """
    return _kl(*_laws(p, q))


def js(p: ArrayLike, q: ArrayLike) -> float:
    r"""Jensen-Shannon divergence in nats, from 0 to log 2; its square root is a metric.

    .. math:: \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m),
              \qquad m = \tfrac12 (p + q)

    References: Lin 1991, "Divergence measures based on the Shannon entropy"; Endres, Schindelin 2003, "A new metric
    for probability distributions". Arguments and errors as for `kl`.

    Example:
        >>> from monge.distance import js
        >>> round(js([0.5, 0.5, 0], [0, 0.5, 0.5]), 4)  # finite where KL is not
        0.3466
        >>> round(js([1, 0], [0, 1]), 4)  # log 2, the ceiling
        0.6931
    """
    first, second = _laws(p, q)
    middle = (first + second) / 2
    return min((_kl(first, middle) + _kl(second, middle)) / 2, float(np.log(2)))


def tv(p: ArrayLike, q: ArrayLike) -> float:
    r"""Total variation distance, from 0 to 1; a metric: the largest difference of probability of any event.

    .. math:: \mathrm{TV}(p, q) = \tfrac12 \sum_i \lvert p_i - q_i \rvert

    Arguments and errors as for `kl`.

    Example:
        >>> from monge.distance import tv
        >>> round(tv([0.5, 0.5, 0], [0.2, 0.5, 0.3]), 4)
        0.3
    """
    first, second = _laws(p, q)
    return min(float(np.abs(first - second).sum() / 2), 1.0)


def hellinger(p: ArrayLike, q: ArrayLike) -> float:
    r"""Hellinger distance, from 0 to 1; a metric.

    .. math:: H(p, q) = \sqrt{\tfrac12 \sum_i \bigl(\sqrt{p_i} - \sqrt{q_i}\bigr)^2}

    Arguments and errors as for `kl`.

    Example:
        >>> from monge.distance import hellinger
        >>> round(hellinger([0.5, 0.5, 0], [0, 0.5, 0.5]), 4)
        0.7071
        >>> hellinger([1, 0], [0, 1])  # no overlap
        1.0
    """
    first, second = _laws(p, q)
    return min(float(np.sqrt(np.square(np.sqrt(first) - np.sqrt(second)).sum() / 2)), 1.0)


def grid_masses(density: Callable[[Points], Points], *edges: ArrayLike, tolerance: float = 1e-3) -> NDArray[np.float64]:
    """The masses of a density in the cells of a grid, by the midpoint rule, scaled to sum to one.

    Arguments:
        density: maps points (n, d) to densities (n,), >= 0, per unit of volume.
        edges: for each of the d dimensions the increasing borders of its cells, (k_1 + 1,), ..., (k_d + 1,).
        tolerance: how far the masses may sum from one before they are scaled.

    Returns:
        Masses of shape (k_1, ..., k_d).

    Raises:
        UserError: bad edges or densities, or a sum too far from one: the grid is too small or too coarse.

    Example:
        >>> import numpy as np
        >>> from monge.distance import grid_masses, js
        >>> edges = np.linspace(-8, 8, 801)
        >>> def density(mean):
        ...     return lambda x: np.exp(-((x[:, 0] - mean) ** 2) / 2) / np.sqrt(2 * np.pi)
        >>> round(js(grid_masses(density(0), edges), grid_masses(density(1), edges)), 4)
        0.1114
    """
    borders = [np.asarray(edge, dtype=np.float64) for edge in edges]
    if not borders or not all(edge.ndim == 1 and len(edge) > 1 and (np.diff(edge) > 0).all() for edge in borders):
        raise UserError("edges must be increasing cell borders, one array of at least 2 for each dimension")
    centres = np.meshgrid(*((edge[1:] + edge[:-1]) / 2 for edge in borders), indexing="ij")
    volume = np.ones(())
    for edge in borders:
        volume = np.multiply.outer(volume, np.diff(edge))
    values = np.asarray(density(np.stack([centre.ravel() for centre in centres], axis=1)), dtype=np.float64)
    if values.size != volume.size or not np.isfinite(values).all() or values.min() < 0:
        raise UserError(f"density must return {volume.size} finite values >= 0; got shape {values.shape}")
    masses = values.reshape(volume.shape) * volume
    if abs(masses.sum() - 1) > tolerance:
        raise UserError(f"density must have mass 1 on the grid; got {masses.sum():.6g}; widen or refine the edges")
    return np.asarray(masses / masses.sum())


def _kl(p: Points, q: Points) -> float:
    # kl_div adds q - p to each term: the sum is the same, and every term is >= 0
    return max(0.0, float(kl_div(p, q).sum()))


def _laws(p: ArrayLike, q: ArrayLike) -> tuple[Points, Points]:
    first, second = _law("p", p), _law("q", q)
    if first.shape != second.shape:
        raise UserError(f"p and q must have the same shape; got {first.shape} and {second.shape}")
    return first, second


def _law(name: str, given: ArrayLike) -> Points:
    masses = np.asarray(given, dtype=np.float64)
    if not masses.size or not np.isfinite(masses).all() or masses.min() < 0:
        raise UserError(f"{name} must contain at least one mass, all finite and >= 0; got {_shown(masses)}")
    if abs(masses.sum() - 1) > SUM_TOLERANCE:
        raise UserError(f"{name} must sum to 1; got {masses.sum():.9g}")
    return np.asarray(masses / masses.sum())


def _shown(masses: Points) -> str:
    wrong = masses[~(masses >= 0) | ~np.isfinite(masses)]
    return f"{wrong[0]}" if wrong.size else f"shape {masses.shape}"
