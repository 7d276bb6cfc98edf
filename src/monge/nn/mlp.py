"""Multi-layer perceptrons: the networks with which source 003 says a Wasserstein GAN already works."""

import math
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from monge.nn.layer import LeakyReLU, xavier

Shape = tuple[int, ...]


def _stack(inputs: int, width: int, depth: int, outputs: int, activation: Callable[[], nn.Module]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in in [inputs] + [width] * (depth - 1):
        layers += [nn.Linear(fan_in, width), activation()]
    return nn.Sequential(*layers, nn.Linear(width if depth else inputs, outputs))


class MLPGenerator(nn.Module):
    r"""Fully connected generator z -> x with ReLU; images end in tanh, vectors stay linear.

    Arguments:
        shape: shape of one sample, (channels, height, width) or (features,).
        latent: number of latent dimensions.
        width: units of each hidden layer.
        depth: number of hidden layers.
    """

    def __init__(self, shape: Shape, latent: int = 32, width: int = 256, depth: int = 3) -> None:
        super().__init__()
        self.shape, self.latent = shape, latent
        self.body = _stack(latent, width, depth, math.prod(shape), nn.ReLU)
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
        self.body = _stack(math.prod(shape), width, depth, 1, partial(LeakyReLU, slope))
        xavier(self)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.body(x.flatten(1))
        return out
