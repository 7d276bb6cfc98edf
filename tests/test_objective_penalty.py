"""Penalties against closed forms: linear critics, one hidden layer, and cases by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from monge.nn.packing import PackedCritic
from monge.objective import Batch
from monge.objective.composition import Lazy, Sum
from monge.objective.penalty import R1, R2, Consistency, Dragan, GradientPenalty, Penalty, slopes
from test_objective import batch, smooth_critic

few = settings(deadline=None, max_examples=25)
weights = st.lists(st.floats(-5, 5), min_size=1, max_size=4)
WHERE: dict[str, Penalty] = {
    "segment": GradientPenalty(1.0, 0.0), "real": R1(2.0), "fake": R2(2.0), "around": Dragan(1.0, 0.0, 0.4),
}  # fmt: skip


def linear_critic(weight: Tensor) -> nn.Module:
    critic = nn.Linear(len(weight), 1).double()
    critic.weight.data[0] = weight
    return critic


class Half(nn.Module):
    """|x|^2 / 2, whose gradient is x."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1).square().sum(1, keepdim=True) / 2


def hand_gradients(hidden: nn.Linear, last: nn.Linear, x: np.ndarray) -> np.ndarray:
    """Gradients of v . tanh(W x + b): W^T (v * (1 - tanh^2)), one row for each sample."""
    W, b, v = (p.detach().numpy() for p in (hidden.weight, hidden.bias, last.weight[0]))
    return (v * (1 - np.tanh(x @ W.T + b) ** 2)) @ W


@few
@given(weights, st.floats(0.1, 20), st.floats(0, 3))
def test_slope_penalties_of_a_linear_critic(slope: list[float], weight: float, target: float) -> None:
    w, norm = torch.tensor(slope, dtype=torch.float64), np.linalg.norm(slope)
    seen = batch(6, len(w))
    expected = {
        GradientPenalty(weight, target): weight * (norm - target) ** 2,
        GradientPenalty(weight, target, one_sided=True): weight * max(0, norm - target) ** 2,
        Dragan(weight, target): weight * (norm - target) ** 2,
        R1(weight): weight / 2 * norm**2,
        R2(weight): weight / 2 * norm**2,
    }
    for penalty, value in expected.items():
        assert penalty(linear_critic(w), seen).item() == pytest.approx(value, rel=1e-10, abs=1e-10)


@few
@given(weights, st.floats(0.1, 5), st.floats(0, 2), st.floats(0.01, 1))
def test_consistency_of_a_linear_critic(slope: list[float], weight: float, margin: float, std: float) -> None:
    w = torch.tensor(slope, dtype=torch.float64)
    seen = batch(6, len(w), sets=2)
    assert seen.perturbation is not None
    gaps = std * np.abs((seen.perturbation[0] - seen.perturbation[1]).numpy() @ np.array(slope))
    value = Consistency(weight, margin, std)(linear_critic(w), seen).item()
    assert value == pytest.approx(weight * np.maximum(0, gaps - margin).mean(), abs=1e-10)


def test_consistency_of_a_linear_critic_in_expectation() -> None:
    seen = batch(40_000, 2, sets=2)
    value = Consistency(2.0, 0.0, 0.1)(linear_critic(torch.tensor([3.0, 4.0]).double()), seen).item()
    # the difference is normal with standard deviation sqrt(2) * std * |w|
    assert value == pytest.approx(2 * math.sqrt(2 / math.pi) * math.sqrt(2) * 0.1 * 5, rel=0.02)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("shape", [(7, 3), (5, 2, 3, 3)])
def test_where_slopes_are_looked_at(where: str, shape: tuple[int, ...]) -> None:
    seen = batch(*shape)
    assert seen.perturbation is not None
    t = seen.segment.view(-1, *[1] * (len(shape) - 1))
    points = {
        "segment": t * seen.real + (1 - t) * seen.fake,
        "real": seen.real,
        "fake": seen.fake,
        "around": seen.real + 0.4 * seen.perturbation[0],
    }[where]
    assert WHERE[where](Half(), seen).item() == pytest.approx(points.flatten(1).square().sum(1).mean().item())


