"""The log of a run while it grows: what was added since one looked last."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monge.errors import UserError
from monge.run.files import ordinary
from monge.run.log import LARGEST, entry_of, line_of


@dataclass(frozen=True)
class Part:
    """Lines of a log that one has not seen before.

    Attributes:
        entries: of the whole ones.
        fresh: whether the log is another one, so that what was read before is void.
        damaged: lines that were passed over.
    """

    entries: list[dict[str, Any]] = field(default_factory=list)
    fresh: bool = False
    damaged: int = 0


class Follower:
    """Reads a log again and again, each time only what is new.

    Arguments:
        path: of the log, which need not exist yet.
        most: bytes at its end that the first look reads; what is before them is not read at all.
    """

    def __init__(self, path: Path, most: int = LARGEST) -> None:
        self._path, self._most = path, most
        self._file: int | None = None
        self._place = 0

    def more(self) -> Part:
        """What is new. A last line that is not written to its end is left for the next time.

        Raises:
            UserError: the log cannot be read.
        """
        try:
            ordinary(self._path)
            with self._path.open("rb") as file:
                return self._read(file)
        except FileNotFoundError:
            fresh, self._file, self._place = self._file is not None, None, 0
            return Part(fresh=fresh)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"{self._path} cannot be read: {reason or error}") from error

    def _read(self, file: Any) -> Part:
        found = os.fstat(file.fileno())
        # a run that goes back to a checkpoint writes its log anew
        fresh = found.st_ino != self._file or found.st_size < self._place
        if fresh:
            self._file, self._place = found.st_ino, 0
            if found.st_size > self._most:
                file.seek(found.st_size - self._most)
                line_of(file)  # of which only the end is there
                self._place = file.tell()
        file.seek(self._place)
        entries, damaged = [], 0
        while (content := line_of(file)).endswith(b"\n"):
            self._place = file.tell()
            entry, _ = entry_of(content.removesuffix(b"\n"))
            if entry is None:
                damaged += 1
            else:
                entries.append(entry)
        return Part(entries, fresh, damaged)
