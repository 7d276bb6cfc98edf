r"""The debiased Sinkhorn divergence: transport with an entropy term, less what that term does to equal distributions.

.. math::
    \mathrm{OT}_\varepsilon(P, Q) = \min_{\gamma \in \Pi(P, Q)} \mathbb{E}_\gamma\, c(x, y)
        + \varepsilon\, \mathrm{KL}(\gamma \,\|\, P \otimes Q), \qquad
    S_\varepsilon(P, Q) = \mathrm{OT}_\varepsilon(P, Q)
        - \tfrac12 \mathrm{OT}_\varepsilon(P, P) - \tfrac12 \mathrm{OT}_\varepsilon(Q, Q)

It goes from the transport cost (epsilon -> 0: W1 for the Euclidean cost) to half the energy distance (epsilon ->
infinity). For the costs offered here it is >= 0, zero for equal distributions only, symmetric, and no metric. The
potentials f and g are the fixed point of f = T(g), g = T(f) with

.. math:: T(g)_i = -\varepsilon \log \sum_j b_j \, e^{(g_j - c_{ij})/\varepsilon}

which is iterated in the log domain, where nothing underflows, with epsilon falling from the size of the cost to its
value and then with over-relaxation (Thibault et al. 2021, "Overrelaxed Sinkhorn-Knopp algorithm").

References: Genevay, Peyre, Cuturi 2018, "Learning generative models with Sinkhorn divergences"; Feydy et al. 2019,
"Interpolating between optimal transport and MMD using Sinkhorn divergences", eq. 3 and theorem 1.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from monge.distance.points import Points, point_sets, point_weights
from monge.distance.transport.memory import refuse_beyond_memory
from monge.errors import UserError

Cost = Literal["euclidean", "sqeuclidean"]

DEFAULT_FRACTION = 0.05
"""Default epsilon as a fraction of the mean cost between x and y."""

LARGEST_RATIO = 1e6
"""Largest epsilon as a multiple of the mean cost: there the divergence is half the energy distance to six digits."""

RELAXATION = 1.8
"""How far a step goes, 1 being plain Sinkhorn: about nine times fewer iterations where those are many."""

BYTES_PER_PAIR = 25.0
"""Peak memory: two cost matrices and one of exponentials at a time (24.0 measured at n = 2,500)."""


@dataclass(frozen=True)
class Rule:
    """When the iteration may stop."""

    epsilon: float
    tolerance: float
    iterations: int

    def not_reached(self, error: float) -> UserError:
        return UserError(
            f"tolerance {self.tolerance:g} was not reached in {self.iterations} iterations at epsilon "
            f"{self.epsilon:g}: the marginals are off by {error:.1e}; increase epsilon, iterations or tolerance"
        )


def sinkhorn_divergence(
    x: ArrayLike,
    y: ArrayLike,
    *,
    epsilon: float | None = None,
    cost: Cost = "euclidean",
    x_weights: ArrayLike | None = None,
    y_weights: ArrayLike | None = None,
    tolerance: float = 1e-5,
    iterations: int = 10_000,
) -> float:
    """The Sinkhorn divergence between the distributions on the rows of x (n, d) and y (m, d), in the units of the cost.

    Arguments:
        epsilon: strength of the entropy term, > 0, in the units of the cost: transport details on a scale below it are
            blurred, and the number of iterations grows like its inverse. By default 0.05 of the mean cost between x
            and y. To compare values of several pairs, fix it: the default depends on the data.
        cost: "euclidean", the distance, or "sqeuclidean", its square.
        x_weights, y_weights: weights (n,) and (m,), >= 0, scaled to sum to one. Uniform by default.
        tolerance: largest total error of the plan's marginals (their L1 distance from the weights), > 0; tightened
            in proportion where epsilon is above the mean cost. The value's error is of second order in it.
        iterations: at most so many at the final epsilon.

    Raises:
        UserError: a bad shape, value, weight or argument, a problem that does not fit into memory, or marginals that
            are not within the tolerance after so many iterations.

    Example:
        >>> import numpy as np
        >>> from monge.distance import sinkhorn_divergence, wasserstein
        >>> x, y = np.random.default_rng(0).normal(size=(2, 50, 2))
        >>> sharp, blurred = (sinkhorn_divergence(x, y + 1, epsilon=epsilon) for epsilon in (0.05, 5.0))
        >>> blurred < sharp < wasserstein(x, y + 1)
        True
    """
    x, y = point_sets(x, y)
    a, b = point_weights("x_weights", x_weights, len(x)), point_weights("y_weights", y_weights, len(y))
    _check(epsilon, cost, tolerance, iterations)
    size = max(len(x), len(y))
    refuse_beyond_memory("the Sinkhorn divergence", size, size, BYTES_PER_PAIR)
    x, a, y, b = x[a > 0], a[a > 0], y[b > 0], b[b > 0]
    cross = cdist(x, y, cost)
    mean = float(a @ cross @ b)
    if mean == 0:
        return 0.0  # both sets are one and the same point
    epsilon = DEFAULT_FRACTION * mean if epsilon is None else epsilon
    if epsilon > LARGEST_RATIO * mean:
        raise UserError(
            f"epsilon must be at most {LARGEST_RATIO * mean:g}, a million times the mean cost; got {epsilon}"
        )
    # an error of the marginals costs up to epsilon times as much
    rule = Rule(epsilon, tolerance * min(1.0, mean / epsilon), iterations)
    f, g = (_self_potential(cdist(z, z, cost), w, rule) for z, w in ((x, a), (y, b)))
    return _transport(cross, a, b, (f, g), rule) - float(a @ f + b @ g)


def _check(epsilon: float | None, cost: str, tolerance: float, iterations: int) -> None:
    if cost not in ("euclidean", "sqeuclidean"):
        raise UserError(f"cost must be 'euclidean' or 'sqeuclidean'; got {cost!r}")
    if epsilon is not None and not 0 < epsilon < np.inf:
        raise UserError(f"epsilon must be positive and finite, in the units of the cost; got {epsilon}")
    if not tolerance > 0 or iterations < 1:
        raise UserError(f"tolerance must be > 0 and iterations >= 1; got {tolerance} and {iterations}")


def _transport(cost: Points, a: Points, b: Points, starts: tuple[Points, Points], rule: Rule) -> float:
    """OT_epsilon between two distributions by over-relaxed steps.

    Starts are the potentials of either distribution with itself, exact for equal distributions, or those of a falling
    epsilon, which are better for others.
    """
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for coarse in _falling(cost, rule.epsilon):
        f = _step(cost, g, b, coarse)
        g = _step(cost.T, f, a, coarse)
    errors = [_marginal_error(u, _step(cost, v, b, rule.epsilon), a, rule) for u, v in (starts, (f, g))]
    if errors[0] < errors[1]:
        f, g = starts
    error = best = np.inf
    for _ in range(rule.iterations):
        new = _step(cost, g, b, rule.epsilon)
        error = _marginal_error(f, new, a, rule)
        if error <= rule.tolerance:
            # an exact step for g makes the dual value a lower limit whose error is of second order
            return float(a @ new + b @ _step(cost.T, new, a, rule.epsilon))
        best = min(best, error)
        speed = RELAXATION if error < 2 * best else 1.0  # plain steps always converge
        f = f + speed * (new - f)
        g = g + speed * (_step(cost.T, f, a, rule.epsilon) - g)
    raise rule.not_reached(error)


def _self_potential(cost: Points, a: Points, rule: Rule) -> Points:
    """The potential f = g of a distribution with itself, with OT_epsilon = 2 E f: averaged steps converge fast."""
    f = np.zeros(len(a))
    for coarse in _falling(cost, rule.epsilon):
        f = (f + _step(cost, f, a, coarse)) / 2
    error = np.inf
    for _ in range(rule.iterations):
        new = _step(cost, f, a, rule.epsilon)
        error = _marginal_error(f, new, a, rule)
        if error <= rule.tolerance:
            return (f + new) / 2
        f = (f + new) / 2
    raise rule.not_reached(error)


def _step(cost: Points, g: Points, b: Points, epsilon: float) -> Points:
    """T(g): what f must be for the plan's first marginal to be right."""
    exponents = g - cost
    exponents /= epsilon
    top = exponents.max(axis=1)
    exponents -= top[:, None]
    np.exp(exponents, out=exponents)
    return np.asarray(-epsilon * (np.log(exponents @ b) + top))


def _marginal_error(f: Points, new: Points, a: Points, rule: Rule) -> float:
    """L1 error of the first marginal, a exp((f - T(g)) / epsilon) against a."""
    with np.errstate(over="ignore"):
        return float(a @ np.abs(np.expm1((f - new) / rule.epsilon)))


def _falling(cost: Points, epsilon: float) -> list[float]:
    """Epsilons from the largest cost down to the final one, halved each time: starts that save iterations."""
    largest = float(cost.max())
    count = int(np.ceil(np.log2(largest / epsilon))) if largest > epsilon else 0
    return [largest / 2**k for k in range(count)]
