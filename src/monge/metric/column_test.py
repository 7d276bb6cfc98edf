"""Tests of single columns: whether two samples of one number, or of one level, have equal distributions."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
EXACT = 500**2
"""Pairs of samples up to which the distribution of the distance of Kolmogorov and Smirnov is counted out."""
EXPECTED = 5
"""Levels of which fewer than this are expected on either side count as one: below it, chi-squared is a poor guide."""


def kolmogorov_smirnov(x: Values, y: Values) -> float:
    """The p-value of the two-sided test of Kolmogorov and Smirnov, exact for few samples, which its limit flatters.

    With ties it is too large rather than too small.

    Arguments:
        x, y: numbers (n,) and (m,); a missing one, NaN, counts as larger than all others.

    Reference: Hodges 1958, "The significance probability of the Smirnov two-sample test".

    Example:
        >>> import numpy as np
        >>> kolmogorov_smirnov(np.arange(50.0), np.arange(50.0) + 25) < 1e-4
        True
    """
    from scipy.stats import ks_2samp

    first, second = (np.where(np.isnan(side), np.inf, side) for side in (x, y))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where counting fails by rounding, scipy takes the limit
        return float(ks_2samp(first, second, method="exact" if len(x) * len(y) <= EXACT else "asymp").pvalue)


def smirnov(distance: float, n: int, m: int) -> float:
    """The p-value of a largest difference between two distribution functions of many samples, n and m of them.

    With ties, or a distance at some points only, it is too large rather than too small.

    Example:
        >>> 0.04 < smirnov(1.36 * (2 / 10_000) ** 0.5, 10_000, 10_000) < 0.06
        True
    """
    from scipy.stats import kstwo

    return float(kstwo.sf(distance, round(n * m / (n + m))))


def chi_squared(x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
    """The p-value of Pearson's test that levels are equally frequent in two samples; 1 where there is only one level.

    Arguments:
        x, y: levels (n,) and (m,) as whole numbers >= 0.

    Example:
        >>> import numpy as np
        >>> chi_squared(np.repeat([0, 1], 50), np.repeat([0, 1], [20, 80])) < 1e-4
        True
    """
    size = int(max(x.max(), y.max())) + 1
    return pearson(np.stack([np.bincount(side, minlength=size) for side in (x, y)]))


def pearson(counts: NDArray[np.int64]) -> float:
    """The p-value of Pearson's test that levels are equally frequent in two samples, from their counts (2, levels).

    Example:
        >>> pearson(np.array([[50, 50], [20, 80]])) < 1e-4
        True
    """
    from scipy.stats import chi2

    totals, sizes = counts.sum(axis=0), counts.sum(axis=1)
    rare = totals * sizes.min() < EXPECTED * sizes.sum()
    counts = np.concatenate([counts[:, ~rare], counts[:, rare].sum(axis=1, keepdims=True)], axis=1)
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return 1.0
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    return float(chi2.sf(((counts - expected) ** 2 / expected).sum(), counts.shape[1] - 1))


def holm(p_values: Sequence[float] | Values) -> Values:
    """p-values corrected so that the smallest of equal distributions is as rarely small as a single one (Holm 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    corrected = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1.0)
    out = np.empty(len(p))
    out[order] = corrected
    return out
