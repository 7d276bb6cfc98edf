"""A generator as a list of layers that the script of a page runs: plain values beside one long list of numbers.

A layer is a mapping with its `kind`, sizes, and where its numbers start. `network.js` has one function for each kind,
which takes the layer and what the layer before gave. Layers of a residual block, and those before a table's last
layer, are lists in their own layer. Batch norm becomes the scale and the shift that it is once training is over.
"""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator
from monge.nn.copula import GRID, CopulaGenerator
from monge.nn.dcgan import DCGANGenerator
from monge.nn.layer import ChannelNorm
from monge.nn.level import LARGEST, HeadedGenerator
from monge.nn.mlp import MLPGenerator
from monge.nn.residual import ResidualGenerator
from monge.nn.resnet import Residual, ResNetGenerator

Layer = dict[str, Any]


class SamplerError(Exception):
    """A page cannot draw samples of a model by itself; the message says why, as the rest of a sentence."""


class Weights:
    """The numbers of a network, one after another."""

    def __init__(self) -> None:
        self._parts: list[Tensor] = []
        self.size = 0

    def add(self, numbers: Tensor) -> int:
        """Appends numbers of any shape; gives the place of the first."""
        start, self.size = self.size, self.size + numbers.numel()
        self._parts.append(numbers.detach().float().cpu().flatten())
        return start

    def text(self, *, half: bool = False) -> str:
        """All of them in base64, each in 32 bits, or in 16, the lowest byte first.

        Raises:
            SamplerError: one is not finite.
        """
        numbers = torch.cat([*self._parts, torch.empty(0)]).numpy()
        if not np.isfinite(numbers).all():
            raise SamplerError("the weights of the generator are not finite")
        return base64.b64encode(numbers.astype("<f2" if half else "<f4").tobytes()).decode()


def graph(network: nn.Module, weights: Weights) -> list[Layer]:
    """The layers of a network in the order in which they run; their numbers are added to `weights`.

    Raises:
        SamplerError: there is no function for one of them.
    """
    # not by isinstance: a class derived from one of these may compute something else
    layers = _LAYERS.get(type(network))
    if layers is None:
        raise SamplerError(f"its script knows no layer {type(network).__name__}")
    return layers(network, weights)


def _several(networks: "nn.Sequential | list[nn.Module]", weights: Weights) -> list[Layer]:
    return [layer for network in networks for layer in graph(network, weights)]


def _linear(layer: nn.Linear, weights: Weights) -> list[Layer]:
    return [{"kind": "linear", "outputs": layer.out_features, **_affine(layer, weights)}]


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d, weights: Weights) -> list[Layer]:
    kind = "convolution" if isinstance(layer, nn.Conv2d) else "transposed convolution"
    sizes = {"outputs": layer.out_channels, "side": layer.kernel_size[0], "stride": layer.stride[0]}
    padding = layer.padding[0]
    return [{"kind": kind, **sizes, "padding": padding, **_affine(layer, weights)}]


def _batch_norm(layer: nn.modules.batchnorm._BatchNorm, weights: Weights) -> list[Layer]:
    assert layer.running_mean is not None
    assert layer.running_var is not None
    scale = layer.weight.double() * (layer.running_var.double() + layer.eps).rsqrt()
    shift = layer.bias.double() - scale * layer.running_mean.double()
    return [{"kind": "scale", "weight": weights.add(scale), "bias": weights.add(shift)}]


def _channel_norm(layer: ChannelNorm, weights: Weights) -> list[Layer]:
    return [{"kind": "channel norm", "least": layer.eps, **_affine(layer, weights)}]


def _affine(layer: nn.Module, weights: Weights) -> dict[str, int]:
    return {name: weights.add(getattr(layer, name)) for name in ("weight", "bias")}


def _upsample(layer: nn.Upsample, weights: Weights) -> list[Layer]:
    assert isinstance(layer.scale_factor, float)
    return [{"kind": "upsample", "factor": int(layer.scale_factor), "smooth": layer.mode == "bilinear"}]


def _residual(block: Residual, weights: Weights) -> list[Layer]:
    return [{"kind": "sum", "short": graph(block.short, weights), "long": graph(block.long, weights)}]


def _mlp(network: MLPGenerator, weights: Weights) -> list[Layer]:
    return _several([network.body, network.last], weights)


def _residual_mlp(network: ResidualGenerator, weights: Weights) -> list[Layer]:
    *norms, end = network.norms
    out = graph(network.first, weights)
    for norm, block in zip(norms, network.blocks, strict=True):
        out.append({"kind": "sum", "short": [], "long": _several([norm, nn.ReLU(), block], weights)})
    return out + _several([end, nn.ReLU(), network.output, network.last], weights)


def _dcgan(network: DCGANGenerator, weights: Weights) -> list[Layer]:
    flat = _several([network.mapping, network.project], weights)
    return [*flat, {"kind": "reshape", "size": list(network.base)}, *graph(network.body, weights)]


def _resnet(network: ResNetGenerator, weights: Weights) -> list[Layer]:
    flat = graph(network.project, weights)
    return [*flat, {"kind": "reshape", "size": list(network.base)}, *graph(network.body, weights)]


def _conditional(network: ConditionalGenerator, weights: Weights) -> list[Layer]:
    vectors = network.embedding.weight
    # added up as the network adds, in single precision
    ends = network.shares.cumsum(0)[:-1].tolist()
    chosen = {"kind": "class", "ends": ends, "size": vectors.shape[1], "weight": weights.add(vectors)}
    return [chosen, *graph(network.generator, weights)]


def _coded(network: CodedGenerator, weights: Weights) -> list[Layer]:
    codes = network.codes
    counts = {"categorical": codes.categorical, "uniform": codes.uniform, "normal": codes.normal}
    return [{"kind": "codes", "categories": codes.categories, **counts}, *graph(network.generator, weights)]


def _headed(network: HeadedGenerator, weights: Weights) -> list[Layer]:
    head, layout = network.head, network.head.layout
    inner = graph(network.generator, weights)
    own, noise, _ = network.parts
    sizes = {"own": own, "noise": noise, "numbers": layout.numbers, "blocks": list(layout.blocks)}
    gates = [list(pair) for pair in layout.gates]
    offset = weights.add(head.offset)
    return [{"kind": "levels", "layers": inner, **sizes, "gates": gates, "offset": offset, "largest": LARGEST}]


def _copula(network: CopulaGenerator, weights: Weights) -> list[Layer]:
    places = {"places": network.places.tolist(), "width": network.layout.width, "grid": GRID}
    tables = {name: weights.add(getattr(network, name)) for name in ("root", "numbers", "levels")}
    return [{"kind": "copula", **places, **tables}]


_LAYERS: dict[type[nn.Module], Callable[[Any, Weights], list[Layer]]] = {
    nn.Sequential: _several,
    nn.Identity: lambda layer, weights: [],
    nn.ReLU: lambda layer, weights: [{"kind": "relu"}],
    nn.Tanh: lambda layer, weights: [{"kind": "tanh"}],
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.Upsample: _upsample,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    ChannelNorm: _channel_norm,
    Residual: _residual,
    MLPGenerator: _mlp,
    ResidualGenerator: _residual_mlp,
    DCGANGenerator: _dcgan,
    ResNetGenerator: _resnet,
    ConditionalGenerator: _conditional,
    CodedGenerator: _coded,
    HeadedGenerator: _headed,
    CopulaGenerator: _copula,
}
