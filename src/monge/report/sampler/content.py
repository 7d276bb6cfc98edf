"""What a page needs to draw samples: a generator as data, the decoding of its samples, and what can be asked of it."""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from markupsafe import Markup

from monge.data.space import TableSpace, VectorSpace
from monge.data.table.codec import TableCodec
from monge.model.build import latent_size
from monge.model.random import Purpose, stream
from monge.model.trained_model import TrainedModel
from monge.report.sampler.decoding import decoding
from monge.report.sampler.direction import principal_directions
from monge.report.sampler.graph import SamplerError, Weights, graph

LARGEST = 2_000_000
"""Bytes of a generator's weights, at most: 500,000 numbers, or a million of half precision; 2.7 MB as text."""
CODES = 64
"""Samples that decide whether half precision is enough."""
ENOUGH = 0.5 / 127.5
"""By how much it may move pixels in [-1, 1] before they are rounded: half a grey level, so that none moves by two."""


@dataclass(frozen=True)
class Code:
    """A code that can be asked for.

    Arguments:
        categories: values from 0 on that it takes; 0 where it is a number.
        reach: of a number, which is between this and its negative.
    """

    categories: int = 0
    reach: float = 0.0


@dataclass(frozen=True)
class Sampler:
    """A generator for a page.

    Arguments:
        content: what the scripts read, as JSON that can stand in a page.
        numbers: how many weights the generator has.
        form: how samples are shown, as "images", "points" or "rows".
        classes: index and name of those that can be asked for.
        codes: that can be asked for.
        directions: how many there are sliders for.
    """

    content: Markup
    numbers: int
    form: str
    classes: Sequence[tuple[int, str]]
    codes: Sequence[Code]
    directions: int


def sampler(model: TrainedModel) -> Sampler:
    """The sampler of a trained model; no sample of the data is in it.

    Raises:
        SamplerError: the generator is too large, or the scripts cannot do what it does.
    """
    if isinstance(model.codec, TableCodec) and model.codec.rule is not None:
        raise SamplerError("its script cannot tell which rows follow the rule of the table")
    weights, form = Weights(), form_of(model)
    layers = graph(model.generator, weights)
    check_size(weights, half=form == "images")
    half = form == "images" and half_is_enough(model)
    check_size(weights, half=half)
    text = weights.text(half=half)
    names = list(model.classes or ())
    classes = [(names.index(name), name) for name in model.trained_classes]
    directions = [] if form == "rows" else principal_directions(model).tolist()
    content: dict[str, Any] = {
        "form": form,
        "latent": latent_size(model.generator),
        "layers": layers,
        "half": half,
        "weights": text,
        "classes": names if model.conditional else None,
        "classesOf": model.label_column or "y",
        "directions": directions,
        "decoding": decoding(model),
    }
    # no text in it can end the element that it stands in
    inside = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Sampler(Markup(inside), weights.size, form, classes, codes_of(model), len(directions))


def check_size(weights: Weights, *, half: bool) -> None:
    """Refuses weights that are too many for a page.

    Raises:
        SamplerError: they are more than `LARGEST` bytes.
    """
    most = LARGEST // (2 if half else 4)
    if weights.size > most:
        raise SamplerError(f"the generator has {weights.size:,} numbers, and a page takes at most {most:,}")


@torch.no_grad()
def half_is_enough(model: TrainedModel) -> bool:
    """Whether images with weights in half precision differ by less than `ENOUGH`."""
    z = model.latent(CODES, stream(0, Purpose.SAMPLE))
    condition = () if (given := model.condition(z)) is None else (given,)
    rounded = copy.deepcopy(model.generator)
    for part in (*rounded.parameters(), *rounded.buffers()):
        if part.is_floating_point():
            part.copy_(part.half())
    difference = rounded(z, *condition) - model.generator(z, *condition)
    # not so if it is no number, as of weights beyond half precision
    return bool(difference.abs().max() < ENOUGH)


def form_of(model: TrainedModel) -> str:
    """How samples are shown."""
    if model.space == VectorSpace(2):
        return "points"
    return "rows" if isinstance(model.space, TableSpace | VectorSpace) else "images"


def codes_of(model: TrainedModel) -> list[Code]:
    """The codes that can be asked for."""
    codes = model.codes
    if codes is None:
        return []
    return [
        *[Code(categories=codes.categories)] * codes.categorical,
        *[Code(reach=1.0)] * codes.uniform,
        *[Code(reach=3.0)] * codes.normal,
    ]
