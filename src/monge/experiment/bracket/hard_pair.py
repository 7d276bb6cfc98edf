r"""Pairs of distributions on which confidence limits break, with W1 in closed form.

Each kind is a distribution on :math:`\mathbb{R}^d`, and a second one at a known distance:

- *shift* by t along an axis: W1 = t.
- *stretch* of a non-negative first coordinate, independent of the others, by c > 1:
  :math:`W_1 = (c - 1)\,\mathbb{E} X_1` (a monotone map on a line; independent coordinates change no distance).
- *rare mass* p moved by D along an axis: W1 = p D (the mean of the first coordinate shows it, and moving the rare part
  back costs it).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Random = np.random.Generator
Sampler = Callable[[Random, int, int], Points]

SHIFT = 0.5
STRETCH = 1.25
FAR = 100.0
"""Where rare mass lies."""
CORRELATION = 0.9
"""Of neighbouring coordinates of the correlated normal distribution."""


@dataclass(frozen=True)
class HardPair:
    """Two distributions and their distance.

    Arguments:
        first, second: samplers, (random, n, d) -> (n, d).
        distance: W1.
    """

    first: Sampler
    second: Sampler
    distance: float


def shifted(draw: Sampler) -> HardPair:
    """A distribution against itself moved along the last axis."""

    def moved(random: Random, n: int, d: int) -> Points:
        x = draw(random, n, d)
        x[:, -1] += SHIFT
        return x

    return HardPair(moved, draw, SHIFT)


def stretched(draw: Sampler, mean: float) -> HardPair:
    """A distribution whose first coordinate, not negative and of this mean, is stretched, against itself."""

    def wide(random: Random, n: int, d: int) -> Points:
        x = draw(random, n, d)
        x[:, 0] *= STRETCH
        return x

    return HardPair(wide, draw, (STRETCH - 1) * mean)


def rare(share: float) -> HardPair:
    """A normal distribution of which a rare part lies far away, against the same without that part."""

    def draw(random: Random, n: int, d: int) -> Points:
        x = normal(random, n, d)
        x[:, 0] += np.where(random.random(n) < share, FAR, 0.0)
        return x

    return HardPair(draw, normal, share * FAR)


def normal(random: Random, n: int, d: int) -> Points:
    """Independent standard normal numbers."""
    return random.normal(size=(n, d))


def log_normal(random: Random, n: int, d: int) -> Points:
    """exp(2 Z): its mean rests on rare samples."""
    return np.exp(2 * random.normal(size=(n, d)))


def pareto(exponent: float) -> Sampler:
    """Lomax's distribution of this exponent, mean 1 / (exponent - 1); without a variance for an exponent up to 2."""
    return lambda random, n, d: random.pareto(exponent, size=(n, d))


def atoms(random: Random, n: int, d: int) -> Points:
    """0, 1 or 10 with probabilities .9, .08 and .02: mean .28."""
    return random.choice([0.0, 1.0, 10.0], size=(n, d), p=[0.9, 0.08, 0.02])


def lattice(random: Random, n: int, d: int) -> Points:
    """Whole numbers: Poisson's distribution of mean 2."""
    return random.poisson(2.0, size=(n, d)).astype(float)


def one_heavy(random: Random, n: int, d: int) -> Points:
    """Normal numbers, but Pareto's without a variance in the first column."""
    x = normal(random, n, d)
    x[:, 0] = random.pareto(1.5, size=n)
    return x


def correlated(random: Random, n: int, d: int) -> Points:
    """Normal numbers whose correlation is .9 to the power of the distance between their columns."""
    x = normal(random, n, d)
    for column in range(1, d):
        x[:, column] = CORRELATION * x[:, column - 1] + math.sqrt(1 - CORRELATION**2) * x[:, column]
    return x


HARD: Mapping[str, HardPair] = {
    "normal": shifted(normal),
    "log-normal": stretched(log_normal, math.exp(2)),
    "Pareto 1.5": stretched(pareto(1.5), 2.0),
    "Pareto 2.5": stretched(pareto(2.5), 1 / 1.5),
    "atoms": stretched(atoms, 0.28),
    "lattice": stretched(lattice, 2.0),
    "rare .01": rare(0.01),
    "rare .002": rare(0.002),
    "rare .0003": rare(0.0003),
    "one heavy column": shifted(one_heavy),
    "correlated": shifted(correlated),
}
"""By kind. For equal distributions, the first of a pair is taken twice."""
