"""What every generator and every critic promises, whatever its layers, at every kind of size."""

import copy
import hashlib
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.critic import Critic
from monge.nn.dcgan import DCGANCritic, DCGANGenerator
from monge.nn.layer import ChannelNorm, batch_norms
from monge.nn.mlp import MLPCritic, MLPGenerator
from monge.nn.resnet import ResNetCritic, ResNetGenerator
from monge.nn.sngan import SNGANCritic

SHAPES = [(2, 8, 8), (2, 12, 12), (1, 28, 28), (2, 32, 32), (2, 64, 64), (2, 128, 128)]
SHAPES += [(channels, *size) for channels in (1, 4) for size in ((8, 12), (64, 96), (128, 20))]
SMOOTH = partial(DCGANGenerator, upsampling="bilinear")
GENERATORS = [MLPGenerator, DCGANGenerator, SMOOTH, ResNetGenerator]
CRITICS: list[tuple[type[Critic], str]] = [
    (critic, layer)
    for critic in (MLPCritic, DCGANCritic, SNGANCritic, ResNetCritic)
    for layer in ("plain", "spectral", "orthogonal")
    if (critic, layer) != (ResNetCritic, "orthogonal")
]
critics = pytest.mark.parametrize(("critic", "layer"), CRITICS)
generators = pytest.mark.parametrize("generator", GENERATORS)


def seeded(make: Callable[..., nn.Module], *arguments: object, **options: object) -> nn.Module:
    torch.manual_seed(0)
    return make(*arguments, **options)


def images(count: int, channels: int = 1, height: int = 8, width: int = 8) -> Tensor:
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", SHAPES)
@critics
def test_critic(critic: type[Critic], layer: str, shape: tuple[int, ...]) -> None:
    network = seeded(critic, shape, width=2, layer=layer, outputs=3).eval()
    x = images(2, *shape)
    with torch.no_grad():
        features = network.features(x)
        values = network(x)
        assert features.shape == (2, network.feature_size)
        assert values.shape == (2, 3)
        assert torch.isfinite(values).all()
        assert torch.equal(network.output(features), values)
        # samples apart from each other
        torch.testing.assert_close(network(x[:1]), values[:1])
    assert not batch_norms(network)


@pytest.mark.parametrize("shape", SHAPES)
@generators
def test_generator(generator: Callable[..., nn.Module], shape: tuple[int, ...]) -> None:
    network = seeded(generator, shape, latent=5, width=8, last=nn.Tanh())
    with torch.no_grad():
        samples = network(torch.randn(2, 5))
    assert network.latent == 5
    assert samples.shape == (2, *shape)
    assert samples.abs().max() <= 1
    assert not torch.equal(samples[0], samples[1])


def grid(network: nn.Module) -> float:
    """Power of untrained images where rows alternate, over that of the frequencies beside it."""
    with torch.no_grad():
        samples = network(torch.randn(64, 5, generator=torch.Generator().manual_seed(0)))[:, 0].double()
    power = torch.fft.fft2(samples - samples.mean(dim=(1, 2), keepdim=True)).abs().square().mean(dim=0)
    return float(power[16].mean() / power[[14, 18]].mean())


def test_interpolation_draws_no_grid() -> None:
    smooth, transposed = (
        seeded(DCGANGenerator, (1, 32, 32), 5, 8, upsampling=how) for how in ("bilinear", "transposed")
    )
    assert grid(smooth) < 1.5
    assert grid(transposed) > 2  # so that the measure sees one


@critics
def test_one_output_is_the_default(critic: type[Critic], layer: str) -> None:
    assert seeded(critic, (1, 8, 8), width=2, layer=layer)(images(3)).shape == (3, 1)


@critics
def test_float64_gives_the_same_function(critic: type[Critic], layer: str) -> None:
    network, x = seeded(critic, (1, 12, 12), width=4, layer=layer).eval(), images(3, 1, 12, 12)
    single = network(x)
    double = network.double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(single.double(), double, atol=1e-5, rtol=1e-4)


@critics
def test_a_copy_goes_its_own_way(critic: type[Critic], layer: str) -> None:
    network, x = seeded(critic, (1, 8, 8), width=4, layer=layer), images(3)
    network(x).sum().backward()
    twin = copy.deepcopy(network)
    assert torch.equal(network.eval()(x), twin.eval()(x))
    with torch.no_grad():
        next(twin.parameters()).mul_(-1)
    assert not torch.equal(network(x), twin(x))


@critics
def test_no_tensor_is_made_on_another_device(critic: type[Critic], layer: str) -> None:
    """Meta tensors carry shapes and no numbers, and refuse to meet tensors that carry some."""
    network = seeded(critic, (1, 8, 8), width=4, layer=layer).to("meta")
    assert network(images(3).to("meta")).device.type == "meta"


@critics
def test_the_slopes_of_a_penalty_have_the_gradient_of_their_differences(critic: type[Critic], layer: str) -> None:
    """Double backward: d/dw of a function of dD/dx, against differences along a random direction.

    Not of its norm, which orthogonal layers hold at one.
    """
    network, x = seeded(critic, (1, 8, 8), width=4, layer=layer).double().eval(), images(3).double().requires_grad_()

    def penalty() -> Tensor:
        (gradient,) = torch.autograd.grad(network(x).sum(), x, create_graph=True)
        return gradient.pow(4).sum()

    parameters = [p for name, p in network.named_parameters() if not name.endswith("bias")]
    gradients = torch.autograd.grad(penalty(), parameters)
    directions = [torch.randn_like(p) for p in parameters]
    expected = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    ends, step = [], 1e-6
    for sign in (1, -2):
        for p, d in zip(parameters, directions, strict=True):
            p.data.add_(sign * step * d)
        ends.append(penalty().item())
    assert expected == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4)


