r"""The area under the ROC curve of scores, and how sure it is.

.. math:: A = \frac{1}{m n} \sum_{i, j} \mathbb{1}[a_i > b_j] + \tfrac12 \mathbb{1}[a_i = b_j]

of positive scores a and negative scores b. A positive i has the share :math:`V_i` of negatives below it, a negative j
the share :math:`W_j` of positives above it, and the covariance of the areas of several scores of the same samples is
:math:`\mathrm{Cov}(V)/m + \mathrm{Cov}(W)/n`.

Reference: DeLong, DeLong, Clarke-Pearson 1988, "Comparing the areas under two or more correlated receiver operating
characteristic curves: a nonparametric approach".
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from monge.distance.estimate import Estimate

Scores = NDArray[np.float64]


def auc(positive: Scores, negative: Scores) -> Estimate:
    """The area of one score with its standard error.

    Arguments:
        positive, negative: scores (m,) and (n,), at least one of each; with one there is no error to be seen.

    Example:
        >>> import numpy as np
        >>> from monge.metric.auc import auc
        >>> auc(np.array([2.0, 3, 4]), np.array([1.0, 2, 0])).value.__round__(4)
        0.9444
    """
    areas, covariance = aucs(positive[:, None], negative[:, None])
    return Estimate(float(areas[0]), float(covariance[0, 0]) ** 0.5)


def aucs(positive: Scores, negative: Scores) -> tuple[Scores, Scores]:
    """The areas (k,) of k scores of the same samples, and their covariance (k, k).

    Arguments:
        positive, negative: scores (m, k) and (n, k).
    """
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]), axis=0)
    below = (ranks[:m] - rankdata(positive, axis=0)) / n
    above = 1 - (ranks[m:] - rankdata(negative, axis=0)) / m
    return below.mean(axis=0), _covariance(below) / m + _covariance(above) / n


def _covariance(shares: Scores) -> Scores:
    centred = shares - shares.mean(axis=0)
    return np.asarray(centred.T @ centred / max(len(shares) - 1, 1))
