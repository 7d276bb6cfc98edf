"""Samples as the bytes of a file; equal samples give equal bytes."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.image.encoding import tiff
from monge.data.space import Space, TableSpace, VectorSpace
from monge.data.table import frame
from monge.data.table.rows import pyarrow
from monge.data.table.schema import Schema
from monge.errors import UserError

Names = Sequence[str]


def encode(
    space: Space,
    x: NDArray[Any],
    suffix: str,
    y: NDArray[Any] | None = None,
    columns: Names | None = None,
    label: str | None = None,
    *,
    identifiers: bool = False,
) -> bytes:
    """Samples as an `.npz` (arrays `x` and `y`), `.npy` or `.tif` (without classes), `.csv` or `.parquet` file.

    Arguments:
        space: what one sample is.
        x: samples, raw scale, (n, ...).
        suffix: of the file.
        y: their classes (n,), or None.
        columns: names of a vector's numbers in a table; x0, x1 and so on if not given.
        label: name of the column of classes in a table; y if not given.
        identifiers: whether a table's columns that identify rows are made anew, as numbers from 1.

    Raises:
        UserError: images as a table or numbers that a TIFF file cannot contain, or pyarrow is absent.
    """
    if suffix == ".npz":
        buffer = io.BytesIO()
        # numpy writes a fixed date into the archive
        arrays: dict[str, Any] = {"x": x} | ({} if y is None else {"y": y})
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()
    if suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, x)
        return buffer.getvalue()
    if isinstance(space, TableSpace):
        return table_bytes(*frame.with_classes(space.schema, x, y, label), suffix, identifiers=identifiers)
    pages = suffix in (".tif", ".tiff")
    if isinstance(space, VectorSpace) == pages:
        allowed = ".png, .npz, .npy, .csv or .parquet for vectors" if pages else ".png, .tif, .npz or .npy for images"
        raise UserError(f"--out must end in {allowed}; got {suffix}")
    if pages:
        return tiff(x)
    names = list(columns or (f"x{column}" for column in range(x.shape[1])))
    if y is not None:
        names.append(label or "y")
    return _csv(names, x, y) if suffix == ".csv" else _parquet(names, x, y)


def table_bytes(schema: Schema, x: NDArray[Any], suffix: str, *, identifiers: bool = False) -> bytes:
    """Rows of a table (n, d) as a `.csv` or `.parquet` file.

    Arguments:
        schema: what the columns are.
        x: the rows.
        suffix: of the file.
        identifiers: whether to make columns that identify rows anew, as numbers from 1.

    Raises:
        UserError: another suffix, or pyarrow is absent.
    """
    if suffix not in (".csv", ".parquet"):
        raise UserError(f"--out must end in .csv, .parquet, .png, .npz or .npy for tables; got {suffix}")
    write = frame.csv_bytes if suffix == ".csv" else frame.parquet_bytes
    return write(schema, x, identifiers=identifiers)


def _csv(names: Names, x: NDArray[Any], y: NDArray[Any] | None) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    digits = "%.9g" if x.dtype == np.float32 else "%.17g"
    numbers = ([digits % number for number in row] for row in x)
    writer.writerows(numbers if y is None else ([*row, name] for row, name in zip(numbers, y, strict=True)))
    return text.getvalue().encode()


def _parquet(names: Names, x: NDArray[Any], y: NDArray[Any] | None) -> bytes:
    arrow = pyarrow(".parquet")
    columns = [arrow.array(np.ascontiguousarray(column)) for column in (*x.T, *(() if y is None else (y,)))]
    sink = arrow.BufferOutputStream()
    arrow.parquet.write_table(arrow.table(columns, names=list(names)), sink)
    return bytes(sink.getvalue())
