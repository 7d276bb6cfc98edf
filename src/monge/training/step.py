"""One step: several critic updates, then one generator update (Algorithm 1 of the Wasserstein GAN papers)."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from monge.objective import Batch, Objective
from monge.training.state import TrainingState


@dataclass(frozen=True)
class Draw:
    """All that one step takes from the data and from chance, for its k critic updates and its generator update.

    Attributes:
        real: (k, n, ...) real samples in model scale.
        latent: (k, n, z) latent codes of the critic's fakes.
        segment: (k, n) positions for a penalty.
        generator_latent: (n, z) latent codes of the generator's update.
        noise: (2 k + 1, n, ...) standard normal numbers: a real and a fake set of each critic update, and the
            generator's; None for an objective without noise.
    """

    real: Tensor
    latent: Tensor
    segment: Tensor
    generator_latent: Tensor
    noise: Tensor | None = None

    def to(self, device: torch.device) -> "Draw":
        """The same numbers on another device."""
        return Draw(
            self.real.to(device),
            self.latent.to(device),
            self.segment.to(device),
            self.generator_latent.to(device),
            None if self.noise is None else self.noise.to(device),
        )


def train_step(state: TrainingState, objective: Objective, draw: Draw) -> dict[str, Tensor]:
    """Updates critic, generator and average in place; returns the named terms of the last update of each."""
    terms: dict[str, Tensor] = {}
    for batch in critic_batches(state, draw):
        critic_terms = objective.critic_loss(state.critic, batch)
        state.critic_optimiser.zero_grad()
        critic_terms.total.backward()
        state.critic_optimiser.step()
        if objective.constraint is not None:
            objective.constraint(state.critic)
        terms = critic_terms.named

    # the generator's gradient passes through the critic but must not be collected there
    state.critic.requires_grad_(False)
    fake = state.generator(draw.generator_latent)
    noise = None if draw.noise is None else draw.noise[-1]
    generator_terms = objective.generator_loss(state.critic, fake, state.step, noise)
    state.generator_optimiser.zero_grad()
    generator_terms.total.backward()
    state.generator_optimiser.step()
    state.critic.requires_grad_(True)

    state.average.update_parameters(state.generator)
    state.step += 1
    return {name: value.detach() for name, value in (terms | generator_terms.named).items()}


def critic_batches(state: TrainingState, draw: Draw) -> Iterator[Batch]:
    """The batches of a step's critic updates.

    The generator does not move in between, so all fakes are sampled in one pass, without a graph.
    """
    updates, n = draw.real.shape[:2]
    with torch.no_grad():
        fakes = state.generator(draw.latent.flatten(0, 1)).unflatten(0, (updates, n))
    noise = [None] * updates if draw.noise is None else draw.noise[:-1].unflatten(0, (updates, 2))
    for real, fake, segment, normal in zip(draw.real, fakes, draw.segment, noise, strict=True):
        yield Batch(real, fake, segment, state.step, normal)
