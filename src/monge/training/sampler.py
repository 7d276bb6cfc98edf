"""Everything a step draws, as a function of the seed and the step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from monge.data.dataset import DataSet
from monge.nn.layer import latent
from monge.training.random import Purpose, stream
from monge.training.step import Draw

BOOST = 100
"""Critic updates of a boosted step (the WGAN authors' code)."""


@dataclass(frozen=True)
class Sampler:
    """Draws of a step for its critic updates and its generator update.

    Arguments:
        data: where real samples come from.
        latent: number of latent dimensions.
        batch: samples of one update.
        n_critic: critic updates of a step.
        boost: 100 critic updates for the first 25 and for every 500th step.
        seed: the run's seed.
        noisy: draw noise for real, fake and the generator's samples.
    """

    data: DataSet
    latent: int
    batch: int
    n_critic: int
    boost: bool
    seed: int
    noisy: bool = False

    def __call__(self, step: int) -> Draw:
        updates = BOOST if self.boost and (step < 25 or step % 500 == 0) else self.n_critic
        n, split = updates * self.batch, (updates, self.batch)
        codes = latent(n + self.batch, self.latent, stream(self.seed, Purpose.LATENT, step))
        positions = stream(self.seed, Purpose.SEGMENT, step)
        return Draw(
            real=self.data.batch(n, stream(self.seed, Purpose.DATA, step)).unflatten(0, split),
            latent=codes[:n].unflatten(0, split),
            segment=torch.rand(split, generator=positions),
            generator_latent=codes[n:],
            noise=self.noise(updates, step) if self.noisy else None,
        )

    def noise(self, updates: int, step: int) -> Tensor:
        """Standard normal numbers for the samples of a step, see `Draw`."""
        shape = (2 * updates + 1, self.batch, *self.data.codec.shape)
        return torch.randn(shape, generator=stream(self.seed, Purpose.NOISE, step))
