"""One process at a time for a run folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from monge.errors import UserError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds a run folder for one training process; the system lets go of it when that process ends, however it does.

    Raises:
        UserError: another process trains this run, or the folder cannot be written.
    """
    # a soft lock, which is a file, would outlive a process that was killed
    lock = FileLock(folder / ".lock", blocking=False, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise UserError(f"run {str(folder)!r}: another process is training this run") from None
    except OSError as error:
        raise UserError(f"--run {folder} cannot be written: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()
