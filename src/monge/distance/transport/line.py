r"""Optimal transport on a line, where sorting solves it.

For every ground cost that is a convex function of the distance, the k-th smallest mass goes to the k-th smallest:

.. math:: W_1(P, Q) = \int_0^1 \lvert F_P^{-1}(t) - F_Q^{-1}(t) \rvert \, dt
                    = \int \lvert F_P(s) - F_Q(s) \rvert \, ds

Reference: Santambrogio 2015, "Optimal Transport for Applied Mathematicians", proposition 2.17.
"""

import numpy as np
from numpy.typing import NDArray

Order = NDArray[np.intp]
Masses = NDArray[np.float64]


def quantile_coupling(x_weights: Masses, y_weights: Masses) -> tuple[Order, Order, Masses]:
    """The monotone coupling of two distributions on a line: which mass goes from the i-th smallest x to the j-th
    smallest y.

    Arguments:
        x_weights, y_weights: weights (n,) and (m,) in the order of the sorted points, each summing to one.

    Returns:
        i, j and mass of equal length, at most n + m - 1 entries of positive mass.

    Example:
        >>> import numpy as np
        >>> from monge.distance import quantile_coupling
        >>> i, j, mass = quantile_coupling(np.array([0.5, 0.5]), np.array([0.25, 0.75]))
        >>> list(zip(i.tolist(), j.tolist(), mass.tolist()))
        [(0, 0, 0.25), (0, 1, 0.25), (1, 1, 0.5)]
    """
    x_levels, y_levels = x_weights.cumsum(), y_weights.cumsum()
    # exactly one at the end, and from the last point with mass on: else rounding gives mass to what has none
    x_levels, y_levels = x_levels / x_levels[-1], y_levels / y_levels[-1]
    levels = np.unique(np.concatenate([x_levels, y_levels]))
    i, j = np.searchsorted(x_levels, levels), np.searchsorted(y_levels, levels)
    mass = np.diff(levels, prepend=0.0)
    kept = mass > 0
    return i[kept], j[kept], mass[kept]
