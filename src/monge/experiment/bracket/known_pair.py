r"""Ten pairs of distributions whose W1 is known exactly and whose optimal potentials are not made of cones.

Three facts give the distances. P is the distribution on which the optimal potential is higher.

*Product.* If P and Q share an independent factor Z, :math:`W_1(P' \times Z, Q' \times Z) = W_1(P', Q')`: the projection
on the first factor is 1-Lipschitz, and coupling Z with itself costs nothing. A rotation changes no distance.

*Radius.* If :math:`y = s(|x|) x` with :math:`s \ge 1`, then :math:`W_1 = \mathbb{E}(|y| - |x|)`: this plan costs that
much, and :math:`f(x) = |x|` is 1-Lipschitz and attains it.

*Clusters.* Cluster i lies in a ball of radius r about :math:`m_i` and is shifted by :math:`t_i`, of length at most t,
and :math:`|m_i - m_j| \ge 4 (r + t)` for all pairs. Then :math:`W_1 = \mathbb{E}|t_i|`: the function that equals
:math:`\langle x - m_i, t_i / |t_i|\rangle` near cluster i attains it, lies in [-(r + t), r + t], and so has slope at
most 1 also between points of different clusters, which are at least 2 (r + t) apart; it extends to all of space
(McShane 1934).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import quad
from scipy.stats import gamma, norm
from torch import Tensor

from monge.distance.dual.fit import DrawPoints


@dataclass(frozen=True)
class KnownPair:
    """Two samplers and the distance of their distributions.

    Arguments:
        name: short.
        upper, lower: samplers of P and Q, (count, generator) -> (count, d).
        distance: W1.
    """

    name: str
    upper: DrawPoints
    lower: DrawPoints
    distance: float


def _normal(d: int) -> DrawPoints:
    return lambda n, g: torch.randn(n, d, generator=g)


def _rotation(d: int) -> Tensor:
    matrix = np.linalg.qr(np.random.default_rng(d).standard_normal((d, d)))[0]
    return torch.from_numpy(matrix).float()


def _mixture(modes: int, d: int) -> DrawPoints:
    centres = torch.from_numpy(np.random.default_rng(d).standard_normal((modes, d)) * 2).float()
    return lambda n, g: centres[torch.randint(modes, (n,), generator=g)] + 0.5 * torch.randn(n, d, generator=g)


def _radius(d: int) -> float:
    """The mean length of a standard normal vector."""
    return math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))


def _mapped(draw: DrawPoints, move: Callable[[Tensor], Tensor]) -> DrawPoints:
    return lambda n, g: move(draw(n, g))


def mixture_shift(d: int = 16) -> KnownPair:
    """A Gaussian mixture shifted by a vector of length 1.5: W1 is its length (<x, t>/|t| attains it)."""
    law, shift = _mixture(6, d), torch.full((d,), 1.5 / math.sqrt(d))
    return KnownPair("mixture-shift", _mapped(law, lambda x: x + shift), law, 1.5)


def _ball(n: int, d: int, g: torch.Generator) -> Tensor:
    direction = torch.nn.functional.normalize(torch.randn(n, d, generator=g), dim=1)
    return direction * torch.rand(n, 1, generator=g) ** (1 / d)


def _clusters(name: str, d: int, lengths: tuple[float, ...]) -> KnownPair:
    """Unit balls about corners of a cube, each shifted in its own random direction by its own length (*Clusters*)."""
    count, edge = len(lengths), 4 * (1 + max(lengths))
    centres = torch.tensor([[(i >> k & 1) * edge if k < 3 else 0.0 for k in range(d)] for i in range(count)])
    directions = np.random.default_rng(count).standard_normal((count, d))
    shifts = torch.from_numpy(directions / np.linalg.norm(directions, axis=1, keepdims=True)).float()
    shifts = shifts * torch.tensor(lengths)[:, None]

    def draw(n: int, g: torch.Generator, moved: bool) -> Tensor:
        which = torch.randint(count, (n,), generator=g)
        x = centres[which] + _ball(n, d, g)
        return x + shifts[which] if moved else x

    return KnownPair(name, lambda n, g: draw(n, g, True), lambda n, g: draw(n, g, False), float(np.mean(lengths)))


def two_clusters() -> KnownPair:
    """Two balls in 4-D shifted by 1 in different directions (*Clusters*)."""
    return _clusters("two-clusters", 4, (1.0, 1.0))


def six_clusters() -> KnownPair:
    """Six balls in 8-D shifted by .5 to 1.5 in different directions (*Clusters*)."""
    return _clusters("six-clusters", 8, (0.5, 0.7, 0.9, 1.1, 1.3, 1.5))


def radial_scaling(d: int = 8) -> KnownPair:
    """A standard normal distribution scaled by 1.5: W1 = .5 E|x| (*Radius*)."""
    return KnownPair("radial-scaling", _mapped(_normal(d), lambda x: 1.5 * x), _normal(d), 0.5 * _radius(d))


def radial_map(d: int = 4) -> KnownPair:
    """y = x + 0.2 |x| x of a standard normal distribution: W1 = .2 E|x|^2 = .2 d (*Radius*)."""
    return KnownPair(
        "radial-map",
        _mapped(_normal(d), lambda x: x * (1 + 0.2 * x.norm(dim=1, keepdim=True))),
        _normal(d),
        0.2 * d,
    )


def subspace_scaling(d: int = 12, scaled: int = 3) -> KnownPair:
    """3 of 12 normal coordinates doubled, all rotated: W1 is the mean length of the three (*Radius*, *Product*)."""
    factors = torch.tensor([2.0] * scaled + [1.0] * (d - scaled))
    turn = _rotation(d)
    return KnownPair(
        "subspace-scaling",
        _mapped(_normal(d), lambda x: (x * factors) @ turn),
        _mapped(_normal(d), lambda x: x @ turn),
        _radius(scaled),
    )


def _along_a_line(
    name: str, d: int, quantile: tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]], w1: float
) -> KnownPair:
    """Two distributions on a line, functions of one normal number, times common normal noise, rotated (*Product*)."""
    turn = _rotation(d)

    def embedded(move: Callable[[Tensor], Tensor]) -> DrawPoints:
        return _mapped(_normal(d), lambda x: torch.cat([move(x[:, :1]), x[:, 1:]], dim=1) @ turn)

    return KnownPair(name, embedded(quantile[0]), embedded(quantile[1]), w1)


def line_spread(d: int = 8) -> KnownPair:
    r"""N(0, 4) against N(0, 1) on a line: :math:`W_1 = \sqrt{2/\pi}\,|\sigma_1 - \sigma_2|`."""
    return _along_a_line("line-spread", d, (lambda s: 2 * s, lambda s: s), math.sqrt(2 / math.pi))


def line_gamma(d: int = 16) -> KnownPair:
    """A Gamma distribution of shape 2 against N(1, 1) on a line: W1 is the integral of |F - G|."""
    # the sum of two unit exponentials, so that no quantile function is needed
    turn = _rotation(d)

    def upper(n: int, g: torch.Generator) -> Tensor:
        waiting = -torch.log1p(-torch.rand(n, 2, generator=g, dtype=torch.float64)).sum(dim=1, keepdim=True).float()
        return torch.cat([waiting, torch.randn(n, d - 1, generator=g)], dim=1) @ turn

    def lower(n: int, g: torch.Generator) -> Tensor:
        x = torch.randn(n, d, generator=g)
        return torch.cat([x[:, :1] + 1, x[:, 1:]], dim=1) @ turn

    w1 = quad(lambda s: abs(gamma.cdf(s, 2) - norm.cdf(s, 1)), -10, 40, limit=500, points=[0, 1, 2, 3, 5])[0]
    return KnownPair("line-gamma", upper, lower, w1)


def line_monotone(d: int = 6) -> KnownPair:
    r"""The monotone map :math:`T(s) = s + (1 + \sin 2s)/2` on a line: :math:`W_1 = \mathbb{E}|T(s) - s| = \frac12`."""
    # T' = 1 + cos(2 s) >= 0, T(s) - s >= 0, and E sin(2 s) = 0
    return _along_a_line("line-monotone", d, (lambda s: s + 0.5 + torch.sin(2 * s) / 2, lambda s: s), 0.5)


def parted_halves(d: int = 32) -> KnownPair:
    """Both halves of a normal distribution moved .75 away from the plane between them: W1 = .75 (monotone)."""
    return _along_a_line("parted-halves", d, (lambda s: s + 0.75 * s.sign(), lambda s: s), 0.75)


_ALL: tuple[Callable[[], KnownPair], ...] = (
    mixture_shift,
    two_clusters,
    six_clusters,
    radial_scaling,
    radial_map,
    subspace_scaling,
    line_spread,
    line_gamma,
    line_monotone,
    parted_halves,
)
KNOWN: Mapping[str, Callable[[], KnownPair]] = {make.__name__.replace("_", "-"): make for make in _ALL}
