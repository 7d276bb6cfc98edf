"""What the report of a run on a table shows of it: rows, columns and pairs, real and synthetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monge.data.dataset import ArrayData, DataSet
from monge.data.space import TableSpace
from monge.data.table.frame import texts
from monge.data.table.schema import Schema
from monge.evaluation.table_quality import GENERATED, REAL, by_name
from monge.metric.table.bin import Rows
from monge.metric.table.pair import least_pairs, strict_pairs
from monge.metric.table.shape import column_shapes
from monge.metric.table.two_sample import LEAST, two_sample_test
from monge.model.trained_model import TrainedModel
from monge.plot.embedded import Picture, embed
from monge.plot.table import association_maps, column_panels, pair_panels

ROWS = 10_000
"""Rows of a side, at most."""
TOLD = 4_000
"""Rows of a side that trees are to tell apart, at most."""
LISTED = 8
"""Rows of a side that are listed."""
COLUMNS, PAIRS = 9, 6
"""Columns, and pairs of columns, that are drawn: those that are least alike."""


@dataclass(frozen=True)
class TableView:
    """Rows and pictures of a table.

    Attributes:
        names: of the columns.
        generated, real: rows as text, as a file would have them.
        associations, columns, pairs: pictures.
    """

    names: Sequence[str]
    generated: Sequence[Sequence[str]]
    real: Sequence[Sequence[str]]
    columns: Picture
    pairs: Picture | None = None
    associations: Picture | None = None


def table_view(model: TrainedModel, data: DataSet | None) -> TableView | None:
    """Rows and pictures of a table; None for other data, and where the data are not at hand."""
    if not isinstance(model.space, TableSpace) or not isinstance(data, ArrayData):
        return None
    data = data.measured_by(model.codec)
    assert isinstance(data, ArrayData)
    schema, n = model.space.schema, data.train.at_most(ROWS)
    real, fake = data.train.sample(n), model.sample(n).x
    shapes = column_shapes(schema, real, fake)
    worst = np.argsort(shapes, kind="stable")[:COLUMNS].tolist()
    columns = column_panels(schema, real, fake, worst, [f"{shapes[index]:.3f}" for index in worst])
    generated, known = (_listed(schema, rows[:LISTED]) for rows in (fake, real))
    shown = embed(columns, "The columns that are least alike, real and synthetic over each other")
    if len(schema) < 2:
        return TableView(schema.names, generated, known, shown)
    likeness = strict_pairs(schema, real, fake)
    least = least_pairs(likeness, PAIRS)
    pairs = pair_panels(schema, real, fake, least, [f"{likeness[pair]:.3f}" for pair in least])
    return TableView(
        schema.names,
        generated,
        known,
        shown,
        embed(pairs, "The pairs of columns that are least alike"),
        embed(association_maps(schema, real, fake), "How strongly columns go together: real, synthetic, difference"),
    )


def likeness_of_table(model: TrainedModel, data: DataSet) -> dict[str, Any]:
    """How like the real rows generated ones are, named as in an evaluation's document; nothing for other data."""
    if not isinstance(model.space, TableSpace) or not isinstance(data, ArrayData):
        return {}
    data = data.measured_by(model.codec)
    assert isinstance(data, ArrayData)
    schema, n = model.space.schema, data.train.at_most(data.held_out.at_most(TOLD))
    train, held_out, fake = data.train.sample(n), data.held_out.sample(n), model.sample(n).x
    sides = {GENERATED: (held_out, fake), REAL: (held_out, train)}
    tests = {name: two_sample_test(schema, *side) if n >= LEAST else None for name, side in sides.items()}
    shapes, floors = (column_shapes(schema, train, rows) for rows in (fake, held_out))
    return {
        "table": {
            "likeness": {name: {"two_sample": test and test.as_json()} for name, test in tests.items()},
            "columns": by_name(schema.names, shapes, floors),
        }
    }


def _listed(schema: Schema, rows: Rows) -> list[list[str]]:
    """Rows as text; a missing value is an empty one."""
    columns = [texts(column, rows[:, index]) for index, column in enumerate(schema)]
    return [["" if value is None else value for value in row] for row in zip(*columns, strict=True)]
