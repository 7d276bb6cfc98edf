"""Tables in files and data frames as data sets: rows of columns of any kind, perhaps with a class each.

pyarrow reads them. It is an extra, imported only where there is a table.
"""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.data.label import index_labels, labels_of, whole_numbers
from monge.data.split import ArraySplit
from monge.data.table.reading import Table, from_frame, parts_of, read, read_folder
from monge.data.table.rows import FrameRows, pyarrow, rows_of, suffix_of
from monge.data.table.schema import Column, Schema
from monge.errors import UserError, unknown_name

__all__ = ["difference", "has_column", "is_frame", "is_table", "parts_of", "pyarrow", "read_frame", "read_table"]

MOST_CLASSES = 1000


def read_table(
    path: Path,
    label: str | None = None,
    skip_bad: bool = False,
    *,
    columns: str | None = None,
    missing: str | None = None,
    rule: str | None = None,
) -> ArrayData:
    """The rows of a table, split; a folder with the tables `train` and `test` is split already.

    Arguments:
        path: a `.csv`, `.tsv`, `.txt` (each also with `.gz`) or `.parquet` file, or a folder of two.
        label: name of the column that contains the classes, text or whole numbers, which is then in no row.
        skip_bad: leave out rows without a class, instead of refusing the table.
        columns: kinds of columns that are not to be inferred, `age:integer,zip:category`.
        missing: words for missing values with commas between, instead of the usual ones.
        rule: a condition that generated rows must meet.

    Raises:
        UserError: pyarrow is absent, the file cannot be read, or a column is not allowed; the text says which and why.
    """
    parts = parts_of(path) if path.is_dir() else None
    if label is not None:
        columns = _with_classes(path.name, columns, label, rows_of(parts[0] if parts else path).names)
    table = read_folder(path, columns, missing) if path.is_dir() else read(path, columns, missing)
    name = path.name if path.is_dir() else path.name[: -len(suffix_of(path) or "")]
    return _data(name, path.name, table, label, skip_bad, None, rule)


def read_frame(
    frame: Any,
    name: str,
    y: ArrayLike | None = None,
    label: str | None = None,
    skip_bad: bool = False,
    *,
    columns: str | None = None,
    missing: str | None = None,
    rule: str | None = None,
) -> ArrayData:
    """A data frame of pandas, polars or pyarrow, as its file would be read.

    Arguments:
        frame: the data frame; its row names are not read.
        name: short name.
        y: the class of each row, which is then in no column, (n,), or None.
        label, skip_bad, columns, missing, rule: as in `read_table`.

    Raises:
        UserError: as `read_table`.
    """
    if label is not None:
        columns = _with_classes("data frame", columns, label, FrameRows(frame, "data frame").names)
    table = from_frame(frame, columns, missing)
    return _data(name, "data frame", table, label, skip_bad, y, rule)


def is_frame(x: object) -> bool:
    """Whether an object is a data frame that `read_frame` takes, and pyarrow is there to read it."""
    offered = hasattr(x, "__arrow_c_stream__") or hasattr(x, "__dataframe__")
    return offered and hasattr(x, "columns") and find_spec("pyarrow") is not None


def has_column(path: str, name: str) -> bool:
    """Whether a file is a table that can be read and has a column of this name."""
    try:
        return is_table(path) and name in rows_of(Path(path)).names
    except Exception:  # whoever opens the file says what is wrong with it
        return False


def is_table(path: str) -> bool:
    """Whether a path is named like a table."""
    return suffix_of(Path(path)) is not None


def kinds_of(schema: Schema, other: Any) -> str | None:
    """The kinds of a table's columns, as far as another file or frame has these, so that both are read alike."""
    try:
        names = (rows_of(other) if isinstance(other, Path) else FrameRows(other, "data frame")).names
    except Exception:  # whoever opens it says what is wrong with it
        return None
    kinds = [(column.name, _kind(column)) for column in schema.columns if column.name in names]
    return ",".join(f"{name}:{kind}" for name, kind in kinds if kind is not None) or None


