"""One contract for every objective of the registry."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monge.config import registry, spec
from monge.nn.head import TwoHeadedCritic
from monge.objective import Batch, Objective
from monge.objective.auxiliary import MutualInformation
from monge.objective.objective import judge
from monge.objective.penalty import Penalty, Witness

CLASSES = 3
Case = tuple[Objective, nn.Module, Batch]


class Smooth(nn.Module):
    """A critic without kinks, whose derivatives of all orders numerical differences can check."""

    def __init__(self, inputs: int, width: int = 4, outputs: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, 3), nn.Tanh())
        self.output, self.feature_size = nn.Linear(3, outputs), 3

    def forward(self, x: Tensor) -> Tensor:
        values: Tensor = self.output(self.features(x))
        return values


def smooth_critic(inputs: int, width: int = 4, outputs: int = 1) -> Smooth:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Smooth(inputs, width, outputs).double()


def batch(*shape: int, seed: int = 0, sets: int = 3, step: int = 0) -> Batch:
    """Samples in float64, with noise and normal numbers for penalties."""
    draw = torch.Generator().manual_seed(seed)
    numbers = torch.randn(4 + sets, *shape, dtype=torch.float64, generator=draw)
    segment = torch.rand(shape[0], dtype=torch.float64, generator=draw)
    return Batch(numbers[0], numbers[1], segment, step, numbers[2:4], numbers[4:])


class Nothing(Penalty):
    """A penalty that is always 0, and asks no critic."""

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        return batch.real.new_zeros(())


def build(name: str) -> Objective:
    objective: Objective = spec.build(registry.OBJECTIVES, "--objective", name)
    return objective


def case(name: str, *shape: int) -> Case:
    """An objective with a smooth critic that fits it and a batch with all that it may ask for."""
    objective = build(name)
    critic: nn.Module = smooth_critic(int(np.prod(shape[1:])), outputs=2 if objective.loss.vector else 1)
    seen, auxiliary = batch(*shape), objective.auxiliary
    if auxiliary is not None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(2)
            critic = TwoHeadedCritic(critic, auxiliary.outputs(CLASSES)).double()
        if auxiliary.conditional:
            seen = replace(seen, labels=torch.arange(shape[0]) % CLASSES)
        if isinstance(auxiliary, MutualInformation):
            latent = torch.randn(shape[0], 8, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
            seen = replace(seen, codes=auxiliary.codes.of(latent))
    return objective, critic, seen


def parameters_of(critic: nn.Module, f: Callable[[], Tensor]) -> tuple[Callable[..., Tensor], tuple[Tensor, ...]]:
    """f as a function of the critic's parameters, for gradcheck."""
    names = [name for name, _ in critic.named_parameters()]
    values = tuple(value.detach().clone().requires_grad_() for value in critic.parameters())

    class Scope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.critic = critic

        def forward(self) -> Tensor:
            return f()

    scope = Scope()

    def function(*new: Tensor) -> Tensor:
        return torch.func.functional_call(scope, {f"critic.{n}": v for n, v in zip(names, new, strict=True)}, ())

    return function, values


every_objective = pytest.mark.parametrize("name", registry.OBJECTIVES)
penalised = pytest.mark.parametrize("name", [name for name in registry.OBJECTIVES if build(name).penalty is not None])


@every_objective
@pytest.mark.parametrize("shape", [(6, 4), (6, 1, 4, 4)])
def test_terms_are_finite_and_their_gradients_arrive(name: str, shape: tuple[int, ...]) -> None:
    objective, critic, seen = case(name, *shape)
    terms = objective.critic_loss(critic, seen)
    expected = ["critic_loss"] + ["penalty"] * (objective.penalty is not None)
    suffix = [] if objective.auxiliary is None else [objective.auxiliary.name]
    assert list(terms.named) == expected + [f"critic_{term}" for term in suffix]
    assert all(value.shape == () and torch.isfinite(value) for value in terms.named.values())
    assert terms.total.item() == pytest.approx(sum(value.item() for value in terms.named.values()))
    terms.total.backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in critic.parameters())
    assert sum(p.grad.abs().sum() > 0 for p in critic.parameters()) >= len(list(critic.parameters())) - 1

    fake = seen.fake.clone().requires_grad_()
    terms = objective.generator_loss(critic, replace(seen, fake=fake))
    assert list(terms.named) == ["generator_loss"] + [f"generator_{term}" for term in suffix]
    assert all(value.shape == () and torch.isfinite(value) for value in terms.named.values())
    terms.total.backward()
    assert fake.grad is not None
    assert (fake.grad.flatten(1).norm(dim=1) > 0).all()


