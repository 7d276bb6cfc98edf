"""The pictures of a report, as `data:` URLs so that the page needs nothing else."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monge.data.dataset import DataSet
from monge.metric.memorisation import nearest, searchable
from monge.model.load import load_generator
from monge.model.sample import Request, interpolate, sample
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator
from monge.plot import grid, picture, png
from monge.run.files import numbered
from monge.run.folder import RunFolder

SHOWN, CLOUD = 64, 1000
"""Samples in a grid, in a cloud."""
PAIRS, COMPARED = 12, 200
"""Samples shown beside their nearest training image, and samples behind the novelty ratio."""
HISTORY, SIDE = 24, 480
"""Pictures of the history and their pixels a side, at most: 24 pictures of pure noise still make less than 6 MB."""
REQUESTED, ROW = 12, 10
"""Classes or codes that are asked for, at most, and samples of each."""
LARGEST_PNG = 100_000
"""Bytes beyond which a picture is stored as JPEG."""


@dataclass(frozen=True)
class Picture:
    """An embedded picture."""

    url: str
    alt: str
    width: int
    height: int
    step: int = 0


@dataclass(frozen=True)
class Pair:
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
    pairs: list[Pair]

    @property
    def novelty(self) -> float | None:
        """See `metric.memorisation.novelty`; none where held-out samples are themselves copies of training samples."""
        return self.fake / self.real if self.real > 0 else None


def embed(image: Image.Image, alt: str, step: int = 0) -> Picture:
    """A picture as PNG, or as JPEG where that would be large."""
    kind, content = "png", png(image)
    if len(content) > LARGEST_PNG:
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, format="JPEG", quality=80)
        kind, content = "jpeg", buffer.getvalue()
    url = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    return Picture(url, alt, image.width, image.height, step)


def history(run: RunFolder) -> list[Picture]:
    """Samples of fixed latent codes through training, an even choice of at most `HISTORY`."""
    paths = numbered(run.samples, ".png")
    chosen = np.linspace(0, len(paths) - 1, min(HISTORY, len(paths))).round().astype(int)
    pictures = []
    for step, path in (paths[index] for index in chosen):
        with Image.open(path) as image:
            image.load()
        image.thumbnail((SIDE, SIDE))
        pictures.append(embed(image, f"Samples at step {step:,}", step))
    return pictures


def side_by_side(run: RunFolder, data: DataSet | None) -> list[Picture]:
    """Generated samples and, for images, as many held-out ones; the cloud of vectors holds both."""
    if data is not None and data.kind == "vector":
        real, fake = data.held_out_sample(min(CLOUD, data.held_out_size)), sample(run, CLOUD).x
        return [embed(picture(fake, real, background(data)), "Generated points over held-out real points")]
    fake = sample(run, SHOWN).x
    if fake.ndim == 2:
        return [embed(picture(sample(run, CLOUD).x), "Generated points")]
    shown = [embed(picture(fake), "Grid of generated images")]
    if data is not None:
        real = data.held_out_sample(min(SHOWN, data.held_out_size))
        alt = "Grid of real, held-out images" if len(real) == SHOWN else f"Grid of all {len(real)} held-out images"
        shown.append(embed(grid(real, columns=round(SHOWN**0.5)), alt))
    return shown


def background(data: DataSet) -> NDArray[Any]:
    """The real points behind the pictures of the history, whose axes and limits all clouds of a report share."""
    return data.train_sample(min(CLOUD, data.size or CLOUD))


def on_request(run: RunFolder) -> Picture | None:
    """Images of each class, or of each value of the first code, in rows; columns share the rest of the latent code.

    None for other runs, and for vectors.
    """
    generator, _ = load_generator(run, "ema")
    if isinstance(generator, ConditionalGenerator):
        names = run.facts()["classes"][:REQUESTED]
        requests, what = [Request(label=name) for name in names], f"class: {', '.join(names)}"
    elif isinstance(generator, CodedGenerator) and generator.codes.categorical:
        values = range(min(REQUESTED, generator.codes.categories))
        requests, what = [Request(codes={0: value}) for value in values], f"value of code 0, from 0 to {values[-1]}"
    else:
        return None
    rows = np.concatenate([sample(run, ROW, request=request).x for request in requests])
    return embed(grid(rows, columns=ROW), f"A row of images for each {what}") if rows.ndim == 4 else None


def paths(run: RunFolder, data: DataSet | None) -> Picture | None:
    """Samples along great arcs between latent codes: rows of images, or trails over the points of the plane."""
    rows = interpolate(run, 6, 9)
    if rows.ndim == 4:
        return embed(grid(rows, columns=9), "Six rows of images, each changing gradually from left to right")
    if rows.shape[1] != 2 or data is None:
        return None
    trails = picture(interpolate(run, 8, 100), background(data))
    return embed(trails, "Eight trails of generated points over the real points")


def neighbours(run: RunFolder, data: DataSet) -> Neighbours | None:
    """The training samples nearest to some generated ones; none where every training draw is fresh."""
    if data.size is None:
        return None
    searched = searchable(data.size, data.codec.shape)
    train, fake = data.train_sample(searched), sample(run, COMPARED).x
    held_out = data.codec.metric(data.held_out_sample(min(COMPARED, data.held_out_size)))
    points = data.codec.metric(train)
    index, distances = nearest(data.codec.metric(fake), points)
    real = float(nearest(held_out, points)[1].mean())
    pairs = _pairs(fake, train[index], distances) if data.kind == "image" else []
    return Neighbours(float(distances.mean()), real, searched, data.size, pairs)


def _pairs(fake: NDArray[Any], near: NDArray[Any], distances: NDArray[np.float64]) -> list[Pair]:
    pairs = []
    for above, below, distance in zip(fake[:PAIRS], near, distances, strict=False):
        image = grid(np.stack([above, below]), columns=1, least=64)
        alt = f"A generated image above its nearest training image, distance {distance:.3g}"
        pairs.append(Pair(embed(image, alt), float(distance)))
    return pairs
