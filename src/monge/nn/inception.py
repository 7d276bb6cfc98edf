r"""The Inception network whose features the FID is defined on, with weights from a file of the user's.

Images (n, 3, h, w) in [-1, 1] are resized to 299 x 299 pixels without regard to their proportions; of the last block's
8 x 8 pixels the mean is taken, (n, 2048). Names and shapes are those of the published file
`pt_inception-2015-12-05-6726825d.pth`, a conversion of the network of Heusel et al. It is not the Inception of
torchvision: means over 3 x 3 pixels leave out what lies beyond the edge, the last block takes maxima in their place,
and there are 1,008 classes, by which torchvision's weights are told apart and refused.

The published weights were not at hand when this was written: under random weights the features are those of a public
implementation, to four millionths of their mean, but no published FID was reproduced.

References: Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", table 1 and figures 5 to
7; Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (FID).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 299
"""Pixels a side that the network sees."""
FEATURES = 2048
"""Numbers that it gives for an image."""
CLASSES = 1008
"""Of the published file's last layer."""
COUNTER = ".num_batches_tracked"
"""Ends the names of values that old files lack and nothing depends on."""

KernelSides = tuple[int, int]
POINT: KernelSides = (1, 1)
SQUARE: KernelSides = (3, 3)


class Layer(NamedTuple):
    """A convolution with batch norm and ReLU.

    Arguments:
        filters: of the output.
        kernel: height and width.
        stride: 2 halves the image.
        padded: zeros around the image keep its size, unless the stride is 2.
        forked: the same again with height and width exchanged, from the same input, beside it.
    """

    filters: int
    kernel: KernelSides = POINT
    stride: int = 1
    padded: bool = True
    forked: bool = False


class InceptionConvolution(nn.Module):
    """What a `Layer` describes."""

    def __init__(self, fan_in: int, layer: Layer, kernel: KernelSides) -> None:
        super().__init__()
        margin = [side // 2 if layer.padded and layer.stride == 1 else 0 for side in kernel]
        self.conv = nn.Conv2d(fan_in, layer.filters, kernel, layer.stride, (margin[0], margin[1]), bias=False)
        self.bn = nn.BatchNorm2d(layer.filters, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Branches of convolutions and one of pooling side by side.

    Arguments:
        fan_in: channels of the input.
        pool: of the last branch.
        pooled: filters of the 1 x 1 convolution behind it; none without one.
        **branches: layers of the others, by the names of their weights.
    """

    def __init__(self, fan_in: int, pool: nn.Module, pooled: int | None, **branches: Sequence[Layer]) -> None:
        super().__init__()
        self.branches: list[list[list[str]]] = []
        for name, layers in branches.items():
            width, path = fan_in, []
            for number, layer in enumerate(layers, 1):
                stem = f"{name}_{number}" if len(layers) > 1 else name
                names = [f"{stem}a", f"{stem}b"] if layer.forked else [stem]
                for key, kernel in zip(names, (layer.kernel, layer.kernel[::-1]), strict=False):
                    self.add_module(key, InceptionConvolution(width, layer, kernel))
                width = layer.filters
                path.append(names)
            self.branches.append(path)
        self.pool = pool
        self.branch_pool = nn.Identity() if pooled is None else InceptionConvolution(fan_in, Layer(pooled), POINT)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [self._along(path, x) for path in self.branches]
        return torch.cat([*outputs, self.branch_pool(self.pool(x))], dim=1)

    def _along(self, path: Sequence[Sequence[str]], x: Tensor) -> Tensor:
        for names in path:
            x = torch.cat([self.get_submodule(name)(x) for name in names], dim=1)
        return x


def mean_pool() -> nn.Module:
    """The mean of 3 x 3 pixels, of those inside the image at its edge."""
    return nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def halved() -> nn.Module:
    """The maximum of 3 x 3 pixels, at every second one."""
    return nn.MaxPool2d(3, 2)


def _mixed_5(fan_in: int, pooled: int) -> Mixed:
    twice = [Layer(64), Layer(96, SQUARE), Layer(96, SQUARE)]
    five = [Layer(48), Layer(64, (5, 5))]
    return Mixed(fan_in, mean_pool(), pooled, branch1x1=[Layer(64)], branch5x5=five, branch3x3dbl=twice)


def _mixed_6a(fan_in: int) -> Mixed:
    twice = [Layer(64), Layer(96, SQUARE), Layer(96, SQUARE, 2)]
    return Mixed(fan_in, halved(), None, branch3x3=[Layer(384, SQUARE, 2)], branch3x3dbl=twice)


def _mixed_6(fan_in: int, inner: int) -> Mixed:
    wide, tall = (1, 7), (7, 1)
    once = [Layer(inner), Layer(inner, wide), Layer(192, tall)]
    twice = [Layer(inner), Layer(inner, tall), Layer(inner, wide), Layer(inner, tall), Layer(192, wide)]
    return Mixed(fan_in, mean_pool(), 192, branch1x1=[Layer(192)], branch7x7=once, branch7x7dbl=twice)


def _mixed_7a(fan_in: int) -> Mixed:
    three = [Layer(192), Layer(320, SQUARE, 2)]
    seven = [Layer(192), Layer(192, (1, 7)), Layer(192, (7, 1)), Layer(192, SQUARE, 2)]
    return Mixed(fan_in, halved(), None, branch3x3=three, branch7x7x3=seven)


def _mixed_7(fan_in: int, pool: nn.Module) -> Mixed:
    fork = Layer(384, (1, 3), forked=True)
    twice = [Layer(448), Layer(384, SQUARE), fork]
    return Mixed(fan_in, pool, 192, branch1x1=[Layer(320)], branch3x3=[Layer(384), fork], branch3x3dbl=twice)


class Inception(nn.Module):
    """Images (n, 3, h, w) in [-1, 1] to features (n, 2048)."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = InceptionConvolution(3, Layer(32, SQUARE, 2), SQUARE)
        self.Conv2d_2a_3x3 = InceptionConvolution(32, Layer(32, SQUARE, padded=False), SQUARE)
        self.Conv2d_2b_3x3 = InceptionConvolution(32, Layer(64, SQUARE), SQUARE)
        self.first_pool = halved()
        self.Conv2d_3b_1x1 = InceptionConvolution(64, Layer(80), POINT)
        self.Conv2d_4a_3x3 = InceptionConvolution(80, Layer(192, SQUARE, padded=False), SQUARE)
        self.second_pool = halved()
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _mixed_5(192, 32), _mixed_5(256, 64), _mixed_5(288, 64)
        self.Mixed_6a, self.Mixed_6b = _mixed_6a(288), _mixed_6(768, 128)
        self.Mixed_6c, self.Mixed_6d, self.Mixed_6e = _mixed_6(768, 160), _mixed_6(768, 160), _mixed_6(768, 192)
        self.Mixed_7a, self.Mixed_7b = _mixed_7a(768), _mixed_7(1280, mean_pool())
        self.Mixed_7c = _mixed_7(2048, nn.MaxPool2d(3, 1, 1))
        self.fc = nn.Linear(FEATURES, CLASSES)  # unused, but in the file

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", align_corners=False)
        for name, block in self.named_children():
            x = x if name == "fc" else block(x)
        return x.mean(dim=(2, 3))
