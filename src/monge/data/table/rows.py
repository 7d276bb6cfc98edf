"""The rows of tables as pieces of columns: of text files, `.parquet` files and data frames."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Protocol

from monge.data.array import reason
from monge.data.table.dialect import Dialect, check_names, dialect_of, stream
from monge.errors import UserError

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
_BLOCK_BYTES = 2**21
_BATCH_ROWS = 2**16
_ROW_NAMES = re.compile(r"__index_level_\d+__")


class Rows(Protocol):
    """The rows of a table.

    Attributes:
        what: names the table in errors.
        names: of its columns.
        types: of its columns, of pyarrow; None where all are text that says what it is.
        commas_divide: whether commas stand between its columns.
        notes: what was found and chosen, in sentences.
    """

    what: str
    names: list[str]
    types: list[Any] | None
    commas_divide: bool
    notes: tuple[str, ...]

    def pieces(self, positions: Collection[int]) -> Iterator[tuple[int, Any]]:
        """Parts of columns in order of their rows, each with its column's position."""


def rows_of(path: Path) -> Rows:
    """The rows of a file.

    Raises:
        UserError: pyarrow is absent, or the file cannot be read.
    """
    return ParquetRows(path) if suffix_of(path) == ".parquet" else TextRows(path)


def suffix_of(path: Path) -> str | None:
    """The ending of a table's name, in small letters; None where it is none of a table."""
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), None)


def pyarrow(what: str) -> Any:
    """The package pyarrow with its modules for both kinds of file.

    Arguments:
        what: needs it.

    Raises:
        UserError: it is absent.
    """
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        text = "tables need the package pyarrow (monge's extra `table`): pip install 'pyarrow>=20'"
        raise UserError(f"{what}: {text}") from None
    return pyarrow


class TextRows:
    """The rows of a text file."""

    types: list[Any] | None = None

    def __init__(self, path: Path):
        pyarrow(path.name)
        self._path, self.what = path, path.name
        try:
            self._dialect: Dialect = dialect_of(path)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise _unreadable(path, error) from error
        self.names = list(self._dialect.names)
        self.commas_divide = self._dialect.separator == ","
        self.notes = self._dialect.notes

    def pieces(self, positions: Collection[int]) -> Iterator[tuple[int, Any]]:
        arrow, asked = pyarrow(self.what), sorted(positions)
        numbered, odd = [str(position) for position in range(len(self.names))], list[Any]()

        def keep(row: Any) -> str:
            odd.append(row)
            return "error"

        options = {
            "read_options": arrow.csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK_BYTES,
                column_names=numbered,
                skip_rows=self._dialect.skip,
                encoding=self._dialect.encoding,
            ),
            "parse_options": arrow.csv.ParseOptions(
                delimiter=self._dialect.separator, newlines_in_values=True, invalid_row_handler=keep
            ),
            "convert_options": arrow.csv.ConvertOptions(
                column_types=dict.fromkeys(numbered, arrow.string()),
                include_columns=[numbered[position] for position in asked],
                null_values=[""],
                strings_can_be_null=True,
            ),
        }
        # Broken files make pyarrow raise almost anything.
        try:
            with stream(self._path) as file, arrow.csv.open_csv(file, **options) as reader:
                for batch in reader:
                    yield from zip(asked, batch.columns, strict=True)
        except (arrow.ArrowException, OSError, EOFError, ValueError) as error:
            # no line after the first one that is read
            if "Empty CSV" in str(error) or "Could not skip" in str(error):
                return
            if odd:
                raise self._ragged(odd[0]) from error
            raise _unreadable(self._path, error) from error

    def _ragged(self, row: Any) -> UserError:
        text = f"got {row.actual_columns} in {row.text[:40]!r}"
        return UserError(f"{self.what}: every row must have {row.expected_columns} values, as the first line; {text}")


class ParquetRows:
    """The rows of a `.parquet` file."""

    commas_divide = True
    notes: tuple[str, ...] = ()
    types: list[Any] | None

    def __init__(self, path: Path):
        arrow = pyarrow(path.name)
        self._path, self.what = path, path.name
        try:
            schema = arrow.parquet.read_schema(path)
        except Exception as error:
            raise _unreadable(path, error) from error
        self._kept = kept_columns(schema)
        self.names = [schema.names[index] for index in self._kept]
        self.types = [schema.field(index).type for index in self._kept]
        check_names(self.what, self.names)

    def pieces(self, positions: Collection[int]) -> Iterator[tuple[int, Any]]:
        arrow = pyarrow(self.what)
        try:
            with arrow.parquet.ParquetFile(self._path) as file:
                for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                    yield from ((position, batch.column(self._kept[position])) for position in positions)
        except UserError:
            raise
        except Exception as error:
            raise _unreadable(self._path, error) from error


class FrameRows:
    """The rows of a data frame of pandas, polars or pyarrow."""

    commas_divide = True
    notes: tuple[str, ...] = ()
    types: list[Any] | None

    def __init__(self, frame: Any, what: str):
        self.what, arrow = what, pyarrow(what)
        check_names(what, getattr(frame, "column_names", None) or [str(name) for name in frame.columns])
        try:
            table = arrow.table(frame)
        except Exception as error:
            causes = "; ".join(str(cause) for cause in error.args) or reason(error)
            raise UserError(f"{what} cannot be read as a table: {causes}") from error
        self._table = table.select(kept_columns(table.schema))
        self.names, self.types = list(self._table.column_names), list(self._table.schema.types)

    def pieces(self, positions: Collection[int]) -> Iterator[tuple[int, Any]]:
        for position in positions:
            yield from ((position, chunk) for chunk in self._table.column(position).chunks)


def kept_columns(schema: Any) -> list[int]:
    """The positions of all columns that are no row names of pandas."""
    stored = (schema.pandas_metadata or {}).get("index_columns", ())
    return [index for index, name in enumerate(schema.names) if name not in stored and not _ROW_NAMES.fullmatch(name)]


def _unreadable(path: Path, error: Exception) -> UserError:
    if isinstance(error, UserError):
        return error
    text = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else reason(error)
    return UserError(f"{path} cannot be read as {suffix_of(path)}: {text}")
