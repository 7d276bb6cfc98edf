r"""Fitting a network to the Kantorovich-Rubinstein objective :math:`\max_f \mathbb{E}_x f - \mathbb{E}_y f` by Adam."""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.adam import adam

from monge.distance.dual.family import Family
from monge.errors import UserError

DrawPoints = Callable[[int, torch.Generator], Tensor]
PointPair = tuple[Tensor, Tensor]

CHECKS = 20
"""How often a potential is compared on validation samples."""


class Stream(IntEnum):
    """What a stream of random numbers is for."""

    START = 0
    NETWORK = 1
    BATCH = 2
    SEGMENT = 3


def fit_stream(seed: int, purpose: Stream, side: int = 0) -> torch.Generator:
    """A fresh generator for one purpose, and for one of the two distributions."""
    (state,) = np.random.SeedSequence([seed, int(purpose), side]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


class Source:
    """One of the two distributions: samples (n, d) or a sampler.

    Arguments:
        name: of the argument, for errors.
        data: the samples or the sampler.

    Raises:
        UserError: samples that are no (n, d) array of finite numbers.
    """

    def __init__(self, name: str, data: "NDArray[np.float64] | DrawPoints") -> None:
        self.name, self._sampler = name, data if callable(data) else None
        self.points = torch.empty(0, 0) if callable(data) else self._checked(torch.from_numpy(np.asarray(data)))

    def first(self, n: int, generator: torch.Generator) -> Tensor:
        """At most n samples without repetition, in random order, float64."""
        if self._sampler:
            return self._checked(self._sampler(n, generator))
        return self.points[torch.randperm(len(self.points), generator=generator)[:n]]

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples, from an array with repetition, float64."""
        if self._sampler:
            return self._sampler(n, generator)
        return self.points[torch.randint(len(self.points), (n,), generator=generator)]

    def _checked(self, points: Tensor) -> Tensor:
        if points.dim() != 2 or not points.numel():
            raise UserError(f"{self.name} must be a non-empty (n, d) array; got shape {tuple(points.shape)}")
        if not points.isfinite().all():
            raise UserError(f"{self.name} must be finite; got NaN or infinite values; remove them")
        return points.double()


@dataclass(frozen=True)
class Standard:
    """The change of units x -> (x - mean) / scale; one scale for all coordinates keeps Lipschitz constants exact.

    Arguments:
        mean: (d,).
        scale: > 0.
    """

    mean: Tensor
    scale: float

    @classmethod
    def of(cls, x: Tensor, y: Tensor) -> "Standard":
        """The units in which two samples together have mean 0 and mean variance 1 per coordinate."""
        mean = (x.mean(dim=0) + y.mean(dim=0)) / 2
        variance = ((x - mean).square().mean() + (y - mean).square().mean()) / 2
        return cls(mean, math.sqrt(variance) or 1.0)

    def __call__(self, x: Tensor) -> Tensor:
        return (x.double() - self.mean) / self.scale


def train_potential(
    network: nn.Module,
    family: Family,
    sources: tuple[Source, Source],
    standard: Standard,
    steps: int,
    seed: int,
    validation: PointPair | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> nn.Module:
    """The network after its family's rule, in float32.

    Arguments:
        network: changed in place.
        family, sources, standard: what is fitted to what, in which units.
        steps: updates; the learning rate falls to zero over them.
        seed: of the batches.
        validation: two sets in standard units; the network returned is then the best on them along the way.
        progress: called with the number of steps done and their total.
    """
    adam = _Adam(list(network.parameters()), family.betas)
    streams = [fit_stream(seed, Stream.BATCH, side) for side in (0, 1)]
    segments = fit_stream(seed, Stream.BATCH, 2)
    best, kept = -math.inf, network
    for step in range(1, steps + 1):
        batch = [standard(s.draw(family.batch, g)).float() for s, g in zip(sources, streams, strict=True)]
        gradients = torch.autograd.grad(_loss(network, family, batch[0], batch[1], segments), adam.parameters)
        adam.step(gradients, family.rate * ((1 + math.cos(math.pi * (step - 1) / steps)) / 2))
        if family.clip is not None:
            with torch.no_grad():
                torch._foreach_clamp_min_(list(network.parameters()), -family.clip)
                torch._foreach_clamp_max_(list(network.parameters()), family.clip)
        if validation and step % max(1, steps // CHECKS) == 0:
            score = _score(network, family, validation)
            if score > best:
                best, kept = score, copy.deepcopy(network)
        if progress:
            progress(step, steps)
    return kept if validation else network


class _Adam:
    """torch's own Adam without its class, whose first object loads torch's compiler: more than a second.

    Arguments:
        parameters: changed in place.
        betas: decay rates.
    """

    def __init__(self, parameters: list[nn.Parameter], betas: tuple[float, float]) -> None:
        self.parameters, self._betas = parameters, betas
        self._means, self._squares = ([torch.zeros_like(one) for one in parameters] for _ in range(2))
        self._steps = [torch.zeros(()) for _ in parameters]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rate: float) -> None:
        """One update with a learning rate."""
        adam(
            list(self.parameters),
            list(gradients),
            self._means,
            self._squares,
            [],
            self._steps,
            foreach=True,
            amsgrad=False,
            beta1=self._betas[0],
            beta2=self._betas[1],
            lr=rate,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )


def _loss(network: nn.Module, family: Family, x: Tensor, y: Tensor, segments: torch.Generator) -> Tensor:
    values = network(torch.cat([x, y]))
    loss: Tensor = values[len(x) :].mean() - values[: len(x)].mean()
    if family.penalty is None:
        return loss
    # slopes cost twice as much as values and vary less from sample to sample, so a part of the batch is enough
    x, y = x[: family.penalised], y[: family.penalised]
    on_segments = torch.lerp(y, x, torch.rand(len(x), 1, generator=segments))
    points = (on_segments if family.penalty.at == "segment" else torch.cat([x, y])).requires_grad_()
    (slopes,) = torch.autograd.grad(network(points).sum(), points, create_graph=True)
    return loss + family.penalty(slopes)


@torch.no_grad()
def _score(network: nn.Module, family: Family, validation: PointPair) -> float:
    """The bound on validation samples; a measured family's is divided by the largest slope there."""
    x, y = (side.float() for side in validation)
    network.eval()
    gap = float(network(x).mean() - network(y).mean())
    if family.proof == "measured":
        with torch.enable_grad():
            points = torch.cat([x, y]).requires_grad_()
            (slopes,) = torch.autograd.grad(network(points).sum(), points)
        gap /= max(float(slopes.norm(dim=1).max()), torch.finfo(slopes.dtype).tiny)
    network.train()
    return gap
