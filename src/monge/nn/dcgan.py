r"""DCGAN networks for images of any channel count whose height and width are multiples of 4 from 8 to 128.

They are written :math:`h = a\,2^{k}, w = b\,2^{k}` with as many halvings k as leave a base :math:`a, b \ge 4` (so
28 x 28 is 7 x 7 times 4, 12 x 12 is 6 x 6 times 2, 64 x 96 is 4 x 6 times 16); the generator doubles the base k times
and the critic halves the image k times.

Reference: Radford, Metz, Chintala 2016, section 3; with `norm="none"` and `constant=True` the variant of
Arjovsky, Chintala, Bottou 2017, figure 6.
"""

from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.critic import Critic
from monge.nn.kind import kind
from monge.nn.layer import normalisation, xavier
from monge.nn.mlp import Shape
from monge.nn.spectral import Size

SIDES = range(8, 129, 4)
"""Heights and widths in pixels that the networks take."""
COARSE_FROM = 65
"""Pixels from which sides that are chosen for the user are multiples of 8, which can be halved three times."""

UPSAMPLING = ("transposed", "bilinear")
"""How a generator may double height and width."""


def nearest_size(height: float, width: float) -> Size:
    """The size nearest to another one that the networks take; what exceeds 128 pixels is shrunk as a whole first.

    Example:
        >>> nearest_size(1080, 1920)
        (72, 128)
    """
    scale = min(1.0, SIDES[-1] / max(height, width))
    sides = [side for side in SIDES if side < COARSE_FROM or side % 8 == 0]
    high, wide = (min(sides, key=lambda side: abs(side - scale * given)) for given in (height, width))
    return high, wide


def halvings(shape: Shape, network: str = "dcgan") -> tuple[Size, int]:
    """The base (a, b), both at least 4, and the number k of doublings with (height, width) = (a, b) 2^k.

    Arguments:
        shape: of one sample.
        network: whose name the errors give.

    Raises:
        UserError: the sample is no image whose height and width are multiples of 4 from 8 to 128.
    """
    if len(shape) != 3:
        raise UserError(
            f"network {network!r} needs images; got samples of shape {shape}; use --generator mlp --critic mlp"
        )
    _, height, width = shape
    if height not in SIDES or width not in SIDES:
        near = "x".join(map(str, nearest_size(height, width)))
        raise UserError(
            f"the height and width of images must be multiples of 4 from 8 to 128 for network {network!r}; "
            f"got {height} x {width} pixels; use --data.size {near}, or --generator mlp --critic mlp"
        )
    doublings = 0
    while height % 2 == width % 2 == 0 and min(height, width) // 2 >= 4:
        height, width, doublings = height // 2, width // 2, doublings + 1
    return (height, width), doublings


def halved(shape: Shape, times: int) -> Size:
    """Height and width of an image of a shape (channels, height, width), halved some times."""
    return shape[1] >> times, shape[2] >> times


def filter_counts(width: int, levels: int, constant: bool = False) -> list[int]:
    """Filters of each level from the image down: width, 2 x, 4 x, at most 8 x, or constant."""
    return [width * (1 if constant else min(8, 2**level)) for level in range(levels)]