@pytest.mark.parametrize("shape", [(7, 3), (5, 2, 3, 3)])
@pytest.mark.parametrize("one_sided", [False, True])
def test_gradient_penalty_of_one_hidden_layer(shape: tuple[int, ...], one_sided: bool) -> None:
    seen = batch(*shape)
    hidden, last = nn.Linear(int(np.prod(shape[1:])), 4).double(), nn.Linear(4, 1).double()
    real, fake, t = seen.real.flatten(1).numpy(), seen.fake.flatten(1).numpy(), seen.segment.numpy()[:, None]
    excess = np.linalg.norm(hand_gradients(hidden, last, t * real + (1 - t) * fake), axis=1) - 0.3
    expected = 10 * np.mean((excess.clip(min=0) if one_sided else excess) ** 2)
    value = GradientPenalty(10.0, 0.3, one_sided)(nn.Sequential(nn.Flatten(), hidden, nn.Tanh(), last), seen)
    assert abs(value.item() - expected) < 1e-10


def test_norm_is_taken_of_each_sample_not_of_the_batch() -> None:
    # norms 0.6 and 0.8 apart, exactly 1 over the batch
    points = torch.tensor([[0.6, 0.0], [0.0, 0.8]], dtype=torch.float64)
    seen = Batch(points, points, torch.zeros(2, dtype=torch.float64), 0)
    value = GradientPenalty(10.0)(Half(), seen).item()
    assert abs(value - 10 * (0.4**2 + 0.2**2) / 2) < 1e-10
    over_the_batch = 10 * (points.norm().item() - 1) ** 2
    assert over_the_batch == pytest.approx(0, abs=1e-12)
    assert value != pytest.approx(over_the_batch)


def test_slope_of_packs_is_that_of_all_their_samples() -> None:
    seen = batch(6, 2)
    packed = PackedCritic(Half(), 3)
    expected = seen.real.reshape(2, 6).norm(dim=1)
    torch.testing.assert_close(slopes(packed, seen.real), expected)
    assert R1(2.0)(packed, seen).item() == pytest.approx(expected.square().mean().item())


def test_slope_at_zero_has_a_finite_gradient() -> None:
    flat = nn.Linear(3, 1)
    nn.init.zeros_(flat.weight)
    seen = batch(4, 3)
    seen = replace(seen, real=seen.real.float(), fake=seen.fake.float(), segment=seen.segment.float())
    for penalty in (GradientPenalty(), GradientPenalty(one_sided=True), R1(), R2()):
        flat.zero_grad()
        penalty(flat, seen).backward()
        assert flat.weight.grad is not None
        assert (flat.weight.grad == 0).all()


@pytest.mark.parametrize("penalty", [Dragan(), Consistency()])
def test_perturbations_are_never_drawn_behind_ones_back(penalty: Penalty) -> None:
    with pytest.raises(ValueError, match="moves real samples; the batch has no perturbation"):
        penalty(Half(), replace(batch(4, 2), perturbation=None))


def test_lazy_penalties_are_rare_and_as_much_larger() -> None:
    critic, penalty = smooth_critic(2), Dragan()
    values = [Lazy(penalty, 4)(critic, batch(5, 2, step=step)).item() for step in range(9)]
    full = 4 * penalty(critic, batch(5, 2)).item()
    assert values == [full, 0, 0, 0, full, 0, 0, 0, full]
    assert Lazy(penalty, 4).noise_sets == 1


def test_parts_of_a_sum_have_numbers_of_their_own() -> None:
    parts = (R1(2.0), Dragan(), Consistency(), Lazy(Dragan(std=0.7), 2))
    total, critic, seen = Sum(parts), smooth_critic(2), batch(5, 2, sets=4)
    assert [part.noise_sets for part in parts] == [0, 1, 2, 1]
    assert total.noise_sets == 4
    assert seen.perturbation is not None
    slices = [seen.perturbation[:0], seen.perturbation[:1], seen.perturbation[1:3], seen.perturbation[3:]]
    alone = [part(critic, replace(seen, perturbation=own)) for part, own in zip(parts, slices, strict=True)]
    torch.testing.assert_close(total(critic, seen), torch.stack(alone).sum())
    bare = replace(seen, perturbation=None)
    expected = R1(2.0)(Half(), seen) + R2(3.0)(Half(), seen)
    torch.testing.assert_close(Sum((R1(2.0), R2(3.0)))(Half(), bare), expected)
