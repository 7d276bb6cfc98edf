"""Critics fitted with clipped weights or under a gradient penalty, generated samples standing still; their measures.

Generated samples are real ones plus N(0, I), in deviations of the data, as in figure 1a of Gulrajani et al. 2017.
"""

import copy
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Adam, Optimizer, RMSprop

from monge.data.dataset import DataSet
from monge.nn.mlp import MLPCritic
from monge.objective import Batch, Objective
from monge.objective.paper import wgan, wgan_gp
from monge.run.pool import flushed_denormals

WIDTH = 128
BATCH = 128
PENALTY_WEIGHT = 0.1
RATE = 1e-3
"""Adam's, under the penalty."""
BETAS = (0.5, 0.9)
RATE_PER_CLIP = 1 / 200
"""RMSProp's rate in units of c, with clipping: the paper's 5e-5 at c = .01."""
NEAR_BOUND = 0.02
"""How far from the bound a weight may be that lies at it, as a fraction."""
SETTINGS = (WIDTH, BATCH, PENALTY_WEIGHT, RATE, BETAS, RATE_PER_CLIP, NEAR_BOUND)


def started(depth: int, seed: int, clip: float | None) -> nn.Module:
    """A critic as He starts it; with a bound, every layer scaled to be uniform within it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        critic = MLPCritic((2,), WIDTH, depth, slope=0)
        for layer in critic.modules():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    if clip is not None:
        with torch.no_grad():
            for values in critic.parameters():
                values.mul_(clip / values.abs().max())
    return critic


def samples(data: DataSet, n: int, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Real and generated samples, (n, 2) each, in deviations."""
    return data.batch(n, draw), data.batch(n, draw) + torch.randn(n, 2, generator=draw)


def fitted(data: DataSet, depth: int, steps: int, seed: int, clip: float | None) -> nn.Module:
    """A critic trained with clipping, or with the penalty."""
    draw = torch.Generator().manual_seed(seed)
    critic = started(depth, seed, clip)
    objective: Objective = wgan_gp(PENALTY_WEIGHT) if clip is None else wgan(clip)
    optimiser: Optimizer = Adam(critic.parameters(), RATE, BETAS)
    if clip is not None:
        optimiser = RMSprop(critic.parameters(), clip * RATE_PER_CLIP, alpha=0.99)
    with flushed_denormals():
        for step in range(steps):
            real, fake = samples(data, BATCH, draw)
            batch = Batch(real, fake, torch.rand(BATCH, generator=draw), step)
            optimiser.zero_grad()
            objective.critic_loss(critic, batch).total.backward()
            optimiser.step()
            if objective.constraint is not None:
                objective.constraint(critic)
    return critic


def layer_norms(critic: nn.Module, real: Tensor, fake: Tensor) -> list[float]:
    """The length of the gradient of the critic's loss in the activations of each hidden layer, in float64."""
    critic = copy.deepcopy(critic).double()
    assert isinstance(critic, MLPCritic)
    assert isinstance(critic.features, nn.Sequential)
    hidden, seen = torch.cat([real, fake]).double(), []
    for layer in critic.features:
        hidden = layer(hidden)
        if not isinstance(layer, nn.Linear | nn.Flatten):
            seen.append(hidden)
    first, second = critic.output(hidden).chunk(2)
    gradients = torch.autograd.grad(second.mean() - first.mean(), seen)
    return [float(f"{float(gradient.norm()):.4g}") for gradient in gradients]


def weights(critic: nn.Module, clip: float | None) -> NDArray[np.float64]:
    """All weights over the bound, or over the largest of their layer, (p,)."""
    matrices = [values.detach().double() for values in critic.parameters() if values.dim() > 1]
    scaled = [(values / (clip or values.abs().max())).flatten() for values in matrices]
    return torch.cat(scaled).numpy()


def higher_moments(function: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, draw: torch.Generator) -> float:
    """The share of a function's gap that a normal distribution with the real mean and covariance does not show."""
    mean, factor = real.mean(dim=0), torch.linalg.cholesky(torch.cov(real.T))
    normal = mean + torch.randn(real.shape, generator=draw) @ factor.T
    with torch.no_grad():
        of_real, of_fake, of_normal = (float(function(points).double().mean()) for points in (real, fake, normal))
    return (of_real - of_normal) / (of_real - of_fake)


def unmoved(critic: nn.Module, start: nn.Module) -> float:
    """The share of weights that are exactly what they were at the start, as those of units that never fire."""
    pairs = zip(critic.parameters(), start.parameters(), strict=True)
    return float(torch.cat([(now == then).flatten() for now, then in pairs if now.dim() > 1]).double().mean())


def at_bound(scaled: NDArray[np.float64]) -> float:
    """The share of weights within 2 % of the bound that they are given over."""
    return float(np.mean(np.abs(scaled) >= 1 - NEAR_BOUND))


def gap(critic: nn.Module, real: Tensor, fake: Tensor) -> float:
    """How far real and generated samples are apart for a critic, over its largest slope at them: an estimate of W1."""
    points = torch.cat([real, fake]).requires_grad_()
    values = critic(points)
    (slopes,) = torch.autograd.grad(values.sum(), points)
    of_real, of_fake = values.detach().double().split([len(real), len(fake)])
    return float((of_real.mean() - of_fake.mean()) / slopes.norm(dim=1).max())
