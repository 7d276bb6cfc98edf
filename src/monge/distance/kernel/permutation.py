r"""The permutation test of P = Q, for any kernel discrepancy.

Under P = Q the labels of the pooled points are exchangeable, so the observed statistic is as likely as any other to be
the largest among those of B relabelled copies and itself. With the number # of copies that reach it

.. math:: p = \frac{1 + \#}{1 + B}

is a valid p-value at every sample size: P(p <= a) <= a (Phipson, Smyth 2010).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.kernel.discrepancy import LEAST
from monge.distance.kernel.kernel import Kernel, NegativeDistance, paired
from monge.errors import UserError

LARGEST = 8192
"""Pooled points at most: their kernel matrix takes 512 MiB."""
TOGETHER = 128
"""Relabellings that one matrix product serves."""


@dataclass(frozen=True)
class PermutationTest:
    """Outcome of a permutation test.

    Attributes:
        squared: the observed U-statistic of the squared discrepancy.
        p_value: probability of one as large if the distributions were equal; at least 1 / (1 + draws).
        draws: number of relabellings.

    Example:
        >>> import numpy as np
        >>> from monge.distance import permutation_test
        >>> x, y = np.random.default_rng(0).normal(size=(2, 50, 2))
        >>> found = permutation_test(x, y + 2, draws=99)
        >>> found.p_value  # the least that 99 relabellings can show
        0.01
    """

    squared: float
    p_value: float
    draws: int


def permutation_test(
    x: ArrayLike, y: ArrayLike, kernel: Kernel | None = None, draws: int = 999, seed: int = 0
) -> PermutationTest:
    """Tests whether two samples (n, d) and (m, d) come from one distribution.

    Arguments:
        x, y: the samples, at most 8,192 together.
        kernel: of the discrepancy; none means the energy distance, which has no length to choose.
        draws: number of relabellings B.
        seed: of the relabellings.

    Raises:
        UserError: bad shapes, values that are not finite, fewer than 4 samples a side, too many, or no draws.

    Example:
        >>> import numpy as np
        >>> from monge.distance import permutation_test
        >>> x, y = np.random.default_rng(0).normal(size=(2, 50, 2))
        >>> permutation_test(x, y + 1, draws=99).p_value <= 0.05
        True
        >>> permutation_test(x, y, draws=99).p_value > 0.05
        True
    """
    x, y = paired(x, y, LEAST)
    if draws < 1:
        raise UserError(f"draws must be at least 1; got {draws}")
    if len(x) + len(y) > LARGEST:
        raise UserError(f"x and y must have at most {LARGEST:,} samples together; got {len(x) + len(y):,}")
    pooled = np.concatenate([x, y])
    matrix = (kernel or NegativeDistance()).matrix(pooled, pooled)
    np.fill_diagonal(matrix, 0)
    first = np.zeros((len(pooled), 1))
    first[: len(x)] = 1
    (observed,) = _statistics(matrix, first)
    # copies that only rename equal points must count as reached, whatever the order of summation: its rounding is far
    # below the mean of what is summed, which one huge value enters as one of many
    reached, threshold = 0, observed - 1e-12 * np.abs(matrix).mean()
    random = np.random.default_rng(seed)
    for start in range(0, draws, TOGETHER):
        copies = np.repeat(first, min(TOGETHER, draws - start), axis=1)
        reached += int((_statistics(matrix, random.permuted(copies, axis=0)) >= threshold).sum())
    return PermutationTest(float(observed), (1 + reached) / (1 + draws), draws)


def _statistics(matrix: NDArray[np.float64], labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The U-statistic for each column of labels (N, B), 1 for the first sample, from a matrix without diagonal."""
    n = labels[:, 0].sum()
    m = len(labels) - n
    sums = matrix.sum(axis=1)
    inside = np.einsum("ij,ij->j", labels, matrix @ labels)
    touching = sums @ labels
    outside = sums.sum() - 2 * touching + inside
    statistics: NDArray[np.float64] = (
        inside / (n * (n - 1)) + outside / (m * (m - 1)) - 2 * (touching - inside) / (n * m)
    )
    return statistics
