"""What was read of a data set, in one sentence."""

from collections.abc import Sequence

import numpy as np

from monge.data.dataset import DataSet
from monge.data.space import ImageSpace, Pixels, TableSpace
from monge.data.split import ArraySplit, Split
from monge.data.table.codec import TableCodec
from monge.errors import legible

LISTED = 20
"""Columns of a kind that are listed by name, at most."""
PLURALS = {
    "number": "numbers",
    "integer": "integers",
    "category": "categories",
    "boolean": "truth values",
    "date": "dates",
    "datetime": "times",
    "constant": "constants",
    "identifier": "left out, as they only identify rows",
}
NAMED = 5
"""Classes, and columns, that are listed by name, at most."""


def summary(data: DataSet) -> str:
    """How many samples there are, of what shape and range and in which classes, and what was left out.

    Example:
        >>> from monge.data.builtin import digits
        >>> summary(digits())
        'digits: 1,797 images 8 x 8 x 1, values 0 to 255, 10 classes; 1,300 for training, 497 held out'
    """
    parts = [f"{_count(data)}" if isinstance(data.space, TableSpace) else f"{_count(data)}, values {_range(data)}"]
    if (classes := data.info.classes) is not None:
        names = f" ({', '.join(map(legible, classes))})" if len(classes) <= NAMED else ""
        parts.append(f"{len(classes):,} class{'es' if len(classes) != 1 else ''}{names}")
    text = f"{legible(data.info.name)}: {', '.join(parts)}"
    if data.train.size is not None and data.held_out.size is not None:
        text += f"; {data.train.size:,} for training, {data.held_out.size:,} held out"
    if data.info.resized:
        size = " x ".join(map(str, data.space.shape[1:]))
        near = "the size nearest to their median that all networks take"
        text += f"; {data.info.resized:,} resized to {size}, {near}; --data.size chooses another"
    if left_out := [f"{count:,} {reason}" for reason, count in data.info.left_out.items() if count]:
        text += f"; left out: {', '.join(left_out)}"
    if data.info.obstacle is not None:
        text += f"; no classes, because {data.info.obstacle}"
    return text


def details(data: DataSet) -> list[str]:
    """What was read of a table, line by line: the kinds of its columns, choices of the reader, what follows from what.

    Example:
        >>> from monge.data.builtin import shop
        >>> print(details(shop())[-1])
        computed, not modelled: total = price * quantity
    """
    if not isinstance(data.codec, TableCodec):
        return []
    schema = data.codec.schema
    kinds: dict[str, list[str]] = {}
    for column in schema.columns:
        name = legible(column.name) + (f" ({len(column.levels)})" if column.kind == "category" else "")
        kinds.setdefault(column.kind, []).append(name)
    lines = [f"{PLURALS[kind]}: {_listed(names)}" for kind, names in kinds.items()]
    missing = [legible(column.name) for column in schema if column.missing]
    if missing:
        lines.append(f"with missing values: {_listed(missing)}")
    lines += data.info.notes
    if orders := [found.described(schema) for found in data.codec.combinations.orders]:
        lines.append(f"kept in order: {_listed(orders)}")
    lines += [f"modelled by the difference: {found.described(schema)}" for found in data.codec.offsets]
    return lines + [f"computed, not modelled: {found.described(schema)}" for found in data.codec.derivations]


def _listed(names: Sequence[str]) -> str:
    """Names with commas between, the first 20 of them."""
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + rest


def _count(data: DataSet) -> str:
    columns, form = data.info.columns, data.space.form
    if columns is not None and len(columns) <= NAMED:
        form += f" ({', '.join(map(legible, columns))})"
    if data.train.size is None or data.held_out.size is None:
        return f"fresh draws of {form}"
    return f"{data.train.size + data.held_out.size:,} {form}"


def _range(data: DataSet) -> str:
    """The smallest and the largest number; with the type and range of the pixels where these are unusual."""
    ends = [_ends(part) for part in (data.train, data.held_out)]
    found = f"{_number(min(low for low, _ in ends))} to {_number(max(high for _, high in ends))}"
    space = data.space
    if not isinstance(space, ImageSpace) or space.pixels == Pixels():
        return found
    return f"{found} ({space.pixels.dtype}; {_number(space.pixels.low)} is black, {_number(space.pixels.high)} white)"


def _ends(part: Split) -> tuple[float, float]:
    if isinstance(part, ArraySplit):
        return float(part.survey.low.min()), float(part.survey.high.max())
    chunks = [(float(rows.min()), float(rows.max())) for rows in part.chunks()]
    return min(low for low, _ in chunks), max(high for _, high in chunks)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == np.rint(value) and abs(value) < 1e9 else f"{value:.4g}"
