r"""The honest number: W1 between two distributions as an interval, with its own noise level beside it.

From below, any function f with a proved Lipschitz constant gives a limit on samples it has not seen, for any two
distributions and any sizes (`distance.dual.limit`). From above, exact transport between the samples over-estimates in
expectation: two samples of one distribution are not at distance 0. What they show is the floor, and what remains after
it is taken off on both sides,

.. math:: \mathrm{excess} = W_1(\hat P, \hat Q)
          - \tfrac12 \bigl(W_1(\hat P, \hat P') + W_1(\hat Q, \hat Q')\bigr),

is near 0 for equal distributions, and blur hardly lowers it: averages are near the data, but also near each other, and
half of that is added back. So averaged samples can still tie with sharper ones; recall and variance tell them apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from monge.distance.dual.family import Family
from monge.distance.dual.limit import Window, lower_limit, window
from monge.distance.dual.potential import Potential, fit_potential, rule_of
from monge.distance.part import parts
from monge.distance.points import Points, point_sets
from monge.distance.summary import Bracket, Draw, Limit, Shape, Sides, summary
from monge.distance.transport.exact import wasserstein
from monge.errors import UserError

SIZE = 1024
"""Samples on each side of a transport, at most: it costs 0.5 s at 1,024 and 2.5 s at 2,048, and several draws of half
the size say as much, and also how sure it is."""
DRAWS = 8
CHOSEN = 4
"""Of the samples that potentials are not fitted on, one in this many chooses among them; the others judge the best."""
CERTIFIED = ("linear", "radial", "c-transform", "cones", "orthogonal")
"""Families whose Lipschitz constant is proved, in the order in which ties are decided."""
STEPS = 150
"""Of certified families that are trained, at most. On 13 pairs of known W1 the limit was on average .557, .555, .550
and .546 of W1 after 150, 300, 500 and 1,000 steps with 600 samples a side, a third of which is fitted to, and soon too
closely; with 5,000 it was .887, .880, .877 and .861. The time is that of the steps."""

Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Shows no progress."""


def bracket(
    x: Points,
    y: Points,
    *,
    draws: int = DRAWS,
    families: Sequence[str | Family] = CERTIFIED,
    seed: int = 0,
    progress: Progress = silent,
) -> Bracket:
    """The bracket between two sample sets: x, the reference (n, d), and y, what is compared with it (m, d).

    For the lower limit both sets are split at random: potentials are fitted on a third, chosen on a sixth, and the best
    is judged on the half that is left. Each draw of the transport compares two thirds of either set, at most 1,024
    samples a third. The limit assumes that samples are independent, and nothing else: copies of one sample in two
    parts, or rows that depend on their neighbours, make limit and errors promise too much.

    Arguments:
        draws: random splits for the transport, at least 1; with more than one there are standard errors.
        families: of potentials; where some are certified, the others are not used.
        seed: decides splits and fits; equal seeds give equal brackets.
        progress: called with what is being done, and how much of it is done and to do.

    Raises:
        UserError: bad shapes or values, fewer than three samples in a set, or draws < 1.

    Example:
        >>> import numpy as np
        >>> from monge import distance
        >>> random = np.random.default_rng(0)
        >>> real, alike, shifted = random.normal(size=(3, 300, 2)) + [[[0, 0]], [[0, 0]], [[2, 0]]]
        >>> distance.bracket(real, alike, families=["linear"]).excess < 0.1
        True
        >>> distance.bracket(real, shifted, families=["linear"]).excess > 1.5
        True
    """
    x, y = point_sets(x, y)
    if min(len(x), len(y)) < 3:
        raise UserError(f"a bracket needs at least 3 samples on each side; got {len(x)} and {len(y)}")
    if draws < 1:
        raise UserError(f"draws must be at least 1; got {draws}")
    n = min(SIZE, len(x) // 3, len(y) // 3)
    found = []
    for draw in range(draws):
        progress("transport", draw, draws)
        (a, b), (c, d) = (parts(points, (n, n), seed, draw, side) for side, points in enumerate((x, y)))
        found.append(Draw(wasserstein(a, c), wasserstein(a, b), wasserstein(c, d)))
    progress("transport", draws, draws)
    limit = split_bound((x, y), families, seed, draws, progress)
    return summary(found, limit, n, (Shape.of(x), Shape.of(y)), min(len(x), len(y)))


def split_bound(
    sides: Sides, families: Sequence[str | Family], seed: int, stream: int = 0, progress: Progress = silent
) -> Limit:
    """A lower limit from one set of samples on each side, split at random by a stream of the seed."""
    split = [parts(points, shares(len(points)), seed, stream, side) for side, points in enumerate(sides)]
    return lower_bound(*zip(*split, strict=True), families=families, seed=seed, progress=progress)


def lower_bound(
    fit: Sides,
    choose: Sides,
    judge: Sides,
    *,
    families: Sequence[str | Family] = CERTIFIED,
    seed: int = 0,
    progress: Progress = silent,
) -> Limit:
    """A lower confidence limit of W1: potentials are fitted, the best chosen, and it alone judged, on disjoint samples.

    Arguments:
        fit, choose, judge: pairs of samples (n, d) and (m, d) of the two distributions, disjoint from each other.
        families: as in `bracket`.

    Returns:
        The limit; 0 without a potential where one of the sets has fewer than two samples, or no potential is finite.
    """
    rules = [rule_of(family) for family in families]
    if min(len(side) for sides in (fit, choose, judge) for side in sides) < 2:
        return Limit()
    best: tuple[Potential, Window] | None = None
    certified = [replace(rule, steps=min(rule.steps, STEPS)) for rule in rules if rule.proof == "certified"]
    for rule in certified or rules:
        potential = fit_potential(*fit, rule, seed=seed, progress=partial(progress, rule.name))
        values = heights(potential, choose)
        if values is not None:
            bounds = window(*values, sizes=(len(judge[0]), len(judge[1])))
            if best is None or bounds.promise > best[1].promise:
                best = potential, bounds
    judged = None if best is None else heights(best[0], judge)
    return Limit() if best is None or judged is None else Limit(lower_limit(*judged, best[1]), best[0])


def heights(potential: Potential, sides: Sides) -> Sides | None:
    """A potential's values at both sets, over its Lipschitz constant; None where they are beyond float64."""
    with np.errstate(all="ignore"):  # what is not finite is not used
        x, y = (potential(side) / max(potential.lipschitz, np.finfo(float).tiny) for side in sides)
    return (x, y) if np.isfinite(x).all() and np.isfinite(y).all() else None


def shares(n: int) -> tuple[int, int, int]:
    """How many of n samples potentials are fitted on, how many they are chosen on, and how many they are judged on."""
    chosen = min(max(2, (n - n // 3) // CHOSEN), n - n // 3)  # a deviation takes two
    return n // 3, chosen, n - n // 3 - chosen
