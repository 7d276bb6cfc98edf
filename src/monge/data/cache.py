"""Arrays on disk that took long to find: memory-mapped, checked when they are used again, and bounded in size.

An entry is a folder with a file for each array and an index, which names their shapes, types and hashes. It appears
whole or not at all. Beyond the bound, entries that were not used for the longest time go.
"""

import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.errors import MongeError
from monge.run.folder import temporary_folder

MOST_BYTES = 20 * 2**30
"""Bytes of all entries, at most, unless one alone has more."""
ABANDONED_SECONDS = 86_400
"""Age of a file that was left by a process that ended before it was whole."""
TICK = 20_000_000
"""Nanoseconds within which two changes of a file may have the same time."""
_ENTRY = re.compile(r"[a-z]+-[0-9a-f]{32}|[0-9a-f]{32}(-median)?-(pixels|flags)\.npy")
"""Names of entries, and of files of version 0.1."""
_LEFT = re.compile(r"monge-\w+\.tmp")
_INDEX = "index.json"
_INDEX_BYTES = 2**20
_BLOCK_BYTES = 2**22


def folder() -> Path:
    """`$MONGE_CACHE`, `monge` in `$XDG_CACHE_HOME`, or `~/.cache/monge`; without a home, one for temporary files."""
    if given := os.environ.get("MONGE_CACHE"):
        return Path(given)
    shared = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(shared):  # others are to be ignored, says the standard
        return Path(shared) / "monge"
    try:
        return Path.home() / ".cache" / "monge"
    except RuntimeError:
        return _homeless()


@cache
def _homeless() -> Path:
    place = Path(tempfile.gettempdir()) / f"monge-{os.getuid()}"
    with suppress(FileExistsError):
        place.mkdir(mode=0o700)
    # anybody can make a folder of this name there
    return place if place.lstat().st_uid == os.getuid() and not place.is_symlink() else temporary_folder()


