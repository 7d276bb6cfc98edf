r"""Random pairs of distributions whose W1 is known: distributions on a line, shifts, funnels, and equal distributions.

*Line.* :math:`W_1 = \int_0^1 |F^{-1}(t) - G^{-1}(t)|\,dt = \int |F(s) - G(s)|\,ds`. Hence for normal distributions
:math:`\mathbb{E}\,|\mu + \sigma Z|` with the differences of their means and deviations; for uniform distributions the
integral of a straight line; and :math:`|a - b|\,\mathbb{E}|T|` for the distributions of aT and bT, a, b > 0, because aT
and bT have the same order.

*Shift.* The distributions of X and X + t are |t| apart: moving every point by t costs that much, and f(x) = <x, t> /
|t| is 1-Lipschitz and attains it.

*Funnels.* W1 = E|x - y(x)| by the optimal plan of `funnel`, a mean over 100,000 samples.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import expon, norm, uniform
from torch import Tensor

from monge.data.toy import TOYS
from monge.distance.dual.fit import DrawPoints
from monge.experiment.bracket import funnel
from monge.experiment.bracket.known_pair import KNOWN, KnownPair

TRUTH_SAMPLES = 100_000
"""Samples behind the W1 of a funnel pair."""
Random = np.random.Generator


@dataclass(frozen=True)
class Truth:
    """A pair of distributions and the standard error of its known W1, 0 where that is exact."""

    pair: KnownPair
    error: float = 0.0


def normals(mean: float, deviation: float) -> float:
    """W1 of two normal distributions on a line from the differences of their means and of their deviations."""
    s = abs(deviation)
    if s == 0:
        return abs(mean)
    return s * math.sqrt(2 / math.pi) * math.exp(-((mean / s) ** 2) / 2) + mean * (1 - 2 * float(norm.cdf(-mean / s)))


def uniforms(low: float, width: float) -> float:
    """W1 of two uniform distributions on a line from the differences of their lower ends and of their widths."""
    if low * (low + width) >= 0:
        return abs(low + width / 2)
    return (low**2 + (low + width) ** 2) / (2 * abs(width))


Distribution = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def between(f: Distribution, g: Distribution, low: float = -30.0, high: float = 60.0) -> float:
    """W1 of two distributions on a line from their distribution functions, by the trapezoid rule with 1e6 points."""
    s = np.linspace(low, high, 1_000_001)
    return float(np.trapezoid(np.abs(f(s) - g(s)), s))


Coordinates = Callable[[int, int, torch.Generator], Tensor]
"""n samples of d independent coordinates, (n, d)."""


def _normal(n: int, d: int, g: torch.Generator) -> Tensor:
    return torch.randn(n, d, generator=g)


def _box(n: int, d: int, g: torch.Generator) -> Tensor:
    return torch.rand(n, d, generator=g)


def _student(n: int, d: int, g: torch.Generator) -> Tensor:
    """Student's distribution with 3 degrees of freedom: no third moment."""
    return torch.randn(n, d, generator=g) / (torch.randn(n, d, 3, generator=g).square().mean(dim=2)).sqrt()


def _exponential(n: int, d: int, g: torch.Generator) -> Tensor:
    return -torch.log1p(-torch.rand(n, d, generator=g, dtype=torch.float64)).float()


def _log_normal(n: int, d: int, g: torch.Generator) -> Tensor:
    return (0.75 * torch.randn(n, d, generator=g)).exp()


def _of(draw: Coordinates, d: int, factor: float = 1.0, shift: float = 0.0) -> DrawPoints:
    """A sampler in d dimensions, scaled and then shifted."""
    return lambda n, g: factor * draw(n, d, g) + shift


def _clusters(centres: Tensor) -> DrawPoints:
    """Normal clusters of deviation 0.5 about centres (k, d)."""

    def draw(n: int, g: torch.Generator) -> Tensor:
        return centres[torch.randint(len(centres), (n,), generator=g)] + 0.5 * torch.randn(
            n, centres.shape[1], generator=g
        )

    return draw


def _two(share: float, gap: float) -> DrawPoints:
    """Normal about 0 with a share, else about a gap."""
    return lambda n, g: torch.randn(n, 1, generator=g) + gap * (torch.rand(n, 1, generator=g) > share)


