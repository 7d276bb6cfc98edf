"""Functions of known Lipschitz constant: the property itself on random pairs of points, and what is proved."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.critic import Critic
from monge.nn.dcgan import DCGANCritic
from monge.nn.layer import LeakyReLU
from monge.nn.lipschitz import Cones, Mean, frozen, lipschitz, orthogonal, spectral, unbounded
from monge.nn.mlp import MLPCritic
from monge.nn.orthogonal import GroupSort, OrthogonalLinear
from monge.nn.packing import PackedCritic
from monge.nn.resnet import ResNetCritic
from monge.nn.sngan import SNGANCritic
from monge.nn.spectral import SpectralLinear

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


@pytest.mark.parametrize("kind", ["normal", "far", "levels", "copies"])
def test_cones_in_many_dimensions_are_found_to_full_precision(kind: str) -> None:
    centres, x, biases = normal(1, 60, 40), normal(2, 50, 40), 0.3 * normal(3, 60)
    if kind == "levels":  # many cones are equally near
        centres, x, biases = (
            torch.eye(40, dtype=torch.float64)[torch.arange(len(y)) % 7] for y in (centres, x, biases)
        )
        biases = biases[:, 0]
    x[:5] = centres[:5]
    if kind == "copies":
        centres[:30] = centres[0]
    shift = 1e6 if kind == "far" else 0.0
    network = Cones(centres + shift, biases).eval()
    expected = -((x[:, None] + shift - (centres + shift)).norm(dim=2) + biases).min(dim=1).values
    with torch.no_grad():
        torch.testing.assert_close(network(x + shift)[:, 0], expected, rtol=1e-13, atol=1e-13)


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
    assert [lipschitz(LeakyReLU(slope)) for slope in (0.2, 2.0, -3.0)] == [1, 2, 3]


CRITICS: dict[str, Callable[[str], Critic]] = {
    "mlp": lambda layer: MLPCritic((1, 8, 8), width=8, depth=2, layer=layer),
    "dcgan": lambda layer: DCGANCritic((1, 8, 8), width=4, layer=layer),
    "sngan": lambda layer: SNGANCritic((1, 8, 8), width=4, layer=layer),
}


@pytest.mark.parametrize("layer", ["spectral", "orthogonal"])
@pytest.mark.parametrize("name", CRITICS)
def test_a_frozen_critic_is_the_same_function_with_a_certificate(name: str, layer: str) -> None:
    torch.manual_seed(0)
    critic, x = CRITICS[name](layer).double().eval(), normal(0, 30, 1, 8, 8)
    before, network = critic(x), frozen(critic)
    torch.testing.assert_close(network(x), before)
    constant = lipschitz(network)
    assert constant == pytest.approx(1, abs=1e-9 if layer == "orthogonal" else 0.5)
    y = x + normal(1, 30, 1, 8, 8)
    assert ((network(x) - network(y)).abs()[:, 0] <= constant * (x - y).flatten(1).norm(dim=1)).all()


@pytest.mark.parametrize("name", CRITICS)
def test_layers_without_a_constant(name: str) -> None:
    assert unbounded(CRITICS[name]("orthogonal")) == []
    assert unbounded(CRITICS[name]("spectral")) == []
    plain = CRITICS[name]("plain")
    names = [key for key, part in plain.named_modules() if isinstance(part, nn.Linear | nn.Conv2d)]
    assert unbounded(plain) == names
    assert len(names) > 1


def test_unbounded_looks_into_compositions_and_at_nothing_else() -> None:
    assert unbounded(nn.Linear(2, 2)) == ["Linear"]
    assert unbounded(nn.Sequential(LeakyReLU(1.0), LeakyReLU(-2.0), nn.Softmax(dim=1))) == ["1", "2"]
    assert unbounded(Mean([cones(2), nn.Linear(2, 1)], [1, 1])) == ["parts.1"]
    assert unbounded(PackedCritic(CRITICS["mlp"]("orthogonal"), 2)) == []
    assert unbounded(DCGANCritic((1, 16, 16), width=4, norm="layer", layer="spectral")) == ["features.4"]
    blocks = unbounded(ResNetCritic((1, 8, 8), width=4, layer="spectral"))
    assert blocks == ["features.0", "features.1", "features.2", "features.4"]


def test_a_leaky_slope_above_one_is_the_constant() -> None:
    assert lipschitz(nn.Sequential(LeakyReLU(3.0), LeakyReLU(0.5), nn.Flatten())) == 3


def test_nothing_is_proved_of_a_plain_convolution() -> None:
    with pytest.raises(UserError, match="proved for Conv2d"):
        lipschitz(frozen(DCGANCritic((1, 8, 8), width=4)))
