r"""Networks whose first layer starts at samples of the data.

A maximum of affine functions, with a quadratic beside it, is the upper envelope of paraboloids; tangent planes at data
points put its facets where the data are, which random weights do not beyond a few dimensions. A hidden layer of
ReLU likewise starts with its kinks through data points.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MaxAffine(nn.Module):
    r"""One maxout unit and a quadratic term.

    .. math:: f(x) = \max_k \bigl(\langle w_k, x\rangle + b_k\bigr) - \tfrac12 q \lVert x \rVert^2

    with :math:`w_k = c_k / r`, :math:`b_k = -\lVert c_k \rVert^2 / 2r`, :math:`q = 1 / r` at the start, which is
    :math:`-\min_k \lVert x - c_k \rVert^2 / 2r`: slope 1 at distance r from a data point.

    Reference: Goodfellow, Warde-Farley, Mirza, Courville, Bengio 2013, "Maxout networks", section 2.

    Arguments:
        centres: data points c, (k, d).
        radius: r.
    """

    def __init__(self, centres: Tensor, radius: float) -> None:
        super().__init__()
        # steps of an optimiser change every parameter by the same amount, so both factors carry half of the scale
        self.gain: float = radius**-0.5
        self.weights = nn.Parameter(self.gain * centres)
        self.biases = nn.Parameter(-centres.square().sum(dim=1) / (2 * radius))
        self.quadratic = nn.Parameter(centres.new_tensor(self.gain))

    def forward(self, x: Tensor) -> Tensor:
        highest: Tensor = F.linear(x, self.gain * self.weights, self.biases).amax(dim=1, keepdim=True)
        squares = x.square().sum(dim=1, keepdim=True)
        return highest - self.gain / 2 * self.quadratic * squares


class LinearSum(nn.Module):
    """The sum of functions (n, d) -> (n, 1).

    Arguments:
        parts: the functions.
    """

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return cast(Tensor, sum(part(x) for part in self.parts))


def kinked(points: Tensor, width: int, depth: int) -> nn.Sequential:
    """ReLU network (n, d) -> (n, 1) whose first kinks pass through data points (k, d) in random directions."""
    first = nn.Linear(points.shape[1], width)
    first.weight.data = F.normalize(torch.randn(width, points.shape[1]), dim=1)
    through = points[torch.randint(len(points), (width,))].to(first.weight.dtype)
    first.bias.data = -(first.weight.data * through).sum(dim=1)
    layers: list[nn.Module] = [first, nn.ReLU()]
    for fan_out in [width] * (depth - 1) + [1]:
        layer = nn.Linear(width, fan_out)
        nn.init.xavier_uniform_(layer.weight)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
