r"""One calibrated answer to whether two samples come from one distribution.

Each statistic of `statistic` sees its own kind of difference. All are taken of the same relabellings of the pooled
rows. A statistic is standardised by its mean and deviation over all B relabellings and the observed labels, and the
largest of the standardised is the statistic of the whole battery,

.. math:: t^b = \max_k \frac{t_k^b - m_k}{s_k}, \qquad p = \frac{1 + \#\{b : t^b \ge t^0\}}{1 + B}.

As it treats all labels alike, P(p <= a) <= a for equal distributions of independent rows, at every sample size
(Phipson, Smyth 2010), whatever the tests have to do with each other (Westfall, Young 1993). Rows of one cluster, such
as those of one subject, are relabelled together.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.bounds import Progress, silent
from monge.distance.part import Clusters
from monge.distance.points import point_sets
from monge.distance.two_sample.pooled import Pooled, Single
from monge.distance.two_sample.statistic import STATISTICS, predictions
from monge.errors import UserError

ROWS = 2000
"""Rows a side that are relabelled, at most: a matrix of all distances then takes 64 MiB."""
PRODUCTS = 3 * 2**30
"""Pairs of rows times relabellings, at most, where there would be more than 199 relabellings: .4 s for each matrix."""
LEAST, MOST = 199, 999
"""Relabellings."""
SIGNIFICANT = 0.05
"""Largest p-value that shows a difference."""
SAME = 1e-3
"""Difference of standardised statistics that single precision can make."""
STREAM = 31_000
"""Sets the relabellings apart from other streams of one seed."""


@dataclass(frozen=True)
class Tested:
    """One test of the battery.

    Attributes:
        name: of the statistic.
        p_value: by this statistic alone.
        corrected: for all tests of the battery; the least of all is the battery's.
    """

    name: str
    p_value: float
    corrected: float


@dataclass(frozen=True, eq=False)
class Battery:
    """Outcome of the battery.

    Attributes:
        p_value: of the largest standardised statistic.
        tests: each by itself, the clearest first.
        accuracy: share of rows that the classifier recognises, of those that it was not fitted to, both samples
            weighing the same; 0.5 is guessing.
        rows: of x and of y that were relabelled.
        draws: number of relabellings B.
        scales: of each statistic over the relabellings, by name.
        bar: standardised value from which the battery shows a difference at p <= .05.

    Example:
        >>> import numpy as np
        >>> from monge.distance import battery
        >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 3))
        >>> battery(x, y, draws=99).p_value > 0.05
        True
        >>> y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]  # every column is as before
        >>> found = battery(x, y, draws=99)
        >>> found.p_value, found.tests[0].name
        (0.01, 'moments')
    """

    p_value: float
    tests: tuple[Tested, ...]
    accuracy: float
    rows: tuple[int, int]
    draws: int
    scales: dict[str, "Scale"] = field(repr=False)
    bar: float = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Everything but the scales, as plain mappings."""
        tests = [asdict(test) for test in self.tests]
        return {"tests": tests, "accuracy": self.accuracy, "rows": list(self.rows), "relabellings": self.draws}

    def shows(self, name: str, values: ArrayLike) -> bool:
        """Whether values (k,) of the kinds of one statistic would show a difference, whatever the others are."""
        return bool(self.scales[name].standard(np.asarray(values, np.float64)[:, None])[0] >= self.bar)


