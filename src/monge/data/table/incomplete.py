"""Tables to be completed: read by the columns of another table, whose rows are generated."""

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.calendar import DAY
from monge.data.table.reading import from_frame, read
from monge.data.table.rows import FrameRows, Rows, pyarrow, rows_of
from monge.data.table.schema import Column, Schema
from monge.errors import UserError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class IncompleteTable:
    """Rows by the columns of another table, with what else they have.

    Arguments:
        schema: the other table's columns. Levels that it lacks follow its own, and numbers have digits for both.
        raw: the rows (n, d); NaN where a value is missing, and in columns that these rows lack.
        names: of the columns of these rows, in order.
        others: by name, columns that no row of the other table has, as levels, and the position of each row's (n,).
    """

    schema: Schema
    raw: Array
    names: tuple[str, ...]
    others: Mapping[str, tuple[Column, Array]]

    @property
    def lacking(self) -> list[str]:
        """The other table's columns that these rows lack."""
        return [name for name in self.schema.names if name not in self.names]

    def completed(self, raw: Array) -> tuple[Schema, Array]:
        """The table with other rows (n, d) by `schema`: its own columns in its order, then those that it lacked."""
        columns: dict[str, tuple[Column, Array | None]] = {
            **{column.name: (column, None) for column in self.schema.columns},
            **{column.name: (column, values) for column, values in zip(self.schema, raw.T, strict=True)},
            **self.others,
        }
        order = [*filter(columns.__contains__, self.names), *(name for name in columns if name not in self.names)]
        chosen = [columns[name] for name in order]
        values = [values for _, values in chosen if values is not None]
        return Schema(tuple(column for column, _ in chosen)), np.stack(values, axis=1)


def read_incomplete(
    source: Any, schema: Schema, missing: str | None = None, what: str = "data frame"
) -> IncompleteTable:
    """Rows of which some values may be unknown.

    Arguments:
        source: the path of a table, or a data frame of pandas, polars or pyarrow.
        schema: columns of the other table. They have the same kinds here; columns that it does not know are kept.
        missing: words for missing values, divided by commas, instead of the usual ones.
        what: names a data frame in errors.

    Raises:
        UserError: the table cannot be read, a column is of another kind, or none is one of the schema.
    """
    path = Path(source) if isinstance(source, str | os.PathLike) else None
    rows: Rows = FrameRows(source, what) if path is None else rows_of(path)
    kinds = {name: _kind(schema, name) for name in filter(None, rows.names)}
    if set(kinds.values()) <= {"identifier"}:
        raise UserError(f"{rows.what} must have a column of {_listed(schema.names)}; got {_listed(rows.names)}")
    asked = ",".join(f"{name}:{kind}" for name, kind in kinds.items() if kind)
    try:
        found = from_frame(source, asked, missing, what) if path is None else read(path, asked, missing)
    except UserError as error:
        said = re.sub(r"--data\.columns (.+?):([\w-]+): every", r"column '\1' is \2 in the run: every", str(error))
        raise UserError(said) from error
    columns, raw = {column.name: column for column in schema.columns}, np.full((len(found.raw), len(schema)), np.nan)
    for column, values in zip(found.schema, found.raw.T, strict=True):
        own = columns.get(column.name)
        if own is not None:
            columns[column.name], raw[:, schema.position(column.name)] = _as_own(rows.what, own, column, values)
    others = _others(rows, [name for name, kind in kinds.items() if kind == "identifier"])
    return IncompleteTable(Schema(tuple(columns.values())), raw, tuple(rows.names), others)


def _kind(schema: Schema, name: str) -> str:
    """The kind that a column must have; empty where its values tell."""
    column = next((column for column in schema.kept if column.name == name), None)
    if column is None:
        return "identifier"
    if column.kind == "constant":
        return "category" if column.levels else "" if column.low is None else "number"
    if column.kind not in ("date", "datetime"):
        return column.kind
    form = column.form or ""
    if "%d" in form and 0 <= form.index("%d") < form.find("%m"):
        return "day-first"
    # written as a number, it is recognised, but not taken for a date where one is asked for
    return "" if "int" in column.type else column.kind


def _as_own(what: str, own: Column, found: Column, values: Array) -> tuple[Column, Array]:
    """A column with what it lacks of the same one of another table, whose values (n,) are given, and these by it.

    Raises:
        UserError: they are of different kinds.
    """
    if own.kind == "constant" and not own.levels and own.low is None:
        return found, values  # no training row has a value
    if not found.levels and found.low is None:
        return own, values
    if own.kind == "datetime" and found.kind == "date":
        return own, values * DAY
    constant = found.kind == "constant" and own.kind not in ("date", "datetime")
    if own.kind not in ("constant", found.kind) and not constant:
        text = f"must be of kind {own.kind}, as in the training data; got {found.kind}"
        raise UserError(f"{what}: column {found.name!r} {text}")
    if not own.levels:
        digits = None if own.decimals is None or found.decimals is None else max(own.decimals, found.decimals)
        return replace(own, decimals=digits), values
    return _with_levels(own, found, values)


def _with_levels(own: Column, found: Column, values: Array) -> tuple[Column, Array]:
    """A column with the levels that it lacks of another one, and the other one's values (n,) by it."""
    key = str.lower if own.kind == "boolean" else str  # True in one file is true in another
    levels, place = list(own.levels), {key(level): index for index, level in enumerate(own.levels)}
    codes = np.full(len(found.levels) + 1, np.nan)
    for index, level in enumerate(found.levels):
        codes[index] = place.setdefault(key(level), len(levels))
        if codes[index] == len(levels):
            levels.append(level)
    return replace(own, levels=tuple(levels)), codes[np.where(np.isnan(values), -1, values).astype(np.int64)]


def _others(rows: Rows, names: list[str]) -> dict[str, tuple[Column, Array]]:
    """Columns as levels, by name, and the position of each row's (n,); none whose values cannot be written as text."""
    arrow = pyarrow(rows.what)
    positions = {rows.names.index(name): name for name in names}
    pieces: dict[int, list[Any]] = {position: [] for position in positions}
    for position, piece in rows.pieces(list(positions)) if positions else ():
        pieces[position].append(piece)
    out: dict[str, tuple[Column, Array]] = {}
    for position, name in positions.items():
        type = arrow.string() if rows.types is None else rows.types[position]
        plain = type.value_type if arrow.types.is_dictionary(type) else type
        try:
            texts = arrow.chunked_array(pieces[position], type).cast(plain).cast(arrow.string())
            texts.cast(plain)
        except arrow.ArrowException:
            warnings.warn(f"{rows.what}: column {name!r} of type {type} is left out", UserWarning, stacklevel=4)
            continue
        coded = texts.combine_chunks().dictionary_encode()
        codes = coded.indices.to_numpy(zero_copy_only=False).astype(np.float64)
        out[name] = Column(name, "category", str(type), tuple(coded.dictionary.to_pylist())), codes
    return out


def _listed(names: Sequence[str]) -> str:
    """Some names, in words."""
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
