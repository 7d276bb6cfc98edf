r"""Exact optimal transport between two sample sets.

.. math:: W_1(P, Q) = \inf_{\gamma \in \Pi(P, Q)} \mathbb{E}_{(x, y) \sim \gamma} \lVert x - y \rVert_p

(Arjovsky et al. 2017, eq. 1). Between samples the infimum is a linear programme, solved exactly: on a line by sorting,
between equally many points by shortest augmenting paths where these are short, else by the network simplex. The plug-in
value over-estimates the distance between the distributions in expectation (Jensen), by about n^(-1/d).
"""

import warnings
from dataclasses import dataclass

import numpy as np
import ot
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from monge.distance.ground import distances
from monge.distance.points import Points, point_sets, point_weights
from monge.distance.transport.line import Order, quantile_coupling
from monge.distance.transport.memory import refuse_beyond_memory
from monge.errors import MongeError, UserError

__all__ = ["Coupling", "Points", "coupling", "wasserstein"]

PIVOTS = 1_000_000_000
"""Pivots the simplex may take; POT's own 100,000 are too few for n in the thousands."""

NEAR, CHEAPEST = 0.2, 0.5
"""Augmenting paths are short if nearest neighbours are at least the first share of the mean distance away, and at
least the second share of the points are some other point's cheapest partner, by reduced costs."""

BYTES_PER_PAIR = 42.0
"""Peak memory of a solution: 8 for the cost, 8 for the plan, the rest inside POT 0.9.7 (40.8 measured at n = 3,000)."""


@dataclass(frozen=True, eq=False)
class Coupling:
    """A transport plan, sparse: an optimal one has at most n + m - 1 entries.

    Attributes:
        source, target: rows of x and of y, both (k,), in the order of the rows of x.
        mass: what moves from x[source] to y[target], (k,), > 0, summing to one.
        cost: total of mass times distance, in the units of x: W1.

    Example:
        >>> from monge.distance import coupling
        >>> plan = coupling([[0.0], [5.0]], [[6.0], [1.0]])
        >>> list(zip(plan.source.tolist(), plan.target.tolist(), plan.mass.tolist()))
        [(0, 1, 0.5), (1, 0, 0.5)]
        >>> plan.cost
        1.0
    """

    source: NDArray[np.intp]
    target: NDArray[np.intp]
    mass: NDArray[np.float64]
    cost: float


def wasserstein(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
    norm: float = 2.0,
) -> float:
    """W1 between the distributions on the rows of x (n, d) and y (m, d), in the units of x, in float64.

    Arguments and errors are those of `coupling`, of which this is the cost.

    Example:
        >>> import numpy as np
        >>> from monge.distance import wasserstein
        >>> x = np.random.default_rng(0).normal(size=(100, 2))
        >>> round(wasserstein(x, x + [3, 4]), 6)
        5.0
    """
    return coupling(x, y, x_weights=x_weights, y_weights=y_weights, norm=norm).cost


def coupling(
    x: ArrayLike,
    y: ArrayLike,
    *,
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
    norm: float = 2.0,
) -> Coupling:
    """An optimal transport plan between the distributions on the rows of x and y, and its cost W1, in float64.

    In one dimension it takes O(n log n) time and O(n) memory, else 42 bytes for each pair of points (20,000 x 20,000:
    16 GiB) and time that grows a little faster than n^2: on one core 0.2 s at n = 1,000, 3 s at 3,000. The cost is
    right to about 1e-15 of the largest distance between points, which is what their own rounding leaves.

    Arguments:
        x, y: points (n, d) and (m, d).
        x_weights, y_weights: weights (n,) and (m,), >= 0; they are scaled to sum to one. Uniform by default.
        norm: p of the ground metric, the p-norm of x - y: 2 is Euclidean, 1 city block, inf the largest coordinate.

    Raises:
        UserError: a bad shape, value, weight or norm, or a problem that does not fit into memory.
        MongeError: the solver ended without an optimal plan.

    Reference: Peyre, Cuturi 2019, "Computational Optimal Transport", eq. 2.11 and section 3.5.

    Example:
        >>> from monge.distance import coupling
        >>> plan = coupling([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]], y_weights=[1, 3])
        >>> plan.mass.tolist(), plan.cost  # 1/4 of the mass goes 5, 3/4 go 1
        ([0.25, 0.75], 2.0)
        >>> coupling([[0.0, 0.0]], [[3.0, 4.0]], norm=1).cost
        7.0
    """
    x, y = point_sets(x, y)
    a, b = point_weights("x_weights", x_weights, len(x)), point_weights("y_weights", y_weights, len(y))
    if not norm >= 1:
        raise UserError(f"norm must be a number from 1 to inf; got {norm}")
    x, y, exponent = _of_order_one(x, y)
    source, target, mass = _on_the_line(x, y, a, b) if x.shape[1] == 1 else _in_space(x, y, a, b, norm)
    cost = mass @ np.linalg.norm(x[source] - y[target], ord=norm, axis=1)
    return Coupling(source, target, mass, float(np.ldexp(cost, exponent)))


