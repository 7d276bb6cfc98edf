"""Multi-layer perceptrons: the networks with which Zheng 2017 says a Wasserstein GAN already works."""

import math
from itertools import pairwise

from torch import Tensor, nn

from monge.nn.critic import Critic
from monge.nn.kind import kind
from monge.nn.layer import normalisation, xavier

Shape = tuple[int, ...]


class MLPGenerator(nn.Module):
    r"""Fully connected generator z -> x with ReLU.

    Arguments:
        shape: shape of one sample, (channels, height, width) or (features,).
        latent: number of latent dimensions.
        width: units of each hidden layer.
        depth: number of hidden layers.
        norm: "batch", "layer" or "none" before each ReLU.
        last: what ends it; if not given, tanh for the shape of an image, and nothing for that of a vector.
    """

    def __init__(
        self,
        shape: Shape,
        latent: int = 32,
        width: int = 256,
        depth: int = 3,
        norm: str = "none",
        last: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.latent = shape, latent
        sizes = [latent] + [width] * depth
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(sizes):
            between = [] if norm == "none" else [normalisation(norm, width, flat=True)]
            layers += [nn.Linear(fan_in, fan_out), *between, nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Linear(sizes[-1], math.prod(shape)))
        self.last = last or (nn.Tanh() if len(shape) == 3 else nn.Identity())

    def forward(self, z: Tensor) -> Tensor:
        out: Tensor = self.last(self.body(z))
        return out.view(-1, *self.shape)


class MLPCritic(Critic):
    r"""Fully connected critic x -> (n, outputs) without a sigmoid, Xavier-initialised.

    Arguments:
        shape: shape of one sample.
        width: units of each hidden layer.
        depth: number of hidden layers.
        slope: negative slope of the leaky ReLU; 0 is the plain ReLU.
        layer: "plain", "spectral", or "orthogonal", which sorts units instead of a leaky ReLU and is 1-Lipschitz.
        group: units that orthogonal layers sort together; 0 sorts all.
        outputs: numbers for each sample.
    """

    def __init__(
        self,
        shape: Shape,
        width: int = 256,
        depth: int = 3,
        slope: float = 0.2,
        layer: str = "plain",
        group: int = 2,
        outputs: int = 1,
    ) -> None:
        how = kind(layer)
        sizes = [math.prod(shape)] + [width] * depth
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in pairwise(sizes):
            layers += [how.linear(fan_in, fan_out), how.activation(fan_out, slope, group)]
        super().__init__(nn.Sequential(*layers), how.linear(sizes[-1], outputs), sizes[-1])
        xavier(self)
