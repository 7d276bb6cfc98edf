"""One contract for every network of the tables, and what is refused."""

import math

import pytest
import torch
from torch import nn

from monge.config import registry, spec
from monge.config.schema import Config
from monge.data.space import ImageSpace, Space, VectorSpace
from monge.errors import UserError
from monge.model.build import build_critic, build_generator, latent_size
from monge.model.random import latent
from monge.nn.batch_norm import settle
from monge.nn.dcgan import DCGANCritic, DCGANGenerator, halvings, nearest_size
from monge.nn.layer import ChannelNorm, LeakyReLU, batch_norms, xavier
from monge.nn.mlp import MLPGenerator

IMAGES = [(1, 8, 8), (3, 12, 12), (1, 28, 28), (3, 32, 32), (1, 64, 64), (1, 128, 128)]
IMAGES += [(1, 8, 12), (4, 8, 12), (4, 28, 28), (1, 64, 96), (4, 64, 96)]
VECTORS = [(1,), (2,), (7,)]


def fitting(table: registry.Table) -> list[tuple[str, tuple[int, ...]]]:
    """Every network with every shape; only fully connected ones take vectors."""
    return [(name, shape) for name in table for shape in IMAGES + (VECTORS if name == "mlp" else [])]


def space(shape: tuple[int, ...]) -> Space:
    return ImageSpace(*shape) if len(shape) == 3 else VectorSpace(*shape)


def config(name: str, seed: int = 0) -> Config:
    generator, critic = (
        f"{name if name in table else 'mlp'}:width=4" for table in (registry.GENERATORS, registry.CRITICS)
    )
    return Config(generator=generator, critic=critic, seed=seed)


