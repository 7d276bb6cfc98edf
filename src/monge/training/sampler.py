"""Everything a step draws, as a function of the seed and the step."""

from dataclasses import dataclass

import torch

from monge.data.dataset import DataSet
from monge.model.random import Purpose, stream
from monge.nn.layer import latent
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
        noisy: draw noise for real and fake.
        perturbations: sets of normal numbers that a penalty takes.
        conditional: draw classes with the real samples.
        replayed: past samples in each batch of fakes that the critic sees.
    """

    data: DataSet
    latent: int
    batch: int
    n_critic: int
    boost: bool
    seed: int
    noisy: bool = False
    perturbations: int = 0
    conditional: bool = False
    replayed: int = 0

    def __call__(self, step: int) -> Draw:
        updates = 1 + (BOOST if self.boost and (step < 25 or step % 500 == 0) else self.n_critic)
        n, split = updates * self.batch, (updates, self.batch)

        def chance(purpose: Purpose) -> torch.Generator:
            return stream(self.seed, purpose, step)

        def normals(purpose: Purpose, sets: int) -> torch.Tensor | None:
            shape = (updates, sets, self.batch, *self.data.codec.shape)
            return torch.randn(shape, generator=chance(purpose)) if sets else None

        labels = None
        if self.conditional:
            real, labels = self.data.labelled_batch(n, chance(Purpose.DATA))
        else:
            real = self.data.batch(n, chance(Purpose.DATA))
        replay = torch.rand(updates, self.replayed, generator=chance(Purpose.REPLAY)) if self.replayed else None
        return Draw(
            real=real.unflatten(0, split),
            latent=latent(n, self.latent, chance(Purpose.LATENT)).unflatten(0, split),
            segment=torch.rand(split, generator=chance(Purpose.SEGMENT)),
            noise=normals(Purpose.NOISE, 2 if self.noisy else 0),
            perturbation=normals(Purpose.PERTURBATION, self.perturbations),
            labels=None if labels is None else labels.unflatten(0, split),
            replay=replay,
        )
