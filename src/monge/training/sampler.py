"""Everything a step draws, as a function of seed, step and attempt."""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from monge.data.dataset import ArrayData, DataSet
from monge.model.random import Purpose, latent, stream
from monge.nn.collective import rank, world_size
from monge.objective import Batch
from monge.training.probe import EVERY, Probe

BOOST = 100
"""Critic updates of a boosted step (the WGAN authors' code)."""
TRANSPORTED = 3
"""Batches that make up one of the samples between which a step of exact transport matches."""
BEHIND = {"noise": 2, "perturbation": 2, "augment": 2}
"""Axis of the samples among the draws of a step, where it is not axis 1."""


@dataclass(frozen=True)
class StepInputs:
    """All that one step takes from the data and from chance, for its k critic updates and its generator update.

    Attributes:
        real: (k + 1, n, ...) real samples in model scale; here and below the last is the generator update's.
        latent: (k + 1, n, z) latent codes of the fakes.
        segment: (k + 1, n) positions for a penalty.
        noise: (k + 1, 2, n, ...) standard normal numbers for real and fake; None for an objective without noise.
        perturbation: (k + 1, m, n, ...) standard normal numbers for a penalty that takes m sets of them, or None.
        augment: (k + 1, 2, n, m) uniform numbers for transforms of real and fake, or None.
        labels: (k + 1, n) classes of the real samples, which the generator is asked for too, or None.
        replay: (k + 1, m) positions in [0, 1) of the past samples that replace m fakes of a critic update, or None.
        probe: what a look at the critic's overfitting takes, at those steps that have one.
    """

    real: Tensor
    latent: Tensor
    segment: Tensor
    noise: Tensor | None = None
    perturbation: Tensor | None = None
    augment: Tensor | None = None
    labels: Tensor | None = None
    replay: Tensor | None = None
    probe: Probe | None = None

    def to(self, device: torch.device) -> "StepInputs":
        """The same numbers on another device."""
        moved: dict[str, Any] = {}
        for item in fields(self):
            value: Tensor | Probe | None = getattr(self, item.name)
            moved[item.name] = None if value is None else value.to(device)
        return type(self)(**moved)

    def part(self, index: int, count: int) -> "StepInputs":
        """What one of several processes takes: an equal, consecutive part of every update's samples."""
        n = self.real.shape[1] // count
        mine = slice(index * n, (index + 1) * n)
        parts: dict[str, Any] = {}
        for item in fields(self):
            value: Tensor | Probe | None = getattr(self, item.name)
            whole = (slice(None),) * BEHIND.get(item.name, 1)
            # past samples come first in a batch, so that later parts may have none
            parts[item.name] = value[(*whole, mine)] if isinstance(value, Tensor) else value
        return type(self)(**parts)

    def batch(self, update: int, fake: Tensor, step: int, strength: Tensor, codes: Tensor | None) -> Batch:
        """What one of the updates sees, with its generated samples and their codes."""

        def part(values: Tensor | None) -> Tensor | None:
            return None if values is None else values[update]

        return Batch(
            real=self.real[update],
            fake=fake,
            segment=self.segment[update],
            step=step,
            noise=part(self.noise),
            perturbation=part(self.perturbation),
            labels=part(self.labels),
            augment=part(self.augment),
            strength=strength,
            codes=codes,
        )


@dataclass(frozen=True)
class TransportInputs(StepInputs):
    """What a step of exact transport takes: one sample of n real ones, and the codes (2, n, z) of two generated ones.

    The classes (1, n) of the real ones are those that both generated ones are asked for.
    """


@dataclass(frozen=True)
class Sampler:
    """Draws of a step for its critic updates and its generator update; one of several processes gets its part of them.

    Arguments:
        data: where real samples come from.
        latent: number of latent dimensions.
        batch: samples of one update.
        n_critic: critic updates of a step.
        boost: 100 critic updates for the first 25 and for every 500th step.
        seed: the run's seed.
        noisy: draw noise for real and fake.
        noise_sets: sets of normal numbers that a penalty takes.
        augmented: uniform numbers that the transforms of a sample take.
        validation: samples kept from training, for a strength of the transforms that is steered.
        conditional: draw classes with the real samples.
        replayed: past samples in each batch of fakes that the critic sees.
        transport: step from which the generator follows exact transport; none for never.
    """

    data: DataSet
    latent: int
    batch: int
    n_critic: int
    boost: bool
    seed: int
    noisy: bool = False
    noise_sets: int = 0
    augmented: int = 0
    validation: ArrayData | None = None
    conditional: bool = False
    replayed: int = 0
    transport: int | None = None

    def __call__(self, step: int, attempt: int = 0) -> StepInputs:
        whole = self._adversarial if self.transport is None or step < self.transport else self._transported
        inputs = whole(step, attempt)
        return inputs if world_size() == 1 else inputs.part(rank(), world_size())

    def _adversarial(self, step: int, attempt: int) -> StepInputs:
        updates = 1 + (BOOST if self.boost and (step < 25 or step % 500 == 0) else self.n_critic)
        n, split = updates * self.batch, (updates, self.batch)

        def chance(purpose: Purpose) -> torch.Generator:
            return stream(self.seed, purpose, step, attempt)

        def normals(purpose: Purpose, sets: int) -> torch.Tensor | None:
            shape = (updates, sets, self.batch, *self.data.codec.space.shape)
            return torch.randn(shape, generator=chance(purpose)) if sets else None

        real, labels = self._real(n, chance(Purpose.DATA))
        transforms = (updates, 2, self.batch, self.augmented)
        replay = torch.rand(updates, self.replayed, generator=chance(Purpose.REPLAY)) if self.replayed else None
        return StepInputs(
            real=real.unflatten(0, split),
            latent=latent(n, self.latent, chance(Purpose.LATENT)).unflatten(0, split),
            segment=torch.rand(split, generator=chance(Purpose.SEGMENT)),
            noise=normals(Purpose.NOISE, 2 if self.noisy else 0),
            perturbation=normals(Purpose.PERTURBATION, self.noise_sets),
            augment=torch.rand(transforms, generator=chance(Purpose.AUGMENT)) if self.augmented else None,
            labels=None if labels is None else labels.unflatten(0, split),
            replay=replay,
            probe=self._probe(step, attempt),
        )

    def _transported(self, step: int, attempt: int) -> TransportInputs:
        n = TRANSPORTED * self.batch
        real, labels = self._real(n, stream(self.seed, Purpose.DATA, step, attempt))
        codes = latent(2 * n, self.latent, stream(self.seed, Purpose.LATENT, step, attempt))
        return TransportInputs(
            real=real[None],
            latent=codes.unflatten(0, (2, n)),
            segment=torch.zeros(1, n),
            labels=None if labels is None else labels[None],
        )

    def _real(self, n: int, chance: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """n real samples, with their classes in a conditional run."""
        return self.data.labelled_batch(n, chance) if self.conditional else (self.data.batch(n, chance), None)

    def _probe(self, step: int, attempt: int) -> Probe | None:
        if self.validation is None or step % EVERY:
            return None
        assert isinstance(self.data, ArrayData)
        chance = stream(self.seed, Purpose.STEER, step, attempt)
        return Probe.draw(self.data, self.validation, self.latent, self.augmented, chance)
