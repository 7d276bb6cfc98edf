"""The training loop as a careful textbook would write it, with torch's own layers, to time monge's steps against.

WGAN with gradient penalty or clipped weights, five critic updates, data in memory. Nothing is left out that a loop
needs and nothing is added: no log, no average, no checks.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

N_CRITIC = 5


def mlp(inputs: int, outputs: int, width: int, hidden: Callable[[], nn.Module]) -> nn.Sequential:
    """Three hidden layers."""
    sizes = [inputs, width, width, width]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), hidden()]
    return nn.Sequential(*layers, nn.Linear(width, outputs))


def dcgan_generator(latent: int, channels: int, width: int, side: int, levels: int = 3) -> nn.Sequential:
    """Transposed convolutions from side / 2^levels on, with batch norm."""
    base, filters = side >> levels, [width << level for level in reversed(range(levels))]
    layers: list[nn.Module] = [nn.Linear(latent, filters[0] * base**2), nn.Unflatten(1, (filters[0], base, base))]
    layers += [nn.BatchNorm2d(filters[0]), nn.ReLU()]
    for many, few in pairwise(filters):
        layers += [nn.ConvTranspose2d(many, few, 4, 2, 1), nn.BatchNorm2d(few), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh())


def dcgan_critic(channels: int, width: int, side: int, levels: int = 3) -> nn.Sequential:
    """Strided convolutions down to side / 2^levels, without a norm."""
    filters = [channels, *(width << level for level in range(levels))]
    layers: list[nn.Module] = []
    for few, many in pairwise(filters):
        layers += [nn.Conv2d(few, many, 4, 2, 1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(filters[-1] * (side >> levels) ** 2, 1))


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, weight: float = 10.0) -> Tensor:
    """Algorithm 1 of Gulrajani et al. 2017."""
    position = torch.rand(len(real), *[1] * (real.dim() - 1))
    points = (position * real + (1 - position) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return weight * (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def any_of(samples: Tensor) -> Callable[[int], Tensor]:
    """Draws from samples in memory, (n, ...)."""
    return lambda count: samples[torch.randint(len(samples), (count,))]


def steps(
    generator: nn.Module,
    critic: nn.Module,
    data: Callable[[int], Tensor],
    *,
    latent: int,
    batch: int,
    clip: float | None = None,
    weight: float = 10.0,
    beta1: float = 0.0,
) -> Iterator[None]:
    """Trains one generator update at a time.

    Arguments:
        data: gives so many real samples in model scale.
        clip: bound of the critic's weights; None for the gradient penalty.
        weight: of the penalty.
        beta1: of Adam.
    """
    if clip is None:
        optimisers = [torch.optim.Adam(network.parameters(), 1e-4, (beta1, 0.9)) for network in (generator, critic)]
    else:
        optimisers = [torch.optim.RMSprop(network.parameters(), 5e-5) for network in (generator, critic)]
    while True:
        for _ in range(N_CRITIC):
            real = data(batch)
            with torch.no_grad():
                fake = generator(torch.randn(batch, latent))
            loss = critic(fake).mean() - critic(real).mean()
            if clip is None:
                loss = loss + gradient_penalty(critic, real, fake, weight)
            optimisers[1].zero_grad()
            loss.backward()
            optimisers[1].step()
            if clip is not None:
                with torch.no_grad():
                    for parameter in critic.parameters():
                        parameter.clamp_(-clip, clip)
        for parameter in critic.parameters():
            parameter.requires_grad_(False)
        loss = -critic(generator(torch.randn(batch, latent))).mean()
        optimisers[0].zero_grad()
        loss.backward()
        optimisers[0].step()
        for parameter in critic.parameters():
            parameter.requires_grad_(True)
        yield
