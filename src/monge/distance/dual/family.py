r"""Families of functions among which a dual potential is sought, and the rule by which each is fitted.

All work in standardised coordinates :math:`(x - m) / s` with one scale s for all of them, in which the two clouds
together have mean 0 and mean variance 1 per coordinate.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import ot
import torch
from scipy.spatial.distance import cdist
from torch import Tensor, nn

from monge.nn import lipschitz, maxout
from monge.nn.mlp import MLPCritic

BESIDE = 128
"""Width of the ReLU network beside a maxout unit."""
LEAST_SCALING = 1e-3
"""How far from 1 a scaling is taken to be, at least, so that its centre stays at a distance."""
PIVOTS = 10_000_000
"""Pivots the simplex may take."""
FEW_DIMENSIONS = 8
"""Up to here the optimal potential of 1,000 samples is a good start; beyond, it knows its samples only."""

Proof = Literal["certified", "measured"]
Network = Callable[[Tensor, Tensor, int, int], nn.Module]


@dataclass(frozen=True)
class SlopePenalty:
    r"""Penalises slopes that differ from one, :math:`\lambda\,\mathbb{E}\,(\lVert\nabla f\rVert - 1)^2`, or exceed it.

    Reference: two-sided on segments, Gulrajani et al. 2017, eq. 3; one-sided, Petzka, Fischer, Lukovnicov 2018, eq. 8.

    Arguments:
        weight: lambda (dimensionless in standardised units).
        one_sided: only slopes above one cost.
        at: where slopes are looked at: on segments between pairs of x and y, or at x and y themselves. Beyond a few
            dimensions a segment's middle is nowhere near either distribution, and says nothing about slopes where they
            are.
    """

    weight: float = 10.0
    one_sided: bool = True
    at: Literal["segment", "sample"] = "sample"

    def __call__(self, gradient: Tensor) -> Tensor:
        excess = gradient.square().sum(dim=1).clamp_min(1e-20).sqrt() - 1
        return self.weight * (excess.relu() if self.one_sided else excess).square().mean()


@dataclass(frozen=True)
class Family:
    """A kind of function, what is known of its Lipschitz constant, and how it is fitted.

    Arguments:
        name: its key in `FAMILIES`.
        description: one line.
        proof: whether its constant is proved or only the largest gradient seen.
        network: maps samples of x and y (standardised), width and depth to a module (n, d) -> (n, 1).
        width: units of a layer, cones, or points of a discrete problem.
        depth: hidden layers, or how many discrete problems are averaged.
        steps: updates by default; 0 where the network is complete from the start.
        batch: samples of x and of y in a step.
        penalised: how many of these have their slopes penalised.
        rate: learning rate of Adam at the start; it falls to zero along half a cosine.
        betas: of Adam.
        penalty: on slopes.
        clip: every parameter is kept in [-clip, clip].
    """

    name: str
    description: str
    proof: Proof
    network: Network
    width: int = 128
    depth: int = 2
    steps: int = 1000
    batch: int = 256
    penalised: int = 256
    rate: float = 2e-3
    betas: tuple[float, float] = (0.5, 0.9)
    penalty: SlopePenalty | None = None
    clip: float | None = None


def _mlp(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    return MLPCritic(tuple(x.shape[1:]), width, depth, slope=0.0)


def _kinked(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    return maxout.kinked(x, width, depth)


def _maxout(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    """Paraboloids at samples of x that have slope 1 where y is, plus a ReLU network."""
    centres = x[:width]
    radius = float(torch.cdist(y[:1000], centres).amin(dim=1).median()) or 1.0
    return maxout.LinearSum(maxout.MaxAffine(centres, radius), maxout.kinked(x, BESIDE, depth))


def _spectral(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    return lipschitz.spectral(x.shape[1], width, depth)


def _orthogonal(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    return lipschitz.orthogonal(x.shape[1], width, depth)


def _linear(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    """f(x) = <u, x>, u the direction of the mean difference: optimal if one distribution is a shift of the other."""
    layer = nn.utils.skip_init(nn.Linear, x.shape[1], 1, bias=False, dtype=torch.float64)
    layer.weight.data = nn.functional.normalize((x.double().mean(0) - y.double().mean(0))[None], dim=1)
    return nn.Sequential(layer)


def _radial(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    r"""f(x) = :math:`\pm \lVert x - c\rVert`: optimal whenever one distribution is the other scaled about a point.

    A scaling x = c + s (y - c) has the means of both sets and the root of the ratio of their total variances as s for
    :math:`c = (\bar x - s \bar y) / (1 - s)`. As s goes to one, c goes to infinity along the mean difference, and f to
    the potential of a shift.
    """
    x, y = x.double(), y.double()
    # a single point has no variance; the units are standardised
    of_x, of_y = (side.var(dim=0, correction=0).sum().clamp_min(1e-12) for side in (x, y))
    scale = float((of_x / of_y).sqrt())
    if abs(1 - scale) < LEAST_SCALING:
        scale = 1 + math.copysign(LEAST_SCALING, scale - 1)
    centre = (x.mean(dim=0) - scale * y.mean(dim=0)) / (1 - scale)
    return lipschitz.Mean([lipschitz.Cones(centre[None])], [1 if scale < 1 else -1])


def cones_at_samples(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    """Cones of equal height with their tops at samples of x, where an optimal potential is high."""
    return lipschitz.Cones(x[:width])


def _cones(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    """Cones with their tops at samples of x; in few dimensions at the heights that are optimal between samples.

    Short fits gain by that; on fresh samples equal heights ended better in the one case tried (D = 2, 256 funnels,
    1,000 steps, one seed: -0.9 % of W1 against -6.4 %).
    """
    count = min(width, len(x), len(y))
    if x.shape[1] > FEW_DIMENSIONS:
        return cones_at_samples(x, y, width, depth)
    return lipschitz.Cones(x[:count], -_discrete(x[:count], y[:count])[0])


def _discrete(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Optimal phi (n,) and psi (m,) of the discrete dual, phi_i + psi_j <= ||x_i - y_j||."""
    log = ot.emd([], [], cdist(x, y), numItermax=PIVOTS, log=True, numThreads=1)[1]
    return torch.from_numpy(log["u"]), torch.from_numpy(log["v"])


