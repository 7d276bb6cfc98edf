"""Some of the columns of tables and vectors."""

from collections.abc import Sequence
from dataclasses import replace

from monge.data.dataset import ArrayData, DataSet
from monge.data.lazy import LazyArray, Values, is_large
from monge.data.space import ImageSpace
from monge.data.table.schema import Schema
from monge.errors import UserError, unknown_name

Names = str | Sequence[str]


def selected(data: DataSet, columns: Names | None = None, exclude: Names | None = None, other: bool = False) -> DataSet:
    """The data with some columns only, in their order; a metric scale is fitted to these.

    Arguments:
        data: rows of a table, or vectors, whose columns are counted from 1 where they have no names.
        columns: names, or a text of names with commas between; all if not given.
        exclude: names of columns to leave out.
        other: whether other data, with which these are compared, have what is to be left out, so that these need not.

    Raises:
        UserError: images or fresh draws, an unknown name, or no column is left.
    """
    if columns is None and exclude is None:
        return data
    option = "--columns" if columns is not None else "--exclude"
    if not isinstance(data, ArrayData) or isinstance(data.space, ImageSpace):
        raise UserError(f"{option} needs a table or an array of vectors; got {data.space.form} of {data.info.name}")
    names = data.info.columns or [str(i + 1) for i in range(data.space.raw_shape[0])]
    identifiers = [] if data.info.schema is None else [c.name for c in data.info.schema.columns if c.name not in names]
    kept = set(names) if columns is None else set(_named("--columns", columns, names))
    if exclude is not None:
        kept -= set(_named("--exclude", exclude, [*names, *identifiers], known=not other))
    if not kept:
        raise UserError(f"{option} must leave a column; got none of {', '.join(names)}")
    return _restricted(data, [index for index, name in enumerate(names) if name in kept])


def _restricted(data: ArrayData, kept: Sequence[int]) -> ArrayData:
    """The data with the columns at some positions; those that identify rows stay beside them."""
    info, train, held_out = data.info, data.train, data.held_out
    if info.schema is not None:
        chosen = {info.schema.names[index] for index in kept}
        columns = (column for column in info.schema.columns if column.name in chosen or column.kind == "identifier")
        info = replace(info, schema=Schema(tuple(columns)), rule=None)
    if info.columns is not None:
        info = replace(info, columns=[info.columns[index] for index in kept])
    values = _columns(train.values, kept)
    others = values if held_out.values is train.values else _columns(held_out.values, kept)
    return ArrayData(info, replace(train, values=values, known=None), replace(held_out, values=others, known=None))


def _columns(values: Values, kept: Sequence[int]) -> Values:
    """Some columns of an array, which are taken when rows are read if they are many."""
    chosen = LazyArray(values, lambda rows: rows[:, kept], (len(kept),), values.dtype)
    return chosen if is_large(chosen.shape, chosen.dtype) else chosen[:]


def _named(option: str, given: Names, names: Sequence[str], known: bool = True) -> list[str]:
    """The names that are given, which may have commas of their own.

    Raises:
        UserError: there is no such column, and names must be known.
    """
    found = split_names(given, names)
    for name in found:
        if known and name not in names:
            raise unknown_name(option, name, names)
    return found


def split_names(given: Names, names: Sequence[str]) -> list[str]:
    """Names, or a text of names with commas between, unless it is one of the known names itself."""
    if isinstance(given, str):
        given = [given] if given in names else [name.strip() for name in given.split(",")]
    return [str(name) for name in given]
