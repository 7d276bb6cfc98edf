"""Files that a page sent, in a folder of this process that is deleted at its end."""

import os
import re
import secrets
import shutil
import tempfile
import weakref
from pathlib import Path, PurePosixPath

from starlette.requests import Request

from monge.app.body import stored
from monge.data.source import ARRAYS, unknown_kind
from monge.data.table.rows import SUFFIXES
from monge.errors import DiskError, UserError, legible
from monge.run.files import lives

LARGEST = 2 * 2**30
"""Bytes of a file."""
MOST = 8
"""Files that are kept; those that were sent first go first."""
LONGEST = 100
"""Letters of a name."""
PREFIX = "monge-distance-"
ENDINGS = (*ARRAYS, *SUFFIXES)
"""Of names of files that are read."""


class Uploads:
    """The files that pages sent.

    Arguments:
        largest: bytes of one.

    Attributes:
        folder: in which they are, and what is made of them.
        largest: bytes of one.
        close: deletes all of them.
    """

    def __init__(self, largest: int = LARGEST) -> None:
        remove_left()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        # however this process ends, unless it is killed
        self.close = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)
        self.largest = largest
        self._kept: dict[str, Path] = {}

    async def receive(self, request: Request, name: str) -> str:
        """Keeps what a request brings; gives the word that names it from now on.

        Arguments:
            name: what the file is called; of a path, the last part.

        Raises:
            UserError: a kind of file that is not read, or one that is too large.
            DiskError: it cannot be written.
        """
        word = secrets.token_hex(8)
        path = self.folder / "file" / word / safe_name(name)
        try:
            path.parent.mkdir(parents=True)
            await stored(request, path, self.largest)
        except OSError as error:
            self._forget(path)
            raise DiskError(f"{path.name} cannot be kept: {error.strerror or error}") from error
        except BaseException:
            self._forget(path)
            raise
        self._kept[word] = path
        while len(self._kept) > MOST:
            self._forget(self._kept.pop(next(iter(self._kept))))
        return word

    def __getitem__(self, word: str) -> Path:
        """Where a file is.

        Raises:
            UserError: it is not there any more.
        """
        if word not in self._kept:
            raise UserError("a file is not kept any more; choose it again")
        return self._kept[word]

    def _forget(self, path: Path) -> None:
        shutil.rmtree(path.parent, ignore_errors=True)


def safe_name(given: str) -> str:
    """The name of a file without folders, and without what a shell or a command could take for something else.

    Raises:
        UserError: its ending is not one of data that are read.

    Example:
        >>> safe_name("../../--seed.csv"), safe_name("C:\\\\data\\\\a b.csv.gz")
        ('seed.csv', 'a b.csv.gz')
    """
    last = PurePosixPath(given.replace("\\", "/")).name
    ending = next((ending for ending in reversed(ENDINGS) if last.lower().endswith(ending)), None)
    if ending is None:
        raise unknown_kind(legible(last[:LONGEST]))
    stem, ending = last[: -len(ending)], last[-len(ending) :]
    stem = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff:]", "", stem).lstrip("-. ")[: LONGEST - len(ending)]
    while len(os.fsencode(stem)) > 2 * LONGEST:  # file systems count bytes
        stem = stem[:-1]
    return f"{stem or 'data'}{ending}"


def remove_left() -> None:
    """Removes what servers that were killed have left."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        if not lives(left.name.removeprefix(PREFIX).split("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
