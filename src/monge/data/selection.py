"""Some of the columns of tables and vectors."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monge.data.dataset import ArrayData, DataSet
from monge.data.space import ImageSpace
from monge.data.table.schema import Schema
from monge.errors import UserError, unknown_name

Names = str | Sequence[str]


def selected(data: DataSet, columns: Names | None = None, exclude: Names | None = None) -> DataSet:
    """The data with some columns only, in their order; a metric scale is fitted to these.

    Arguments:
        data: rows of a table, or vectors, whose columns are counted from 1 where they have no names.
        columns: names, or a text of names with commas between; all if not given.
        exclude: names of columns to leave out.

    Raises:
        UserError: images or fresh draws, an unknown name, or no column is left.
    """
    if columns is None and exclude is None:
        return data
    option = "--columns" if columns is not None else "--exclude"
    if not isinstance(data, ArrayData) or isinstance(data.space, ImageSpace):
        raise UserError(f"{option} needs a table or an array of vectors; got {data.space.form} of {data.info.name}")
    schema = data.info.schema
    names = data.info.columns or [str(i + 1) for i in range(data.space.raw_shape[0])]
    beside = [] if schema is None else [column.name for column in schema.columns if column.kind == "identifier"]
    wanted = set(names) if columns is None else set(_named("--columns", columns, names))
    left_out = set() if exclude is None else set(_named("--exclude", exclude, [*names, *beside]))
    kept = [index for index, name in enumerate(names) if name in wanted - left_out]
    if not kept:
        raise UserError(f"{option} must leave a column; got none of {', '.join(names)}")
    chosen = {names[index] for index in kept}
    if schema is not None:
        schema = Schema(tuple(column for column in schema.columns if column.name in chosen))
    info = replace(data.info, schema=schema, rule=None, columns=data.info.columns and [names[index] for index in kept])
    train = replace(data.train, values=np.asarray(data.train.values[:, kept]))
    one = data.held_out.values is data.train.values
    held_out = replace(data.held_out, values=train.values if one else np.asarray(data.held_out.values[:, kept]))
    return ArrayData(info, train, held_out)


def _named(option: str, given: Names, names: Sequence[str]) -> list[str]:
    """The names that are given, which may have commas of their own.

    Raises:
        UserError: there is no such column.
    """
    if isinstance(given, str):
        given = [given] if given in names else [name.strip() for name in given.split(",")]
    found = [str(name) for name in given]
    for name in found:
        if name not in names:
            raise unknown_name(option, name, names)
    return found
