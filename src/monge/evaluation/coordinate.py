"""The features of a sample in metric scale: the numbers of a vector, the columns of a table, the pixels of an image."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monge.data.scale import Codec
from monge.data.space import ImageSpace
from monge.data.table.codec import TableCodec
from monge.distance.points import Points

Coordinates = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class FeatureGroups:
    """How the D coordinates of a point belong to g features.

    Attributes:
        names: of the features.
        groups: the feature of each coordinate, (D,).
        levelled: whether a feature is one of levels, one-hot, (g,).
        optional: whether a feature is a number, followed by a coordinate that says whether it is missing, (g,).
        picture: height and width where features are the pixels of images, row by row; None else.
    """

    names: list[str]
    groups: Coordinates
    levelled: NDArray[np.bool_]
    optional: NDArray[np.bool_]
    picture: tuple[int, int] | None = None

    @classmethod
    def of(cls, codec: Codec, width: int, columns: list[str] | None = None) -> "FeatureGroups":
        """The features of points in a codec's metric scale.

        Arguments:
            codec: of the points.
            width: D.
            columns: names of a vector's numbers; without them they are counted from 1.
        """
        space = codec.space
        if isinstance(codec, TableCodec):
            sizes = [group.stop - group.start for group in codec.groups]
            numeric = np.array([code.column.numeric for code in codec.codes])
            return cls(codec.schema.names, np.repeat(np.arange(len(sizes)), sizes), ~numeric, numeric)
        if isinstance(space, ImageSpace):
            height, across = space.height, space.width
            names = [f"pixel {row},{column}" for row in range(height) for column in range(across)]
            none = np.zeros(height * across, np.bool_)
            return cls(names, np.tile(np.arange(height * across), space.channels), none, none, (height, across))
        none = np.zeros(width, np.bool_)
        return cls(columns or [f"column {i + 1}" for i in range(width)], np.arange(width), none, none)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def starts(self) -> Coordinates:
        """The first coordinate of each feature, (g,)."""
        return np.unique(self.groups, return_index=True)[1]

    @property
    def numbers(self) -> Coordinates:
        """The coordinates that are numbers: no levels, and not whether something is missing."""
        kept = ~self.levelled[self.groups]
        kept[self.starts[self.optional] + 1] = False
        return np.flatnonzero(kept)

    def known(self, points: Points, number: int) -> NDArray[np.bool_]:
        """Which points (n, D) have the number at a coordinate, (n,)."""
        if not self.optional[self.groups[number]]:
            return np.ones(len(points), np.bool_)
        return np.asarray(points[:, number + 1] < 0.5)

    def values(self, points: Points) -> Iterator[NDArray[np.float64]]:
        """Each feature of points (n, D) as a number (n,): NaN where missing, a level's position, a pixel's mean."""
        for feature, start in enumerate(self.starts):
            own = np.flatnonzero(self.groups == feature)
            if self.levelled[feature]:
                yield points[:, own].argmax(axis=1).astype(np.float64)
            elif self.optional[feature]:
                yield np.where(self.known(points, int(start)), points[:, start], np.nan)
            else:
                yield points[:, own].mean(axis=1)