def matching(x: ArrayLike, y: ArrayLike) -> Coupling:
    """The optimal plan of `coupling` between equally many points of equal mass, as the best matching of them.

    It is found by shortest augmenting paths, whatever their length. They suit sets that are alike, such as two halves
    of one: of 256 points they took between a tenth of the simplex's time (one-hot levels) and as long (normal numbers
    in the plane), but two to eight times as long between sets that lie apart.

    Raises:
        UserError: a bad shape or value, or sets of unequal size.

    Reference: Crouse 2016, "On implementing 2D rectangular assignment algorithms".

    Example:
        >>> from monge.distance.transport.exact import matching
        >>> matching([[0.0, 0.0], [5.0, 0.0]], [[6.0, 0.0], [1.0, 0.0]]).target.tolist()
        [1, 0]
    """
    x, y = point_sets(x, y)
    if len(x) != len(y):
        raise UserError(f"x and y must have equally many points to be matched; got {len(x)} and {len(y)}")
    x, y, exponent = _of_order_one(x, y)
    costs = distances(x, y)
    target = _by_short_paths(costs)
    if target is None:
        target = linear_sum_assignment(costs)[1]
    cost = np.linalg.norm(x - y[target], axis=1).mean()
    return Coupling(np.arange(len(x)), target, np.full(len(x), 1 / len(x)), float(np.ldexp(cost, exponent)))


def _of_order_one(x: Points, y: Points) -> tuple[Points, Points, int]:
    """Both over the same power of two, which changes no digit, and its exponent.

    Squares of very large or small values have no float64.
    """
    exponent = int(np.frexp(max(np.abs(x).max(), np.abs(y).max()))[1])
    return np.ldexp(x, -exponent), np.ldexp(y, -exponent), exponent


def _on_the_line(x: Points, y: Points, a: Points, b: Points) -> tuple[Order, Order, Points]:
    """The monotone plan, as rows of x and y."""
    x_order, y_order = np.argsort(x[:, 0], kind="stable"), np.argsort(y[:, 0], kind="stable")
    i, j, mass = quantile_coupling(a[x_order], b[y_order])
    source, target = x_order[i], y_order[j]
    rows = np.lexsort((target, source))
    return source[rows], target[rows], mass[rows]


def _in_space(x: Points, y: Points, a: Points, b: Points, norm: float) -> tuple[Order, Order, Points]:
    """The plan, as rows of x and y; points without mass are left out of it."""
    used, reached = np.flatnonzero(a), np.flatnonzero(b)
    refuse_beyond_memory("exact transport", len(used), len(reached), BYTES_PER_PAIR)
    # cdist fills its result row by row and needs nothing besides it, so chunks would save no memory
    cost = _ground_cost(x[used], y[reached], norm)
    a, b = a[used], b[reached]
    target = _by_short_paths(cost) if len(a) == len(b) and np.ptp(a) == np.ptp(b) == 0 else None
    if target is not None:
        return used, reached[target], a
    plan = _simplex(cost, a, b)
    i, j = np.nonzero(plan)
    return used[i], reached[j], plan[i, j]


def _by_short_paths(cost: Points) -> Order | None:
    """The column matched with every row of the costs (n, n), or None where shortest augmenting paths would be long.

    Means and least values of rows and columns, taken off, change no matching's rank and leave paths less to do. Of
    1,024 points in 8 and more dimensions a matching then takes between a seventh and three quarters of the simplex's
    time; in few dimensions, and between sets that lie far apart, it may take six times as long (see `matching`).
    """
    if cost.min(axis=1).mean() < NEAR * cost.mean():
        return None
    reduced = cost - cost.mean(axis=1, keepdims=True)
    reduced -= reduced.mean(axis=0)
    reduced -= reduced.min(axis=1, keepdims=True)
    reduced -= reduced.min(axis=0)
    if len(np.unique(reduced.argmin(axis=1))) < CHEAPEST * len(cost):
        return None
    return np.asarray(linear_sum_assignment(reduced)[1])


def _simplex(cost: Points, a: Points, b: Points) -> Points:
    """The plan of the network simplex, (n, m); it changes the costs."""
    cost *= _solver_scale(cost)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # what POT warns about is also in its log, and becomes an error
        plan, log = ot.emd(a, b, cost, numItermax=PIVOTS, log=True, center_dual=False)
    if log["warning"] is not None:
        raise MongeError(f"exact transport between {len(a)} and {len(b)} points failed: {log['warning']}")
    return np.asarray(plan)


def _ground_cost(x: Points, y: Points, norm: float) -> Points:
    if norm == 2:
        return distances(x, y)
    names = {1.0: "cityblock", np.inf: "chebyshev"}  # much faster than the general power
    cost = cdist(x, y, names[norm]) if norm in names else cdist(x, y, "minkowski", p=norm)
    return np.asarray(cost)


def _solver_scale(cost: Points) -> float:
    """What to multiply a cost by, so that the solver's absolute tolerance is small against the answer.

    POT takes reduced costs below about 1e-12 for zero: unscaled, two sets 1e-14 apart come out wrong by 139 % and
    without a warning. Every point moves at least to its nearest neighbour, so the mean distance to that is a lower
    limit of the answer, and becomes about one. A power of two leaves all digits as they are.
    """
    typical = max(cost.min(axis=1).mean(), cost.min(axis=0).mean()) or cost.mean()
    return float(np.ldexp(1.0, -np.frexp(typical)[1]))