def weights(network: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize(("name", "shape"), fitting(registry.GENERATORS))
@pytest.mark.parametrize("training", [True, False])
def test_generator(name: str, shape: tuple[int, ...], training: bool) -> None:
    network = build_generator(config(name), space(shape)).train(training)
    with torch.no_grad():
        samples = network(3 * latent(3, latent_size(network), torch.Generator().manual_seed(0)))
    assert samples.shape == (3, *shape)
    assert torch.isfinite(samples).all()
    assert not torch.equal(samples[0], samples[1])
    if len(shape) == 3:
        assert samples.abs().max() <= 1


@pytest.mark.parametrize(("name", "shape"), fitting(registry.CRITICS))
def test_critic(name: str, shape: tuple[int, ...]) -> None:
    network = build_critic(config(name), space(shape)).eval()
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    values = network(x)
    assert values.shape == (3, 1)
    assert torch.isfinite(values).all()
    # a critic judges every sample apart, else a penalty per sample would mean nothing
    torch.testing.assert_close(network(x[:1]), values[:1])
    assert not batch_norms(network)


NETWORKS = [
    *((build_generator, name) for name in registry.GENERATORS),
    *((build_critic, name) for name in registry.CRITICS),
]


@pytest.mark.parametrize(("build", "name"), NETWORKS, ids=[f"{build.__name__}-{name}" for build, name in NETWORKS])
def test_initial_weights_follow_the_seed_alone(build, name: str) -> None:
    first = weights(build(config(name, 1), space((1, 8, 8))))
    assert torch.equal(first, weights(build(config(name, 1), space((1, 8, 8)))))
    assert not torch.equal(first, weights(build(config(name, 2), space((1, 8, 8)))))


def test_generator_and_critic_draw_from_different_streams() -> None:
    # two networks of the same layers, so that one stream would give equal weights
    settings = Config(generator="mlp:latent=3:width=4:depth=1", critic="mlp:width=4:depth=1")
    generator, critic = build_generator(settings, VectorSpace(1)), build_critic(settings, VectorSpace(3))
    assert [p.shape for p in generator.parameters()] == [p.shape for p in critic.parameters()]
    ours, theirs = weights(generator)[:12], weights(critic)[:12]
    # up to the scale of the two initialisations
    assert abs(torch.corrcoef(torch.stack([ours, theirs]))[0, 1]) < 0.99


def test_global_random_numbers_stay_as_they_were() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    build_generator(config("mlp"), VectorSpace(2))
    build_critic(config("dcgan"), ImageSpace(1, 8, 8))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("network", [DCGANGenerator, DCGANCritic])
@pytest.mark.parametrize("size", [(7, 7), (10, 8), (132, 132), (4, 4), (16, 33)])
def test_dcgan_refuses_other_sizes(network: type[nn.Module], size: tuple[int, int]) -> None:
    text = f"must be multiples of 4 from 8 to 128 for network 'dcgan'; got {size[0]} x {size[1]} pixels; "
    near = "x".join(map(str, nearest_size(*size)))
    with pytest.raises(UserError, match=f"{text}use --data.size {near}, or --generator mlp --critic mlp"):
        network((1, *size))


def test_another_upsampling_is_refused() -> None:
    text = "--generator: upsampling 'nearest' is not known; allowed: transposed, bilinear"
    with pytest.raises(UserError, match=text):
        DCGANGenerator((1, 8, 8), upsampling="nearest")


def test_dcgan_refuses_vectors() -> None:
    with pytest.raises(
        UserError, match=r"'dcgan' needs images; got samples of shape \(5,\); use --generator mlp --critic mlp"
    ):
        DCGANCritic((5,))


@pytest.mark.parametrize("side", range(8, 129, 4))
def test_every_allowed_side_is_a_base_doubled(side: int) -> None:
    (base, other), doublings = halvings((1, side, side))
    assert base == other
    assert base * 2**doublings == side
    assert base >= 4
    assert doublings >= 1
    assert base % 2 or base // 2 < 4


@pytest.mark.parametrize("height", range(8, 129, 12))
@pytest.mark.parametrize("width", range(8, 129, 4))
def test_height_and_width_are_halved_together(height: int, width: int) -> None:
    (high, wide), doublings = halvings((1, height, width))
    assert (high * 2**doublings, wide * 2**doublings) == (height, width)
    assert min(high, wide) >= 4
    assert doublings >= 1
    assert high % 2 or wide % 2 or min(high, wide) < 8
    assert halvings((1, width, height)) == ((wide, high), doublings)


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ((64, 96), (64, 96)),
        ((1080, 1920), (72, 128)),
        ((4000, 3000), (128, 96)),
        ((63, 67), (64, 64)),
        ((69, 70), (72, 72)),
        ((30.5, 41), (32, 40)),
        ((3, 5), (8, 8)),
        ((10_000, 10), (128, 8)),
    ],
)
def test_the_nearest_size(given: tuple[float, float], near: tuple[int, int]) -> None:
    assert nearest_size(*given) == near
    assert nearest_size(*given[::-1]) == near[::-1]
    halvings((1, *near))


@pytest.mark.parametrize(("norm", "batch", "channel"), [("batch", 1, 0), ("layer", 0, 1), ("none", 0, 0)])
def test_norm_of_the_critic(norm: str, batch: int, channel: int) -> None:
    critic = DCGANCritic((1, 16, 16), width=4, norm=norm)
    assert len(batch_norms(critic)) == batch
    assert sum(isinstance(layer, ChannelNorm) for layer in critic.modules()) == channel


def test_unknown_norm() -> None:
    with pytest.raises(UserError, match="norm 'instance' is not known; allowed: batch, layer, none"):
        DCGANGenerator((1, 8, 8), norm="instance")


def test_channel_norm_standardises_every_pixel() -> None:
    x = torch.randn(2, 6, 3, 5, generator=torch.Generator().manual_seed(0))
    normed = ChannelNorm(6, eps=0.0)(x)
    assert normed.shape == x.shape
    torch.testing.assert_close(normed, (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True, correction=0))


