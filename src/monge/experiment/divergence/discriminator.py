"""A discriminator trained from its start between two distributions that stand still."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from monge.nn.mlp import MLPCritic
from monge.objective.loss import cross_entropy

Pair = tuple[Tensor, Tensor]


def network(shape: tuple[int, ...], seed: int, width: int = 64, depth: int = 2) -> nn.Module:
    """A fresh fully connected discriminator, samples (n, *shape) to logits (n, 1)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MLPCritic(shape, width, depth)


def train_discriminator(
    discriminator: nn.Module,
    batch: Callable[[int], Pair],
    steps: int,
    *,
    rate: float = 1e-3,
    betas: tuple[float, float] = (0.9, 0.999),
    watch: Callable[[int], None] = lambda step: None,
) -> None:
    """Minimises the cross entropy (Zheng 2017, eq. 1) by Adam.

    Arguments:
        batch: real and generated samples of a step.
        watch: called before every step and after the last.
    """
    optimiser = torch.optim.Adam(discriminator.parameters(), rate, betas)
    for step in range(steps):
        watch(step)
        real, fake = batch(step)
        optimiser.zero_grad()
        cross_entropy(discriminator(real), discriminator(fake)).backward()
        optimiser.step()
    watch(steps)


def probabilities(discriminator: nn.Module, samples: Tensor) -> Tensor:
    """D, the probability of being real, of each sample, in float64."""
    with torch.no_grad():
        logits: Tensor = discriminator(samples)
    return logits[:, 0].double().sigmoid()
