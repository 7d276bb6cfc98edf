"""The three scales in which a sample exists.

*Raw* is what the user has: images (n, H, W, C), vectors (n, d) and rows of tables (n, columns) in their own units.
*Model* is what networks see: float32 tensors, images (n, C, H, W) in [-1, 1], vectors standardised per feature, rows as
normal numbers and one-hot levels.
*Metric* is where distances are Euclidean: float64 arrays (n, D), images flattened channel first in [-1, 1], so that
metric = model.flatten(1), vectors in their own units, numbers of tables in standard deviations beside one-hot levels.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.space import Space


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
        """Model samples (n, *space.shape) as raw samples: clipped images, rounded if whole, vectors, or rows."""

    @abstractmethod
    def metric(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        """Raw samples as an array (n, D) in metric scale."""

    @abstractmethod
    def from_metric(self, metric: Tensor) -> Tensor:
        """Metric samples (n, D) in model scale, (n, *space.shape); differentiable, of the same device and precision."""

    @abstractmethod
    def state(self) -> dict[str, object]:
        """A JSON-able mapping from which `codec_from_state` makes an equal codec."""

    def prepare(self, raw: NDArray[Any]) -> Tensor:
        """Raw samples as they are kept to draw batches from: in model scale, unless chance has a part in that."""
        return self.encode(raw)

    def finish(self, prepared: Tensor, generator: torch.Generator) -> Tensor:
        """A batch of prepared samples in model scale; chance, if it has a part in it, comes from the CPU generator."""
        return prepared
