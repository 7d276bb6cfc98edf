"""Tables with columns of any kind, from files, folders and data frames: what the columns are, and the rows."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data import part
from monge.data.table.collection import TextColumn, column_of
from monge.data.table.content import Content, Dropped, Growing, Numbers, Room, Texts
from monge.data.table.dialect import no_name
from monge.data.table.inference import infer, overrides_of, said
from monge.data.table.numeric import Inferred
from monge.data.table.rows import SUFFIXES, FrameRows, Rows, rows_of, suffix_of
from monge.data.table.schema import Schema
from monge.data.table.written import Style, missing_words
from monge.errors import UserError, legible

SPLIT_NAMES = ("split", "part", "partition", "subset", "fold", "set")
"""Names of a column that says which rows are held out."""


@dataclass(frozen=True)
class Table:
    """The rows of a table.

    Arguments:
        schema: what its columns are.
        raw: rows (n, d) of the columns that are kept, as the schema has it.
        notes: what was found and chosen when reading, in sentences.
        held_out: which rows are held out (n,); None where the table does not say.
    """

    schema: Schema
    raw: NDArray[np.float64]
    notes: tuple[str, ...] = ()
    held_out: NDArray[np.bool_] | None = None


def read(path: str | os.PathLike[str], columns: str | None = None, missing: str | None = None) -> Table:
    """The table in a `.csv`, `.tsv`, `.txt` (each also with `.gz`) or `.parquet` file.

    Arguments:
        path: the file.
        columns: kinds of columns that are not to be inferred, `age:integer,zip:category`; `day-first` and
            `month-first` are kinds of dates.
        missing: words for missing values, divided by commas, instead of the usual ones.

    Raises:
        UserError: the file is no table, or a column is not as it is said to be; the text says where.
    """
    return _table([rows_of(Path(path))], columns, missing)


def read_folder(folder: str | os.PathLike[str], columns: str | None = None, missing: str | None = None) -> Table:
    """The tables `train` and `test`, by any of their usual names, in a folder: the second is held out.

    Arguments:
        folder: the folder.
        columns: as in `read`.
        missing: as in `read`.

    Raises:
        UserError: as `read`, or the folder has no such tables.
    """
    found = parts_of(Path(folder))
    if found is None:
        raise UserError(f"{folder} must have a table train and a table test; got neither or several of them")
    train, test = (rows_of(path) for path in found)
    if lacking := [name for name in train.names if name not in test.names]:
        names = ", ".join(map(repr, lacking[:3])) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
        table = _table([train], columns, missing)
        note = f"{test.what} lacks {names} and is not read"
        return Table(table.schema, table.raw, (note, *table.notes), table.held_out)
    return _table([train, test], columns, missing)


def parts_of(folder: Path) -> tuple[Path, Path] | None:
    """The training and the held-out table of a folder; None where it has not one of each."""
    # a folder of images may have many files
    found = [folder / name for name in sorted(os.listdir(folder)) if name.lower().endswith(SUFFIXES)]
    tables = {path: path.name[: -len(suffix_of(path) or "")] for path in found}
    train = [path for path, name in tables.items() if part.TRAINING.fullmatch(name)]
    test = [path for path, name in tables.items() if part.TEST.fullmatch(name)]
    held_out = test or [path for path, name in tables.items() if part.VALIDATION.fullmatch(name)]
    return (train[0], held_out[0]) if len(train) == len(held_out) == 1 else None


def from_frame(frame: Any, columns: str | None = None, missing: str | None = None, what: str = "data frame") -> Table:
    """The table in a data frame of pandas, polars or pyarrow.

    Arguments:
        frame: the data frame; its row names are not read.
        columns: as in `read`.
        missing: as in `read`.
        what: names the frame in errors.

    Raises:
        UserError: as `read`.
    """
    return _table([FrameRows(frame, what)], columns, missing)


def _table(parts: Sequence[Rows], columns: str | None, missing: str | None) -> Table:
    """The rows of one table, or of a training and a held-out part."""
    first = parts[0]
    asked = overrides_of(columns, first.names)
    room = Room(len(first.names))
    contents, sizes = _gathered(parts, room, asked, missing)
    if not sizes[0]:
        raise UserError(f"{first.what} must have at least one row; got none")
    held_out = np.repeat([False, True], sizes) if len(parts) == 2 else None
    notes = [note for rows in parts for note in rows.notes]
    inferred: list[Inferred] = []
    kept = 0
    for position, name in enumerate(first.names):
        content, contents[position] = contents[position], Dropped("")
        marked = None if held_out is not None or name in asked else _marked(name, content)
        if marked is not None:
            held_out = marked
            notes.append(f"column {name!r} says which rows are held out ({int(marked.sum()):,} of {len(marked):,})")
        elif name or not _nothing(content, position, first):
            found = _inferred(first, position, content, asked.get(name))
            if found.column.kind != "identifier":
                room.put(kept, 0, found.values)  # what is there was read before
                kept += 1
            # what is in place is gone, so it must not be held
            inferred.append(replace(found, values=np.empty(0)))
            notes += found.notes
    notes += _styles_said(inferred) + said({found.column.name: found.words for found in inferred})
    schema = Schema(tuple(found.column for found in inferred))
    if not len(schema):
        left_out = "; ".join(notes) or "got none"
        raise UserError(f"{first.what} must have a column that is not left out: {left_out}")
    return Table(schema, room.first(kept, sum(sizes)), tuple(map(legible, notes)), held_out)


def _inferred(rows: Rows, position: int, content: Content, asked: str | None) -> Inferred:
    name = rows.names[position]
    try:
        found = infer(name, content, asked, rows.commas_divide)
    except UserError as error:
        raise UserError(f"{rows.what}: {error}") from error
    if not name and found.column.kind != "identifier":
        raise no_name(rows.what, position, len(rows.names))
    return found


def _nothing(content: Content, position: int, rows: Rows) -> bool:
    """Whether a column without a name at the end of all lines is empty, as behind a comma too many."""
    return position == len(rows.names) - 1 > 0 and isinstance(content, Texts | Numbers) and not _known(content)


def _known(content: Texts | Numbers) -> int:
    """How many rows have a value."""
    return int((content.codes >= 0).sum() if isinstance(content, Texts) else (~np.isnan(content.values)).sum())


def _gathered(
    parts: Sequence[Rows], room: Room, asked: dict[str, str], missing: str | None
) -> tuple[list[Content], list[int]]:
    """The content of each column, and the number of rows of each part.

    Numbers that turn out to be followed by texts are read a second time.
    """
    if not parts[0].names:
        raise UserError(f"{parts[0].what} must have a column; got none, besides names of rows")
    contents: list[Content] = []
    sizes: list[int] = []
    failed: set[int] = set()
    columns = _columns(parts[0], room, asked, missing, failed)
    positions = [index for index, column in enumerate(columns) if column is not None]
    if positions:
        sizes = [_add(rows, parts[0], columns, positions) for rows in parts]
    failed.update(index for index in positions if columns[index].failed)
    if failed:
        again = _columns(parts[0], room, asked, missing, failed)
        columns = [again[index] if index in failed else column for index, column in enumerate(columns)]
        for rows in parts:
            _add(rows, parts[0], columns, sorted(failed))
    for index, column in enumerate(columns):
        columns[index] = None
        contents.append(Dropped("", str(_type(parts[0], index))) if column is None else column.content())
    return contents, sizes or [_count(rows) for rows in parts]


def _count(rows: Rows) -> int:
    return sum(len(piece) for _, piece in rows.pieces([0]))


def _add(rows: Rows, first: Rows, columns: Sequence[Any], positions: Collection[int]) -> int:
    """Adds the rows of a part to columns, which are in the order of the first part; returns their number."""
    place = {rows.names.index(first.names[index]): index for index in positions}
    counts = dict.fromkeys(place, 0)
    for position, piece in rows.pieces(list(place)):
        index = place[position]
        counts[position] += len(piece)
        type = None if first.types is None else first.types[index]
        if type is not None and type not in (piece.type, getattr(piece.type, "value_type", None)):
            try:
                piece = piece.cast(type)
            except Exception as error:
                text = f"must have type {type}, as in {first.what}; got {piece.type}"
                raise UserError(f"{rows.what}: column {first.names[index]!r} {text}") from error
        columns[index].add(piece)
    return max(counts.values())


def _type(rows: Rows, index: int) -> Any:
    return "string" if rows.types is None else rows.types[index]


def _columns(rows: Rows, room: Room, asked: dict[str, str], missing: str | None, as_text: Collection[int]) -> list[Any]:
    """What collects each column; None for one that is to be left out."""
    words = missing_words(missing)
    out: list[Any] = []
    for index, name in enumerate(rows.names):
        kind = asked.get(name)
        text = index in as_text or kind not in (None, "number", "integer", "identifier")
        if kind == "identifier" and rows.types is not None:
            out.append(None)
        elif rows.types is None:
            out.append(TextColumn(Growing(room, index), words, rows.commas_divide, None, text))
        else:
            try:
                out.append(column_of(Growing(room, index), name, rows.types[index], words, text))
            except UserError as error:
                raise UserError(f"{rows.what}: {error}") from error
    return out


def _styles_said(inferred: Sequence[Inferred]) -> list[str]:
    """What to say of numbers that are not written plainly, by style."""
    by_style: dict[tuple[Style, bool], list[Inferred]] = {}
    for found in inferred:
        if found.style is not None:
            by_style.setdefault((found.style, found.in_doubt), []).append(found)
    notes = []
    for (style, in_doubt), alike in by_style.items():
        where = ", ".join(repr(found.column.name) for found in alike[:3])
        where += f" and {len(alike) - 3} more" if alike[3:] else ""
        doubt = ", which might be thousands: write them without the comma then" if in_doubt else ""
        notes.append(f"numbers in {where} are read with {style}, such as {alike[0].example!r}{doubt}")
    return notes


def _marked(name: str, content: Content) -> NDArray[np.bool_] | None:
    """Which rows are held out by a column that says so; None where it says nothing of the kind."""
    if name.lower() not in SPLIT_NAMES or not isinstance(content, Texts):
        return None
    levels = content.levels.to_pylist()
    train = [index for index, level in enumerate(levels) if part.TRAINING.fullmatch(level)]
    other = [
        index for index, level in enumerate(levels) if part.TEST.fullmatch(level) or part.VALIDATION.fullmatch(level)
    ]
    if not len(train) == len(other) == 1 or len(levels) != 2 or (content.codes < 0).any():
        return None
    return np.asarray(content.codes == other[0])
