"""What one sample is: an image, a vector, or the row of a table.

Whatever treats them differently asks the space, not a type or a rank.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from monge.data.table.schema import Schema
from monge.nn.level import LevelHead
from monge.nn.margin import Layout


class Space(ABC):
    """What one sample is.

    Attributes:
        name: "image", "vector" or "table", as in stored files.
        unit: of distances, in two words.
        scale: in which distances are taken, in words.
        pictured: samples that a picture shows.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    scale: ClassVar[str]
    pictured: ClassVar[int]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample in model scale."""

    @property
    @abstractmethod
    def raw_shape(self) -> tuple[int, ...]:
        """Shape of one sample in raw scale."""

    @property
    @abstractmethod
    def form(self) -> str:
        """What samples are, in words."""

    @property
    @abstractmethod
    def side(self) -> int | None:
        """The longer of height and width in pixels; None for what is no image."""

    @abstractmethod
    def last_layer(self) -> nn.Module:
        """What ends a generator, so that its samples can lie in the space."""


@dataclass(frozen=True)
class Pixels:
    """The pixel values of images in raw scale.

    Arguments:
        low: is -1 in model scale and black in pictures.
        high: is 1 in model scale and white in pictures; above `low`.
        dtype: type of the numbers, as numpy names it.
    """

    low: float = 0
    high: float = 255
    dtype: str = "uint8"

    def __str__(self) -> str:
        return f"{self.dtype} from {self.low:g} to {self.high:g}"

    @property
    def whole(self) -> bool:
        """Whether they are whole numbers."""
        return np.dtype(self.dtype).kind in "iu"

    def resemble(self, other: "Pixels") -> bool:
        """Whether both can be of one source: of the same type, and neither of them 8 times as wide as the other."""
        return self.dtype == other.dtype and 1 / 8 < (self.high - self.low) / (other.high - other.low) < 8


@dataclass(frozen=True)
class ImageSpace(Space):
    """Images: raw (height, width, channels), in model scale (channels, height, width) in [-1, 1].

    Arguments:
        channels, height, width: shape of an image.
        pixels: the values in raw scale. Spaces that differ only in these are equal, as the same networks fit them.

    Example:
        >>> ImageSpace(3, 32, 32).form
        'images 32 x 32 x 3'
    """

    channels: int
    height: int
    width: int
    pixels: Pixels = field(default=Pixels(), compare=False)
    name: ClassVar[str] = "image"
    unit: ClassVar[str] = "pixel scale"
    scale: ClassVar[str] = "between images with pixels in [-1, 1]"
    pictured: ClassVar[int] = 64

    @property
    def shape(self) -> tuple[int, ...]:
        return self.channels, self.height, self.width

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return self.height, self.width, self.channels

    @property
    def form(self) -> str:
        return f"images {' x '.join(map(str, self.raw_shape))}"

    @property
    def side(self) -> int:
        return max(self.height, self.width)

    def shown(self, raw: NDArray[Any]) -> NDArray[np.uint8]:
        """Raw images (n, H, W, C) as uint8 for a picture, `pixels.low` black and `pixels.high` white."""
        if self.pixels == Pixels():
            return raw
        low, high = self.pixels.low, self.pixels.high
        grey: NDArray[np.float64] = (raw.astype(np.float64) - low) * (255 / (high - low))
        return grey.round().clip(0, 255).astype(np.uint8)

    def last_layer(self) -> nn.Module:
        return nn.Tanh()


@dataclass(frozen=True)
class VectorSpace(Space):
    """Vectors of real numbers, raw in their own units, in model scale standardised.

    Example:
        >>> VectorSpace(2).shape
        (2,)
    """

    dimension: int
    name: ClassVar[str] = "vector"
    unit: ClassVar[str] = "data units"
    scale: ClassVar[str] = "in the data's own units"
    pictured: ClassVar[int] = 1000

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dimension,)

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return self.shape

    @property
    def form(self) -> str:
        return f"vectors of {self.dimension} number{'s' if self.dimension > 1 else ''}"

    @property
    def side(self) -> None:
        return None

    def last_layer(self) -> nn.Module:
        return nn.Identity()


@dataclass(frozen=True)
class TableSpace(Space):
    """Rows of a table, raw as in `data.table.schema`, in model scale numbers and one-hot blocks of levels.

    Two of them are equal if their columns have equal names and hold numbers, dates, times or levels alike.

    Arguments:
        schema: the columns.
        layout: of a row in model scale.
        shares: of all levels of the layout's blocks, in the training rows.
        rows: how many training rows there are.
    """

    schema: Schema = field(compare=False)
    layout: Layout = field(compare=False)
    shares: tuple[float, ...] = field(compare=False)
    rows: int = field(default=0, compare=False)
    columns: tuple[tuple[str, str], ...] = ()
    name: ClassVar[str] = "table"
    unit: ClassVar[str] = "standard deviations"
    scale: ClassVar[str] = "of numbers in standard deviations, where a level that differs counts 1"
    pictured: ClassVar[int] = 1000

    def __post_init__(self) -> None:
        held = {"date": "dates", "datetime": "times"}
        columns = tuple(
            (column.name, held.get(column.kind, "numbers" if column.numeric else "levels")) for column in self.schema
        )
        object.__setattr__(self, "columns", columns)

    def difference(self, other: Space) -> str | None:
        """The first column that holds something else than in another table, in words; None where there is none."""
        pairs = zip(self.columns, other.columns, strict=False) if isinstance(other, TableSpace) else ()
        found = next(((ours, theirs) for ours, theirs in pairs if ours != theirs), None)
        return None if found is None else f"{found[0][0]!r} has {found[0][1]} in the one, {found[1][1]} in the other"

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.layout.width,)

    @property
    def raw_shape(self) -> tuple[int, ...]:
        return (len(self.schema),)

    @property
    def form(self) -> str:
        return f"rows of {len(self.schema)} column{'s' if len(self.schema) > 1 else ''}"

    @property
    def side(self) -> None:
        return None

    def last_layer(self) -> nn.Module:
        return LevelHead(self.layout, self.shares)


def space_of(shape: tuple[int, ...]) -> Space:
    """The space of raw samples of a shape: images (n, H, W, C), with the usual range of pixels, or vectors (n, d)."""
    if len(shape) == 4:
        _, height, width, channels = shape
        return ImageSpace(channels, height, width)
    return VectorSpace(shape[1])