@generators
def test_float64_generators(generator: type[nn.Module]) -> None:
    network = seeded(generator, (1, 8, 8), latent=3, width=2).double()
    assert network(torch.randn(4, 3).double()).dtype == torch.float64


@pytest.mark.parametrize("critic", [MLPCritic, DCGANCritic, SNGANCritic, ResNetCritic])
def test_unknown_layer(critic: type[Critic]) -> None:
    allowed = "plain, spectral" if critic is ResNetCritic else "plain, spectral, orthogonal"
    with pytest.raises(UserError, match=f"layer 'spektral' is not known; allowed: {allowed}$"):
        critic((1, 8, 8), layer="spektral")


def test_resnet_has_no_orthogonal_layers() -> None:
    with pytest.raises(UserError, match=r"layer 'orthogonal' is not known; allowed: plain, spectral$"):
        ResNetCritic((1, 8, 8), layer="orthogonal")


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_a_norm_between_orthogonal_layers_is_refused(norm: str) -> None:
    with pytest.raises(UserError, match=f"norm must be none with layer=orthogonal; got {norm}"):
        DCGANCritic((1, 16, 16), norm=norm, layer="orthogonal")


def test_a_width_that_cannot_be_sorted_is_refused_at_once() -> None:
    with pytest.raises(UserError, match="multiple of 2; got 5"):
        DCGANCritic((1, 16, 16), width=5, layer="orthogonal")
    with pytest.raises(UserError, match="multiple of 3; got 8"):
        MLPCritic((3,), width=8, layer="orthogonal", group=3)


@pytest.mark.parametrize("network", [SNGANCritic, ResNetCritic, ResNetGenerator])
@pytest.mark.parametrize("shape", [(1, 10, 10), (1, 8, 14), (1, 4, 4), (1, 132, 128), (5,)])
def test_other_shapes_are_refused_by_name(network: type[nn.Module], shape: tuple[int, ...]) -> None:
    name = "sngan" if network is SNGANCritic else "resnet"
    text = "must be multiples of 4 from 8 to 128 for network" if len(shape) == 3 else "network"
    with pytest.raises(UserError, match=f"{text} '{name}'.*; got .*--critic mlp"):
        network(shape)


# names and shapes of all parameters and buffers at these sides, as they were when images had to be square
SQUARES = (8, 12, 20, 28, 32, 48, 64, 100, 128)
BEFORE = {
    (DCGANGenerator, ""): "1920f95c51e1dc7d",
    (ResNetGenerator, ""): "0b0d2476c37e142f",
    (DCGANCritic, "plain"): "0915d0b8f9a9eea0",
    (DCGANCritic, "spectral"): "d1223d3a27d6d06d",
    (DCGANCritic, "orthogonal"): "ed74decb4b292920",
    (SNGANCritic, "plain"): "329d526443f8cbc8",
    (SNGANCritic, "spectral"): "c5c0d41d4225e090",
    (SNGANCritic, "orthogonal"): "7590b3f657083056",
    (ResNetCritic, "plain"): "6b593ccc24ff45fe",
    (ResNetCritic, "spectral"): "c3e6ec5bfc1bfb38",
}


@pytest.mark.parametrize(("network", "layer"), BEFORE)
def test_networks_of_squares_load_stored_weights(network: type[nn.Module], layer: str) -> None:
    names = hashlib.sha256()
    for side in SQUARES:
        state = network((3, side, side), width=4, **({"layer": layer} if layer else {})).state_dict()
        names.update(repr([(name, tuple(values.shape)) for name, values in state.items()]).encode())
    assert names.hexdigest()[:16] == BEFORE[network, layer]


@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.BatchNorm2d), ("layer", ChannelNorm), ("none", type(None))])
def test_norms_of_residual_networks(norm: str, kind: type) -> None:
    for network, blocks in ((ResNetGenerator, 2), (ResNetCritic, 3)):
        found = [m for m in network((1, 16, 16), width=4, norm=norm).modules() if isinstance(m, kind)]
        # two in each block; one more at the generator's end, one less at the critic's start
        assert len(found) == (0 if norm == "none" else 2 * blocks + (1 if network is ResNetGenerator else -1))
    with pytest.raises(UserError, match="norm 'instance' is not known; allowed: batch, layer, none"):
        ResNetCritic((1, 16, 16), norm="instance")


def test_constant_filters() -> None:
    for network, kind in ((DCGANGenerator, nn.ConvTranspose2d), (DCGANCritic, nn.Conv2d)):
        layers = [m for m in network((3, 32, 32), width=4, constant=True).modules() if isinstance(m, kind)]
        inner = {m.in_channels for m in layers} | {m.out_channels for m in layers}
        assert inner == {3, 4}


def test_the_published_critics() -> None:
    """Channels, kernels and strides of 32 px in Miyato et al. 2018, table 3, and the blocks of table 4."""
    layers = [m for m in SNGANCritic((3, 32, 32), width=64, layer="plain").modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in layers] == [64, 64, 128, 128, 256, 256, 512]
    assert [m.kernel_size[0] for m in layers] == [3, 4, 3, 4, 3, 4, 3]
    assert [m.stride[0] for m in layers] == [1, 2, 1, 2, 1, 2, 1]
    critic = ResNetCritic((3, 32, 32), width=8)
    x = images(1, 3, 32, 32)
    assert [x.shape[-1] for block in list(critic.features)[:4] if (x := block(x)) is not None] == [16, 8, 8, 8]
