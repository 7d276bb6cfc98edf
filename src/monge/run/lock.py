"""One process at a time for a run folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from monge.errors import UserError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a run folder for one training process; the system lets go of it when that process ends, however it does.

    Raises:
        UserError: another process trains this run, or the folder cannot be written.
    """
    try:
        file = (folder / ".lock").open("w")
    except OSError as error:
        raise UserError(f"--run {folder} cannot be written: {error.strerror or error}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"run {str(folder)!r}: another process is training this run") from None
        except OSError as error:
            raise UserError(f"run {str(folder)!r} cannot be locked: {error.strerror or error}") from error
        yield