def _kind(column: Column) -> str | None:
    """The kind that another table's column must have to be compared with this one; None for any."""
    if column.kind == "constant":
        return "number" if column.numeric else "category" if column.levels else None
    if column.form is not None and re.match("%-?d.+%-?m|%-?m.+%-?d", column.form):
        return "day-first" if column.form.index("d") < column.form.index("m") else "month-first"
    return "number" if column.kind == "integer" else column.kind


def difference(ours: Sequence[str] | None, theirs: Sequence[str] | None) -> str | None:
    """In what other columns differ from ours; None where they do not, or where one side is no table."""
    if ours is None or theirs is None or list(ours) == list(theirs):
        return None
    sides = {"lacks": (ours, theirs), "also has": (theirs, ours)}
    found = {verb: [repr(name) for name in some if name not in others] for verb, (some, others) in sides.items()}
    parts = [f"{verb} {', '.join(names)}" for verb, names in found.items() if names]
    return " and ".join(parts) or "has them in another order"


def _with_classes(what: str, columns: str | None, label: str, names: Sequence[str]) -> str:
    """Kinds of columns, that of the classes among them.

    Raises:
        UserError: there is no such column.
    """
    if label not in names:
        raise unknown_name(f"{what}: --data.label", label, names)
    return ",".join(filter(None, [columns, f"{label}:category"]))


def _data(
    name: str, what: str, table: Table, label: str | None, skip_bad: bool, y: ArrayLike | None, rule: str | None
) -> ArrayData:
    """A table as a data set, with the classes in its column `label` or in y (n,), split."""
    schema, raw, held_out, left_out = table.schema, table.raw, table.held_out, {}
    labels, classes = labels_of(y, len(raw)), None
    if label is not None:
        kept, labels, classes = _classes(what, schema.kept[schema.position(label)], raw[:, schema.position(label)])
        if not kept.all() and not skip_bad:
            row = int((~kept).argmax()) + 1
            text = f"{int((~kept).sum()):,} of {len(kept):,} rows have no class in column {label!r}, the first data row"
            raise UserError(f"{what}: {text} {row:,}; --data.skip-bad skips these rows")
        left_out = {"without a class": int((~kept).sum())}
        raw = np.delete(raw, schema.position(label), 1)[kept]
        held_out = None if held_out is None else held_out[kept]
        schema = Schema(tuple(column for column in schema.columns if column.name != label))
    if classes is None:
        (labels,), classes = index_labels([labels], [len(raw)])
    info = DataInfo(
        name,
        classes=classes,
        columns=schema.names,
        label_column=label,
        left_out=left_out,
        schema=schema,
        rule=rule,
        notes=table.notes,
    )
    if not len(schema):
        raise UserError(f"{what} must have a column besides {label!r}; got none that identifies no rows")
    if held_out is None:
        return split_data(info, raw, labels)
    parts = (np.flatnonzero(~held_out), np.flatnonzero(held_out))
    return ArrayData(info, *(ArraySplit(raw, part, None if labels is None else labels[part]) for part in parts))


def _classes(
    what: str, column: Column, values: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], list[str]]:
    """Which rows have a class, the class of each of these, and the names of the classes, numbers by size."""
    kept, names = ~np.isnan(values), list(column.levels)
    if not column.levelled or len(names) < 2:
        raise UserError(f"{what}: --data.label {column.name} must have at least 2 classes; got {len(names)}")
    if len(names) > MOST_CLASSES:
        text = f"at most {MOST_CLASSES:,} classes, with several rows each; got {len(names):,} different values"
        raise UserError(f"{what}: --data.label {column.name} must have {text} in {len(values):,} rows")
    whole = whole_numbers(names)
    order = np.argsort(names if whole is None else whole, kind="stable")
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return kept, place[values[kept].astype(np.int64)], [names[index] for index in order]
