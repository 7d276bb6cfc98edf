"""Samples as rows of text: a generated table, or the numbers of vectors."""

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from monge.app.run.draw import latents
from monge.app.run.models import OpenModel
from monge.app.run.query import Drawing
from monge.data.space import ImageSpace, TableSpace
from monge.data.writer import encode
from monge.errors import UserError
from monge.model.trained_model import Samples

SHOWN = 50
"""Rows on a page."""
MOST_SHOWN = 500
"""The same, at most."""
USUAL, MOST = 1000, 100_000
"""Rows of a file where no number is asked for, and at most."""


def as_csv(opened: OpenModel, asked: Drawing, where: str | None) -> tuple[bytes, int]:
    """Samples as a `.csv` file, and how many were generated to find them.

    Raises:
        UserError: they are images, or the model cannot be asked for this.
    """
    model = opened.model
    if isinstance(model.space, ImageSpace):
        raise UserError(f"rows need a run of a table or of vectors; {model.name} generates {model.space.form}")
    if isinstance(model.space, TableSpace) or where is not None:
        found = model.sample(asked.n, asked.seed, replace(asked.request, where=where))
    else:
        z, condition = latents(opened, asked)
        y = model.named(condition) if model.conditional and condition is not None else None
        found = Samples(model.generate(z, condition), y, asked.n)
    return encode(model.space, found.x, ".csv", found.y, model.columns, model.label_column), found.tried


def as_json(opened: OpenModel, asked: Drawing, where: str | None) -> Mapping[str, Any]:
    """The same for a page; a missing value is an empty text."""
    content, tried = as_csv(opened, asked, where)
    columns, *rows = csv.reader(io.StringIO(content.decode()))
    return {"columns": columns, "rows": rows, "tried": tried}
