r"""Layers whose Lipschitz constant is known, Euclidean norm on both sides.

A composition has at most the product of its parts' constants. A linear map's constant is its largest singular value
:math:`\lVert W \rVert_2`; ReLU's and GroupSort's is 1; a minimum of functions with constant 1 has constant 1. Sorting
preserves the norm of the gradient, so that orthogonal layers with GroupSort approximate every 1-Lipschitz function,
which ReLU between layers of norm 1 cannot (Anil, Lucas, Grosse 2019, "Sorting out Lipschitz function approximation",
theorems 1 and 3).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monge.errors import UserError


class GroupSort(nn.Module):
    """Sorts units in groups: a permutation of each sample's units, hence 1-Lipschitz and norm-preserving.

    Reference: Anil, Lucas, Grosse 2019, section 4.1; groups of two are the MaxMin of Chernodub, Nowicki 2016.

    Arguments:
        size: units in a group; 0 sorts all of them.

    Raises:
        UserError: (in the forward pass) the number of units is no multiple of the size.
    """

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        units = x.shape[1]
        if units % (self.size or units):
            raise UserError(f"GroupSort: {units} units cannot be sorted in groups of {self.size}")
        if self.size == 2:
            one, other = x.chunk(2, dim=1)
            return torch.cat([torch.maximum(one, other), torch.minimum(one, other)], dim=1)
        groups: Tensor = x.unflatten(1, (-1, self.size or units))
        return groups.sort(dim=2).values.flatten(1)


class OrthogonalLinear(nn.Module):
    r"""Linear layer whose weight has orthonormal columns (rows, if it has fewer outputs than inputs).

    The tall matrix :math:`W` comes from a free one :math:`V = [U; B]` by the Cayley transform

    .. math:: A = U - U^T + B^T B, \qquad W = \begin{bmatrix} (I + A)^{-1} (I - A) \\ -2 B (I + A)^{-1} \end{bmatrix}

    Reference: Trockman, Kolter 2021, "Orthogonalizing convolutional layers with the Cayley transform", eq. 7 and 8.

    Arguments:
        inputs, outputs: number of units.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        tall, thin = max(inputs, outputs), min(inputs, outputs)
        # this deviation makes B^T B near one for a tall V, and spreads a square W's angles over the circle
        self.free = nn.Parameter(torch.randn(tall, thin) / tall**0.5)
        self.bias = nn.Parameter((2 * torch.rand(outputs) - 1) / inputs**0.5)
        self.wide = outputs < inputs

    def weight(self) -> Tensor:
        """The orthogonal matrix, (outputs, inputs)."""
        thin = self.free.shape[1]
        upper, lower = self.free[:thin], self.free[thin:]
        a = upper - upper.T + lower.T @ lower
        one = torch.eye(thin, dtype=a.dtype)
        inverse = torch.linalg.inv(one + a)
        w = torch.cat([inverse @ (one - a), -2 * lower @ inverse])
        return w.T if self.wide else w

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(), self.bias)


