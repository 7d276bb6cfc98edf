"""Tables in `.csv` and `.parquet` files: every row becomes a vector of numbers, and perhaps has a class.

pyarrow reads them. It is an extra, imported only where there is a table.
"""

import csv
import re
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.data.array import reason
from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.data.label import index_labels, labels_of
from monge.data.layout import LARGEST
from monge.data.table import column
from monge.data.table.rows import pyarrow as pyarrow
from monge.errors import UserError, unknown_name

SUFFIXES = (".csv", ".parquet")
_DELIMITERS = (",", ";", "\t")
_LARGEST_BLOCK = 2**31 - 1
_ROW_NAMES = re.compile(r"__index_level_\d+__")


def read_table(path: Path, label: str | None = None, skip_bad: bool = False) -> ArrayData:
    """The rows of a table as vectors of its columns, in the order of the file, split.

    Columns contain numbers, truth values or decimals. A `.csv` file has the columns' names in its first line, and
    commas, semicolons or tabs between its columns. The row names that pandas stores in a `.parquet` file are not read.

    Arguments:
        path: the file.
        label: name of the column that contains the classes, text or whole numbers.
        skip_bad: leave out rows with missing, infinite or too large values, instead of refusing the table.

    Raises:
        UserError: pyarrow is absent, the file cannot be read, or a column is not allowed; the text says which and why.

    Warns:
        UserWarning: rows were left out.
    """
    return _vectors(path.stem, path.name, _load(path, label), label, skip_bad)


def read_frame(
    frame: Any, name: str, y: ArrayLike | None = None, label: str | None = None, skip_bad: bool = False
) -> ArrayData:
    """A data frame of pandas, polars or pyarrow, as the `.parquet` file of it would be read.

    Arguments:
        frame: the data frame; its row names are not read.
        name: short name.
        y: the class of each row, which is then in no column, (n,), or None.
        label: as in `read_table`.
        skip_bad: as in `read_table`.

    Raises:
        UserError: pyarrow is absent, a column is not allowed, or both y and label are given.

    Warns:
        UserWarning: as `read_table`.
    """
    what = "data frame"
    arrow = pyarrow(what)
    names = getattr(frame, "column_names", None) or [str(name) for name in frame.columns]
    _check_names(what, names, numbered=False)
    try:
        table = _plain(arrow, arrow.table(frame))
    except Exception as error:
        causes = "; ".join(str(cause) for cause in error.args) or reason(error)
        raise UserError(f"{what} cannot be read as a table: {causes}") from error
    return _vectors(name, what, table, label, skip_bad, y)


def is_frame(x: object) -> bool:
    """Whether an object is a data frame that `read_frame` takes, and pyarrow is there to read it."""
    offered = hasattr(x, "__arrow_c_stream__") or hasattr(x, "__dataframe__")
    return offered and hasattr(x, "columns") and find_spec("pyarrow") is not None


def _vectors(
    name: str, what: str, table: Any, label: str | None, skip_bad: bool, y: ArrayLike | None = None
) -> ArrayData:
    """The rows of a table of pyarrow as vectors, with the classes in its column `label` or in y (n,), split."""
    names = _numbers_beside(what, table, label)
    column.check_types(what, table.select(names), label)
    values, bad = column.numbers(table.select(names)), {}
    if label is not None:
        bad[label] = column.missing(table.column(label))
    given = labels_of(y, len(values))
    whole = _whole_rows(what, dict(zip(names, ~(np.abs(values.T) <= LARGEST), strict=True)) | bad, skip_bad)
    values = values[whole]
    if label is not None:
        given = column.classes(f"{what}: --data.label {label}", table.column(label).filter(whole))
    elif given is not None:
        given = given[whole]
    (labels,), classes = index_labels([given], [len(values)])
    left_out = {"with missing or infinite values": int((~whole).sum())}
    info = DataInfo(name, classes=classes, columns=names, label_column=label, left_out=left_out)
    return split_data(info, values, labels)


def _numbers_beside(what: str, table: Any, label: str | None) -> list[str]:
    """The names of the columns beside that of the classes, in a table that has rows."""
    if label is not None and label not in table.column_names:
        raise unknown_name(f"{what}: --data.label", label, table.column_names)
    names = [name for name in table.column_names if name != label]
    if not names:
        raise UserError(f"{what} must have a numeric column" + ("" if label is None else f" besides {label!r}"))
    if not table.num_rows:
        raise UserError(f"{what} must have at least one row; got none")
    return names


def has_column(path: str, name: str) -> bool:
    """Whether a file is a table that can be read and has a column of this name."""
    try:
        return is_table(path) and name in _column_names(Path(path))
    except Exception:  # whoever opens the file says what is wrong with it
        return False


def is_table(path: str) -> bool:
    """Whether a path is named like a table."""
    return Path(path).suffix.lower() in SUFFIXES


