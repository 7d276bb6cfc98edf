"""Layers of known Lipschitz constant: orthogonality, sorting, and the property itself on random pairs of points."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.lipschitz import (
    Cones,
    GroupSort,
    Mean,
    OrthogonalLinear,
    SpectralLinear,
    frozen,
    lipschitz,
    orthogonal,
    spectral,
)

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cones(d: int) -> Cones:
    return Cones(normal(1, 9, d), 0.3 * normal(2, 9))


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "orthogonal": lambda d: orthogonal(d, 16, 2),
    "full sort": lambda d: orthogonal(d, 16, 1, group=0),
    "spectral": lambda d: spectral(d, 16, 2),
    "cones": cones,
    "mean": lambda d: Mean([cones(d), orthogonal(d, 8, 1)], [1, -1]),
}


@few
@given(seeds, st.integers(1, 40), st.integers(1, 40))
def test_cayley_weights_are_orthogonal(seed: int, inputs: int, outputs: int) -> None:
    torch.manual_seed(seed)
    w = OrthogonalLinear(inputs, outputs).double().weight()
    assert w.shape == (outputs, inputs)
    assert torch.linalg.svdvals(w).detach().numpy() == pytest.approx(np.ones(min(inputs, outputs)), abs=1e-10)


@pytest.mark.parametrize("name", NETWORKS)
@few
@given(seed=seeds, d=st.integers(1, 6), near=st.booleans())
def test_no_two_points_show_more_than_the_constant(name: str, seed: int, d: int, near: bool) -> None:
    torch.manual_seed(seed)
    network = frozen(NETWORKS[name](d))
    x, step = normal(seed, 50, d) * 3, normal(seed + 1, 50, d)
    y = x + (1e-3 if near else 3) * step
    change = (network(x) - network(y)).abs()[:, 0]
    assert (change <= lipschitz(network) * (x - y).norm(dim=1) + 1e-12).all()


@few
@given(seeds, st.sampled_from([1, 2, 4, 0]))
def test_group_sort_permutes_within_groups(seed: int, size: int) -> None:
    x = normal(seed, 5, 8)
    y = GroupSort(size)(x)
    assert torch.equal(y.sort(dim=1).values, x.sort(dim=1).values)
    if size == 0:
        assert torch.equal(y, x.sort(dim=1).values)
    if size == 2:
        assert (y[:, :4] >= y[:, 4:]).all()


def test_group_sort_refuses_a_width_that_does_not_divide() -> None:
    with pytest.raises(UserError, match="6 units cannot be sorted in groups of 4"):
        GroupSort(4)(torch.zeros(2, 6))


def test_max_min_keeps_the_norm_of_the_gradient() -> None:
    torch.manual_seed(0)
    network = frozen(
        nn.Sequential(OrthogonalLinear(8, 8), GroupSort(), OrthogonalLinear(8, 8), GroupSort(), OrthogonalLinear(8, 1))
    )
    x = normal(0, 20, 8).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    assert gradient.norm(dim=1).numpy() == pytest.approx(np.ones(20))


def test_spectral_weight_approaches_norm_one() -> None:
    torch.manual_seed(0)
    layer = SpectralLinear(20, 30)
    with torch.no_grad():
        for _ in range(200):
            layer(torch.zeros(1, 20))
    assert lipschitz(frozen(layer)) == pytest.approx(1, abs=1e-5)


def test_frozen_layers_are_the_same_function() -> None:
    torch.manual_seed(0)
    network, x = orthogonal(3, 8, 2).double(), normal(0, 5, 3)
    before = network(x)
    assert torch.allclose(frozen(network)(x), before, atol=1e-12)


def test_cones_are_the_formula() -> None:
    network, x = cones(3), normal(5, 7, 3)
    expected = -(torch.cdist(x, network.centres) + network.biases).amin(dim=1)
    for mode in (True, False):
        assert torch.allclose(network.train(mode)(x)[:, 0], expected, atol=1e-6)


def test_cones_have_a_zero_gradient_at_a_centre() -> None:
    network = Cones(torch.zeros(1, 2))
    x = torch.zeros(1, 2, requires_grad=True)
    network(x).sum().backward()
    for gradient in (x.grad, network.centres.grad):
        assert gradient is not None
        assert torch.equal(gradient, torch.zeros(1, 2))


def test_nothing_is_proved_of_an_unknown_layer() -> None:
    with pytest.raises(UserError, match="proved for Softmax"):
        lipschitz(nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1)))


def test_the_constant_of_a_linear_map_is_its_largest_singular_value() -> None:
    layer = nn.Linear(2, 2)
    layer.weight.data = torch.tensor([[3.0, 0.0], [0.0, -5.0]])
    assert lipschitz(nn.Sequential(layer, nn.ReLU(), layer)) == pytest.approx(25)
