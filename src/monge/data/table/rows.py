"""The rows of tables as pieces of columns: of text files, `.parquet` files and data frames."""

import re
import zlib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from monge.data.array import reason
from monge.data.growth import refuse_growth
from monge.data.table.dialect import Dialect, check_names, check_width, dialect_of
from monge.errors import UserError
from monge.run.files import ordinary

TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
_BLOCK_BYTES = 2**21
_BATCH_ROWS = 2**16
_FOOTER_BYTES = 2**25
"""Length of the footer of a `.parquet` file, at most: it takes about 100 bytes for a column of each group of rows."""
_TEXT_TYPES = ("string", "large_string")
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
    pyarrow(path.name)
    try:
        ordinary(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
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
        self._path, self.what = path, path.name
        try:
            self._dialect: Dialect = dialect_of(path)
        except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
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
            with self._path.open("rb") as file, arrow.csv.open_csv(self._bytes(file), **options) as reader:
                for batch in reader:
                    yield from zip(asked, batch.columns, strict=True)
        except (arrow.ArrowException, OSError, EOFError, ValueError) as error:
            # no line after the first one that is read
            if "Empty CSV" in str(error) or "Could not skip" in str(error):
                return
            if odd:
                raise self._ragged(odd[0]) from error
            if "straddl" in str(error):
                raise UserError(f"{self.what}: every row must be shorter than {_BLOCK_BYTES:,} bytes") from error
            raise _unreadable(self._path, error) from error

    def _bytes(self, file: IO[bytes]) -> Any:
        """The bytes of the file, decompressed, as pyarrow reads them by itself.

        Its thread that reads ahead would call Python's reader still while Python ends after an error, and abort.
        """
        arrow = pyarrow(self.what)
        plain = arrow.OSFile(f"/dev/fd/{file.fileno()}")  # as pyarrow opens no paths that are not UTF-8
        return arrow.CompressedInputStream(plain, "gzip") if self._path.suffix.lower() == ".gz" else plain

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
            _check_footer(path)
            metadata = arrow.parquet.read_metadata(path)
            self._size = metadata.num_rows
            check_width(self.what, metadata.num_columns)
            schema = metadata.schema.to_arrow_schema()
            self._kept, names = kept_columns(schema), list(schema.names)
        except Exception as error:
            raise _unreadable(path, error) from error
        self.names = [names[index] for index in self._kept]
        self.types = [schema.field(index).type for index in self._kept]
        check_names(self.what, self.names)
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        grown = max(sum(group.total_byte_size for group in groups), 8 * len(names) * self._size)
        refuse_growth(self.what, path.stat().st_size, grown, "write it without compression and without dictionaries")

    def pieces(self, positions: Collection[int]) -> Iterator[tuple[int, Any]]:
        arrow, left = pyarrow(self.what), self._size
        try:
            with arrow.parquet.ParquetFile(self._path, read_dictionary=self._texts()) as file:
                for batch in file.iter_batches(_BATCH_ROWS, use_threads=False):
                    batch.validate(full=True)  # texts that are not UTF-8, positions beyond a dictionary
                    left -= len(batch)
                    if left < 0:
                        raise ValueError(f"it must have {self._size:,} rows, as its footer says; got more")
                    yield from ((position, batch.column(self._kept[position])) for position in positions)
        except UserError:
            raise
        except Exception as error:
            raise _unreadable(self._path, error) from error

    def _texts(self) -> list[str]:
        """Columns of texts, which stay positions among the different ones: a few long texts can fill many rows."""
        return [name for name, type in zip(self.names, self.types or (), strict=True) if str(type) in _TEXT_TYPES]


def _check_footer(path: Path) -> None:
    """Refuses a footer that is too long to be read: it says what is in a `.parquet` file.

    Raises:
        ValueError: it is, or there is none.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        end = file.read()
    length = int.from_bytes(end[:4], "little")
    if end[4:] != b"PAR1":
        raise ValueError("it has no footer at its end, as a file that was cut")
    if length > _FOOTER_BYTES:
        raise ValueError(f"its footer must have at most {_FOOTER_BYTES:,} bytes; got {length:,}")


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
            table.validate(full=True)
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
