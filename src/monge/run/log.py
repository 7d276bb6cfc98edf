"""The log of a run: one JSON object a line, appended while training. A damaged line costs that line and no other."""

import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from monge.errors import UserError
from monge.run.entry import wrong_entry
from monge.run.files import free_name, ordinary, parse_json, sync, write_atomically
from monge.run.index import seal

LARGEST = 2**28
"""Bytes of a log whose entries are read, at most: they take some five times as much in memory."""
BLOCK = 2**20
"""Bytes that are read at a time."""
LONGEST = 2**20
"""Bytes of a line, at most: an entry has about 700."""
NAMED = 3
"""Damaged lines that are named, at most."""
MOST_DAMAGED = 100_000
"""Damaged lines after which the rest of the log is passed over."""


@dataclass
class Damage:
    """Lines of a log that are damaged.

    Attributes:
        count: of them, as far as the log was read.
        named: the first, by their numbers.
        wrong: what is wrong with the first, in words.
        more: what else was not read, in words.
    """

    count: int = 0
    named: list[int] = field(default_factory=list)
    wrong: str = ""
    more: str = ""

    def add(self, number: int, wrong: str) -> None:
        """Counts a line."""
        self.count += 1
        if len(self.named) < NAMED:
            self.named.append(number)
        self.wrong = self.wrong or wrong

    def __bool__(self) -> bool:
        return bool(self.count or self.more)

    def __str__(self) -> str:
        if not self.count:
            return self.more
        numbers = ", ".join(map(str, self.named))
        more = f" and {self.count - NAMED} more" if self.count > NAMED else ""
        noun = "line" if self.count == 1 else "lines"
        return f"damaged {noun} {numbers}{more} ({self.wrong}){self.more and f' and {self.more}'}"


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
        """The entries of all whole lines, of a log that is too large for memory those at its end.

        Raises:
            UserError: it is no ordinary file.

        Warns:
            UserWarning: of what is passed over.
        """
        damage = Damage()
        found = [entry for _, entry in self._whole(damage, LARGEST)]
        if damage:
            warnings.warn(f"{self.path}: {damage}, passed over", UserWarning, stacklevel=3)
        return found

    def forget_after(self, step: int) -> None:
        """Drops entries of later steps, and damaged lines; where there are any of these, the original is kept aside.

        Raises:
            UserError: it is no ordinary file.

        Warns:
            UserWarning: of damaged lines.
        """
        damage, kept = Damage(), bytearray()
        for content, entry in self._whole(damage):
            if entry["step"] <= step:
                kept += content + b"\n"
        if damage:
            aside = free_name(self.path.with_name(f"{self.path.name}.damaged"))
            write_atomically(aside, self.path.read_bytes())
            text = f"{self.path}: {damage}, left out; the log as it was is kept as {aside.name}"
            warnings.warn(text, UserWarning, stacklevel=4)
        write_atomically(self.path, bytes(kept))

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
        return self._seal(None)

    def changed(self, known: Mapping[str, Any]) -> bool:
        """Whether what was there when it was sealed is there no more, or is something else."""
        return self._seal(known["size"]) != known

    def _seal(self, size: int | None) -> dict[str, Any]:
        """That of the log's beginning, of so many bytes."""
        if self._bytes() is None:
            return seal(())
        with self.path.open("rb") as file:
            return seal(_blocks(file, size))

    def _bytes(self) -> int | None:
        """Its size; None where there is none.

        Raises:
            UserError: it is no ordinary file.
        """
        try:
            return ordinary(self.path)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise UserError(f"{self.path} cannot be read: {error}") from error

    def _whole(self, damage: Damage, most: int | None = None) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """The content and the entry of each whole line, but for an end that a killed process left half-written.

        Arguments:
            damage: to which the others are added.
            most: bytes at the end that are read; None for all.
        """
        size = self._bytes()
        if size is None:
            return
        with self.path.open("rb") as file:
            if most is not None and size > most:
                damage.more = f"all but its last {most:,} bytes"
                file.seek(size - most)
                line_of(file)  # of which only the end is there
            number = 0
            while content := line_of(file):
                number += 1
                entry, wrong = entry_of(content.removesuffix(b"\n"))
                if entry is not None:
                    yield content.removesuffix(b"\n"), entry
                elif content.endswith(b"\n"):
                    damage.add(number, wrong)
                if damage.count == MOST_DAMAGED:
                    damage.more = "all behind these"
                    return


def line_of(file: IO[bytes]) -> bytes:
    """The next line with its end; of one that is too long only the beginning, and its end."""
    content = file.readline(LONGEST + 2)
    rest = content
    while len(rest) > LONGEST and not rest.endswith(b"\n"):
        rest = file.readline(LONGEST + 2)
        if rest.endswith(b"\n"):
            return content + b"\n"
    return content


def _blocks(file: IO[bytes], size: int | None) -> Iterator[bytes]:
    """The first bytes of a file, so many or all."""
    left = math.inf if size is None else size
    while left > 0 and (block := file.read(int(min(left, BLOCK)))):
        left -= len(block)
        yield block


def entry_of(content: bytes) -> tuple[dict[str, Any] | None, str]:
    """What a line says; or None, and what is wrong with it, in words."""
    try:
        if len(content) > LONGEST:
            raise ValueError(f"it has more than {LONGEST:,} bytes")
        entry = parse_json(content)
    except ValueError as error:
        return None, "it is blank" if not content.strip() else str(error)
    if (wrong := wrong_entry(entry)) is not None:
        return None, wrong
    return {sys.intern(name): value for name, value in entry.items()}, ""  # the names are the same in most lines