class SpectralLinear(nn.Module):
    r"""Linear layer with its weight divided by an estimate of the largest singular value.

    One power iteration for each training pass, so that :math:`\lVert W \rVert_2` is only near 1: a certificate needs
    `lipschitz`.

    Reference: Miyato, Kataoka, Koyama, Yoshida 2018, "Spectral normalization for GANs", Algorithm 1.

    Arguments:
        inputs, outputs: number of units.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.free = nn.Parameter(torch.randn(outputs, inputs) / inputs**0.5)
        self.bias = nn.Parameter((2 * torch.rand(outputs) - 1) / inputs**0.5)
        self.left = nn.Buffer(F.normalize(torch.randn(outputs), dim=0))
        for _ in range(10):
            self._iterate()

    @torch.no_grad()
    def _iterate(self) -> Tensor:
        right = F.normalize(self.free.T @ self.left, dim=0)
        self.left.copy_(F.normalize(self.free @ right, dim=0))
        return right

    def weight(self) -> Tensor:
        """The normalised matrix, (outputs, inputs)."""
        with torch.no_grad():
            right = self._iterate() if self.training else F.normalize(self.free.T @ self.left, dim=0)
            left = self.left.clone()
        return self.free / (left @ self.free @ right)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(), self.bias)


class Cones(nn.Module):
    r"""The highest of many downward cones, a function with slope 1 wherever it has one.

    .. math:: f(x) = -\min_k \bigl(\lVert x - c_k \rVert_2 + b_k\bigr)

    1-Lipschitz by construction, whatever the centres and biases. On the discrete optimal potentials of two sample sets
    it is their c-transform (Villani 2009, "Optimal transport", definition 5.2).

    Arguments:
        centres: c, (k, d).
        biases: b, (k,); zeros if not given.
    """

    def __init__(self, centres: Tensor, biases: Tensor | None = None) -> None:
        super().__init__()
        self.centres = nn.Parameter(centres.clone())
        self.biases = nn.Parameter(centres.new_zeros(len(centres)) if biases is None else biases.clone())

    def forward(self, x: Tensor) -> Tensor:
        # the matrix product loses half of the digits, which only training can afford
        mode = "use_mm_for_euclid_dist" if self.training else "donot_use_mm_for_euclid_dist"
        with torch.no_grad():
            nearest = (torch.cdist(x, self.centres, compute_mode=mode) + self.biases).argmin(dim=1)
        offset = x - self.centres.index_select(0, nearest)
        # at a centre the norm has no gradient; the clamp makes it zero instead of NaN
        distance = offset.square().sum(dim=1).clamp_min(torch.finfo(x.dtype).tiny).sqrt()
        return -(distance + self.biases.index_select(0, nearest))[:, None]


class Mean(nn.Module):
    r"""The mean :math:`\frac1m \sum_i s_i f_i` of functions with signs :math:`s_i = \pm 1`; 1-Lipschitz if all are.

    Arguments:
        parts: the functions, (n, d) -> (n, 1).
        signs: +1 or -1 for each.
    """

    def __init__(self, parts: Sequence[nn.Module], signs: Sequence[int]) -> None:
        super().__init__()
        self.parts, self.signs = nn.ModuleList(parts), tuple(signs)

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = torch.stack([sign * part(x) for part, sign in zip(self.parts, self.signs, strict=True)])
        return total.mean(dim=0)


def orthogonal(inputs: int, width: int, depth: int, group: int = 2) -> nn.Sequential:
    """Orthogonal layers with GroupSort between them, (n, inputs) -> (n, 1): 1-Lipschitz."""
    return _stack(OrthogonalLinear, lambda: GroupSort(group), inputs, width, depth)


def spectral(inputs: int, width: int, depth: int) -> nn.Sequential:
    """Spectrally normalised layers with ReLU between them, (n, inputs) -> (n, 1)."""
    return _stack(SpectralLinear, nn.ReLU, inputs, width, depth)


def _stack(linear: type[nn.Module], activation: object, inputs: int, width: int, depth: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise([inputs] + [width] * depth):
        layers += [linear(fan_in, fan_out), cast(type[nn.Module], activation)()]
    return nn.Sequential(*layers, linear(width if depth else inputs, 1))


def frozen(network: nn.Module) -> nn.Module:
    """The network in float64, in evaluation mode, with every normalised layer as the plain linear layer that it is."""
    plain: nn.Module = _plain(network.double().eval().requires_grad_(False))
    return plain


def _plain(network: nn.Module) -> nn.Module:
    if isinstance(network, nn.Sequential):
        return nn.Sequential(*map(_plain, network))
    if isinstance(network, Mean):
        return Mean([_plain(part) for part in network.parts], network.signs)
    if isinstance(network, OrthogonalLinear | SpectralLinear):
        return _linear(network.weight(), network.bias)
    return network


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    outputs, inputs = weight.shape
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=weight.dtype)
    layer.weight, layer.bias = nn.Parameter(weight, False), nn.Parameter(bias.data, False)
    return cast(nn.Linear, layer)


def lipschitz(network: nn.Module) -> float:
    r"""A proved Lipschitz constant of a frozen network, :math:`\prod_l \lVert W_l \rVert_2`, computed in float64.

    Raises:
        UserError: it holds a layer of which nothing is proved.
    """
    if isinstance(network, nn.Sequential):
        return float(np.prod([lipschitz(layer) for layer in network]))
    if isinstance(network, Mean):
        return float(np.mean([lipschitz(part) for part in network.parts]))
    if isinstance(network, nn.Linear):
        return float(np.linalg.norm(network.weight.detach().double().numpy(), 2))
    if isinstance(network, nn.ReLU | GroupSort | Cones):
        return 1.0
    raise UserError(
        f"no Lipschitz constant is proved for {type(network).__name__}; allowed: linear, ReLU, GroupSort, Cones"
    )
