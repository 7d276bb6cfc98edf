r"""Which parts of a split transport are larger than chance: a permutation test, corrected for all of them.

The transport between two sets of rows, split by groups of coordinates (`transport.split`), is compared with that after
relabelling the pooled rows. Parts are standardised by the mean m_j and deviation s_j of all B relabellings and the
observed labels, and compared with the largest standardised part of each relabelling,

.. math:: t_j^b = \frac{u_j^b - m_j}{s_j}, \qquad
          p_j = \frac{1 + \#\{b : \max_k t_k^b \ge t_j\}}{1 + B}

(Westfall, Young 1993, single-step maxT). For equal distributions P(min_j p_j <= a) <= a at every sample size. Where the
distributions differ in some groups, those of other groups are not protected in theory, as one coupling serves all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.bounds import Progress, silent
from monge.distance.points import point_sets
from monge.distance.transport.split import split
from monge.errors import UserError

ROWS = 256
"""Rows a side that are relabelled, at most: a transport of them takes about 10 ms."""
FEWEST = 64
"""Rows a side that are relabelled, at most, in any number of dimensions."""
WORK = 2**26
"""Squared rows times dimensions, at most, as far as `FEWEST` allows."""
RELABELLINGS = 199
SAME = 1e-9
"""Difference of standardised parts that rounding can make."""


@dataclass(frozen=True, eq=False)
class SplitTest:
    """Outcome of the test.

    Attributes:
        p_values: of each group, corrected for all groups, (g,).
        rows: of x and of y that were relabelled.
        draws: number of relabellings.
    """

    p_values: NDArray[np.float64]
    rows: tuple[int, int]
    draws: int


def split_test(
    x: ArrayLike,
    y: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    draws: int = RELABELLINGS,
    seed: int = 0,
    progress: Progress = silent,
) -> SplitTest:
    """Tests which groups of coordinates have more of the transport than relabelled rows give them.

    Arguments:
        x, y: samples (n, d) and (m, d) in random order, of which the first are used.
        groups: of the coordinates, as in `transport.split.split`.
        draws: number of relabellings B.
        seed: of the relabellings.
        progress: called with what is being done, and how much of it is done and to do.

    Raises:
        UserError: bad points or groups, or no draws.

    Example:
        >>> import numpy as np
        >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 3))
        >>> split_test(x, y + [0, 2, 0], draws=19).p_values.argmin()
        np.int64(1)
    """
    x, y = point_sets(x, y)
    if draws < 1:
        raise UserError(f"draws must be at least 1; got {draws}")
    most = min(ROWS, max(FEWEST, int((WORK / x.shape[1]) ** 0.5)))
    x, y = x[:most], y[:most]
    pooled, n = np.concatenate([x, y]), len(x)
    random = np.random.default_rng([seed, RELABELLINGS])
    parts = [split(x, y, groups).parts]
    for draw in range(draws):
        progress("relabelling", draw, draws)
        order = random.permutation(len(pooled))
        parts.append(split(pooled[order[:n]], pooled[order[n:]], groups).parts)
    progress("relabelling", draws, draws)
    found = np.array(parts)
    centred = found - found.mean(axis=0)
    # rounding gives parts that never vary a deviation above zero
    varies = found.std(axis=0) > 1e-12 * max(float(found.max()), np.finfo(float).tiny)
    standard = np.where(varies, centred / np.where(varies, found.std(axis=0), 1.0), 0.0)
    largest = standard[1:].max(axis=1)
    reached = (largest[:, None] >= standard[0] - SAME).sum(axis=0)
    return SplitTest((1 + reached) / (1 + draws), (len(x), len(y)), draws)