def test_xavier_bounds() -> None:
    layer = nn.Linear(40, 60)
    xavier(layer)
    bound = math.sqrt(6 / 100)
    assert 0 < layer.bias.abs().max() <= 40**-0.5
    assert 0.95 * bound < layer.weight.abs().max() <= bound


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_mlp_generator_depths_and_norms(depth: int, norm: str) -> None:
    generator = MLPGenerator((1, 4, 4), latent=3, width=5, depth=depth, norm=norm)
    assert generator(torch.randn(6, 3)).shape == (6, 1, 4, 4)
    assert len(batch_norms(generator)) == (depth if norm == "batch" else 0)
    assert sum(isinstance(layer, ChannelNorm) for layer in generator.modules()) == (depth if norm == "layer" else 0)


def test_channel_norm_of_flat_features() -> None:
    x = torch.randn(3, 7)
    torch.testing.assert_close(ChannelNorm(7)(x), nn.functional.layer_norm(x, (7,)))


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0])
def test_leaky_relu_is_torchs_in_value_and_in_double_backward(slope: float) -> None:
    """The gradients of a gradient penalty through two layers, with torch's activation and with ours."""
    x = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = []
    for activation in (LeakyReLU(slope), nn.LeakyReLU(slope)):
        layers = [nn.Linear(5, 6), activation, nn.Linear(6, 6), activation, nn.Linear(6, 1)]
        network = nn.Sequential(*layers).double()
        for index, parameter in enumerate(network.parameters()):
            nn.init.normal_(parameter, generator=torch.Generator().manual_seed(index))
        points = x.clone().requires_grad_()
        value = network(points)
        (gradient,) = torch.autograd.grad(value.sum(), points, create_graph=True)
        (gradient.norm(dim=1) - 1).square().mean().backward()
        found.append([value, gradient, *(p.grad for p in network.parameters() if p.grad is not None and p.dim() == 2)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_options_reach_the_constructor() -> None:
    critic = spec.build(registry.CRITICS, "--critic", "mlp:width=5:depth=2:slope=0", (3,))
    assert [layer.out_features for layer in critic.modules() if isinstance(layer, nn.Linear)] == [5, 5, 1]
    assert [layer.slope for layer in critic.modules() if isinstance(layer, LeakyReLU)] == [0, 0]
    assert spec.build(registry.OBJECTIVES, "--objective", "wgan-gp:weight=5").penalty.weight == 5.0


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("mpl", "--critic 'mpl' is not known; did you mean 'mlp'\\?"),
        ("mlp:widht=5", "--critic mlp: option 'widht' is not known; did you mean 'width'\\?"),
        ("mlp:shape=3", "option 'shape' is not known"),
        ("mlp:width=big", "--critic mlp: width must be a whole number from 1 to 65536; got big"),
        ("mlp:width=1.5", "width must be a whole number .* got 1.5"),
        ("mlp:width=0", "width must be a whole number .* got 0"),
        ("mlp:width=99999999", "width must be a whole number .* got 99999999"),
        ("mlp:slope=inf", "slope must be a number .* got inf"),
        ("mlp:width=-4", "width must be a whole number .* got -4"),
        ("mlp:width", "width must be a whole number .* got true"),
        ("mlp:slope=nan", "slope must be a number from 0 to 1e\\+09; got nan"),
        ("dcgan:norm=nrom", "norm 'nrom' is not known"),
    ],
)
def test_bad_options(given: str, text: str) -> None:
    with pytest.raises(UserError, match=text):
        spec.build(registry.CRITICS, "--critic", given, (1, 16, 16))


@pytest.mark.parametrize("momentum", [0.1, None])
def test_settled_batch_norms_say_what_a_generator_makes(momentum: float | None) -> None:
    """Whatever statistics it had before, its samples then have the mean and variance that its batch norm promises."""
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(3, momentum=momentum)
    network = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), norm).eval()
    norm.running_mean.fill_(7.0)
    codes = torch.randn(1024, 2, generator=torch.Generator().manual_seed(1))
    settle(network, codes)
    made = network(codes)
    assert torch.allclose(made.mean(0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(made.var(0), torch.ones(3), atol=0.02)
    assert (norm.momentum, norm.training, network.training) == (momentum, False, False)
    settle(plain := nn.Linear(2, 3), codes)  # without any, there is nothing to do
    assert plain.training
