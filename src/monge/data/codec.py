"""The codecs of images and of vectors, and which codec some data has."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.image.scale import pixels_of
from monge.data.scale import Codec
from monge.data.space import ImageSpace, Pixels, TableSpace, VectorSpace, space_of
from monge.data.split import ArraySplit
from monge.data.survey import Survey
from monge.data.table.codec import TableCodec
from monge.data.table.schema import Schema
from monge.errors import unknown_name

_LARGEST = np.finfo(np.float32).max
COARSE = 1e-3
"""Gap between neighbouring float32 numbers, in standard deviations of a feature, above which it takes float64."""


@dataclass(frozen=True)
class ImageCodec(Codec):
    """Images: model = (raw - low) / half - 1, with half = (high - low) / 2; raw / 127.5 - 1 for ordinary ones.

    Arguments:
        space: channels, height and width, and the range `low` to `high` of the pixels.
    """

    space: ImageSpace

    @property
    def _half(self) -> float:
        return (self.space.pixels.high - self.space.pixels.low) / 2

    @property
    def _fine(self) -> bool:
        """Whether float32 is too coarse for the pixels."""
        return np.dtype(self.space.pixels.dtype).itemsize > 2

    def encode(self, raw: NDArray[Any]) -> Tensor:
        """Images (n, H, W, C) as a tensor (n, C, H, W), the range of the pixels in [-1, 1]."""
        pixels = raw.transpose(0, 3, 1, 2).astype(np.float64 if self._fine else np.float32, order="C")
        return torch.from_numpy(pixels).sub_(self.space.pixels.low).div_(self._half).sub_(1).float()

    def decode(self, model: Tensor) -> NDArray[Any]:
        """Images (n, C, H, W) as (n, H, W, C), clipped to the range of the pixels, and rounded where they are whole."""
        images: NDArray[Any] = self.pixels(model.detach().cpu() if self._fine else model.detach()).cpu().numpy()
        return images.astype(self.space.pixels.dtype)

    def pixels(self, model: Tensor) -> Tensor:
        """What `decode` gives, as floating-point numbers in a tensor (n, H, W, C) of the same device."""
        values, known = model.double() if self._fine else model.float(), self.space.pixels
        pixels = ((values + 1) * self._half).add_(known.low)
        pixels = (pixels.round_() if known.whole else pixels).clamp_(known.low, known.high)
        return pixels.permute(0, 2, 3, 1).contiguous()

    def metric(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Images (n, H, W, C) as (n, C H W), the range of the pixels in [-1, 1]."""
        flat = raw.transpose(0, 3, 1, 2).reshape(len(raw), -1)
        pixels: NDArray[np.float64] = np.subtract(flat, self.space.pixels.low, dtype=np.float64)
        pixels /= self._half
        pixels -= 1
        return pixels

    def from_metric(self, metric: Tensor) -> Tensor:
        """Images (n, C H W) as (n, C, H, W)."""
        return metric.reshape(-1, *self.space.shape)

    def state(self) -> dict[str, object]:
        """`{"kind": "image", "shape": [C, H, W]}`, and `"pixels"` where they are not 0 to 255 in uint8."""
        state: dict[str, object] = {"kind": self.space.name, "shape": list(self.space.shape)}
        return state if self.space.pixels == Pixels() else state | {"pixels": asdict(self.space.pixels)}


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
    def precision(self) -> type[np.floating[Any]]:
        """float64 where a feature's mean is so large that float32 would round away what differs between samples."""
        gap = np.spacing(np.abs(self.mean).astype(np.float32)).astype(np.float64)
        return np.float64 if (gap > COARSE * self.scale).any() else np.float32

    @classmethod
    def fit(cls, raw: NDArray[Any]) -> "VectorCodec":
        """Mean and standard deviation of vectors (n, d); constant features get scale 1."""
        return cls.of(ArraySplit.whole(raw).survey)

    @classmethod
    def of(cls, found: Survey) -> "VectorCodec":
        """The same of vectors that were read before."""
        # Rounding can give a constant feature a deviation above zero, and tiny numbers one of zero.
        varies = (found.low < found.high) & (found.deviation > 0)
        return cls(found.mean, np.where(varies, found.deviation, 1.0))

    def encode(self, raw: NDArray[Any]) -> Tensor:
        """Vectors (n, d) as a standardised tensor (n, d)."""
        return torch.from_numpy(((raw - self.mean) / self.scale).astype(np.float32))

    def decode(self, model: Tensor) -> NDArray[Any]:
        """Standardised vectors (n, d) in the data's units, as float32, or float64 where float32 is too coarse."""
        return (model.detach().cpu().double().numpy() * self.scale + self.mean).astype(self.precision)

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


def codec_of(train: ArraySplit, schema: Schema | None = None, rule: str | None = None) -> Codec:
    """The codec of training samples, fitted to them; images and vectors may be larger than memory.

    Arguments:
        train: the samples.
        schema: of a table's rows.
        rule: that generated rows of a table must follow, or None.

    Raises:
        UserError: the rule cannot be read, or training rows break it.
    """
    if schema is not None:
        return TableCodec.fit(schema, train.all(), rule)
    space = space_of(train.values.shape)
    if isinstance(space, ImageSpace):
        return ImageCodec(replace(space, pixels=pixels_of(train)))
    return VectorCodec.of(train.survey)


def codec_from_state(state: Mapping[str, Any]) -> Codec:
    """The codec whose `state()` this is.

    Raises:
        UserError: the kind is neither image, vector nor table.
        LookupError, TypeError, ValueError: it is none, as one from a damaged file.
    """
    kind = state["kind"]
    if kind == TableSpace.name:
        return TableCodec.from_state(state)
    if kind == ImageSpace.name:
        channels, height, width = state["shape"]
        pixels = Pixels(**state.get("pixels", {}))
        if not 0 < pixels.high - pixels.low < math.inf or np.dtype(pixels.dtype).kind not in "biuf":
            raise ValueError(f"its pixels must be numbers from one to a higher one; got {pixels}")
        return ImageCodec(ImageSpace(channels, height, width, pixels))
    if kind == VectorSpace.name:
        mean, scale = (np.asarray(state[name], np.float64) for name in ("mean", "scale"))
        known = mean.ndim == 1 and mean.shape == scale.shape and np.abs([mean, scale]).max(initial=0) <= _LARGEST
        if not known or not (scale > 0).all():
            raise ValueError("its mean and scale must be lists of as many float32 numbers, those of scale above 0")
        return VectorCodec(mean, scale)
    raise unknown_name("codec kind", str(kind), (ImageSpace.name, VectorSpace.name, TableSpace.name))
