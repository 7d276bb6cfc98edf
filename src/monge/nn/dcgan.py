r"""DCGAN networks for square images of any channel count whose side is a multiple of 4 from 8 to 128.

The side is written :math:`s = b\,2^{k}` with as many halvings k as leave a base :math:`b \ge 4` (so 28 = 7 x 4,
12 = 6 x 2, 20 = 5 x 4); the generator doubles the base k times and the critic halves the image k times.

Reference: Radford, Metz, Chintala 2016, section 3; with `norm="none"` and constant filters the variant of
Arjovsky, Chintala, Bottou 2017, figure 6.
"""

from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.layer import LeakyReLU, normalisation, xavier
from monge.nn.mlp import Shape


def halvings(shape: Shape) -> tuple[int, int]:
    """The base side b >= 4 and the number k of doublings with side = b 2^k.

    Raises:
        UserError: the sample is no square image of a side that is a multiple of 4 from 8 to 128.
    """
    if len(shape) != 3:
        raise UserError(f"network 'dcgan' needs images, the data has shape {shape}; use --generator mlp --critic mlp")
    _, height, width = shape
    if height != width or height % 4 or not 8 <= height <= 128:
        raise UserError(
            f"network 'dcgan' cannot do images of {height} x {width} pixels: "
            "square sides that are multiples of 4 from 8 to 128 are allowed; "
            "use --data.size, or --generator mlp --critic mlp"
        )
    base, doublings = height, 0
    while base % 2 == 0 and base // 2 >= 4:
        base, doublings = base // 2, doublings + 1
    return base, doublings


class DCGANGenerator(nn.Module):
    """Transposed convolutions from a latent vector to an image in [-1, 1].

    Arguments:
        shape: (channels, side, side).
        latent: number of latent dimensions.
        width: filters next to the image; each layer further down has twice as many, at most 8 x width.
        norm: "batch", "layer" or "none" between layers.
    """

    def __init__(self, shape: Shape, latent: int = 64, width: int = 32, norm: str = "batch") -> None:
        super().__init__()
        base, doublings = halvings(shape)
        self.latent = latent
        filters = [width * min(8, 2**level) for level in reversed(range(doublings))]
        self.project = nn.Linear(latent, filters[0] * base * base)
        self.base = base
        layers: list[nn.Module] = [normalisation(norm, filters[0]), nn.ReLU()]
        for fan_in, fan_out in pairwise(filters):
            layers += [nn.ConvTranspose2d(fan_in, fan_out, 4, 2, 1), normalisation(norm, fan_out), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.ConvTranspose2d(filters[-1], shape[0], 4, 2, 1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return cast(Tensor, self.body(self.project(z).unflatten(1, (-1, self.base, self.base))))


class DCGANCritic(nn.Module):
    """Strided convolutions from an image to one number, no sigmoid, Xavier-initialised.

    Arguments: as the generator's; `norm` is "none" by default because a penalty per sample forbids batch norm.
    """

    def __init__(self, shape: Shape, width: int = 32, norm: str = "none") -> None:
        super().__init__()
        base, doublings = halvings(shape)
        filters = [shape[0]] + [width * min(8, 2**level) for level in range(doublings)]
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(filters):
            # the layer on the image itself has no norm (Radford et al. 2016)
            between = nn.Identity() if not layers else normalisation(norm, fan_out)
            layers += [nn.Conv2d(fan_in, fan_out, 4, 2, 1), between, LeakyReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(filters[-1] * base * base, 1))
        xavier(self)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, self.body(x))
