"""From raw rows back to tables: with the columns, types and forms of the table that they resemble."""

import csv
import io
import re
import sys
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table import calendar, date_form
from monge.data.table.rows import pyarrow
from monge.data.table.schema import Column, Schema

Raw = NDArray[np.float64]
_UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_OF_INTEGERS = re.compile(r"(u?)int(8|16|32|64)")
SINGLE = ("float", "halffloat")
"""Types of numbers in single precision or less."""


def table_of(schema: Schema, raw: Raw, *, identifiers: bool = False) -> Any:
    """Rows as a table of pyarrow, with the types and the order of the schema's columns.

    Numbers have the digits of their column, and nothing but what its type can contain; missing values are nulls.

    Arguments:
        schema: what the columns are.
        raw: rows (n, d).
        identifiers: whether to make columns that identify rows anew, as numbers from 1, instead of leaving them out.

    Raises:
        UserError: pyarrow is absent.
    """
    arrow = pyarrow("a table")
    columns = _columns(schema, raw, identifiers)
    return arrow.table([_values(arrow, *pair) for pair in columns], names=[column.name for column, _ in columns])


def with_classes(schema: Schema, raw: Raw, y: NDArray[Any] | None, label: str | None) -> tuple[Schema, Raw]:
    """Columns and rows (n, d) with the classes (n,) of the rows, if they have some, in a column behind them.

    Arguments:
        schema, raw: the columns and the rows.
        y: the classes, whole numbers or text, or None.
        label: name of their column; y if there is none.
    """
    if y is None:
        return schema, raw
    levels, places = np.unique(y.astype(str), return_inverse=True)
    kind = "int64" if y.dtype.kind in "iu" else "string"
    classes = Column(label or "y", "category", kind, tuple(levels.tolist()))
    return Schema((*schema.columns, classes)), np.column_stack([raw, places])


def frame_of(table: Any) -> Any:
    """A table of pyarrow as a data frame of pandas, if that is installed, with dates as its times; else as it is."""
    return table.to_pandas(date_as_object=False) if find_spec("pandas") else table


def csv_bytes(schema: Schema, raw: Raw, *, identifiers: bool = False) -> bytes:
    """Rows as a `.csv` file in UTF-8, with points in numbers and commas between columns; missing values are empty.

    Arguments:
        schema: what the columns are.
        raw: rows (n, d).
        identifiers: as in `table_of`.
    """
    columns = _columns(schema, raw, identifiers)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column, _ in columns])
    writer.writerows(zip(*(texts(column, values) for column, values in columns), strict=True))
    return text.getvalue().encode()


def parquet_bytes(schema: Schema, raw: Raw, *, identifiers: bool = False) -> bytes:
    """Rows as a `.parquet` file; equal rows give equal bytes.

    Arguments:
        schema: what the columns are.
        raw: rows (n, d).
        identifiers: as in `table_of`.

    Raises:
        UserError: pyarrow is absent.
    """
    arrow = pyarrow(".parquet")
    sink = arrow.BufferOutputStream()
    arrow.parquet.write_table(table_of(schema, raw, identifiers=identifiers), sink)
    return bytes(sink.getvalue())


def like(table: Any, frame: Any) -> Any:
    """A table of pyarrow as the kind of data frame that another is, with the types of its columns.

    Arguments:
        table: columns of the frame, and perhaps others, which keep their types.
        frame: of pandas, polars or pyarrow.
    """
    kind = type(frame).__module__.partition(".")[0]
    if kind == "polars":
        out = sys.modules["polars"].from_arrow(table)
        return out.cast({name: frame.schema[name] for name in out.columns if name in frame.schema})
    if kind == "pandas":
        return _like_pandas(table, frame)
    fields = [(frame if name in frame.column_names else table).schema.field(name) for name in table.column_names]
    arrow = pyarrow("a table")
    columns = [
        column if column.type == field.type else _plain(column).cast(field.type)
        for column, field in zip(table.columns, fields, strict=True)
    ]
    return arrow.table(columns, arrow.schema([field.remove_metadata() for field in fields]))


def _plain(values: Any) -> Any:
    """A column, without a dictionary, which not every type can be cast from."""
    arrow = pyarrow("a table")
    return arrow.chunked_array([values.to_pylist()]) if arrow.types.is_dictionary(values.type) else values


def _like_pandas(table: Any, frame: Any) -> Any:
    """A table as a data frame of pandas, whose columns may be named by other things than texts."""
    pandas = sys.modules["pandas"]
    named = {str(name): name for name in frame.columns}
    columns = {}
    for name in table.column_names:
        values = table.column(name)
        if name not in named:
            columns[name] = values.to_pandas(date_as_object=False)
            continue
        values, type = _plain(values), frame.dtypes[named[name]]
        if isinstance(type, pandas.CategoricalDtype):
            columns[named[name]] = pandas.Categorical(values.to_pylist(), dtype=type)
        elif isinstance(type, pandas.ArrowDtype):
            array = pandas.arrays.ArrowExtensionArray(values.cast(type.pyarrow_dtype))
            columns[named[name]] = pandas.Series(array)
        elif str(type) == "object":
            gone = frame[named[name]][frame[named[name]].isna()]
            nothing = gone.iloc[0] if len(gone) else None
            objects = [nothing if value is None else value for value in values.to_pylist()]
            columns[named[name]] = pandas.Series(objects, dtype=type)
        else:
            columns[named[name]] = _of_arrow(pandas, values, type)
    return pandas.DataFrame(columns)


def _of_arrow(pandas: Any, values: Any, type: Any) -> Any:
    """A column as a series of a type of numpy or of pandas."""
    if hasattr(type, "__from_arrow__"):
        return pandas.Series(type.__from_arrow__(values), dtype=type)
    return pandas.Series(values.to_pandas().to_numpy()).astype(type)


