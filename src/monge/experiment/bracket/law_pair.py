"""Pairs of laws of known W1, on which the estimate of W1 is tried: those of the bracket's studies, and new ones.

New are a mode of mass p moved by D in d dimensions (W1 = p D: the mean of one coordinate shows it, and moving the mode
back costs it), and images of digits, one set of which is brighter by t: a shift, by t times the root of the number of
pixels. Rows of three kinds are not independent, which the estimate takes them to be.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from monge.data.source import load_data
from monge.distance.dual.fit import DrawPoints
from monge.distance.points import Points
from monge.experiment.bracket.hard_pair import HARD
from monge.experiment.bracket.truth import KINDS

Random = np.random.Generator
MODE, AWAY = 0.1, 5.0
"""Share of a mode and how far it is moved."""
BRIGHTER = 0.05
"""Of pixels from 0 to 1."""
COPIES = 4
"""Of every row that is repeated."""
MEMORY = 0.95
"""Correlation of a row of a time series with the one before."""
STEP = 0.5
"""Shift of rows that depend on each other."""
SIZES = (300, 1000)
"""Rows a side."""


@dataclass(frozen=True, eq=False)
class LawPair:
    """Samples x and y of two laws, and W1 between the laws."""

    x: Points
    y: Points
    w1: float


def known(kind: str) -> Callable[[Random], LawPair]:
    """A pair of the honesty study, with as many rows as it has."""

    def make(random: Random) -> LawPair:
        truth, n = KINDS[kind](random), size(random)
        pair = truth.pair
        return LawPair(drawn(pair.upper, n, random), drawn(pair.lower, n, random), pair.distance)

    return make


def drawn(law: DrawPoints, n: int, random: Random) -> Points:
    """Samples of a law that takes a generator of torch, (n, d)."""
    found: Points = law(n, torch.Generator().manual_seed(int(random.integers(2**62)))).double().numpy()
    return found


def size(random: Random) -> int:
    """A number of rows, all ratios alike."""
    return int(np.exp(random.uniform(*np.log(SIZES))))


def hard(kind: str) -> Callable[[Random], LawPair]:
    """Laws on which limits break, in 1, 5 or 20 dimensions, and with twice or half as many rows of one side."""

    def make(random: Random) -> LawPair:
        pair, d, n = HARD[kind], int(random.choice([1, 5, 20])), size(random)
        m = int(n * random.choice([0.5, 1, 2]))
        return LawPair(pair.first(random, n, d), pair.second(random, m, d), pair.distance)

    return make


def moved_mode(random: Random) -> LawPair:
    """A tenth of a normal law in 2 to 32 dimensions, moved by 5."""
    d, n = int(2 ** random.uniform(1, 5)), size(random)
    x, y = random.normal(size=(2, n, d))
    y[random.random(n) < MODE, 0] += AWAY
    return LawPair(x, y, MODE * AWAY)


def unequal(random: Random) -> LawPair:
    """A shift of skewed, dependent columns, 200 to 400 rows against ten times as many."""
    d, n = int(2 ** random.uniform(1, 5)), int(random.integers(200, 401))
    x, y = (np.exp((random.normal(size=(k, d)) + random.normal(size=(k, 1))) / 2) for k in (n, 10 * n))
    direction = random.normal(size=d)
    return LawPair(x, y + STEP * direction / np.linalg.norm(direction), STEP)


def brighter(random: Random) -> LawPair:
    """500 and 500 images of digits, of which the second are brighter: a shift of all 64 pixels."""
    data = load_data("digits")
    raw = np.concatenate([data.train.all(), data.held_out.all()])
    points = data.codec.metric(raw[random.permutation(len(raw))[:1000]])
    pixels = points.shape[1]
    unit = float(np.ptp(points))  # of a pixel from black to white
    return LawPair(points[:500], points[500:] + BRIGHTER * unit, BRIGHTER * unit * math.sqrt(pixels))


def repeated(random: Random) -> LawPair:
    """A shifted normal law in 5 dimensions, every row four times."""
    x, y = (np.repeat(random.normal(size=(150, 5)), COPIES, axis=0) for _ in range(2))
    y[:, 0] += STEP
    return LawPair(x, y, STEP)


def memorised(random: Random) -> LawPair:
    """A shifted normal law in 5 dimensions, where 600 rows of y are drawn with replacement from 60."""
    x, y = random.normal(size=(600, 5)), random.normal(size=(60, 5))[random.integers(60, size=600)]
    y[:, 0] += STEP
    return LawPair(x, y, STEP)


def series(random: Random) -> LawPair:
    """Two time series of 600 rows, whose rows resemble those before them; one is shifted."""
    x, y = random.normal(size=(2, 600, 5))
    for row in range(1, 600):
        for side in (x, y):
            side[row] = MEMORY * side[row - 1] + math.sqrt(1 - MEMORY**2) * side[row]
    y[:, 0] += STEP
    return LawPair(x, y, STEP)


INDEPENDENT: Mapping[str, Callable[[Random], LawPair]] = (
    {kind: known(kind) for kind in KINDS}
    | {kind: hard(kind) for kind in HARD}
    | {"moved mode": moved_mode, "unequal sizes": unequal, "brighter digits": brighter}
)
DEPENDENT: Mapping[str, Callable[[Random], LawPair]] = {
    "repeated rows": repeated,
    "memorised rows": memorised,
    "time series": series,
}
"""Kinds of pairs by name."""