@dataclass(frozen=True, eq=False)
class Scale:
    """How one statistic of k kinds is standardised.

    Attributes:
        kinds: mean and deviation of each kind, (2, k, 1).
        largest: mean and deviation of the largest standardised kind, or of the only kind as it is.
    """

    kinds: NDArray[np.float64]
    largest: tuple[float, float]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Scale":
        """The scale of values (k, 1 + B)."""
        kinds = moments_of(values)
        top = ((values - kinds[0]) / kinds[1]).max(axis=0, keepdims=True)
        return cls(kinds, (float(moments_of(top)[0, 0, 0]), float(moments_of(top)[1, 0, 0])))

    def standard(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (k, B) as one standardised statistic (B,)."""
        top = ((values - self.kinds[0]) / self.kinds[1]).max(axis=0)
        return np.asarray((top - self.largest[0]) / self.largest[1])


def battery(
    x: ArrayLike,
    y: ArrayLike,
    *,
    clusters: Clusters | None = None,
    draws: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Battery:
    """Tests whether two samples come from one distribution.

    Arguments:
        x, y: samples (n, d) and (m, d) in random order, of which the first 2,000 are used.
        clusters: of the rows of x (n,) and of y (m,), whole numbers: rows of one cluster depend on each other; all rows
            are independent if not given.
        draws: number of relabellings; if not given, 999, and fewer, at least 199, of many rows.
        seed: of relabellings, directions, folds and centres.
        progress: called with what is being done, and how much of it is done and to do.

    Raises:
        UserError: bad points, or no draws.

    Example:
        >>> import numpy as np
        >>> from monge.distance import battery
        >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 3))
        >>> battery(x, y + [0, 1, 0], draws=99).p_value
        0.01
    """
    x, y = point_sets(x, y)
    if draws is not None and draws < 1:
        raise UserError(f"draws must be at least 1; got {draws}")
    x, y = x[:ROWS], y[:ROWS]
    if draws is None:
        draws = min(MOST, max(LEAST, PRODUCTS // (len(x) + len(y)) ** 2))
    random = np.random.default_rng([seed, STREAM])
    # else ties that the order of rows decides would favour the observed labels, which are in order
    order = random.permutation(len(x) + len(y))
    pooled = Pooled(np.concatenate([x, y])[order], seed)
    together = None if clusters is None else np.concatenate([clusters[0][: len(x)], clusters[1][: len(y)]])
    labels = relabelled(len(x), len(y), draws, random, together)[order]
    found = {}
    for done, (name, statistic) in enumerate(STATISTICS.items()):
        progress("tests", done, len(STATISTICS))
        found[name] = statistic(pooled, labels).astype(np.float64)
    progress("tests", len(STATISTICS), len(STATISTICS))
    return outcome(found, recognised(pooled, labels[:, :1]), (len(x), len(y)))


def relabelled(
    n: int, m: int, draws: int, random: np.random.Generator, clusters: NDArray[np.intp] | None = None
) -> Single:
    """The labels of n rows with 1 and m rows with 0, first as they are, then at random, (n + m, 1 + draws).

    With clusters (n + m,), those that have rows of one label only are relabelled as wholes, and in those that have both
    the rows are relabelled among themselves.
    """
    labels = np.zeros((n + m, 1 + draws), np.float32)
    labels[:n] = 1
    if clusters is None:
        labels[:, 1:] = random.permuted(labels[:, 1:], axis=0)
        return labels
    members, sizes = np.unique(clusters, return_inverse=True, return_counts=True)[1:]
    ones = np.bincount(members, labels[:, 0])
    wholes = np.flatnonzero((ones == 0) | (ones == sizes))
    unit = np.repeat((ones > 0)[:, None], draws, axis=1)
    unit[wholes] = random.permuted(unit[wholes], axis=0)
    labels[:, 1:] = unit[members]
    for cluster in np.flatnonzero((ones > 0) & (ones < sizes)):
        rows = np.flatnonzero(members == cluster)
        labels[rows, 1:] = random.permuted(np.repeat(labels[rows, :1], draws, axis=1), axis=0)
    return labels


def outcome(found: dict[str, NDArray[np.float64]], accuracy: float, rows: tuple[int, int]) -> Battery:
    """The answer of statistics (k, 1 + B) by name, of which the first column is observed."""
    scales = {name: Scale.of(values) for name, values in found.items()}
    standard = np.array([scales[name].standard(values) for name, values in found.items()])
    top = standard.max(axis=0)
    alone = [reached(row, row[0]) for row in standard]
    corrected = [reached(top, row[0]) for row in standard]
    tests = [Tested(name, *p_values) for name, *p_values in zip(found, alone, corrected, strict=True)]
    order = np.lexsort(np.array([-standard[:, 0], alone, corrected]))
    bar = float(np.quantile(top, 1 - SIGNIFICANT))
    return Battery(reached(top, top[0]), tuple(tests[i] for i in order), accuracy, rows, len(top) - 1, scales, bar)


def moments_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean and deviation over the labels, (2, k, 1); infinite where rounding alone makes values (k, 1 + B) differ."""
    middle, deviation = values.mean(axis=1, keepdims=True), values.std(axis=1, keepdims=True)
    varies = deviation > 1e-6 * np.abs(values).max(axis=1, keepdims=True, initial=1e-300)
    return np.stack([middle, np.where(varies, deviation, np.inf)])


def reached(values: NDArray[np.float64], observed: float) -> float:
    """The share of values (1 + B,) that are at least as large as the observed one, which is among them."""
    return float((values >= observed - SAME).mean())


def recognised(pooled: Pooled, labels: Single) -> float:
    """The share of held-out rows that the classifier recognises, both samples weighing the same."""
    predicted = predictions(pooled, labels)
    seen = predicted.any(axis=1)
    if not seen.any():
        return 0.5
    predicted, own = predicted[seen, 0], labels[seen, 0] > 0
    right = [(predicted[own] > 0).mean(), (predicted[~own] <= 0).mean()]
    return float(np.mean(right))
