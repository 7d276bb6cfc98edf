r"""DCGAN networks for square images of any channel count whose side is a multiple of 4 from 8 to 128.

The side is written :math:`s = b\,2^{k}` with as many halvings k as leave a base :math:`b \ge 4` (so 28 = 7 x 4,
12 = 6 x 2, 20 = 5 x 4); the generator doubles the base k times and the critic halves the image k times.

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


def halvings(shape: Shape, network: str = "dcgan") -> tuple[int, int]:
    """The base side b >= 4 and the number k of doublings with side = b 2^k.

    Arguments:
        shape: of one sample.
        network: whose name the errors give.

    Raises:
        UserError: the sample is no square image of a side that is a multiple of 4 from 8 to 128.
    """
    if len(shape) != 3:
        raise UserError(
            f"network {network!r} needs images; got samples of shape {shape}; use --generator mlp --critic mlp"
        )
    _, height, width = shape
    if height != width or height % 4 or not 8 <= height <= 128:
        raise UserError(
            f"network {network!r} needs square images whose side is a multiple of 4 from 8 to 128; "
            f"got {height} x {width} pixels; "
            "use --data.size, or --generator mlp --critic mlp"
        )
    base, doublings = height, 0
    while base % 2 == 0 and base // 2 >= 4:
        base, doublings = base // 2, doublings + 1
    return base, doublings


def filter_counts(width: int, levels: int, constant: bool = False) -> list[int]:
    """Filters of each level from the image down: width, 2 x, 4 x, at most 8 x, or constant."""
    return [width * (1 if constant else min(8, 2**level)) for level in range(levels)]


class DCGANGenerator(nn.Module):
    """Transposed convolutions from a latent vector to an image in [-1, 1].

    Arguments:
        shape: (channels, side, side).
        latent: number of latent dimensions.
        width: filters next to the image; each layer further down has twice as many, at most 8 x width.
        norm: "batch", "layer" or "none" between layers.
        constant: every layer has `width` filters.
        mapping: fully connected hidden layers of 8 x width units between the latent vector and the first map.
        last: what ends it; tanh if not given.
    """

    def __init__(
        self,
        shape: Shape,
        latent: int = 64,
        width: int = 32,
        norm: str = "batch",
        constant: bool = False,
        mapping: int = 0,
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
        self.project = nn.Linear(sizes[-1], filters[0] * base * base)
        self.base = base
        layers: list[nn.Module] = [normalisation(norm, filters[0]), nn.ReLU()]
        for fan_in, fan_out in pairwise(filters):
            layers += [nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1), normalisation(norm, fan_out), nn.ReLU()]
        image = nn.ConvTranspose2d(filters[-1], shape[0], 4, 2, 1)
        self.body = nn.Sequential(*layers, image, last or nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.body(self.project(self.mapping(z)).unflatten(1, (-1, self.base, self.base))))


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
            convolution = how.convolution(fan_in, fan_out, shape[-1] >> level, 4, 2)
            layers += [convolution, between, how.activation(fan_out, 0.2, 2)]
        size = filters[-1] * base * base
        head = [how.linear(size, hidden), how.activation(hidden, 0.2, 2)] if hidden else []
        size = hidden or size
        super().__init__(nn.Sequential(*layers, nn.Flatten(), *head), how.linear(size, outputs), size)
        xavier(self)
