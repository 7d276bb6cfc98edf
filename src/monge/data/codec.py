"""Conversions between the three scales in which a sample exists.

*Raw* is what the user has: uint8 images (n, H, W, C), or floating point vectors (n, d) in their own units.
*Model* is what networks see: float32 tensors, images (n, C, H, W) in [-1, 1], vectors standardised per feature.
*Metric* is where distances are Euclidean: float64 arrays (n, D), images flattened channel first in [-1, 1], so that
metric = model.flatten(1), and vectors in their own units.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.space import ImageSpace, Space, VectorSpace, space_of
from monge.data.split import ArraySplit
from monge.errors import unknown_name

COARSE = 1e-3
"""Gap between neighbouring float32 numbers, in standard deviations of a feature, above which it takes float64."""


class Codec(ABC):
    """Converts samples between the raw, model and metric scales.

    Attributes:
        space: what one sample is.
    """

    space: Space

    @abstractmethod
    def encode(self, raw: NDArray[Any]) -> Tensor:
        """Raw samples as a new float32 tensor (n, *space.shape) in model scale."""

    @abstractmethod
    def decode(self, model: Tensor) -> NDArray[Any]:
        """Model samples (n, *space.shape) as raw samples: clipped and rounded uint8 images, or vectors."""

    @abstractmethod
    def metric(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Raw samples as an array (n, D) in metric scale."""

    @abstractmethod
    def from_metric(self, metric: Tensor) -> Tensor:
        """Metric samples (n, D) in model scale, (n, *space.shape); differentiable, of the same device and precision."""

    @abstractmethod
    def state(self) -> dict[str, object]:
        """A JSON-able mapping from which `codec_from_state` makes an equal codec."""


@dataclass(frozen=True)
class ImageCodec(Codec):
    """uint8 images: model = raw / 127.5 - 1.

    Arguments:
        space: channels, height and width.
    """

    space: ImageSpace

    def encode(self, raw: NDArray[Any]) -> Tensor:
        """Images (n, H, W, C) uint8 as a tensor (n, C, H, W) in [-1, 1]."""
        pixels = raw.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        return torch.from_numpy(pixels).div_(127.5).sub_(1)

    def decode(self, model: Tensor) -> NDArray[np.uint8]:
        """Images (n, C, H, W) as (n, H, W, C) uint8, clipped and rounded to the nearest grey value."""
        pixels = ((model.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        images: NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return images

    def metric(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Images (n, H, W, C) uint8 as (n, C H W) in [-1, 1]."""
        pixels: NDArray[np.float64] = raw.transpose(0, 3, 1, 2).reshape(len(raw), -1) / 127.5
        return pixels - 1

    def from_metric(self, metric: Tensor) -> Tensor:
        """Images (n, C H W) as (n, C, H, W)."""
        return metric.reshape(-1, *self.space.shape)

    def state(self) -> dict[str, object]:
        """`{"kind": "image", "shape": [C, H, W]}`."""
        return {"kind": self.space.name, "shape": list(self.space.shape)}


@dataclass(frozen=True, eq=False)
class VectorCodec(Codec):
    """Vectors: model = (raw - mean) / scale, per feature.

    Arguments:
        mean: (d,), in the data's units.
        scale: (d,), in the data's units, > 0.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    space: VectorSpace = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "space", VectorSpace(len(self.mean)))

    @property
    def _precision(self) -> type[np.floating[Any]]:
        """float64 where a feature's mean is so large that float32 would round away what differs between samples."""
        gap = np.spacing(np.abs(self.mean).astype(np.float32)).astype(np.float64)
        return np.float64 if (gap > COARSE * self.scale).any() else np.float32

    @classmethod
    def fit(cls, raw: NDArray[Any]) -> "VectorCodec":
        """Mean and standard deviation of vectors (n, d); constant features get scale 1."""
        deviation = raw.std(axis=0, dtype=np.float64)
        # Rounding can give a constant feature a deviation above zero, and tiny numbers one of zero.
        varies = (raw.min(axis=0) < raw.max(axis=0)) & (deviation > 0)
        return cls(raw.mean(axis=0, dtype=np.float64), np.where(varies, deviation, 1.0))

    def encode(self, raw: NDArray[Any]) -> Tensor:
        """Vectors (n, d) as a standardised tensor (n, d)."""
        return torch.from_numpy(((raw - self.mean) / self.scale).astype(np.float32))

    def decode(self, model: Tensor) -> NDArray[Any]:
        """Standardised vectors (n, d) in the data's units, as float32, or float64 where float32 is too coarse."""
        return (model.detach().cpu().double().numpy() * self.scale + self.mean).astype(self._precision)

    def metric(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """The vectors themselves, as float64."""
        return raw.astype(np.float64)

    def from_metric(self, metric: Tensor) -> Tensor:
        """Vectors (n, d) in the data's units, standardised."""
        mean = torch.as_tensor(self.mean, dtype=metric.dtype, device=metric.device)
        scale = torch.as_tensor(self.scale, dtype=metric.dtype, device=metric.device)
        return (metric - mean) / scale

    def state(self) -> dict[str, object]:
        """`{"kind": "vector", "mean": [...], "scale": [...]}`; Python writes floats so that they read back exactly."""
        return {"kind": self.space.name, "mean": self.mean.tolist(), "scale": self.scale.tolist()}


def codec_of(train: ArraySplit) -> Codec:
    """The codec of training samples: fitted to them if they are vectors; images may be larger than memory."""
    space = space_of(train.values)
    return ImageCodec(space) if isinstance(space, ImageSpace) else VectorCodec.fit(train.all())


def codec_from_state(state: Mapping[str, Any]) -> Codec:
    """The codec whose `state()` this is.

    Raises:
        UserError: the kind is neither image nor vector.
    """
    kind = state["kind"]
    if kind == ImageSpace.name:
        return ImageCodec(ImageSpace(*state["shape"]))
    if kind == VectorSpace.name:
        return VectorCodec(np.asarray(state["mean"], np.float64), np.asarray(state["scale"], np.float64))
    raise unknown_name("codec kind", str(kind), (ImageSpace.name, VectorSpace.name))