def _c_transform(x: Tensor, y: Tensor, width: int, depth: int) -> nn.Module:
    """Means, over disjoint subsets, of the least and the greatest extension of their optimal discrete potentials.

    Potentials phi, psi of the discrete dual, phi_i + psi_j <= ||x_i - y_j||, extend to all of space as
    min_j(||x - y_j|| - psi_j) and max_i(phi_i - ||x - x_i||); both are 1-Lipschitz and optimal on the subset.
    """
    parts: list[nn.Module] = []
    count = max(1, min(depth, len(x) // width, len(y) // width))
    for a, b in zip(x[: count * width].chunk(count), y[: count * width].chunk(count), strict=True):
        phi, psi = _discrete(a, b)
        parts += [lipschitz.Cones(a.double(), -phi), lipschitz.Cones(b.double(), -psi)]
    return lipschitz.Mean(parts, [1, -1] * count)


_ALL = (
    Family("linear", "the direction of the mean difference", "certified", _linear, steps=0),
    Family("radial", "the distance from the centre of a scaling", "certified", _radial, steps=0),
    Family(
        "clipped",
        "ReLU network, weights clipped (Arjovsky et al. 2017)",
        "measured",
        _mlp,
        rate=2e-4,
        clip=0.04,
        steps=2000,
    ),
    Family(
        "gp",
        "ReLU network, two-sided penalty on segments (Gulrajani et al. 2017)",
        "measured",
        _mlp,
        penalty=SlopePenalty(10.0, one_sided=False, at="segment"),
    ),
    Family(
        "lp",
        "ReLU network, one-sided penalty at the samples (after Petzka et al. 2018)",
        "measured",
        _kinked,
        rate=2e-3,
        width=256,
        penalty=SlopePenalty(10.0),
    ),
    Family(
        "maxout",
        "affine pieces, a quadratic and a ReLU network, one-sided penalty at the samples",
        "measured",
        _maxout,
        width=512,
        batch=512,
        rate=3e-3,
        penalty=SlopePenalty(10.0),
    ),
    Family("spectral", "ReLU network, spectral norm (Miyato et al. 2018)", "certified", _spectral),
    Family("orthogonal", "orthogonal layers with MaxMin (Anil et al. 2019)", "certified", _orthogonal, rate=5e-3),
    Family(
        "c-transform",
        "exact discrete potentials, extended and averaged",
        "certified",
        _c_transform,
        width=1000,
        depth=4,
        steps=0,
    ),
    Family("cones", "highest of learnable cones", "certified", _cones, width=512, rate=1e-2),
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in _ALL}
"""Families of potentials by name, for `fit_potential` and `bracket`.

Certified families without training steps are the fast ones.

Example:
    >>> from monge.distance import FAMILIES
    >>> [name for name, family in FAMILIES.items() if family.proof == "certified" and family.steps == 0]
    ['linear', 'radial', 'c-transform']
"""
