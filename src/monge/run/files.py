"""Files that are whole or absent, and folders of numbered ones."""

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file or nothing: to a temporary name beside it, synced, then renamed.

    Raises:
        OSError: the disk is full or the folder not writable; the old file stays as it was.
    """
    partial = path.with_name(f".partial-{path.name}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_folder(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Writes files into a new or empty folder, all of them or none.

    Arguments:
        contents: names and contents.

    Raises:
        OSError: the disk is full, or the folder not writable or not empty; it stays as it was.
    """
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    if any(folder.iterdir()):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(folder))
    written: list[Path] = []
    try:
        for name, content in contents:
            written.append(folder / name)
            written[-1].write_bytes(content)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        if made:
            folder.rmdir()
        raise


def numbered(folder: Path, ending: str = "") -> list[tuple[int, Path]]:
    """What is named `step-000500` and an ending in a folder, with its step, ascending; other names are passed over."""
    found = [(re.fullmatch(rf"step-(\d{{6,}}){re.escape(ending)}", path.name), path) for path in folder.glob("step-*")]
    return sorted((int(match[1]), path) for match, path in found if match)
