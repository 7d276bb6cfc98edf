r"""The convolutional critic of spectrally normalised GANs, for the sizes that DCGAN's networks take.

Reference: Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral normalization for GANs", table 3.
"""

from itertools import pairwise

from torch import nn

from monge.nn.critic import Critic
from monge.nn.dcgan import filter_counts, halved, halvings
from monge.nn.kind import kind
from monge.nn.layer import xavier
from monge.nn.mlp import Shape

SLOPE = 0.1


class SNGANCritic(Critic):
    """Pairs of 3 x 3 convolutions and 4 x 4 ones of stride 2, then one 3 x 3, with leaky ReLU of slope 0.1.

    Arguments:
        shape: (channels, height, width).
        width: filters next to the image; each pair further down has twice as many, at most 8 x width. 64 in the paper.
        layer: "spectral", "plain", or "orthogonal", which sorts channels instead of a leaky ReLU and is 1-Lipschitz.
        outputs: numbers for each sample.
    """

    def __init__(self, shape: Shape, width: int = 32, layer: str = "spectral", outputs: int = 1) -> None:
        base, doublings = halvings(shape, "sngan")
        how = kind(layer)
        filters = [shape[0], *filter_counts(width, doublings + 1)]
        layers: list[nn.Module] = []
        for level, (fan_in, fan_out) in enumerate(pairwise(filters)):
            size = halved(shape, level)
            layers += [how.convolution(fan_in, fan_out, size, 3, 1), how.activation(fan_out, SLOPE, 2)]
            if level < doublings:
                layers += [how.convolution(fan_out, fan_out, size, 4, 2), how.activation(fan_out, SLOPE, 2)]
        count = filters[-1] * base[0] * base[1]
        super().__init__(nn.Sequential(*layers, nn.Flatten()), how.linear(count, outputs), count)
        xavier(self)