def _two_cdf(share: float, gap: float) -> Distribution:
    return lambda s: np.asarray(share * norm.cdf(s) + (1 - share) * norm.cdf(s - gap))


SCALED: Mapping[str, tuple[Coordinates, float]] = {
    "exponential": (_exponential, 1.0),
    "student": (_student, 2 * math.sqrt(3) / math.pi),
    "log-normal": (_log_normal, math.exp(0.75**2 / 2)),
}
"""T and E|T| of distributions that are scaled."""


def line_pair(random: Random) -> KnownPair:
    """Two distributions on a line: normal, uniform, scaled, of mixtures, or of different kinds."""
    kind = random.choice(["normal", "uniform", *SCALED, "mixture", "exponential-uniform"])
    a, b = np.exp(random.uniform(-1, 1, 2))
    mean = float(random.normal())
    if kind == "normal":
        return KnownPair(kind, _of(_normal, 1, a, mean), _of(_normal, 1, b), normals(mean, a - b))
    if kind == "uniform":
        return KnownPair(kind, _of(_box, 1, a, mean), _of(_box, 1, b), uniforms(mean, a - b))
    if kind == "mixture":
        (p, q), (x, y) = random.uniform(0.2, 0.8, 2), random.uniform(1, 4, 2)
        return KnownPair(kind, _two(p, x), _two(q, y), between(_two_cdf(p, x), _two_cdf(q, y)))
    if kind == "exponential-uniform":
        w1 = between(expon(scale=a).cdf, uniform(0, 2 * b).cdf)
        return KnownPair(kind, _of(_exponential, 1, a), _of(_box, 1, 2 * b), w1)
    draw, size = SCALED[kind]
    return KnownPair(kind, _of(draw, 1, a), _of(draw, 1, b), abs(a - b) * size)


def law(kind: str, d: int, random: Random) -> DrawPoints:
    """A sampler by name: normal, box, student, clusters, or a toy data set; mean variance 1 per coordinate."""
    if kind in TOYS:
        draw: DrawPoints = TOYS[kind].draw
    elif kind == "clusters":
        draw = _clusters(torch.from_numpy(2 * random.standard_normal((int(random.integers(2, 7)), d))).float())
    else:
        draw = _of({"normal": _normal, "box": _box, "student": _student}[kind], d)
    scale = float(draw(20_000, torch.Generator().manual_seed(0)).var(dim=0).mean().sqrt())
    return lambda n, g: draw(n, g) * (1 / scale)


SHIFTED = ("normal", "box", "student", "clusters", "ring8", "moons")


def shift_pair(random: Random, kind: str | None = None, d: int | None = None, length: float | None = None) -> KnownPair:
    """A distribution and the same one shifted in a random direction; kind, dimension, length given or random."""
    kind = kind or str(random.choice(SHIFTED))
    d = 2 if kind in TOYS else d or int(2 ** random.uniform(0, 5.04))
    length = float(np.exp(random.uniform(np.log(0.1), np.log(3)))) if length is None else length
    direction = random.standard_normal(d)
    move = torch.from_numpy(length * direction / np.linalg.norm(direction)).float()
    draw = law(kind, d, random)
    return KnownPair(f"{kind}-shift", lambda n, g: draw(n, g) + move, draw, length)


def equal_pair(random: Random) -> KnownPair:
    """One distribution twice: nothing above 0 may be proved."""
    pair = shift_pair(random, length=0.0)
    return KnownPair(pair.name.replace("shift", "equal"), pair.lower, pair.lower, 0.0)


def funnel_truth(random: Random) -> Truth:
    """A pair of the benchmark's kind with centres of its own."""
    d, n = int(random.choice([2, 4, 8, 16, 32])), int(random.choice([4, 16, 64]))
    own = funnel.own(d, n, int(random.integers(2**31)))
    w1, error = own.distance(TRUTH_SAMPLES, torch.Generator().manual_seed(int(random.integers(2**31))))
    return Truth(KnownPair(own.name, own.moved, own.uniform, w1), error)


KINDS: Mapping[str, Callable[[Random], Truth]] = {
    "line": lambda random: Truth(line_pair(random)),
    "shift": lambda random: Truth(shift_pair(random)),
    "funnel": funnel_truth,
    "other": lambda random: Truth(KNOWN[str(random.choice(sorted(KNOWN)))]()),
    "equal": lambda random: Truth(equal_pair(random)),
}
"""Kinds of random pairs."""
