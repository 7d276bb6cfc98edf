r"""The dual side of W1: what a 1-Lipschitz function proves about the distance from below.

For every f with Lipschitz constant K,

.. math:: W_1(P, Q) \ge \frac{1}{K} \bigl(\mathbb{E}_{P} f - \mathbb{E}_{Q} f\bigr)

(Kantorovich-Rubinstein; Arjovsky, Chintala, Bottou 2017, eq. 2). On samples that f was not fitted to, the difference
of means is unbiased; `limit` turns it into a confidence limit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.distance.dual.family import FAMILIES, Family, Proof
from monge.distance.dual.fit import DrawPoints, Source, Standard, Stream, fit_stream, train_potential
from monge.distance.points import Points, point_sets
from monge.errors import UserError, unknown_name
from monge.nn import lipschitz as layers

CHUNK = 4096
"""Points evaluated at a time."""
START = 8192
"""Points of each distribution, at most, that fix the units and the network's start."""


@dataclass(frozen=True)
class Potential:
    r"""A fitted function f(x) = s g((x - m) / s), whose Lipschitz constant is that of g.

    Evaluated in float64, for which a certified constant is proved.

    Attributes:
        family: its name.
        lipschitz: K, in units of f per unit of x.
        proof: "certified" when K is proved, "measured" when it is the largest gradient seen.

    Example:
        >>> import numpy as np
        >>> from monge.distance import fit_potential
        >>> x, y = np.random.default_rng(0).normal(size=(2, 200, 2))
        >>> f = fit_potential(x + [3, 0], y, family="linear")
        >>> f.proof, round(f.lipschitz, 6)
        ('certified', 1.0)
        >>> gap = f(x + [3, 0]).mean() - f(y).mean()
        >>> bool(2 < gap < 4)
        True
    """

    family: str
    lipschitz: float
    proof: Proof
    network: nn.Module = field(repr=False, compare=False)
    standard: Standard = field(repr=False, compare=False)

    def __call__(self, x: Points) -> NDArray[np.float64]:
        """f at points (n, d) in data units, (n,)."""
        with torch.no_grad():
            values = [self.network(part)[:, 0] for part in self._inside(x).split(CHUNK)]
        return self.standard.scale * torch.cat(values).numpy()

    def gradient(self, x: Points) -> NDArray[np.float64]:
        """The gradient of f at points (n, d), (n, d)."""
        return torch.cat([_gradient(self.network, part) for part in self._inside(x).split(CHUNK)]).numpy()

    def _inside(self, x: Points) -> Tensor:
        if x.ndim != 2 or x.shape[1] != len(self.standard.mean):
            raise UserError(f"x must be (n, {len(self.standard.mean)}) like the potential's points; got {x.shape}")
        return self.standard(torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64)))


def fit_potential(
    x: Points | DrawPoints,
    y: Points | DrawPoints,
    family: str | Family = "cones",
    *,
    steps: int | None = None,
    seed: int = 0,
    validation: tuple[Points, Points] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Potential:
    r"""Seeks the f of a family that maximises :math:`\mathbb{E}_x f - \mathbb{E}_y f`.

    Arguments:
        x, y: samples (n, d) and (m, d), or samplers that map a count and a generator to fresh samples, (count, d).
        family: a name in `FAMILIES`, or settings of one's own.
        steps: updates; the family's number if not given.
        seed: decides the network's start and every batch; equal seeds give equal potentials.
        validation: two sets that training does not see; the potential kept is the best on them along the way.
        progress: called with the number of steps done and their total.

    Raises:
        UserError: unknown family, bad shapes, values that are not finite, steps below 1 or a negative seed.

    Example:
        >>> import numpy as np
        >>> from monge.distance import fit_potential
        >>> x, y = np.random.default_rng(0).normal(size=(2, 400, 2))
        >>> f = fit_potential(x[:200] + [3, 0], y[:200], family="linear")
        >>> gap = f(x[200:] + [3, 0]).mean() - f(y[200:]).mean()  # on fresh samples: on average at most W1 = 3
        >>> bool(abs(gap - 3) < 0.3)
        True
    """
    rule = rule_of(family)
    if steps is not None and steps < 1:
        raise UserError(f"steps must be at least 1; got {steps}")
    if seed < 0:
        raise UserError(f"seed must be at least 0; got {seed}")
    sources = _sources(x, y)
    first, second = (source.first(START, fit_stream(seed, Stream.START, i)) for i, source in enumerate(sources))
    if first.shape[1] != second.shape[1]:
        raise UserError(f"x and y must have the same dimension; got {first.shape[1]} and {second.shape[1]}")
    standard = Standard.of(first, second)
    first, second = standard(first), standard(second)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(fit_stream(seed, Stream.NETWORK).initial_seed())
        network = rule.network(first, second, rule.width, rule.depth)
    if rule.steps:
        held_out = None if validation is None else _held_out(validation, standard)
        network = train_potential(
            network.float(), rule, sources, standard, steps or rule.steps, seed, held_out, progress
        )
    network = layers.frozen(network)
    segment = torch.rand(len(first), 1, generator=fit_stream(seed, Stream.SEGMENT), dtype=torch.float64)
    constant = layers.lipschitz(network) if rule.proof == "certified" else _steepest(network, first, second, segment)
    return Potential(rule.name, constant, rule.proof, network, standard)


def rule_of(family: str | Family) -> Family:
    """A family by its name; settings of one's own stay as they are.

    Raises:
        UserError: no family of this name.
    """
    if isinstance(family, Family):
        return family
    if family not in FAMILIES:
        raise unknown_name("family", family, FAMILIES)
    return FAMILIES[family]


def _sources(x: Points | DrawPoints, y: Points | DrawPoints) -> tuple[Source, Source]:
    if not callable(x) and not callable(y):
        x, y = point_sets(x, y)
    return Source("x", x), Source("y", y)


def _held_out(sets: tuple[Points, Points], standard: Standard) -> tuple[Tensor, Tensor]:
    x, y = (torch.from_numpy(points) for points in point_sets(*sets))
    return standard(x), standard(y)


def _gradient(network: nn.Module, points: Tensor) -> Tensor:
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(network(points).sum(), points)
    return gradient


def _steepest(network: nn.Module, x: Tensor, y: Tensor, segment: Tensor) -> float:
    n = min(len(x), len(y))
    parts = zip(x[:n].split(CHUNK), y[:n].split(CHUNK), segment[:n].split(CHUNK), strict=True)
    return max(measured_lipschitz(network, *part) for part in parts)


def measured_lipschitz(potential: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, segment: Tensor) -> float:
    """The largest gradient norm of a potential seen at real, at fake and at points on segments between them.

    A lower limit of the true Lipschitz constant, so a bound divided by it is `measured`, not certified.

    Arguments:
        potential: maps (n, d) to (n, 1).
        real, fake: two sets of shape (n, d).
        segment: (n, 1) positions in [0, 1] on the segments.
    """
    points = torch.cat([real, fake, segment * real + (1 - segment) * fake]).requires_grad_()
    values = potential(points)
    (gradient,) = torch.autograd.grad(values.sum(), points)
    return float(gradient[: len(gradient) // len(values) * len(values)].reshape(len(values), -1).norm(dim=1).max())