@every_objective
def test_critic_gradients(name: str) -> None:
    objective, critic, seen = case(name, 4, 2)
    assert torch.autograd.gradcheck(*parameters_of(critic, lambda: objective.critic_loss(critic, seen).total))


@every_objective
def test_generator_gradients(name: str) -> None:
    objective, critic, seen = case(name, 4, 2)

    def loss(fake: Tensor) -> Tensor:
        return objective.generator_loss(critic, replace(seen, fake=fake)).total

    assert torch.autograd.gradcheck(loss, (seen.fake.clone().requires_grad_(),))


@penalised
def test_second_derivatives_of_the_penalty(name: str) -> None:
    objective, critic, seen = case(name, 2, 1)
    function = parameters_of(critic, lambda: objective.critic_loss(critic, seen).named["penalty"])
    assert torch.autograd.gradgradcheck(*function)


def passes(critic: nn.Module) -> list[int]:
    """A list that grows by one with each forward pass."""
    found: list[int] = []
    critic.register_forward_pre_hook(lambda *_: found.append(1))
    return found


@every_objective
def test_one_pass_serves_for_real_and_generated_samples_where_there_is_a_penalty(name: str) -> None:
    objective, critic, seen = case(name, 6, 4)
    objective = replace(objective, penalty=objective.penalty and Nothing(), noise=None, auxiliary=None)
    seen, made = replace(seen, labels=None), passes(critic)
    found = objective.critic_loss(critic, seen).named["critic_loss"]
    assert len(made) == (2 if objective.penalty is None else 1)
    real, fake = (judge(critic, samples, seen) for samples in (seen.real, seen.fake))
    assert found.item() == pytest.approx(objective.loss.critic(real, fake).item(), rel=1e-12)


def test_fewer_generated_samples_than_real_ones() -> None:
    objective, critic, seen = case("wgan-gp", 6, 4)
    objective, seen = replace(objective, penalty=Nothing()), replace(seen, fake=seen.fake[:2])
    found = objective.critic_loss(critic, seen).named["critic_loss"]
    assert found.item() == pytest.approx((critic(seen.fake).mean() - critic(seen.real).mean()).item(), rel=1e-12)


@every_objective
def test_objective_is_stateless(name: str) -> None:
    objective, critic, seen = case(name, 5, 4)
    other = replace(seen, real=seen.fake + 1, step=17)

    def values(seen: Batch) -> list[float]:
        return [f(critic, seen).total.item() for f in (objective.critic_loss, objective.generator_loss)]

    first = values(seen)
    values(other)
    assert values(seen) == first
    assert [f(build(name)) for f in (hash, repr)] == [f(objective) for f in (hash, repr)]


@every_objective
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1), (0, 0)])
def test_huge_outputs_of_the_critic(name: str, signs: tuple[int, int]) -> None:
    loss = build(name).loss
    spread = torch.linspace(0, 1, 6).view(3, 2)[:, : 2 if loss.vector else 1]
    real, fake = ((sign * (1e4 + spread)).requires_grad_() for sign in signs)
    for value in (loss.critic(real, fake), loss.generator(real, fake)):
        gradients = torch.autograd.grad(value, (real, fake), allow_unused=True)
        assert torch.isfinite(value)
        assert all(gradient is None or torch.isfinite(gradient).all() for gradient in gradients)
    assert torch.isfinite(loss.witness(real, real, fake)).all()
