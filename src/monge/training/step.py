"""One step: several critic updates, then one generator update (Algorithm 1 of the Wasserstein GAN papers); or, in the
last part of a training that asks for it, one generator update by exact transport."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from monge.nn.collective import gathered, world_size
from monge.nn.condition import condition_of
from monge.objective import Batch, Objective
from monge.objective.exact_transport import transport_excess
from monge.training.processes import average_gradients
from monge.training.replay import mixed
from monge.training.sampler import StepInputs, TransportInputs
from monge.training.state import TrainingState
from monge.training.steering import steer


def train_step(state: TrainingState, objective: Objective, inputs: StepInputs) -> dict[str, Tensor]:
    """Updates critic, generator and average in place; returns the named terms of the last update of each."""
    if isinstance(inputs, TransportInputs):
        return transport_step(state, inputs)
    return update_critic(state, objective, inputs) | update_generator(state, objective, inputs)


def transport_step(state: TrainingState, inputs: TransportInputs) -> dict[str, Tensor]:
    """Updates generator and average by the transport between two samples of it and a real one; returns its value."""
    real, labels = inputs.real[0], None if inputs.labels is None else inputs.labels[0]
    asked = None if labels is None else labels.repeat(2)
    fake = generated(state.generator, inputs.latent.flatten(0, 1), asked).unflatten(0, (2, -1))
    # matched among the samples of all processes, so that each has the loss of the whole
    whole = torch.stack([gathered(part) for part in fake])
    loss = transport_excess(gathered(real), whole, None if labels is None else gathered(labels))
    state.generator_optimiser.zero_grad()
    loss.backward()
    average_gradients(state.generator)
    state.generator_optimiser.step()
    state.average.update(state.generator)
    state.step += 1
    return {"transport": loss.detach()}


def update_critic(state: TrainingState, objective: Objective, inputs: StepInputs) -> dict[str, Tensor]:
    """All critic updates of a step; returns the named terms of the last."""
    *_, terms = critic_updates(state, objective, inputs)
    return terms


def critic_updates(state: TrainingState, objective: Objective, inputs: StepInputs) -> Iterator[dict[str, Tensor]]:
    """The critic updates of a step, one at a time; gives the named terms of each after it was made."""
    for batch in critic_batches(state, inputs):
        terms = objective.critic_loss(state.critic, batch)
        state.critic_optimiser.zero_grad()
        terms.total.backward()
        average_gradients(state.critic)
        state.critic_optimiser.step()
        if objective.constraint is not None:
            objective.constraint(state.critic)
        yield _detached(terms.named)


def update_generator(state: TrainingState, objective: Objective, inputs: StepInputs) -> dict[str, Tensor]:
    """The generator update with which a step ends, and all that goes with it; returns the named terms."""
    fake, terms = generator_gradient(state, objective, inputs)
    state.generator_optimiser.step()
    if state.pool is not None:
        state.pool.keep(fake.detach(), state.critic, state.step)
    state.average.update(state.generator)
    if objective.augment is not None and inputs.probe is not None:
        steer(state, objective.augment, inputs.probe, world_size() * inputs.real.shape[1])
    if objective.augment is not None and objective.augment.steered:
        terms["augment"] = state.strength
    state.step += 1
    return _detached(terms)


def generator_gradient(
    state: TrainingState, objective: Objective, inputs: StepInputs
) -> tuple[Tensor, dict[str, Tensor]]:
    """Puts the generator's gradient in place, for its optimiser; returns its samples and the named terms."""
    # it passes through the critic but must not be collected there
    trained = [parameter for parameter in state.critic.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    labels = None if inputs.labels is None else inputs.labels[-1]
    fake = generated(state.generator, inputs.latent[-1], labels)
    own = inputs.batch(
        -1,
        fake,
        state.step,
        state.strength,
        codes_of(state.generator, inputs.latent[-1], conditional=labels is not None),
    )
    terms = objective.generator_loss(state.critic, own)
    state.generator_optimiser.zero_grad()
    terms.total.backward()
    average_gradients(state.generator)
    for parameter in trained:
        parameter.requires_grad_(True)
    return fake, terms.named


def _detached(terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in terms.items()}


def critic_batches(state: TrainingState, inputs: StepInputs) -> Iterator[Batch]:
    """The batches of a step's critic updates.

    The generator does not move in between, so all fakes are sampled in one pass, without a graph.
    """
    latent = inputs.latent[:-1]
    updates, n = latent.shape[:2]
    labels = None if inputs.labels is None else inputs.labels[:-1].flatten()
    with torch.no_grad():
        fakes = generated(state.generator, latent.flatten(0, 1), labels).unflatten(0, (updates, n))
    for update, fake in enumerate(fakes):
        if state.pool is not None and inputs.replay is not None:
            fake = mixed(fake, state.pool, inputs.replay[update])
        codes = codes_of(state.generator, latent[update], conditional=labels is not None)
        yield inputs.batch(update, fake, state.step, state.strength, codes)


def generated(generator: nn.Module, latent: Tensor, labels: Tensor | None) -> Tensor:
    """Samples of latent codes (n, z), of the given classes (n,) where there are some."""
    samples: Tensor = generator(latent) if labels is None else generator(latent, labels)
    return samples


def codes_of(generator: nn.Module, latent: Tensor, *, conditional: bool) -> Tensor | None:
    """The codes (n, c) that a generator makes of latent numbers (n, z); none where it is asked for classes instead."""
    return None if conditional else condition_of(generator, latent)
