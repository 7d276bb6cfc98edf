r"""Residual networks for images of the sizes that DCGAN's networks take.

Every block adds a short way to a long one, :math:`x \mapsto s(x) + r(x)`, with r two 3 x 3 convolutions, each after a
norm and a ReLU. Blocks of the generator double height and width, those of the critic halve them by the mean of
2 x 2 pixels until they are twice the base, where two more follow. For 32 px these are the networks of the papers.

Reference: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", the CIFAR-10 ResNet of the appendix; with
`layer="spectral"` the critic of Miyato et al. 2018, "Spectral normalization for GANs", table 4.
"""

from typing import cast

from torch import Tensor, nn

from monge.nn.critic import Critic
from monge.nn.dcgan import halved, halvings
from monge.nn.kind import Kind, kind
from monge.nn.layer import normalisation, xavier
from monge.nn.mlp import Shape
from monge.nn.spectral import Size


class Residual(nn.Module):
    """The sum of two ways, x -> short(x) + long(x).

    Arguments:
        short, long: modules whose outputs have the same shape.
    """

    def __init__(self, short: nn.Module, long: nn.Module) -> None:
        super().__init__()
        self.short, self.long = short, long

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.short(x) + self.long(x))


class PixelPool(nn.Module):
    """The mean or the sum over all pixels, (n, c, h, w) -> (n, c).

    Arguments:
        mean: else the sum.
    """

    def __init__(self, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3)) if self.mean else x.sum(dim=(2, 3))


class ResNetGenerator(nn.Module):
    """Residual blocks that double height and width, from a latent vector to an image in [-1, 1], Xavier-initialised.

    Arguments:
        shape: (channels, height, width).
        latent: number of latent dimensions.
        width: filters of every block; 128 in the paper.
        norm: "batch", "layer" or "none" before each ReLU.
        last: what ends it; tanh if not given.
    """

    def __init__(
        self,
        shape: Shape,
        latent: int = 128,
        width: int = 32,
        norm: str = "batch",
        last: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.base, doublings = halvings(shape, "resnet")
        self.latent = latent
        self.project = nn.Linear(latent, width * self.base[0] * self.base[1])
        blocks = [_doubling(width, norm) for _ in range(doublings)]
        image = [normalisation(norm, width), nn.ReLU(), nn.Conv2d(width, shape[0], 3, padding=1)]
        self.body = nn.Sequential(*blocks, *image, last or nn.Tanh())
        xavier(self)

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.body(self.project(z).unflatten(1, (-1, *self.base))))


class ResNetCritic(Critic):
    """Residual blocks from an image to the mean of its pixels' features, Xavier-initialised.

    With spectral layers it is their sum (Miyato et al. 2018), since a mean is a map of small norm.

    Arguments:
        shape: (channels, height, width).
        width: filters of every block; 128 in the papers.
        norm: "none", "layer" or "batch" before each ReLU of a block, but for the first.
        layer: "plain" or "spectral".
        outputs: numbers for each sample.
    """

    def __init__(
        self, shape: Shape, width: int = 32, norm: str = "none", layer: str = "plain", outputs: int = 1
    ) -> None:
        doublings = halvings(shape, "resnet")[1]
        how = kind(layer, ["plain", "spectral"])
        blocks = [_first(how, shape, width, norm)]
        blocks += [_halving(how, width, halved(shape, level), norm) for level in range(1, doublings - 1)]
        blocks += [_level(how, width, halved(shape, max(1, doublings - 1)), norm) for _ in range(2)]
        last = [how.activation(width, 0.0, 2), PixelPool(mean=layer == "plain")]
        super().__init__(nn.Sequential(*blocks, *last), how.linear(width, outputs), width)
        xavier(self)


def _doubling(width: int, norm: str) -> nn.Module:
    """A block of the generator."""
    long = [normalisation(norm, width), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1)]
    long += [normalisation(norm, width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)]
    # a 1 x 1 convolution before it costs a quarter of the same after it
    short = nn.Sequential(nn.Conv2d(width, width, 1), nn.Upsample(scale_factor=2))
    return Residual(short, nn.Sequential(*long))


def _first(how: Kind, shape: Shape, width: int, norm: str) -> nn.Module:
    """The critic's block on the image itself, which no norm or ReLU precedes."""
    size = halved(shape, 0)
    long = [how.convolution(shape[0], width, size, 3, 1), *_then(how, width, size, norm), nn.AvgPool2d(2)]
    short = nn.Sequential(nn.AvgPool2d(2), how.convolution(shape[0], width, halved(shape, 1), 1, 1))
    return Residual(short, nn.Sequential(*long))


def _halving(how: Kind, width: int, size: Size, norm: str) -> nn.Module:
    long = [*_then(how, width, size, norm), *_then(how, width, size, norm), nn.AvgPool2d(2)]
    short = nn.Sequential(nn.AvgPool2d(2), how.convolution(width, width, (size[0] // 2, size[1] // 2), 1, 1))
    return Residual(short, nn.Sequential(*long))


def _level(how: Kind, width: int, size: Size, norm: str) -> nn.Module:
    long = [*_then(how, width, size, norm), *_then(how, width, size, norm)]
    return Residual(nn.Identity(), nn.Sequential(*long))


def _then(how: Kind, width: int, size: Size, norm: str) -> list[nn.Module]:
    return [normalisation(norm, width), how.activation(width, 0.0, 2), how.convolution(width, width, size, 3, 1)]
