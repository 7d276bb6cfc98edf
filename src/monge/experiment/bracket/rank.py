r"""Spearman's rank correlation of two courses over a training, and how sure it is.

The interval is Fisher's with the standard error :math:`1.06 / \sqrt{n - 3}` of Fieller, Hartley, Pearson 1957, "Tests
for rank correlation coefficients", for n independent pairs. Looks at one training are not: they share its progress.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr


def rho(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's correlation of two courses; 0 if one of them never changes."""
    if min(len(set(a)), len(set(b))) < 2:
        return 0.0
    return float(spearmanr(a, b).statistic)


def rho_of_changes(a: Sequence[float], b: Sequence[float]) -> float:
    """The same of the changes from each look to the next, which have no common trend."""
    return rho(np.diff(a).tolist(), np.diff(b).tolist())


def interval(correlation: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rank correlation of n pairs, n > 3.

    A correlation of 1, which has none, is taken for the next smaller one, that of two neighbours exchanged.
    """
    most = 1 - 12 / (n * (n * n - 1))
    centre, error = math.atanh(float(np.clip(correlation, -most, most))), 1.06 / math.sqrt(n - 3)
    return math.tanh(centre - 1.96 * error), math.tanh(centre + 1.96 * error)