def identity(state: os.stat_result) -> bytes:
    """What changes when a file does, or another one takes its place: 40 bytes, of which 16 are of the place."""
    return struct.pack("<QQqqq", state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


def settle(states: Iterable[bytes]) -> None:
    """Waits until any further change of files with these identities would be seen: they tell time in ticks."""
    newest = max((struct.unpack("<q", state[32:])[0] for state in states), default=0)
    wait = newest + TICK - time.time_ns()
    if 0 < wait <= TICK:
        time.sleep(wait / 1e9)


def key_of(kind: str, *facts: str | bytes) -> str:
    """The name of an entry that depends on some facts."""
    digest = hashlib.blake2b(digest_size=16)
    for fact in facts:
        content = fact.encode("utf-8", "surrogateescape") if isinstance(fact, str) else fact
        digest.update(struct.pack("<Q", len(content)) + content)
    return f"{kind}-{digest.hexdigest()}"


def load(key: str) -> dict[str, NDArray[Any]] | None:
    """The arrays of an entry, memory-mapped; None where there is none, or it is damaged.

    A file that changed since it was written is read whole, and used if its hash is still that of the index.
    """
    place = folder() / key
    try:
        index = _read_index(place)
        found = {name: _checked(place, name, facts) for name, facts in index.items()}
        with suppress(OSError):  # in a cache that can only be read
            if any(facts["state"] != _state(place / name) for name, facts in index.items()):
                _write_index(place, {name: facts | {"state": _state(place / name)} for name, facts in index.items()})
            os.utime(place)
        return found
    except Exception:  # an index can say anything, of which numpy and the system make almost any error
        return None


class Entry:
    """An entry that is being written.

    Arguments:
        place: its folder.
    """

    def __init__(self, place: Path) -> None:
        self._place, self.index = place, dict[str, dict[str, Any]]()

    def write(
        self, name: str, blocks: Iterable[NDArray[Any]], row: tuple[int, ...], dtype: np.dtype[Any] | str
    ) -> NDArray[Any]:
        """Writes an array in blocks of its rows, of any number, and maps it.

        Arguments:
            name: of the array.
            blocks: numbers in order, together whole rows.
            row: shape of a row.
            dtype: type of the numbers.
        """
        path, kind, digest, size = self._place / name, np.dtype(dtype), hashlib.blake2b(digest_size=16), 0
        with _writable(), path.open("wb") as file:
            for block in blocks:
                content = np.ascontiguousarray(block, kind).reshape(-1).view(np.uint8)
                digest.update(content.data)
                file.write(content.data)
                size += content.size
            file.flush()
            os.fsync(file.fileno())
        shape = (size // (math.prod(row) * kind.itemsize), *row)
        self.index[name] = {"shape": shape, "dtype": kind.str, "hash": digest.hexdigest(), "state": _state(path)}
        return _mapped(path, self.index[name])


@contextmanager
def storing(key: str) -> Iterator[Entry]:
    """Writes an entry, which appears at the end in place of one of the same name; nothing does after an exception.

    Raises:
        MongeError: it cannot be written.
    """
    place = folder() / key
    with _writable():
        folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = Path(tempfile.mkdtemp(dir=folder(), prefix="monge-", suffix=".tmp"))
    try:
        entry = Entry(temporary)
        yield entry
        with _writable():
            _write_index(temporary, entry.index)
            shutil.rmtree(place, ignore_errors=True)  # a damaged one
            with suppress(OSError):  # another process was faster
                temporary.rename(place)
            _prune(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _writable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"the cache {folder()} cannot be written ({error.strerror or error})"
        raise MongeError(f"{what}; choose a folder with MONGE_CACHE") from error


def _read_index(place: Path) -> dict[str, dict[str, Any]]:
    with (place / _INDEX).open("rb") as file:
        check, content = file.readline(), file.read(_INDEX_BYTES)
    if check.strip() != _hash_of(content):
        raise ValueError("the index is damaged")
    index: dict[str, dict[str, Any]] = json.loads(content)
    return index


def _write_index(place: Path, index: Mapping[str, Any]) -> None:
    content = json.dumps(index).encode()
    partial = place / f"{_INDEX}.{os.getpid()}"
    with partial.open("wb") as file:
        file.write(_hash_of(content) + b"\n" + content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(place / _INDEX)


def _hash_of(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).hexdigest().encode()


def _state(path: Path) -> str:
    return identity(path.stat()).hex()


def _checked(place: Path, name: str, facts: Mapping[str, Any]) -> NDArray[Any]:
    """An array of an entry.

    Raises:
        ValueError: its file is not what was written.
    """
    path = place / name
    if facts["state"] != _state(path):
        digest = hashlib.blake2b(digest_size=16)
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
        if digest.hexdigest() != facts["hash"]:
            raise ValueError("the file has changed")
    return _mapped(path, facts)


def _mapped(path: Path, facts: Mapping[str, Any]) -> NDArray[Any]:
    shape, dtype = tuple(facts["shape"]), np.dtype(facts["dtype"])
    if dtype.hasobject:  # numpy would follow the numbers in the file as addresses
        raise ValueError("the index asks for objects")
    if math.prod(shape) * dtype.itemsize != path.stat().st_size:
        raise ValueError("the index asks for another size")
    return np.memmap(path, dtype, "r", 0, shape) if math.prod(shape) else np.empty(shape, dtype)


def _prune(newest: Path) -> None:
    """Removes what processes left behind, and the entries that were not used for the longest time beyond the bound."""
    used: dict[Path, float] = {}
    for path in folder().iterdir():
        with suppress(OSError):  # another process was faster
            if _ENTRY.fullmatch(path.name):
                used[path] = path.stat().st_mtime
            elif _LEFT.fullmatch(path.name) and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
    total = 0
    for path in sorted(used, key=lambda path: (path != newest, -used[path])):
        with suppress(OSError):
            total += sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))
            if path != newest and total > MOST_BYTES:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
