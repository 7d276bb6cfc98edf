"""Losses, penalty and constraint against closed forms, and the published rules."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from monge import catalogue
from monge.assemble import recommended
from monge.data.source import in_memory
from monge.errors import UserError
from monge.nn.layer import ChannelNorm
from monge.objective import Batch, Objective, wgan, wgan_gp
from monge.objective.constraint import ClipWeights
from monge.objective.loss import Wasserstein
from monge.objective.penalty import GradientPenalty, slope
from monge.training.state import optimiser

few = settings(deadline=None, max_examples=25)


def batch(*shape: int, seed: int = 0, segment: Tensor | None = None) -> Batch:
    draw = torch.Generator().manual_seed(seed)
    real, fake = (torch.randn(shape, dtype=torch.float64, generator=draw) for _ in range(2))
    positions = torch.rand(shape[0], dtype=torch.float64, generator=draw) if segment is None else segment
    return Batch(real, fake, positions, 0)


def smooth_critic(features: int, width: int = 5) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(
            nn.Flatten(), nn.Linear(features, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        ).double()


def linear_critic(weight: Tensor) -> nn.Module:
    critic = nn.Linear(len(weight), 1).double()
    critic.weight.data[0] = weight
    return critic


def hand_gradients(hidden: nn.Linear, last: nn.Linear, x: np.ndarray) -> np.ndarray:
    """Gradients of v . tanh(W x + b): W^T (v * (1 - tanh^2)), one row for each sample."""
    W, b, v = (p.detach().numpy() for p in (hidden.weight, hidden.bias, last.weight[0]))
    return (v * (1 - np.tanh(x @ W.T + b) ** 2)) @ W


@few
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=4), st.floats(0, 20), st.floats(0.1, 3))
def test_penalty_of_a_linear_critic(weights: list[float], weight: float, target: float) -> None:
    w = torch.tensor(weights, dtype=torch.float64)
    expected = weight * (np.linalg.norm(weights) - target) ** 2
    value = GradientPenalty(weight, target)(linear_critic(w), batch(6, len(w)))
    assert value.item() == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("shape", [(7, 3), (5, 2, 3, 3)])
def test_penalty_of_one_hidden_layer(shape: tuple[int, ...]) -> None:
    seen = batch(*shape)
    hidden, last = nn.Linear(int(np.prod(shape[1:])), 4).double(), nn.Linear(4, 1).double()
    real, fake, t = seen.real.flatten(1).numpy(), seen.fake.flatten(1).numpy(), seen.segment.numpy()[:, None]
    norms = np.linalg.norm(hand_gradients(hidden, last, t * real + (1 - t) * fake), axis=1)
    value = GradientPenalty(10.0)(nn.Sequential(nn.Flatten(), hidden, nn.Tanh(), last), seen)
    assert abs(value.item() - 10 * np.mean((norms - 1) ** 2)) < 1e-10


def test_norm_is_taken_of_each_sample_not_of_the_batch() -> None:
    # critic |x|^2 / 2 has the gradient x: norms 0.6 and 0.8 apart, exactly 1 over the batch
    points = torch.tensor([[0.6, 0.0], [0.0, 0.8]], dtype=torch.float64)
    seen = Batch(points, points, torch.zeros(2, dtype=torch.float64), 0)

    class Half(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square().sum(1, keepdim=True) / 2

    value = GradientPenalty(10.0)(Half(), seen).item()
    assert abs(value - 10 * (0.4**2 + 0.2**2) / 2) < 1e-10
    over_the_batch = 10 * (points.norm().item() - 1) ** 2
    assert over_the_batch == pytest.approx(0, abs=1e-12)
    assert value != pytest.approx(over_the_batch)


@pytest.mark.parametrize(("position", "attribute"), [(0.0, "fake"), (1.0, "real")])
def test_segment_runs_from_fake_to_real(position: float, attribute: str) -> None:
    seen = batch(4, 3, segment=torch.full((4,), position, dtype=torch.float64))
    hidden, last = nn.Linear(3, 4).double(), nn.Linear(4, 1).double()
    norms = np.linalg.norm(hand_gradients(hidden, last, getattr(seen, attribute).numpy()), axis=1)
    value = GradientPenalty(1.0)(nn.Sequential(hidden, nn.Tanh(), last), seen)
    assert abs(value.item() - np.mean((norms - 1) ** 2)) < 1e-10


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


@pytest.mark.parametrize("objective", [wgan(), wgan_gp()], ids=["wgan", "wgan-gp"])
def test_critic_loss_gradients(objective: Objective) -> None:
    critic, seen = smooth_critic(3, 3), batch(4, 3)
    assert torch.autograd.gradcheck(*parameters_of(critic, lambda: objective.critic_loss(critic, seen).total))


def test_second_derivatives_of_the_penalty() -> None:
    critic, seen = smooth_critic(2, 2), batch(2, 2)
    assert torch.autograd.gradgradcheck(*parameters_of(critic, lambda: GradientPenalty()(critic, seen)))


def test_generator_loss_gradient_reaches_the_samples() -> None:
    critic = smooth_critic(3)
    fake = batch(4, 3).fake.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: wgan_gp().generator_loss(critic, x).total, (fake,))


@pytest.mark.parametrize("objective", [wgan(), wgan_gp()], ids=["wgan", "wgan-gp"])
@pytest.mark.parametrize("shape", [(6, 4), (6, 3, 8, 8)])
def test_gradients_reach_every_parameter_but_the_last_bias(objective: Objective, shape: tuple[int, ...]) -> None:
    critic = smooth_critic(int(np.prod(shape[1:])))
    objective.critic_loss(critic, batch(*shape)).total.backward()
    *inner, last = critic.parameters()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in inner)
    assert last.grad is not None
    assert last.grad.abs().max() < 1e-12


def test_objective_is_stateless() -> None:
    objective, critic, seen = wgan_gp(), smooth_critic(4), batch(5, 4)
    values = [objective.critic_loss(critic, seen).total.item() for _ in range(2)]
    objective.critic_loss(critic, batch(5, 4, seed=9))
    assert [objective.critic_loss(critic, seen).total.item()] * 2 == values


def test_slope_at_zero_has_a_finite_gradient() -> None:
    gradient = torch.zeros(2, 3, requires_grad=True)
    slope(gradient).sum().backward()
    assert gradient.grad is not None
    assert (gradient.grad == 0).all()


def test_wasserstein_loss_is_a_difference_of_means() -> None:
    real, fake = torch.tensor([[1.0], [3.0]]), torch.tensor([[-2.0], [6.0], [-1.0]])
    assert Wasserstein().critic(real, fake).item() == 1.0 - 2.0
    assert Wasserstein().generator(fake).item() == -1.0


def test_terms_add_up() -> None:
    terms = wgan_gp().critic_loss(smooth_critic(2), batch(3, 2))
    assert list(terms.named) == ["critic_loss", "penalty"]
    assert terms.total.item() == pytest.approx(sum(value.item() for value in terms.named.values()))


@few
@given(st.floats(1e-4, 1.0))
def test_clipping_bounds_every_parameter(bound: float) -> None:
    critic = smooth_critic(3)
    before = [p.detach().clone() for p in critic.parameters()]
    ClipWeights(bound)(critic)
    for old, new in zip(before, critic.parameters(), strict=True):
        np.testing.assert_array_equal(new.detach().numpy(), old.numpy().clip(-bound, bound))


NORMED = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def test_penalty_refuses_batch_norm_and_offers_layer_norm() -> None:
    with pytest.raises(UserError, match=r"batch norm \(layer '1'.*layer norm instead.*norm=layer"):
        wgan_gp().check(NORMED)


def test_clipping_allows_batch_norm_and_the_penalty_layer_norm() -> None:
    wgan().check(NORMED)
    wgan_gp().check(nn.Sequential(nn.Conv2d(1, 2, 3), ChannelNorm(2)))


def test_published_constants() -> None:
    assert wgan() == Objective(Wasserstein(), penalty=None, constraint=ClipWeights(0.01))
    assert wgan_gp() == Objective(Wasserstein(), penalty=GradientPenalty(10.0, 1.0), constraint=None)


def test_published_rules() -> None:
    clipped, penalised = (catalogue.OBJECTIVES[name].rule for name in ("wgan", "wgan-gp"))
    assert clipped == {"optimiser": "rmsprop", "learning_rate": 5e-5, "batch": 64, "n_critic": 5}
    assert penalised == {
        "optimiser": "adam", "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9, "batch": 64, "n_critic": 5,
    }  # fmt: skip


def test_another_objective_than_the_recipes_brings_its_published_rule() -> None:
    data = in_memory(np.random.default_rng(0).normal(size=(500, 2)))
    rule = recommended(data, objective="wgan").training
    assert (rule.optimiser, rule.learning_rate, rule.batch, rule.n_critic) == ("rmsprop", 5e-5, 64, 5)


def test_rmsprop_has_no_momentum_and_adam_the_given_betas() -> None:
    network = nn.Linear(1, 1)
    (plain,) = optimiser(network, "rmsprop", 5e-5, (0.0, 0.9)).param_groups
    (adam,) = optimiser(network, "adam", 1e-4, (0.0, 0.9)).param_groups
    assert (plain["momentum"], plain["lr"]) == (0, 5e-5)
    assert (adam["betas"], adam["lr"]) == ((0.0, 0.9), 1e-4)


@pytest.mark.parametrize("name", catalogue.OBJECTIVES)
def test_every_objective_trains_a_critic(name: str) -> None:
    objective: Objective = catalogue.build(catalogue.OBJECTIVES, "--objective", name)
    critic = smooth_critic(2)
    objective.check(critic)
    assert all(torch.isfinite(value) for value in objective.critic_loss(critic, batch(4, 2)).named.values())
    fake = batch(4, 2).fake.requires_grad_()
    objective.generator_loss(critic, fake).total.backward()
    assert fake.grad is not None
    assert fake.grad.abs().sum() > 0


def test_noise_goes_to_real_and_fake_alike() -> None:
    critic, seen = linear_critic(torch.tensor([2.0, -1.0], dtype=torch.float64)), batch(4, 2)
    normal = torch.randn(2, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(9))
    noisy, plain = wgan_gp(noise=0.3), wgan_gp()
    shifted = replace(seen, real=seen.real + 0.3 * normal[0], fake=seen.fake + 0.3 * normal[1])
    found, expected = noisy.critic_loss(critic, replace(seen, noise=normal)), plain.critic_loss(critic, shifted)
    torch.testing.assert_close(found.named, expected.named)
    on_fake = noisy.generator_loss(critic, seen.fake, 0, normal[0]).total
    torch.testing.assert_close(on_fake, plain.generator_loss(critic, seen.fake + 0.3 * normal[0]).total)


def test_noise_is_never_drawn_behind_ones_back() -> None:
    with pytest.raises(ValueError, match="adds noise, and the batch brings none"):
        wgan_gp(noise=0.3).critic_loss(linear_critic(torch.ones(2, dtype=torch.float64)), batch(4, 2))
