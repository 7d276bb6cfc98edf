"""Rows that belong together, such as those of one subject, by the values of a column that is not compared."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.dataset import ArrayData, DataSet
from monge.data.selection import Names, selected
from monge.errors import UserError, unknown_name
from monge.evaluation.sample_set import SampleSet

STEP = 100_000
"""Rows that are read at a time."""
LEAST = 4
"""Clusters of a set: with fewer, there are too few relabellings to show anything."""


def set_apart(
    data: DataSet, columns: Names | None, exclude: Names | None, group: str | None, other: bool = False
) -> tuple[DataSet, NDArray[np.str_] | None]:
    """The data with some columns only, as `selected` has them, and the values of the column that says what belongs
    together, which is not compared; None where there is none."""
    if group is None:
        return selected(data, columns, exclude, other=other), None
    values = values_of(data, group)
    left_out = [name.strip() for name in exclude.split(",")] if isinstance(exclude, str) else list(exclude or [])
    return selected(data, columns, [*left_out, group], other=other), values


def values_of(data: DataSet, column: str) -> NDArray[np.str_]:
    """The values of a column of all rows, in the order of the file, as text.

    Raises:
        UserError: not a table or an array of vectors, or no such column; one that identifies rows is in no cluster.
    """
    if not isinstance(data, ArrayData) or data.train.values.ndim != 2:
        raise UserError(f"--group needs a table or an array of vectors; got {data.space.form} of {data.info.name}")
    schema, names = data.info.schema, data.info.columns or [str(i + 1) for i in range(data.train.values.shape[1])]
    if schema is not None and any(own.name == column and own.kind == "identifier" for own in schema.columns):
        raise UserError(f"--group {column} has another value in nearly every row: its rows are independent")
    if column not in names:
        raise unknown_name("--group", column, names)
    position = names.index(column)
    raw = np.concatenate([rows[:, position] for rows in _rows(data)])
    levels = () if schema is None else schema.kept[position].levels
    return np.array([str(levels[int(value)]) if 0 <= value < len(levels) else str(value) for value in raw])


def _rows(data: ArrayData) -> Iterator[NDArray[Any]]:
    """All rows of a file in order, some at a time."""
    held_out, train = data.held_out.values, data.train.values
    for file in [train] if held_out is train else [train, held_out]:
        for start in range(0, len(file), STEP):
            yield np.asarray(file[start : start + STEP])


def clustered(
    a: SampleSet, b: SampleSet, values: Sequence[NDArray[np.str_] | None], column: str | None
) -> tuple[SampleSet, SampleSet]:
    """Both sets with the clusters of their points.

    Arguments:
        a, b: the sets, whose points know their rows.
        values: of the column, for all rows of either; None where there is no such column.
        column: its name, for errors.

    Raises:
        UserError: fewer than 4 clusters in a set.
    """
    first, second = values
    if first is None or second is None:
        return a, b
    own = first[a.rows], second[b.rows]
    for name, side in zip("AB", own, strict=True):
        if (count := len(np.unique(side))) < LEAST:
            raise UserError(f"--group {column} must have at least {LEAST} values in {name}; got {count}")
    numbers = np.unique(np.concatenate(own), return_inverse=True)[1]
    return replace(a, clusters=numbers[: len(own[0])]), replace(b, clusters=numbers[len(own[0]) :])
