"""One step: several critic updates, then one generator update (Algorithm 1 of the Wasserstein GAN papers)."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from monge.nn.code import CodedGenerator
from monge.objective import Batch, Objective
from monge.training.replay import mixed
from monge.training.state import TrainingState


@dataclass(frozen=True)
class Draw:
    """All that one step takes from the data and from chance, for its k critic updates and its generator update.

    Attributes:
        real: (k + 1, n, ...) real samples in model scale; here and below the last is the generator update's.
        latent: (k + 1, n, z) latent codes of the fakes.
        segment: (k + 1, n) positions for a penalty.
        noise: (k + 1, 2, n, ...) standard normal numbers for real and fake; None for an objective without noise.
        perturbation: (k + 1, m, n, ...) standard normal numbers for a penalty that takes m sets of them, or None.
        labels: (k + 1, n) classes of the real samples, which the generator is asked for too, or None.
        replay: (k + 1, m) positions in [0, 1) of the past samples that replace m fakes of a critic update, or None.
    """

    real: Tensor
    latent: Tensor
    segment: Tensor
    noise: Tensor | None = None
    perturbation: Tensor | None = None
    labels: Tensor | None = None
    replay: Tensor | None = None

    def to(self, device: torch.device) -> "Draw":
        """The same numbers on another device."""
        moved: dict[str, Any] = {}
        for item in fields(self):
            value: Tensor | None = getattr(self, item.name)
            moved[item.name] = None if value is None else value.to(device)
        return Draw(**moved)

    def batch(self, update: int, fake: Tensor, step: int, codes: Tensor | None) -> Batch:
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
            codes=codes,
        )


def train_step(state: TrainingState, objective: Objective, draw: Draw) -> dict[str, Tensor]:
    """Updates critic, generator and average in place; returns the named terms of the last update of each."""
    terms = update_critic(state, objective, draw)
    fake, generator_terms = generator_gradient(state, objective, draw)
    state.generator_optimiser.step()
    if state.pool is not None:
        state.pool.keep(fake.detach(), state.critic, state.step)
    state.average.update_parameters(state.generator)
    state.step += 1
    return {name: value.detach() for name, value in (terms | generator_terms).items()}


def update_critic(state: TrainingState, objective: Objective, draw: Draw) -> dict[str, Tensor]:
    """All critic updates of a step; returns the named terms of the last."""
    terms: dict[str, Tensor] = {}
    for batch in critic_batches(state, draw):
        critic_terms = objective.critic_loss(state.critic, batch)
        state.critic_optimiser.zero_grad()
        critic_terms.total.backward()
        state.critic_optimiser.step()
        if objective.constraint is not None:
            objective.constraint(state.critic)
        terms = critic_terms.named
    return terms


def generator_gradient(state: TrainingState, objective: Objective, draw: Draw) -> tuple[Tensor, dict[str, Tensor]]:
    """Puts the generator's gradient in place, for its optimiser; returns its samples and the named terms."""
    # it passes through the critic but must not be collected there
    trained = [parameter for parameter in state.critic.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    labels = None if draw.labels is None else draw.labels[-1]
    fake = generated(state.generator, draw.latent[-1], labels)
    own = draw.batch(-1, fake, state.step, codes_of(state.generator, draw.latent[-1]))
    terms = objective.generator_loss(state.critic, own)
    state.generator_optimiser.zero_grad()
    terms.total.backward()
    for parameter in trained:
        parameter.requires_grad_(True)
    return fake, terms.named


def critic_batches(state: TrainingState, draw: Draw) -> Iterator[Batch]:
    """The batches of a step's critic updates.

    The generator does not move in between, so all fakes are sampled in one pass, without a graph.
    """
    latent = draw.latent[:-1]
    updates, n = latent.shape[:2]
    labels = None if draw.labels is None else draw.labels[:-1].flatten()
    with torch.no_grad():
        fakes = generated(state.generator, latent.flatten(0, 1), labels).unflatten(0, (updates, n))
    for update, fake in enumerate(fakes):
        if state.pool is not None and draw.replay is not None:
            fake = mixed(fake, state.pool, draw.replay[update])
        yield draw.batch(update, fake, state.step, codes_of(state.generator, latent[update]))


def generated(generator: nn.Module, latent: Tensor, labels: Tensor | None) -> Tensor:
    """Samples of latent codes (n, z), of the given classes (n,) where there are some."""
    samples: Tensor = generator(latent) if labels is None else generator(latent, labels)
    return samples


def codes_of(generator: nn.Module, latent: Tensor) -> Tensor | None:
    """The codes (n, c) that a generator makes of latent numbers (n, z), if it makes some."""
    return generator.codes.of(latent) if isinstance(generator, CodedGenerator) else None