def texts(column: Column, values: Raw | None) -> list[str | None]:
    """A column's values as they are written in a text file, None where one is missing.

    Arguments:
        column: what it is.
        values: raw (n,).
    """
    assert values is not None
    if column.levels:
        levels = np.array([*column.levels, None], object)
        return list(levels[np.where(np.isnan(values), len(column.levels), values).astype(np.int64)])
    if column.kind in ("date", "datetime"):
        return date_form.written(values, column.kind, column.form, column.decimals)
    places = digits(column)
    if places is None:
        return [None if value != value else _shortest(value, column.type) for value in values.tolist()]
    form = f"%.{places[1]}f"
    rounded = np.round(values, places[0]) + 0.0  # no -0
    return [None if value != value else form % value for value in rounded.tolist()]


def digits(column: Column) -> tuple[int, int] | None:
    """Digits after the point that a column's numbers are rounded to, and are written with; None keeps all of them."""
    whole = column.kind == "identifier" or _OF_INTEGERS.fullmatch(column.type) is not None
    decimals = 0 if whole else column.decimals
    if decimals is None:
        return None
    return decimals, max(decimals, 1 if column.type in (*SINGLE, "double") and not whole else 0)


def _shortest(value: float, type: str) -> str:
    """The shortest text that is read as a number again."""
    return str(np.float32(value)) if type in SINGLE else repr(value)


def _columns(schema: Schema, raw: Raw, identifiers: bool) -> list[tuple[Column, Raw]]:
    """The columns in order with their values; identifiers are numbers from 1."""
    kept = iter(raw.T)
    numbered = np.arange(1.0, len(raw) + 1)
    pairs = [(column, numbered if column.kind == "identifier" else next(kept)) for column in schema.columns]
    return [(column, values) for column, values in pairs if identifiers or column.kind != "identifier"]


def _values(arrow: Any, column: Column, values: Raw) -> Any:
    """A column as an array of pyarrow of its type."""
    kind = type_of(arrow, column.type)
    if column.levels or re.match("string|large_string|dictionary", column.type):
        return _of_texts(arrow, texts(column, values), kind)
    if column.kind == "identifier" and not (arrow.types.is_integer(kind) or arrow.types.is_floating(kind)):
        return _of_texts(arrow, texts(column, values), arrow.string())
    missing = np.isnan(values)
    if arrow.types.is_null(kind):
        return arrow.nulls(len(values))
    if arrow.types.is_decimal(kind) or (column.kind == "date" and arrow.types.is_integer(kind)):
        return arrow.array(texts(column, values), arrow.string()).cast(kind)
    if arrow.types.is_floating(kind):
        digits = column.decimals
        shown = values if digits is None else np.round(values, digits) + 0.0
        return arrow.array(shown, arrow.float64(), mask=missing).cast(kind, safe=False)
    counted, stored = _counted(arrow, column, values, kind)
    return arrow.array(counted, stored, mask=missing).cast(kind)


def _counted(arrow: Any, column: Column, values: Raw, kind: Any) -> tuple[NDArray[Any], Any]:
    """Whole numbers of a type of whole numbers, dates or times, and the type in which they count."""
    types, filled = arrow.types, np.where(np.isnan(values), 0.0, values)
    if types.is_integer(kind):
        limits = np.iinfo(str(kind))
        # the largest float that is no larger than the limit
        high = float(limits.max) if limits.bits < 64 else np.nextafter(float(limits.max), 0)
        whole = np.clip(np.rint(filled), float(limits.min), high).astype(limits.dtype)
        return whole, kind
    days = column.kind == "date"
    if types.is_date(kind):
        return np.rint(filled if days else filled / calendar.DAY).astype("datetime64[D]"), arrow.date32()
    seconds = filled * calendar.DAY if days else np.round(filled, min(column.decimals or 0, 6))
    if column.decimals is None:
        seconds = filled
    # a float holds microseconds of our time, no less
    steps = min(_UNITS[kind.unit], 10**6)
    counted = np.rint(seconds * steps).astype(np.int64) * (_UNITS[kind.unit] // steps)
    return (counted.astype(np.int32), arrow.int32()) if kind.bit_width == 32 else (counted, arrow.int64())


def _of_texts(arrow: Any, found: list[str | None], kind: Any) -> Any:
    """Texts as an array of pyarrow of a type: text, or a dictionary, or what the texts are read as."""
    array = arrow.array(found, arrow.string())
    if not arrow.types.is_dictionary(kind):
        return array.cast(kind)
    encoded = array.dictionary_encode()
    values = encoded.dictionary.cast(kind.value_type)
    return arrow.DictionaryArray.from_arrays(encoded.indices.cast(kind.index_type), values, ordered=kind.ordered)


def type_of(arrow: Any, name: str) -> Any:
    """The type of pyarrow whose text this is."""
    if found := re.fullmatch(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>", name):
        return arrow.dictionary(type_of(arrow, found[2]), type_of(arrow, found[1]), found[3] == "1")
    if found := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", name):
        return arrow.timestamp(found[1], found[2])
    if found := re.fullmatch(r"(decimal\d+)\((\d+), (-?\d+)\)", name):
        return getattr(arrow, found[1])(int(found[2]), int(found[3]))
    if found := re.fullmatch(r"(time32|time64|duration)\[(\w+)\]", name):
        return getattr(arrow, found[1])(found[2])
    simple = {"double": "float64", "float": "float32", "halffloat": "float16", "bool": "bool_"}
    simple |= {"date32[day]": "date32", "date64[ms]": "date64"}
    return getattr(arrow, simple.get(name, name))()
