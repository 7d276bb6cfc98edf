"""Multi-layer perceptrons: the networks with which source 003 says a Wasserstein GAN already works."""

import math
from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from monge.nn.layer import LeakyReLU, normalisation, xavier

Shape = tuple[int, ...]


def _stack(inputs: int, width: int, depth: int, outputs: int, after: Callable[[], list[nn.Module]]) -> nn.Sequential:
    layers: list[nn.Module] = []
    sizes = [inputs] + [width] * depth
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), *after()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


class MLPGenerator(nn.Module):
    r"""Fully connected generator z -> x with ReLU; images end in tanh, vectors stay linear.

    Arguments:
        shape: shape of one sample, (channels, height, width) or (features,).
        latent: number of latent dimensions.
        width: units of each hidden layer.
        depth: number of hidden layers.
        norm: "batch", "layer" or "none" before each ReLU.
    """

    def __init__(self, shape: Shape, latent: int = 32, width: int = 256, depth: int = 3, norm: str = "none") -> None:
        super().__init__()
        self.shape, self.latent = shape, latent

        def after() -> list[nn.Module]:
            between = [] if norm == "none" else [normalisation(norm, width, flat=True)]
            return [*between, nn.ReLU()]

        self.body = _stack(latent, width, depth, math.prod(shape), after)
        self.last: nn.Module = nn.Tanh() if len(shape) == 3 else nn.Identity()

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.last(self.body(z))
        return out.view(-1, *self.shape)


class MLPCritic(nn.Module):
    r"""Fully connected critic x -> (n, 1) without a sigmoid, Xavier-initialised.

    Arguments:
        shape: shape of one sample.
        width: units of each hidden layer.
        depth: number of hidden layers.
        slope: negative slope of the leaky ReLU; 0 is the plain ReLU.
    """

    def __init__(self, shape: Shape, width: int = 256, depth: int = 3, slope: float = 0.2) -> None:
        super().__init__()
        self.body = _stack(math.prod(shape), width, depth, 1, lambda: [LeakyReLU(slope)])
        xavier(self)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x.flatten(1))
        return out