class DCGANGenerator(nn.Module):
    """Convolutions from a latent vector to an image in [-1, 1], each of which doubles height and width.

    A transposed convolution has other weights for odd pixels than for even ones, so that it draws a grid until it has
    learnt not to; interpolation between the pixels of an ordinary one cannot. Fine detail is then for one more
    convolution, of half the filters.

    Arguments:
        shape: (channels, height, width).
        latent: number of latent dimensions.
        width: filters next to the image; each layer further down has twice as many, at most 8 x width.
        norm: "batch", "layer" or "none" between layers.
        constant: every layer has `width` filters.
        mapping: fully connected hidden layers of 8 x width units between the latent vector and the first map.
        upsampling: "transposed" convolutions, or "bilinear" interpolation after ordinary ones.
        last: what ends it; tanh if not given.

    Raises:
        UserError: the sizes that `halvings` refuses, or an unknown norm or upsampling.
    """

    def __init__(
        self,
        shape: Shape,
        latent: int = 64,
        width: int = 32,
        norm: str = "batch",
        constant: bool = False,
        mapping: int = 0,
        upsampling: str = "transposed",
        last: nn.Module | None = None,
    ) -> None:
        super().__init__()
        base, doublings = halvings(shape)
        self.latent = latent
        filters = filter_counts(width, doublings, constant)[::-1]
        sizes = [latent] + [8 * width] * mapping
        hidden: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            hidden += [nn.Linear(fan_in, fan_out), normalisation(norm, fan_out, flat=True), nn.ReLU()]
        self.mapping = nn.Sequential(*hidden)
        self.project = nn.Linear(sizes[-1], filters[0] * base[0] * base[1])
        self.base = base
        layers: list[nn.Module] = [normalisation(norm, filters[0]), nn.ReLU()]
        smooth = upsampling != "transposed"
        if smooth:
            filters.append(max(1, filters[-1] // 2))
        for fan_in, fan_out in pairwise(filters):
            layers += [*_doubling(fan_in, fan_out, upsampling), normalisation(norm, fan_out), nn.ReLU()]
        layers += (
            [nn.Conv2d(filters[-1], shape[0], 3, padding=1)] if smooth else _doubling(filters[-1], shape[0], upsampling)
        )
        self.body = nn.Sequential(*layers, last or nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.body(self.project(self.mapping(z)).unflatten(1, (-1, *self.base))))


def _doubling(fan_in: int, fan_out: int, upsampling: str) -> list[nn.Module]:
    """Layers that double height and width: "transposed", one convolution, or "bilinear", one and then interpolation.

    Raises:
        UserError: another name.
    """
    if upsampling not in UPSAMPLING:
        allowed = ", ".join(UPSAMPLING)
        raise UserError(f"--generator: upsampling {upsampling!r} is not known; allowed: {allowed}")
    if upsampling == "transposed":
        return [nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1)]
    return [nn.Conv2d(fan_in, fan_out, 3, padding=1), nn.Upsample(scale_factor=2, mode="bilinear")]


class DCGANCritic(Critic):
    """Strided convolutions from an image to `outputs` numbers, no sigmoid, Xavier-initialised.

    Arguments: as the generator's, and
        norm: "none" by default because a penalty per sample forbids batch norm.
        layer: "plain", "spectral", or "orthogonal", which sorts channels instead of a leaky ReLU and is 1-Lipschitz.
        hidden: units of a fully connected layer between the last map and the output; 0 leaves it out.
        outputs: numbers for each sample.

    Raises:
        UserError: a norm between orthogonal layers, which would be 1-Lipschitz no more.
    """

    def __init__(
        self,
        shape: Shape,
        width: int = 32,
        norm: str = "none",
        constant: bool = False,
        layer: str = "plain",
        hidden: int = 0,
        outputs: int = 1,
    ) -> None:
        base, doublings = halvings(shape)
        how = kind(layer)
        if layer == "orthogonal" and norm != "none":
            raise UserError(f"norm must be none with layer=orthogonal; got {norm}")
        filters = [shape[0], *filter_counts(width, doublings, constant)]
        layers: list[nn.Module] = []
        for level, (fan_in, fan_out) in enumerate(pairwise(filters)):
            # the layer on the image itself has no norm (Radford et al. 2016)
            between = normalisation(norm, fan_out) if level else nn.Identity()
            convolution = how.convolution(fan_in, fan_out, halved(shape, level), 4, 2)
            layers += [convolution, between, how.activation(fan_out, 0.2, 2)]
        size = filters[-1] * base[0] * base[1]
        head = [how.linear(size, hidden), how.activation(hidden, 0.2, 2)] if hidden else []
        size = hidden or size
        super().__init__(nn.Sequential(*layers, nn.Flatten(), *head), how.linear(size, outputs), size)
        xavier(self)
