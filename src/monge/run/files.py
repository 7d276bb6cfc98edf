"""Files that are whole or absent, and folders of numbered ones."""

import errno
import glob
import json
import os
import re
import stat
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

LARGEST_JSON = 64 * 2**20
"""Bytes of a JSON file that is read, at most: a table's codec can have many levels."""
MOST_PARTS = 10**6
"""Lists and mappings in it, at most: empty ones take 60 times their bytes in memory."""
LARGEST_TOML = 2**16
"""Bytes of a TOML file, at most: it has some 70 settings."""
MOST_POINTS = 100
"""Points in one line of it, at most: the time for a key grows with the square of its parts."""

LARGEST_HEADER = 2**23
"""Bytes of the header of a file of weights, at most: a tensor takes about 100."""
_OTHERS: Mapping[str, Callable[[int], bool]] = {
    "folder": stat.S_ISDIR,
    "pipe": stat.S_ISFIFO,
    "socket": stat.S_ISSOCK,
    "device": lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode),
}
"""What is no ordinary file, in words, and how to tell."""


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a whole file or nothing: to a temporary name beside it, synced, then renamed.

    The name is this process's own, as another one may write the same file, such as a report. What processes that were
    killed have left is removed.

    Raises:
        OSError: the disk is full or the folder not writable; the old file stays as it was.
    """
    for left in path.parent.glob(f".partial-*-{glob.escape(path.name)}"):
        if not lives(left.name.split("-")[1]):
            left.unlink(missing_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        write_synced(partial, content)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def lives(process: str) -> bool:
    """Whether there is a process of this number; text that is none names no process."""
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:  # it is another user's
        return True
    return True


def write_synced(path: Path, content: bytes) -> None:
    """Writes a file and waits until it is on the disk.

    Raises:
        OSError: the disk is full or the folder not writable.
    """
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Waits until a folder's entries, or a file's content, are on the disk."""
    if os.name == "nt" and path.is_dir():  # which opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it contains none; says why.
    """
    return parse_json(read_file(path, LARGEST_JSON))


def read_file(path: Path, most: int) -> bytes:
    """The content of an ordinary file, which a pipe or a device is not.

    Raises:
        OSError: it cannot be read.
        ValueError: it is something else, or larger than `most` bytes.
    """
    size = ordinary(path)
    if size > most:
        raise ValueError(f"it must have at most {most:,} bytes; got {size:,}")
    return path.read_bytes()


def ordinary(path: Path) -> int:
    """The bytes of an ordinary file. Others must not be opened: a pipe waits for ever, a device never ends.

    Raises:
        OSError: there is no such file, or only links that lead round in circles.
        ValueError: it is something else.
    """
    found = path.stat()
    for kind, of_kind in _OTHERS.items():
        if of_kind(found.st_mode):
            raise ValueError(f"it must be an ordinary file; got a {kind}")
    return found.st_size


def parse_json(content: bytes) -> dict[str, Any]:
    """The JSON object in some bytes, without what JSON does not know, such as Infinity.

    Raises:
        ValueError: it contains none; says why.
    """
    if content.count(b"[") + content.count(b"{") > MOST_PARTS:
        raise ValueError(f"it must have at most {MOST_PARTS:,} lists and mappings")
    found = _parsed(lambda: json.loads(content, parse_constant=_refused))
    if not isinstance(found, dict):
        raise ValueError("it must contain a JSON object")
    return found


def parse_toml(content: bytes) -> dict[str, Any]:
    """The settings in the bytes of a TOML file.

    Raises:
        ValueError: they contain none; says why.
    """
    for number, line in enumerate(content.split(b"\n"), 1):
        if (points := line.count(b".")) > MOST_POINTS:
            raise ValueError(f"line {number} must have at most {MOST_POINTS} points; got {points:,}")
    found: dict[str, Any] = _parsed(lambda: tomllib.loads(content.decode()))
    return found


def _parsed(parse: Callable[[], Any]) -> Any:
    """What a parser finds.

    Raises:
        ValueError: nothing, or what it cannot follow.
    """
    try:
        return parse()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_safetensors(path: Path) -> bytes:
    """The content of a `.safetensors` file, whose header is not too long to be read.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no ordinary file, or its header is too long.
    """
    ordinary(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LARGEST_HEADER:
            raise ValueError(f"its header must have at most {LARGEST_HEADER:,} bytes; got {length:,}")
        file.seek(0)
        return file.read()


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def free_name(path: Path) -> Path:
    """A path that does not exist yet: this one, or with -2, -3 and so on behind it."""
    found, number = path, 1
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


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
