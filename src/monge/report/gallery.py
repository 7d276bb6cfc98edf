"""The pictures of a report, as `data:` URLs so that the page needs nothing else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import DataSet
from monge.data.space import ImageSpace, TableSpace, VectorSpace
from monge.metric.memorisation import nearest, searchable
from monge.model.trained_model import Request, TrainedModel
from monge.plot import grid, picture
from monge.plot.embedded import Picture, embed
from monge.report.film import drawn
from monge.run.folder import RunFolder

SHOWN = 64
"""Samples in a grid."""
CLOUD = 1000
"""Samples in a cloud."""
PAIRS = 12
"""Samples shown with their nearest training image."""
COMPARED = 200
"""Samples behind the novelty ratio."""
HISTORY = 24
"""Pictures of the history, at most."""
SIDE = 480
"""Pixels a side of a picture of the history, at most: 24 of pure noise still make less than 6 MB."""
REQUESTED = 12
"""Classes or codes that are asked for, at most."""
ROW = 10
"""Samples of each class or code."""


@dataclass(frozen=True)
class NeighbourPair:
    """A generated sample above its nearest training sample, and their Euclidean distance."""

    picture: Picture
    distance: float


@dataclass(frozen=True)
class Neighbours:
    """How near generated samples come to training samples.

    Attributes:
        fake, real: mean distance of a generated, a held-out sample to its nearest training sample.
        searched, size: training samples that were searched, and how many there are.
        pairs: examples (images only).
    """

    fake: float
    real: float
    searched: int
    size: int
    pairs: list[NeighbourPair]

    @property
    def novelty(self) -> float | None:
        """See `metric.memorisation.novelty`; none where held-out samples are themselves copies of training samples."""
        return self.fake / self.real if self.real > 0 else None


def history(run: RunFolder) -> list[Picture]:
    """Samples of fixed latent codes through training, an even choice of at most `HISTORY`.

    Warns:
        UserWarning: a picture is damaged, and passed over.
    """
    pictures = []
    for step, image in drawn(run, HISTORY, "is not in the report"):
        image.thumbnail((SIDE, SIDE))
        pictures.append(embed(image, f"Samples at step {step:,}", step))
    return pictures


def generated_and_real(model: TrainedModel, data: DataSet | None) -> list[Picture]:
    """Generated samples and, for images, as many held-out ones; the cloud of vectors shows both."""
    space = model.space
    if not isinstance(space, ImageSpace):
        fake = model.sample(CLOUD).x
        if data is None:
            return [embed(picture(space, fake), "Generated points")]
        real = data.held_out.sample(data.held_out.at_most(CLOUD))
        rows = isinstance(space, TableSpace)
        alt = "Generated over held-out real rows" if rows else "Generated points on top of held-out real points"
        return [embed(picture(space, fake, real, background(data)), alt)]
    shown = [embed(picture(space, model.sample(SHOWN).x), "Grid of generated images")]
    if data is not None:
        real = data.held_out.sample(data.held_out.at_most(SHOWN))
        alt = "Grid of real, held-out images" if len(real) == SHOWN else f"Grid of all {len(real)} held-out images"
        shown.append(embed(grid(space.shown(real), columns=round(SHOWN**0.5)), alt))
    return shown


def background(data: DataSet) -> NDArray[Any]:
    """The real points behind the pictures of the history, whose axes and limits all clouds of a report share."""
    return data.train.sample(data.train.at_most(CLOUD))


def on_request(model: TrainedModel) -> Picture | None:
    """Images of each class, or of each value of the first code, in rows; columns share the rest of the latent code.

    None for other runs, and for vectors.
    """
    space = model.space
    if not isinstance(space, ImageSpace):
        return None
    if model.conditional:
        names = model.trained_classes[:REQUESTED]
        requests, what = [Request(label=name) for name in names], f"class: {', '.join(names)}"
    elif model.codes is not None and model.codes.categorical:
        values = range(min(REQUESTED, model.codes.categories))
        requests, what = [Request(codes={0: value}) for value in values], f"value of code 0, from 0 to {values[-1]}"
    else:
        return None
    rows = np.concatenate([model.sample(ROW, request=request).x for request in requests])
    return embed(grid(space.shown(rows), columns=ROW), f"A row of images for each {what}")


def paths(model: TrainedModel, data: DataSet | None) -> Picture | None:
    """Samples along great arcs between latent codes: rows of images, or trails over the points of the plane."""
    space = model.space
    if isinstance(space, ImageSpace):
        rows = space.shown(model.interpolate(6, 9))
        return embed(grid(rows, columns=9), "Six rows of images, each changing gradually from left to right")
    if space != VectorSpace(2) or data is None:
        return None
    trails = picture(space, model.interpolate(8, 100), background(data))
    return embed(trails, "Eight trails of generated points over the real points")


def neighbours(model: TrainedModel, data: DataSet) -> Neighbours | None:
    """The training samples nearest to some generated ones; none where every training draw is fresh."""
    if data.train.size is None:
        return None
    searched = searchable(data.train.size, data.space.shape)
    train, fake = data.train.sample(searched), model.sample(COMPARED).x
    held_out = data.codec.metric(data.held_out.sample(data.held_out.at_most(COMPARED)))
    points = data.codec.metric(train)
    index, distances = nearest(data.codec.metric(fake), points)
    real = float(nearest(held_out, points)[1].mean())
    space = data.space
    pairs = _pairs(space.shown(fake), space.shown(train[index]), distances) if isinstance(space, ImageSpace) else []
    return Neighbours(float(distances.mean()), real, searched, data.train.size, pairs)


def _pairs(fake: NDArray[Any], near: NDArray[Any], distances: NDArray[np.float64]) -> list[NeighbourPair]:
    pairs = []
    for above, below, distance in zip(fake[:PAIRS], near, distances, strict=False):
        image = grid(np.stack([above, below]), columns=1, least=64)
        alt = f"A generated image above its nearest training image, distance {distance:.3g}"
        pairs.append(NeighbourPair(embed(image, alt), float(distance)))
    return pairs
