"""Samples as rows of text: a generated table, or the numbers of vectors."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from monge.data.space import ImageSpace
from monge.data.writer import encode
from monge.errors import UserError
from monge.model.trained_model import Request, TrainedModel

SHOWN = 50
"""Rows on a page."""
MOST_SHOWN = 500
"""The same, at most."""
USUAL, MOST = 1000, 100_000
"""Rows of a file where no number is asked for, and at most."""


def as_csv(model: TrainedModel, n: int, seed: int, request: Request) -> tuple[bytes, int]:
    """Samples as a `.csv` file, and how many were generated to find them.

    Raises:
        UserError: they are images, or the model cannot be asked for this.
    """
    if isinstance(model.space, ImageSpace):
        raise UserError(f"rows need a run of a table or of vectors; {model.name} generates {model.space.form}")
    found = model.sample(n, seed, request)
    return encode(model.space, found.x, ".csv", found.y, model.columns, model.label_column), found.tried


def as_json(model: TrainedModel, n: int, seed: int, request: Request) -> Mapping[str, Any]:
    """The same for a page; a missing value is an empty text."""
    content, tried = as_csv(model, n, seed, request)
    columns, *rows = csv.reader(io.StringIO(content.decode()))
    return {"columns": columns, "rows": rows, "tried": tried}
