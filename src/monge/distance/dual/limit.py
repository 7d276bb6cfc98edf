r"""A lower confidence limit of a mean difference, E_P f - E_Q f, that holds for any two distributions and any sizes.

**Theorem.** Let g be bounded, :math:`a \le g \le b`, and let :math:`z_1, \dots, z_k` be independent, each the mean of
g over some samples of P less its mean over some samples of Q, so that :math:`\mathbb{E} z_i = \mu` for all i. Let
:math:`m \ge \mu`, and let bets :math:`0 \le \lambda_i \le 1 / (b - a + m)` depend on earlier z only. Then the wealth

.. math:: W_k = \prod_{i \le k} \bigl(1 + \lambda_i (z_i - m)\bigr)

is a non-negative supermartingale that begins at 1, and reaches :math:`1 / \alpha` with probability at most
:math:`\alpha` (Ville 1939).

*Proof.* :math:`z_i \ge -(b - a)`, so no factor is negative; and the mean of each, given those before it, is
:math:`1 + \lambda_i (\mu - m) \le 1`.

The limit :math:`\ell` is the largest point of a grid, fixed before the z are seen, up to which the wealth against every
point reaches :math:`1 / \alpha`. It exceeds :math:`\mu` with probability at most :math:`\alpha`: for that, the wealth
against the first point that is not below :math:`\mu` would have to reach it. Nothing is assumed of P and Q: neither
moments, nor equal sizes, nor that a mean is nearly normal.

A potential is made bounded by clipping: :math:`g = \min(\max(f, a), b)` has the Lipschitz constant K of f, whatever a
and b, so :math:`\mathbb{E}_P g - \mathbb{E}_Q g \le K W_1` as well. Where to clip, how to bet and which grid to take
are learnt from samples that are not judged: they decide how tight the limit is, never whether it holds.

The bets are those that reach a given wealth by a given time with the largest probability when the z are nearly normal
(Browne 1999): then little more is lost than by Student's limit, which assumes that they are.

References: Ville 1939, "Etude critique de la notion de collectif"; Browne 1999, "Reaching goals by a deadline: digital
options and continuous-time active portfolio management"; Waudby-Smith, Ramdas 2024, "Estimating means of bounded random
variables by betting".
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Values = NDArray[np.float64]

CONFIDENCE = 0.95
POINTS = 256
"""Differences that are bet against; a quarter of them lie below where the limit is expected."""
TAILS = (0, 1, 2, 4, 8, 16, 32, 64)
"""How many of the values that the window is chosen on may be clipped at each end."""
LARGEST = 0.999
"""The largest bet as a share of the largest allowed one, which would lose everything at the worst value."""
RUIN = 1e-6
"""Share of the goal below which betting ends."""
RESOLUTION = 1e-9
"""Smallest deviation, as a share of the window: that of equal values is 0, and bets must stay finite."""


@dataclass(frozen=True)
class Window:
    """Where a function is clipped, and what some samples lead one to expect of it.

    Attributes:
        low, high: bounds a and b of its values.
        gap: its mean over P less its mean over Q.
        deviation: standard deviation of one z.
        seen: pairs of values that these two rest on.
        promise: the limit to be expected.
    """

    low: float
    high: float
    gap: float
    deviation: float
    seen: int
    promise: float


def window(real: Values, fake: Values, sizes: tuple[int, int], confidence: float = CONFIDENCE) -> Window:
    """The clipping that promises the highest limit, learnt from values that will not be judged.

    A wide window allows small bets only; a narrow one cuts off what tells P and Q apart. The promise is the gap less
    the error of a normal mean and less log(1 / alpha) / pairs of the window's width: three times what Bernstein's
    inequality takes off for the width, which was the best of .3, 1 and 3 times on eight distributions.

    Arguments:
        real, fake: values f(x) of samples of P and of Q, (n,) and (m,), n, m >= 2.
        sizes: how many values of either will be judged.
        confidence: of the limit.
    """
    pairs, alpha = min(sizes), 1 - confidence
    ordered = np.sort(np.concatenate([real, fake]))
    tails = np.array([count for count in TAILS if 4 * count < len(ordered)])
    low, high = np.array(list(product(np.unique(ordered[tails]), np.unique(ordered[-1 - tails])))).T
    a, b = (np.clip(side[:, None], low, high) for side in (real, fake))
    gap = a.mean(axis=0) - b.mean(axis=0)
    deviation = np.sqrt(pairs * (a.var(axis=0, ddof=1) / sizes[0] + b.var(axis=0, ddof=1) / sizes[1]))
    error = -ndtri(alpha) * deviation / math.sqrt(pairs) - math.log(alpha) * (high - low) / pairs
    best = int(np.argmax(gap - error))
    a_best, b_best, gap_best, deviation_best, promise = (
        float(part[best]) for part in (low, high, gap, deviation, gap - error)
    )
    return Window(a_best, b_best, gap_best, deviation_best, min(len(real), len(fake)), promise)


def lower_limit(real: Values, fake: Values, bounds: Window, confidence: float = CONFIDENCE) -> float:
    r"""The difference that :math:`\mathbb{E}_P f - \mathbb{E}_Q f` exceeds with the given confidence, never below 0.

    For a function with Lipschitz constant K, the limit over K is one of :math:`W_1(P, Q)`.

    Arguments:
        real, fake: values f(x) of independent samples of P and of Q in random order, (n,) and (m,), n, m >= 1.
        bounds: a window learnt from other samples.
        confidence: 1 - alpha.
    """
    reach = bounds.high - bounds.low
    if not reach > 0:
        return 0.0  # a constant tells nothing apart
    z = differences(*(np.clip(side, bounds.low, bounds.high) for side in (real, fake)))
    against = grid(bounds, len(z))
    reached = wealth(z, against, bounds, goal=1 / (1 - confidence)) * (1 - confidence) >= 1 - 1e-12
    count = len(reached) if reached.all() else int(np.argmin(reached))
    return float(against[count - 1]) if count else 0.0


def wealth(z: Values, against: Values, bounds: Window, goal: float) -> Values:
    """What 1 becomes by bets on z against each of some differences; betting ends at the goal and at ruin."""
    reach = bounds.high - bounds.low
    owned = np.ones(len(against))
    betting = np.arange(len(against))
    # moments of what was seen before: at first the window's samples, later also the z so far
    count, total, squares = bounds.seen * np.array([1, bounds.gap, bounds.gap**2 + bounds.deviation**2])
    for done, value in enumerate(z):
        deviation = math.sqrt(max(squares / count - (total / count) ** 2, (RESOLUTION * reach) ** 2))
        share, candidates = owned[betting] / goal, against[betting]
        density = np.exp(-(ndtri(share) ** 2) / 2) / math.sqrt(2 * math.pi)
        bet = np.minimum(density / (share * deviation * math.sqrt(len(z) - done)), LARGEST / (reach + candidates))
        share *= 1 + bet * (value - candidates)
        owned[betting] = share * goal
        betting = betting[(share < 1) & (share > RUIN)]
        count, total, squares = count + 1, total + value, squares + value**2
        if not len(betting):
            break
    return owned


def differences(real: Values, fake: Values) -> Values:
    """Means over nearly equal runs of the longer side against the values of the shorter, (min(n, m),)."""
    pairs = min(len(real), len(fake))
    ends = [np.arange(pairs + 1) * len(side) // pairs for side in (real, fake)]
    a, b = (np.add.reduceat(side, end[:-1]) / np.diff(end) for side, end in zip((real, fake), ends, strict=True))
    return np.asarray(a - b)


def grid(bounds: Window, pairs: int) -> Values:
    """Differences to bet against, rising and positive: a quarter up to where the limit is expected, the rest there."""
    error = bounds.deviation * (1 / math.sqrt(pairs) + 1 / math.sqrt(bounds.seen))
    top = max(bounds.gap + 4 * error, RESOLUTION * (bounds.high - bounds.low))
    middle = max(bounds.gap - 6 * error, top / POINTS)
    coarse = np.linspace(0, middle, POINTS // 4 + 1)
    return np.concatenate([coarse[1:], np.linspace(middle, top, POINTS - POINTS // 4 + 1)[1:]])
