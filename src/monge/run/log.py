"""The log of a run: one JSON object a line, appended while training. A damaged line costs that line and no other."""

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monge.run.entry import wrong_entry
from monge.run.files import free_name, parse_json, read_file, sync, write_atomically
from monge.run.index import seal

LARGEST = 2**30
"""Bytes of a log that is read, at most."""
LONGEST = 2**20
"""Bytes of a line, at most: an entry has about 700."""
NAMED = 3
"""Damaged lines that are named, at most."""


@dataclass(frozen=True)
class Line:
    """A line of the log.

    Attributes:
        number: from 1.
        content: its bytes, without the end of line.
        entry: what it says; None where it is damaged.
        wrong: what is wrong with it, in words; empty where nothing is.
    """

    number: int
    content: bytes
    entry: dict[str, Any] | None
    wrong: str = ""


class Log:
    """The file `log.jsonl` of a run.

    Arguments:
        path: of the file, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Mapping[str, Any]) -> None:
        """Writes one line more.

        Raises:
            ValueError: a number is not finite.
        """
        line = json.dumps(entry, allow_nan=False) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())

    def entries(self) -> list[dict[str, Any]]:
        """The entries of all whole lines.

        Warns:
            UserWarning: of damaged lines, which are passed over.
        """
        lines = self._lines()
        if damage := _damage(lines):
            warnings.warn(f"{self.path}: {damage}, passed over", UserWarning, stacklevel=3)
        return [line.entry for line in lines if line.entry is not None]

    def forget_after(self, step: int) -> None:
        """Drops entries of later steps, and damaged lines; where there are any of these, the original is kept aside.

        Warns:
            UserWarning: of damaged lines.
        """
        lines = self._lines()
        if damage := _damage(lines):
            aside = free_name(self.path.with_name(f"{self.path.name}.damaged"))
            write_atomically(aside, self.path.read_bytes())
            text = f"{self.path}: {damage}, left out; the log as it was is kept as {aside.name}"
            warnings.warn(text, UserWarning, stacklevel=4)
        kept = [line.content + b"\n" for line in lines if line.entry is not None and line.entry["step"] <= step]
        write_atomically(self.path, b"".join(kept))

    def set_aside(self) -> None:
        """Gives the file another name, if there is one: a new one begins."""
        if self.path.exists():
            self.path.rename(free_name(self.path.with_name(f"{self.path.name}.before")))

    def sync(self) -> None:
        """Waits until all lines are on the disk."""
        if self.path.exists():
            sync(self.path)

    def seal(self) -> dict[str, Any]:
        """Size and checksum of the log as it is, by which a later change is noticed."""
        return seal(self._content())

    def changed(self, known: Mapping[str, Any]) -> bool:
        """Whether what was there when it was sealed is there no more, or is something else."""
        return seal(self._content()[: known["size"]]) != known

    def _content(self) -> bytes:
        try:
            return read_file(self.path, LARGEST)
        except FileNotFoundError:
            return b""
        except ValueError as error:
            raise OSError(0, str(error), str(self.path)) from error

    def _lines(self) -> list[Line]:
        """All lines, but for an end that a killed process left half-written."""
        return list(_read(self._content()))


def _read(content: bytes) -> Iterator[Line]:
    *whole, rest = content.split(b"\n")
    for number, line in enumerate(whole, 1):
        yield _line(number, line)
    last = _line(len(whole) + 1, rest)
    if last.entry is not None:
        yield last


def _line(number: int, content: bytes) -> Line:
    try:
        if len(content) > LONGEST:
            raise ValueError(f"it has {len(content):,} bytes")
        entry = parse_json(content)
    except ValueError as error:
        wrong = "it is blank" if not content.strip() else str(error)
        return Line(number, content, None, wrong)
    wrong = wrong_entry(entry) or ""
    return Line(number, content, None if wrong else entry, wrong)


def _damage(lines: list[Line]) -> str:
    """Which lines are damaged, and what is wrong with the first, in words; empty where none is."""
    bad = [line for line in lines if line.entry is None]
    if not bad:
        return ""
    named = ", ".join(str(line.number) for line in bad[:NAMED])
    more = f" and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    noun = "line" if len(bad) == 1 else "lines"
    return f"damaged {noun} {named}{more} ({bad[0].wrong})"
