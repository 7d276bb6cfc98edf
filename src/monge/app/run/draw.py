"""Pictures of what a trained generator draws, and what it can be asked for."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge import plot
from monge.app.run.models import OpenModel
from monge.app.run.query import Drawing
from monge.data.space import ImageSpace, TableSpace
from monge.data.table.schema import Schema
from monge.errors import UserError
from monge.model.build import latent_size
from monge.model.random import Purpose, stream
from monge.model.trained_model import TrainedModel
from monge.report.sampler.content import codes_of
from monge.report.sampler.direction import MOST as DIRECTIONS

IMAGES, POINTS = 16, 1000
"""Samples in a picture where no number is asked for."""
MOST_IMAGES, MOST_POINTS = 256, 5000
"""The same, at most."""
LARGEST = 2**23
"""Numbers in the images of a picture, at most."""
STEPS = 9
"""Images on the way from one to another."""
TRAIL = 100
"""Points on it."""


def most(model: TrainedModel) -> int:
    """Samples in a picture, at most."""
    if isinstance(model.space, ImageSpace):
        return max(1, min(MOST_IMAGES, LARGEST // math.prod(model.space.shape)))
    return MOST_POINTS


def usual(model: TrainedModel) -> int:
    """Samples in a picture where no number is asked for."""
    return min(IMAGES, most(model)) if isinstance(model.space, ImageSpace) else POINTS


def about(model: TrainedModel) -> Mapping[str, Any]:
    """What a model can be asked for."""
    schema = model.space.schema if isinstance(model.space, TableSpace) else None
    rows = schema is not None
    codes = [{"categories": code.categories, "reach": code.reach} for code in codes_of(model)]
    return {
        "form": "images" if isinstance(model.space, ImageSpace) else "rows" if rows else "points",
        "what": model.space.form,
        "classes": model.trained_classes,
        "class_of": model.label_column or "class",
        "codes": codes,
        "directions": 0 if rows else min(DIRECTIONS, latent_size(model.generator)),
        "latent": latent_size(model.generator),
        "usual": usual(model),
        "most": most(model),
        "model_step": model.step,
        "example": None if schema is None else example(schema),
    }


def example(schema: Schema) -> str:
    """A condition on rows as one could write it; empty where no column has levels."""
    column = next((column for column in schema if column.levelled and column.levels), None)
    if column is None:
        return ""
    name, level = (text.replace("'", "''") for text in (column.name, column.levels[0]))
    return f"{name if name.isidentifier() else f'`{column.name}`'} = '{level}'"


def grid(opened: OpenModel, drawing: Drawing) -> bytes:
    """Samples side by side, or as points, as the bytes of a PNG file.

    Raises:
        UserError: the model generates rows of a table, or cannot be asked for this.
    """
    refuse_tables(opened.model)

    def draw() -> bytes:
        z, condition = latents(opened, drawing)
        return picture(opened, opened.model.generate(z, condition))

    return opened.picture(("grid", drawing), draw)


def strip(opened: OpenModel, drawing: Drawing, first: int, last: int) -> bytes:
    r"""What lies between two of the samples, along a great arc between their latent numbers a and b.

    .. math:: z(t) = \cos(t \pi / 2)\, a + \sin(t \pi / 2)\, b

    Raises:
        UserError: the two are one; and as `grid`.
    """
    refuse_tables(opened.model)
    if first == last:
        raise UserError(f"from and to must be two samples; got {first} twice")
    images = isinstance(opened.model.space, ImageSpace)

    def draw() -> bytes:
        z, _ = latents(opened, drawing)
        angle = torch.linspace(0, torch.pi / 2, STEPS if images else TRAIL)[:, None]
        path = angle.cos() * z[first] + angle.sin() * z[last]
        x = opened.model.generate(path, opened.model.condition(path, drawing.request))
        return picture(opened, x, columns=STEPS)

    return opened.picture(("strip", drawing, first, last), draw)


def sample(opened: OpenModel, drawing: Drawing, index: int) -> NDArray[Any]:
    """One of the samples, raw (1, ...)."""
    z, condition = latents(opened, drawing)
    one = slice(index, index + 1)
    return opened.model.generate(z[one], None if condition is None else condition[one])


def picture(opened: OpenModel, x: NDArray[Any], columns: int | None = None) -> bytes:
    """Samples (n, ...) as the bytes of a PNG file: images in so many columns, or points on the model's own axes.

    Raises:
        UserError: they are no finite numbers.
    """
    space = opened.model.space
    if not np.isfinite(x).all():
        raise UserError(f"run {opened.model.name!r}: its samples are no finite numbers; the training has diverged")
    if isinstance(space, ImageSpace) and columns is not None:
        return plot.png(plot.grid(space.shown(x), columns), quick=True)
    return plot.png(plot.picture(space, x, frame=opened.frame), quick=True)


def latents(opened: OpenModel, drawing: Drawing) -> tuple[Tensor, Tensor | None]:
    """Latent numbers (n, z) of the samples, and the generator's second input.

    Those that decide the class, or codes, are neither truncated nor moved, so that these stay as they are.

    Raises:
        UserError: there is no such direction, class or code.
    """
    model = opened.model
    z = model.latent(drawing.n, stream(drawing.seed, Purpose.SAMPLE), drawing.request)
    condition = model.condition(z, drawing.request)
    free = slice(0 if model.codes is None else model.codes.count, z.shape[1] - model.conditional)
    if drawing.truncation is not None:
        z[:, free] = truncated(z[:, free], drawing.truncation)
    for index, amount in drawing.directions:
        if index >= len(opened.directions):
            raise UserError(f"direction must be from 0 to {len(opened.directions) - 1}; got {index}")
        z = z + amount * opened.directions[index]
    return z, condition


def truncated(z: Tensor, bound: float) -> Tensor:
    r"""Normal numbers moved so that they follow the normal distribution between -bound and bound, in the same order.

    .. math:: z' = \Phi^{-1}\big(\Phi(-b) + (\Phi(b) - \Phi(-b))\, \Phi(z)\big)

    Reference: Brock, Donahue, Simonyan 2019, "Large scale GAN training for high fidelity natural image synthesis",
    section 3.1, which draws again what is beyond the bound; the distribution is the same, and here each sample stays
    recognisable.
    """
    low, high = (torch.special.ndtr(torch.tensor(end, dtype=torch.float64)) for end in (-bound, bound))
    share = low + (high - low) * torch.special.ndtr(z.double())
    found: Tensor = torch.special.ndtri(share).clamp(-bound, bound).to(z.dtype)
    return found


def refuse_tables(model: TrainedModel) -> None:
    """Refuses pictures of tables.

    Raises:
        UserError: the model generates rows of a table.
    """
    if isinstance(model.space, TableSpace):
        raise UserError(f"pictures need a run of images or vectors; {model.name} generates {model.space.form}")
