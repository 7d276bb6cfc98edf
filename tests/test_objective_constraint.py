"""Constraints: what they leave, and that they change no more than they must."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.lipschitz import orthogonal
from monge.objective.constraint import ClipNorm, ClipWeights, Constraint, LipschitzByConstruction, ProjectSpectral
from test_objective import smooth_critic

few = settings(deadline=None, max_examples=25)
every = pytest.mark.parametrize("make", [ClipWeights, ClipNorm, ProjectSpectral])


def copies(critic: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in critic.parameters()]


@few
@given(st.floats(1e-4, 1.0))
def test_clipping_bounds_every_parameter(bound: float) -> None:
    critic = smooth_critic(3)
    before = copies(critic)
    ClipWeights(bound)(critic)
    for old, new in zip(before, critic.parameters(), strict=True):
        np.testing.assert_array_equal(new.detach().numpy(), old.numpy().clip(-bound, bound))


@few
@given(st.floats(1e-4, 3.0))
def test_norms_are_scaled_down_but_never_up(bound: float) -> None:
    critic = smooth_critic(3)
    before = copies(critic)
    ClipNorm(bound)(critic)
    for old, new in zip(before, critic.parameters(), strict=True):
        torch.testing.assert_close(new.detach(), old * min(1.0, bound / old.norm().item()))


@few
@given(st.floats(1e-3, 2.0))
def test_singular_values_are_cut_and_biases_stay(bound: float) -> None:
    critic = smooth_critic(3)
    before = copies(critic)
    ProjectSpectral(bound)(critic)
    for old, new in zip(before, critic.parameters(), strict=True):
        if old.dim() == 1:
            assert torch.equal(old, new)
            continue
        values = np.linalg.svd(old.numpy(), compute_uv=False)
        cut = np.linalg.svd(new.detach().numpy(), compute_uv=False)
        np.testing.assert_allclose(cut, values.clip(max=bound), atol=1e-12)
        # the nearest matrix: von Neumann's inequality allows no smaller distance than that of the singular values
        assert (old - new).norm().item() == pytest.approx(np.linalg.norm(values - cut), abs=1e-12)


def test_spectral_projection_by_hand() -> None:
    layer = nn.Linear(2, 2, bias=False).double()
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    layer.weight.data = turn @ torch.diag(torch.tensor([3.0, 0.5]).double())
    ProjectSpectral(1.0)(layer)
    torch.testing.assert_close(layer.weight.detach(), turn @ torch.diag(torch.tensor([1.0, 0.5]).double()))


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (4, 2), (3, 2), (2, 2)])
def test_projected_convolutions_are_bounded_as_said(size: int, stride: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = nn.Conv2d(2, 3, size, stride, padding=1, bias=False).double()
    layer.weight.data *= 5
    ProjectSpectral(0.7)(layer)
    assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(0.7)
    basis = torch.eye(2 * 8 * 8, dtype=torch.float64).view(-1, 2, 8, 8)
    operator = torch.linalg.matrix_norm(layer(basis).flatten(1), 2).item()
    assert 0.7 - 1e-9 <= operator <= 0.7 * -(-size // stride) + 1e-9


@every
def test_projections_repeat_and_keep_what_is_inside(make: Callable[[float], Constraint]) -> None:
    critic = smooth_critic(3)
    make(100.0)(critic)
    assert all(torch.equal(old, new) for old, new in zip(copies(smooth_critic(3)), critic.parameters(), strict=True))
    make(0.3)(critic)
    once = copies(critic)
    make(0.3)(critic)
    for old, new in zip(once, critic.parameters(), strict=True):
        torch.testing.assert_close(old, new.detach(), rtol=1e-14, atol=1e-14)


@every
@pytest.mark.parametrize("bound", [0.0, -1.0, float("nan"), float("inf")])
def test_bounds_are_above_zero(make: Callable[[float], Constraint], bound: float) -> None:
    with pytest.raises(
        UserError, match=rf"bound must be finite and above 0; got {bound:g}; to train without a constraint"
    ):
        make(bound)


def test_construction_holds_orthogonal_critics_and_refuses_others() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        critic = orthogonal(3, 8, 2)
    before = copies(critic)
    LipschitzByConstruction().check(critic)
    LipschitzByConstruction()(critic)
    assert all(torch.equal(old, new) for old, new in zip(before, critic.parameters(), strict=True))
    with pytest.raises(UserError, match=r"critic: .* 1-Lipschitz .*'0' is not; .*e.g. --critic mlp:layer=orthogonal"):
        LipschitzByConstruction().check(nn.Sequential(nn.Linear(2, 1)))
