"""What a column of a table may contain: numbers, or the classes of the rows. Columns are pyarrow's."""

import re
import shlex
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.label import whole_numbers
from monge.errors import UserError

MOST_CLASSES = 1000
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def check_types(what: str, table: Any, label: str | None) -> None:
    """Rejects columns without numbers and says what to do about them.

    Arguments:
        what: names the table in errors.
        table: all columns but that of the classes.
        label: name of the column that contains the classes, or None.

    Raises:
        UserError: names the columns.
    """
    bad = [name for name in table.column_names if not _is_numeric(table.column(name).type)]
    if not bad:
        return
    texts = [name for name in bad if is_text(table.column(name))]
    which = shlex.quote(texts[0]) if len(texts) == 1 else "COLUMN"
    classes = f"use %s as the classes with --data.label {which}" if texts and label is None else ""
    text = f"{what}: columns must be numeric; {bad[0]!r} contains {_content(table.column(bad[0]))}"
    if len(bad) == 1:
        advice = f"{classes % 'it'}, otherwise drop it" if classes else "drop it"
    else:
        text += f", and {', '.join(map(repr, bad[1:]))} {'are' if len(bad) > 2 else 'is'} not numeric either"
        advice = f"drop them{', or ' + classes % 'one of them' if classes else ''}"
    raise UserError(f"{text}; {advice}")


def numbers(table: Any) -> NDArray[Any]:
    """Columns of numbers as an array (n, d), float32 if all of them are, else float64; NaN where a value is missing."""
    import pyarrow

    single = all(pyarrow.types.is_float32(column.type) for column in table.columns)
    out = np.empty((table.num_rows, table.num_columns), np.float32 if single else np.float64)
    for index, column in enumerate(table.columns):
        out[:, index] = column.cast(pyarrow.float64(), safe=False).to_numpy()
    return out


def missing(column: Any) -> NDArray[np.bool_]:
    """Which rows have no class, (n,); an empty text and infinity are none."""
    import pyarrow

    if is_text(column):
        return np.array([not value for value in column.to_pylist()], np.bool_)
    if pyarrow.types.is_floating(column.type):
        return np.asarray(~np.isfinite(column.cast(pyarrow.float64()).to_numpy()))
    return np.asarray(column.is_null())


def classes(what: str, column: Any) -> NDArray[Any]:
    """The classes of rows, whole numbers or text (n,), from a column without missing values.

    Arguments:
        what: names the column in errors.
        column: text, whole numbers or truth values.

    Raises:
        UserError: fractions, dates and the like, a single class, or too many of them.
    """
    import pyarrow

    kind = column.type
    y: NDArray[Any] = np.asarray(column.cast("string") if pyarrow.types.is_boolean(kind) else column)
    if y.dtype.kind == "O":
        y = y.astype(str)
    if y.dtype.kind == "U" and (whole := whole_numbers(y)) is not None:
        y = whole
    written = y.dtype.kind == "U" and all(NUMBER.fullmatch(text) for text in y)
    fractions = (written or y.dtype.kind == "f") and bool((y.astype(np.float64) % 1).any())
    if fractions or not (y.dtype.kind in "iufU" or is_text(column)):
        found = "fractions" if fractions else f"values of type {kind}"
        raise UserError(f"{what}: the column must contain text or whole numbers; got {found}")
    _check_count(what, y)
    return y if y.dtype.kind == "U" else y.astype(np.int64)


def is_text(column: Any) -> bool:
    """Whether a column contains text."""
    return str(column.type) in ("string", "large_string", "string_view")


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def _content(column: Any) -> str:
    """What there is in a column instead of numbers."""
    if not is_text(column):
        return f"values of type {column.type}"
    for row, entry in enumerate(column, 1):
        value = entry.as_py()
        if value is not None and not NUMBER.fullmatch(value.strip()):
            return f"text ({value[:40]!r} in data row {row:,})"
    return "text"


def _check_count(what: str, y: NDArray[Any]) -> None:
    count = len(np.unique(y))
    if count == 1:
        raise UserError(f"{what} must have at least 2 classes; all rows are {str(y[0])!r}")
    if count > MOST_CLASSES or count == len(y):
        text = f"got {count:,} different values in {len(y):,} rows"
        raise UserError(f"{what} must have at most {MOST_CLASSES:,} classes, with several rows each; {text}")
