"""How a text file of a table is written: encoding, what divides its columns, their names, lines that are no rows."""

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, cast

from monge.data.growth import refuse_growth
from monge.data.table.written import PLAIN, missing_words, style_of
from monge.errors import UserError, legible

SEPARATORS = (",", ";", "\t", "|")
MOST_COLUMNS = 10_000
_HEAD_BYTES = 2**20
_BLOCK_BYTES = 2**22
_LINES = 200
"""Rows that are looked at."""

_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that are no character of Windows-1252."""

_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_PAGE = re.compile(r"\s*<(!doctype|html|\?xml)", re.IGNORECASE)
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_UNIT = re.compile(r"[\[(].*[\])]")
_WORD = re.compile(r"\D{1,12}")
_LINE_COUNT = 3
"""Rows of numbers below a line of words that make it one of units, or of names."""
_TITLES = 10
"""Lines above the names, at most."""
_ALIKE = 0.9
"""Share of rows with as many values as there are names, below titles."""


@dataclass(frozen=True)
class Dialect:
    """How a text file is written.

    Arguments:
        encoding: as Python names it.
        separator: what stands between columns.
        names: of the columns, trimmed; an empty one at the end stands for columns that may be empty.
        skip: lines before the first row.
        notes: what was found and chosen, in sentences.
    """

    encoding: str
    separator: str
    names: tuple[str, ...]
    skip: int
    notes: tuple[str, ...] = ()


def dialect_of(path: Path) -> Dialect:
    """How a text file, perhaps compressed by gzip, is written.

    Raises:
        UserError: it is empty or no text, or its first line does not name the columns.
        OSError: it cannot be read.
    """
    encoding, head, said = _decoded(path)
    notes = [] if said is None else [said]
    lines = head.lstrip("\ufeff")
    given = _SEP_LINE.fullmatch(lines.split("\n", 1)[0].rstrip("\r"))
    first = 1 if given else 0
    text = lines.split("\n", 1)[1] if given and "\n" in lines else "" if given else lines
    if not text.strip():
        raise UserError(f"{path} cannot be read as {path.suffix.lower()}: Empty CSV file")
    if _PAGE.match(text):
        raise UserError(f"{path} cannot be read as {path.suffix.lower()}: it is HTML or XML, as a page of a website")
    if above := _above(text, given[1] if given else SEPARATORS):
        *titles, text = text.split("\n", above)
        first += above
        title = next(filter(None, (line.strip(' ,;|\t"') for line in titles)), "")[:40]
        notes.append(f"{path.name}: what is above the names of the columns is skipped, such as {title!r}")
    separator = given[1] if given else _separator(path, text)
    rows, ends = _rows(text, separator)
    names = [name.strip() for name in rows[0]]
    check_width(path.name, len(names))
    names += [""] * _always_empty(len(names), rows[1:])
    _check_header(path.name, names)
    skip = first + ends[0]
    if (units := _units(rows, separator)) is not None:
        skip = first + ends[1]
        notes.append(f"the second line of {path.name} holds units ({units}) and is skipped")
    return Dialect(encoding, separator, tuple(names), skip, tuple(notes))


def stream(path: Path) -> IO[bytes]:
    """The bytes of a file, decompressed."""
    return cast(IO[bytes], gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def _blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file.

    Raises:
        UserError: it is compressed, and grows beyond all measure.
    """
    stored, grown = path.stat().st_size, 0
    with stream(path) as file:
        while block := file.read(_BLOCK_BYTES):
            grown += len(block)
            refuse_growth(path.name, stored, grown, "unpack it first")
            yield block


