"""What a page needs to draw samples: a generator as data, the decoding of its samples, and what can be asked of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from monge.data.space import TableSpace, VectorSpace
from monge.data.table.codec import TableCodec
from monge.model.build import latent_size
from monge.model.trained_model import TrainedModel
from monge.report.sampler.decoding import decoding
from monge.report.sampler.direction import principal_directions
from monge.report.sampler.graph import SamplerError, Weights, graph

LARGEST = 500_000
"""Numbers of a generator, at most: as text they take 2.7 MB."""


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
        form: how samples are shown, as "pictures", "points" or "rows".
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
    weights = Weights()
    layers = graph(model.generator, weights)
    if weights.size > LARGEST:
        raise SamplerError(f"the generator has {weights.size:,} numbers, and a page takes at most {LARGEST:,}")
    form = form_of(model)
    names = list(model.classes or ())
    classes = [(names.index(name), name) for name in model.trained_classes]
    directions = [] if form == "rows" else principal_directions(model).tolist()
    content: dict[str, Any] = {
        "form": form,
        "latent": latent_size(model.generator),
        "layers": layers,
        "weights": weights.text(),
        "classes": names if model.conditional else None,
        "classesOf": model.label_column or "y",
        "directions": directions,
        "decoding": decoding(model),
    }
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    # no text in it can end the element that it stands in
    inside = Markup(text.replace("<", "\\u003c"))
    return Sampler(inside, weights.size, form, classes, codes_of(model), len(directions))


def form_of(model: TrainedModel) -> str:
    """How samples are shown."""
    if model.space == VectorSpace(2):
        return "points"
    return "rows" if isinstance(model.space, TableSpace | VectorSpace) else "pictures"


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
