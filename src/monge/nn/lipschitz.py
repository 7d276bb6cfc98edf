r"""Functions whose Lipschitz constant is known, Euclidean norm on both sides, and what is proved of a network.

A composition has at most the product of its parts' constants. A linear map's constant is its largest singular value
:math:`\lVert W \rVert_2`; ReLU's and GroupSort's is 1; a minimum of functions with constant 1 has constant 1.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.critic import Critic
from monge.nn.layer import LeakyReLU
from monge.nn.orthogonal import GroupSort, OrthogonalConv, OrthogonalLinear
from monge.nn.packing import PackedCritic
from monge.nn.spectral import SpectralConv, SpectralLayer, SpectralLinear

NEAREST, MANY_DIMENSIONS = 4, 32
"""Cones that are compared exactly at each point, after all were roughly; dimensions from which that is faster."""


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
        with torch.no_grad():
            nearest = _roughly(x, self.centres, self.biases).argmin(dim=1) if self.training else self._nearest(x)
        offset = x - self.centres.index_select(0, nearest)
        # at a centre the norm has no gradient; the clamp makes it zero instead of NaN
        distance = offset.square().sum(dim=1).clamp_min(torch.finfo(x.dtype).tiny).sqrt()
        return -(distance + self.biases.index_select(0, nearest))[:, None]

    def _nearest(self, x: Tensor) -> Tensor:
        """The highest cone at each point, (n,), by full precision: of the few that it can be by rough distances."""
        if len(self.centres) <= NEAREST or x.shape[1] < MANY_DIMENSIONS:
            return _exactly(x, self.centres, self.biases).argmin(dim=1)
        centre = self.centres.mean(dim=0)
        near, there = x - centre, self.centres - centre
        rough, which = _roughly(near, there, self.biases).topk(NEAREST + 1, largest=False)
        which = which[:, :-1]
        few = torch.stack([torch.linalg.vector_norm(x - self.centres[at], dim=1) for at in which.T], dim=1)
        few += self.biases[which]
        least, place = few.min(dim=1)
        nearest = which.gather(1, place[:, None])[:, 0]
        lost = 100 * torch.finfo(x.dtype).eps ** 0.5 * (near.abs().amax() + there.abs().amax()) * x.shape[1] ** 0.5
        unsure = (rough[:, -1] < least + lost).nonzero()[:, 0]
        nearest[unsure] = _exactly(x[unsure], self.centres, self.biases).argmin(dim=1)
        return nearest


def _roughly(x: Tensor, centres: Tensor, biases: Tensor) -> Tensor:
    """Depths of the cones below zero, (n, k), by a matrix product, which loses half of the digits."""
    return torch.cdist(x, centres, compute_mode="use_mm_for_euclid_dist") + biases


def _exactly(x: Tensor, centres: Tensor, biases: Tensor) -> Tensor:
    """Depths of the cones below zero, (n, k), by differences, which take many times as long in many dimensions."""
    return torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist") + biases


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
    """The network in float64, in evaluation mode, with every normalised linear layer as the plain one that it is.

    Normalised convolutions stay as they are, and their weights too.
    """
    plain: nn.Module = _plain(network.double().eval().requires_grad_(False))
    return plain


def _plain(network: nn.Module) -> nn.Module:
    if isinstance(network, nn.Sequential):
        return nn.Sequential(*map(_plain, network))
    if isinstance(network, Critic):
        return nn.Sequential(_plain(network.features), _plain(network.output))
    if isinstance(network, Mean):
        return Mean([_plain(part) for part in network.parts], network.signs)
    if isinstance(network, OrthogonalLinear | SpectralLinear):
        return _linear(network.weight(), network.bias)
    return network


def _linear(weight: Tensor, bias: Tensor) -> nn.Linear:
    outputs, inputs = weight.shape
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=weight.dtype, device=weight.device)
    layer.weight, layer.bias = nn.Parameter(weight, False), nn.Parameter(bias.data, False)
    return cast(nn.Linear, layer)


_CONSTANT_ONE = (nn.ReLU, GroupSort, Cones, nn.Flatten, nn.Identity)
_HELD = (OrthogonalLinear, OrthogonalConv, SpectralLayer)
_COMPOSITIONS = (nn.Sequential, Critic, PackedCritic, Mean, nn.ModuleList)


def lipschitz(network: nn.Module) -> float:
    r"""A proved Lipschitz constant of a frozen network, :math:`\prod_l \lVert W_l \rVert_2`, computed in float64.

    Raises:
        UserError: a layer has no proved constant; of a plain convolution because it knows no image size.
    """
    if isinstance(network, nn.Sequential):
        return float(np.prod([lipschitz(layer) for layer in network]))
    if isinstance(network, Mean):
        return float(np.mean([lipschitz(part) for part in network.parts]))
    if isinstance(network, nn.Linear):
        return float(np.linalg.norm(network.weight.detach().double().cpu().numpy(), 2))
    if isinstance(network, SpectralConv):
        return network.operator.norm(network.weight())
    if isinstance(network, OrthogonalConv):
        return float(torch.linalg.svdvals(network.spectrum().detach()).max())
    if isinstance(network, LeakyReLU):
        return max(1.0, abs(network.slope))
    if isinstance(network, _CONSTANT_ONE):
        return 1.0
    raise UserError(
        f"no Lipschitz constant can be proved for {type(network).__name__}; "
        "allowed: linear, ReLU, GroupSort, Cones, spectral and orthogonal convolutions"
    )


def unbounded(network: nn.Module) -> list[str]:
    """Names of the layers that are not held near a Lipschitz constant of 1: plain ones, norms, sums, unknown ones.

    An empty list says: 1-Lipschitz by construction, but for spectral layers, whose constants are near 1 as far as their
    power iterations have converged (`lipschitz` of the `frozen` network says how near).
    """
    return list(_unbounded(network, ""))


def _unbounded(network: nn.Module, name: str) -> Iterator[str]:
    if isinstance(network, _COMPOSITIONS):
        for child, part in network.named_children():
            yield from _unbounded(part, f"{name}.{child}".lstrip("."))
    elif isinstance(network, LeakyReLU):
        yield from [] if abs(network.slope) <= 1 else [name]
    elif not isinstance(network, (*_CONSTANT_ONE, *_HELD)):
        yield name or type(network).__name__