def _decoded(path: Path) -> tuple[str, str, str | None]:
    """The encoding of a file, its beginning as text in whole lines, and what there is to say of the encoding."""
    with stream(path) as file:
        head = file.read(_HEAD_BYTES)
    encoding = next((name for mark, name in _BOMS.items() if head.startswith(mark)), None)
    said = None
    if encoding != "utf-16" and b"\0" in head:
        raise UserError(f"{path} cannot be read as {path.suffix.lower()}: it is not text, as it has zero bytes")
    if encoding != "utf-16" and not _is_utf8(path):
        undefined = any(set(_UNDEFINED) & set(block) for block in _blocks(path))
        encoding = "latin-1" if undefined else "cp1252"
        said = f"{path.name} is not UTF-8 and is read as {'Latin-1' if undefined else 'Windows-1252'}"
    encoding = encoding or "utf-8"
    text = codecs.getincrementaldecoder(encoding)("strict").decode(head).replace("\r\n", "\n").replace("\r", "\n")
    if len(head) == _HEAD_BYTES:
        if "\n" not in text:
            raise UserError(f"{path.name}: the first line must be shorter than 1 MiB")
        text = text[: text.rindex("\n") + 1]
    return encoding, text, said


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _rows(text: str, separator: str) -> tuple[list[list[str]], list[int]]:
    """The first rows that are not empty, and with which line each ends."""
    reader, rows, ends = csv.reader(io.StringIO(text), delimiter=separator), [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                ends.append(reader.line_num)
            if len(rows) > _LINES:
                break
    except csv.Error:  # a value of over 128 KiB: what was read so far tells enough
        pass
    return rows or [[""]], ends or [0]


def _separator(path: Path, text: str) -> str:
    """What divides the columns: that by which most rows have as many values as the first, and then most of them."""

    def agreement(separator: str) -> tuple[float, int]:
        (header, *rows), _ = _rows(text, separator)
        same = sum(len(row) - len(header) in (0, 1) for row in rows)
        return (same / len(rows) if rows else 1.0) * (len(header) > 1), len(header)

    tab_first = sorted(SEPARATORS, key=lambda separator: separator != "\t" or ".tsv" not in path.name.lower())
    best = max(tab_first, key=agreement)
    if agreement(best)[1] > 1:
        # a header that no row agrees with is still more telling than one column
        return best if agreement(best)[0] else max(tab_first, key=lambda separator: agreement(separator)[1])
    _check_spaces(path.name, text)
    return next((separator for separator in SEPARATORS if separator not in text), ",")


def _check_spaces(what: str, text: str) -> None:
    """Refuses a table whose columns are divided by spaces."""
    header, *rows = [row.split() for row in text.splitlines()[:_LINES] if row.strip()]
    numbers = [re.fullmatch(PLAIN, word) for row in rows for word in row]
    if len(header) > 1 and numbers and all(numbers) and {len(row) for row in rows} == {len(header)}:
        raise UserError(f"{what}: columns must be divided by commas, semicolons, tabs or |; got spaces")


def _above(text: str, separators: Sequence[str]) -> int:
    """How many lines stand above that of the names: comments, or a title and what goes with it.

    A title is told from the name of a single column by what follows: a line of words, and below it rows of as many
    values, of which some columns are numbers only. Comments begin with #.
    """
    found = [0, 0]
    for separator in separators:
        rows, ends = _rows(text, separator)
        if sum(bool(cell.strip()) for cell in rows[0]) > 1 and _alike(rows[0], rows[1:]):
            return 0
        for count, names in enumerate(rows[1 : _TITLES + 1], 1):
            title, below = rows[count - 1], rows[count + 1 :]
            alone = title[0].strip() != "" and not any(cell.strip() for cell in title[1:])
            comment = title[0].lstrip().startswith("#")
            if not (alone or comment):
                break
            told = (alone and comment) or any(_is_numeric(below, index, separator) for index in range(len(names)))
            if told and _names_all(names, below):
                found = max(found, [len(names), ends[count - 1]])
    return found[1]


def _names_all(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a line of words names several columns, and most rows have as many values."""
    words = {name.strip() for name in names}
    if len(words) < max(2, len(names)) or "" in words or any(re.fullmatch(PLAIN, word) for word in words):
        return False
    return len(rows) >= _LINE_COUNT and _alike(names, rows)


def _alike(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether most rows have as many values as there are names, or an empty one more."""
    return sum(len(row) - len(names) in (0, 1) for row in rows) >= _ALIKE * len(rows)


def _always_empty(count: int, rows: Sequence[Sequence[str]]) -> int:
    """How many empty values, one or none, all rows have beyond the names."""
    return int(bool(rows) and all(len(row) == count + 1 and not row[-1].strip() for row in rows))


def _units(rows: Sequence[Sequence[str]], separator: str) -> str | None:
    """The units in the second line; None where it is a row.

    They are in brackets, or words above columns that otherwise are numbers.
    """
    if len(rows) < 2 + _LINE_COUNT or len(rows[1]) < len(rows[0]):
        return None
    second = [cell.strip() for cell in rows[1]]
    filled = [cell for cell in second if cell]
    shown = ", ".join(map(legible, filled))[:40]
    if filled and all(map(_UNIT.fullmatch, filled)):
        return shown
    above = [cell for index, cell in enumerate(second) if cell and _is_numeric(rows[2:], index, separator)]
    if not all(_WORD.fullmatch(cell) and cell.lower() not in missing_words(None) for cell in above):
        return None
    return shown if len(above) > 1 or len(above) == len(second) else None


def _is_numeric(rows: Sequence[Sequence[str]], index: int, separator: str) -> bool:
    """Whether a column of rows has numbers, and nothing else."""
    cells = [row[index].strip() for row in rows if index < len(row)]
    words = [cell for cell in cells if cell.lower() not in missing_words(None)]
    return bool(words) and style_of(words, separator == ",") is not None


def _check_header(what: str, names: Sequence[str]) -> None:
    """Refuses a first line of values, and columns without a name of their own, except the first and the last."""
    numbers = [float(name) for name in names if re.fullmatch(PLAIN, name)]
    if any(not number.is_integer() for number in numbers) or any(b - a != 1 for a, b in pairwise(numbers)):
        raise UserError(f"{what}: the first line must name the columns; got numbers such as {numbers[0]:g}")
    check_names(what, names, unnamed=(0, len(names) - 1))


def check_width(what: str, columns: int) -> None:
    """Refuses a file of too many columns.

    Raises:
        UserError: says how many there are.
    """
    if columns > MOST_COLUMNS:
        raise UserError(f"{what} must have at most {MOST_COLUMNS:,} columns; got {columns:,}")


def check_names(what: str, names: Sequence[str], unnamed: Sequence[int] = ()) -> None:
    """Refuses columns without a name of their own.

    Arguments:
        what: names the table.
        names: in order.
        unnamed: positions of columns that need no name.

    Raises:
        UserError: names the column.
    """
    seen: set[str] = set()
    for position, name in enumerate(names):
        if not name.strip() and position not in unnamed:
            raise no_name(what, position, len(names))
        if name in seen:
            raise UserError(f"{what}: column names must be unique; got {name!r} more than once")
        if name.strip():
            seen.add(name)


def no_name(what: str, position: int, count: int) -> UserError:
    """The refusal of a column without a name."""
    text = "name it, or drop it if it only numbers the rows"
    return UserError(f"{what}: column {position + 1} of {count} has no name; {text}")