def difference(ours: Sequence[str] | None, theirs: Sequence[str] | None) -> str | None:
    """In what other columns differ from ours; None where they do not, or where one side is no table."""
    if ours is None or theirs is None or list(ours) == list(theirs):
        return None
    sides = {"lacks": (ours, theirs), "also has": (theirs, ours)}
    found = {verb: [repr(name) for name in some if name not in others] for verb, (some, others) in sides.items()}
    parts = [f"{verb} {', '.join(names)}" for verb, names in found.items() if names]
    return " and ".join(parts) or "has them in another order"


def _load(path: Path, label: str | None) -> Any:
    """The columns of a file that have to do with its samples, categories as the values that they stand for."""
    arrow, suffix = pyarrow(path.name), path.suffix.lower()
    # Broken files make pyarrow raise almost anything, as they make numpy.
    try:
        names = _column_names(path)
        _check_names(path.name, names, numbered=suffix == ".csv")
        if suffix == ".csv":
            return _read_csv(arrow, path, label)
        with arrow.parquet.ParquetFile(path) as file:
            return _plain(arrow, file.read())
    except UserError:
        raise
    except Exception as error:
        text = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else reason(error)
        raise UserError(f"{path} cannot be read as {suffix}: {text}") from error


def _plain(arrow: Any, table: Any) -> Any:
    """A table without the row names of pandas, categories as the values that they stand for."""
    stored = (table.schema.pandas_metadata or {}).get("index_columns", ())
    kept = [name for name in table.column_names if name not in stored and not _ROW_NAMES.fullmatch(name)]
    table = table.select(kept)
    for index, name in enumerate(kept):
        table = table.set_column(index, name, _of_values(arrow, table.column(index)))
    return table


def _of_values(arrow: Any, values: Any) -> Any:
    """A column with categories as the values that they stand for, and text as all of pyarrow's functions take it."""
    kind = values.type
    if arrow.types.is_string_view(kind):
        return values.cast(arrow.large_string())
    if not arrow.types.is_dictionary(kind):
        return values
    if arrow.types.is_string_view(kind.value_type):
        values = values.cast(arrow.dictionary(kind.index_type, arrow.large_string()))
    return values.cast(values.type.value_type)


def _read_csv(arrow: Any, path: Path, label: str | None) -> Any:
    # In one block, as the columns' types are guessed from the first; in one thread, which numbers the rows in errors.
    block = min(path.stat().st_size + 1, _LARGEST_BLOCK)
    # Classes as they are written: a guess would make 007 a number and True a truth value.
    types = {} if label is None else {label: arrow.string()}
    return arrow.csv.read_csv(
        path,
        read_options=arrow.csv.ReadOptions(use_threads=False, block_size=block),
        parse_options=arrow.csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True),
        convert_options=arrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True),
    )


def _delimiter(path: Path) -> str:
    with path.open("rb") as file:
        head = file.readline(2**20)
    return max(_DELIMITERS, key=lambda delimiter: head.count(delimiter.encode()))


def _column_names(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        return list(pyarrow(path.name).parquet.read_schema(path).names)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next((row for row in csv.reader(file, delimiter=_delimiter(path)) if row), [])


def _check_names(what: str, names: Sequence[str], *, numbered: bool) -> None:
    """Refuses columns without a name of their own.

    Arguments:
        numbered: whether names that are numbers, unless they count the columns, tell that the first line is a row.
    """
    numbers = [float(name) for name in names if column.NUMBER.fullmatch(name.strip())] if numbered else []
    if any(not number.is_integer() for number in numbers) or any(b - a != 1 for a, b in pairwise(numbers)):
        raise UserError(f"{what}: the first line must name the columns; got numbers such as {numbers[0]:g}")
    for position, name in enumerate(names):
        if not name.strip():
            text = "name it, or drop it if it only numbers the rows"
            raise UserError(f"{what}: column {position + 1} of {len(names)} has no name; {text}")
        if name in names[:position]:
            raise UserError(f"{what}: column names must be unique; got {name!r} more than once")


def _whole_rows(what: str, bad: dict[str, NDArray[np.bool_]], skip_bad: bool) -> NDArray[np.bool_]:
    """Which rows have all their values, (n,); the others are refused, or counted and left out.

    Arguments:
        bad: by column, where it has no usable value.
    """
    unusable: NDArray[np.bool_] = np.logical_or.reduce(list(bad.values()))
    total, count = len(unusable), int(unusable.sum())
    if not count:
        return ~unusable
    row, kind = int(unusable.argmax()), "missing, infinite or beyond float32"
    first = next(name for name, rows in bad.items() if rows[row])
    if count == total:
        raise UserError(
            f"{what}: every row has a value that is {kind}, the first in column {first!r}; drop that column"
        )
    text = f"{what}: {count:,} of {total:,} rows have values that are {kind}"
    if not skip_bad:
        raise UserError(
            f"{text}, the first in column {first!r}, data row {row + 1:,}; --data.skip-bad skips these rows"
        )
    warnings.warn(f"{text}; these rows are skipped", UserWarning, stacklevel=3)
    return ~unusable
