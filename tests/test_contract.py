"""What every objective promises with every kind of network; a new line in the registry needs no new test."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monge.config.registry import OBJECTIVES
from monge.data.source import in_memory
from monge.errors import UserError
from monge.objective import Objective, Terms
from monge.training.assemble import assemble
from monge.training.sampler import StepInputs
from monge.training.settings import published
from monge.training.state import TrainingState
from monge.training.step import codes_of, critic_batches, generated, train_step

RANDOM = np.random.default_rng(0)
LABELS = np.arange(60) % 3
VECTORS = in_memory(RANDOM.normal(size=(60, 5)), LABELS, "vectors")
IMAGES = in_memory(RANDOM.integers(0, 256, (60, 8, 8, 1), np.uint8), LABELS, "images")
NETWORKS = {
    "mlp": (VECTORS, "mlp:width=8:depth=2:latent=4", "mlp:width=8:depth=2"),
    "mlp-images": (IMAGES, "mlp:width=8:depth=2:norm=batch:latent=4", "mlp:width=8:depth=2"),
    "dcgan": (IMAGES, "dcgan:width=8:latent=4", "dcgan:width=8"),
    "dcgan-constant": (IMAGES, "dcgan:width=8:constant=true:norm=none", "dcgan:width=8:constant=true"),
    "sngan": (IMAGES, "dcgan:width=8:latent=4", "sngan:width=8"),
    "resnet": (IMAGES, "resnet:width=8:latent=4", "resnet:width=8"),
}
REFUSED = {("wgan-lipschitz", "resnet")}
"""Combinations that make no sense: a sum of a residual and its input is not 1-Lipschitz."""

every_objective = pytest.mark.parametrize("name", OBJECTIVES)
every_network = pytest.mark.parametrize("kind", NETWORKS)


def assembled(name: str, kind: str) -> tuple[TrainingState, Objective, StepInputs]:
    """A small state at its first step, with everything that step draws."""
    data, generator, critic = NETWORKS[kind]
    config = published(data, None, name, generator, critic)
    config = replace(config, training=replace(config.training, batch=8, n_critic=2))
    state, objective, sampler = assemble(config, data, torch.device("cpu"))
    state.generator.double()
    state.critic.double()
    moved = {
        key: value.double() for key, value in vars(sampler(0)).items() if torch.is_tensor(value) and key != "labels"
    }
    return state, objective, replace(sampler(0), **moved)


def silent(network: nn.Module) -> set[str]:
    """Parameters that no gradient has reached, but for rounding."""
    largest = max(float(p.grad.abs().max()) for p in network.parameters() if p.grad is not None)
    return {
        name for name, p in network.named_parameters() if p.grad is None or float(p.grad.abs().max()) < 1e-9 * largest
    }


def idle(network: nn.Module, value: Callable[[], Tensor]) -> set[str]:
    """Biases that do not matter: changed, they leave the value as it is.

    A bias before batch norm is taken away with the mean; the last bias of a critic moves both sides of a difference.
    """
    before = value().item()
    found = set()
    for name, p in network.named_parameters():
        if not name.endswith("bias"):
            continue
        kept = p.detach().clone()
        p.data += 1e-3 * torch.randn(p.shape, dtype=p.dtype, generator=torch.Generator().manual_seed(0))
        if abs(value().item() - before) < 1e-12:
            found.add(name)
        p.data.copy_(kept)
    return found


@every_objective
@every_network
def test_contract(name: str, kind: str) -> None:
    if (name, kind) in REFUSED:
        with pytest.raises(UserError):
            assembled(name, kind)
        return
    state, objective, draw = assembled(name, kind)
    # in evaluation layers with a memory leave it alone
    state.critic.eval()
    batch = next(critic_batches(state, draw))
    assert batch.fake.shape == batch.real.shape
    assert not batch.fake.requires_grad

    terms = objective.critic_loss(state.critic, batch)
    assert all(value.shape == () and torch.isfinite(value) for value in terms.named.values())
    terms.total.backward()
    assert silent(state.critic) == idle(state.critic, lambda: objective.critic_loss(state.critic, batch).total)
    assert all(p.grad is None for p in state.generator.parameters())

    state.critic.zero_grad()
    state.critic.requires_grad_(False)

    def generator_terms() -> Terms:
        labels = None if draw.labels is None else draw.labels[-1]
        fake = generated(state.generator, draw.latent[-1], labels)
        codes = codes_of(state.generator, draw.latent[-1], conditional=draw.labels is not None)
        own = draw.batch(-1, fake, 0, state.strength, codes)
        return objective.generator_loss(state.critic, own)

    terms = generator_terms()
    assert all(value.shape == () and torch.isfinite(value) for value in terms.named.values())
    terms.total.backward()
    assert silent(state.generator) == idle(state.generator, lambda: generator_terms().total)
    assert all(p.grad is None for p in state.critic.parameters())


@every_objective
@every_network
def test_the_same_inputs_and_step_give_the_same_value(name: str, kind: str) -> None:
    if (name, kind) in REFUSED:
        return
    state, objective, draw = assembled(name, kind)
    # power iterations are the critic's memory, which evaluation does not touch
    state.critic.eval()
    batch = next(critic_batches(state, draw))
    first = objective.critic_loss(state.critic, batch).total
    objective.critic_loss(state.critic, replace(batch, fake=batch.fake + 1, step=7))
    assert torch.equal(objective.critic_loss(state.critic, batch).total, first)


@every_objective
def test_two_steps_train(name: str) -> None:
    data, generator, critic = NETWORKS["mlp"]
    config = published(data, None, name, generator, critic)
    config = replace(config, training=replace(config.training, batch=8))
    state, objective, sampler = assemble(config, data, torch.device("cpu"))
    for _ in range(2):
        terms = train_step(state, objective, sampler(state.step))
        assert all(torch.isfinite(value) for value in terms.values())
