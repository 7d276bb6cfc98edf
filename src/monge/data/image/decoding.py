"""Many image files as one array, in memory or in the cache."""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from monge.data import cache
from monge.data.image.file import Header, decode, header
from monge.data.image.listing import File
from monge.errors import MongeError, UserError
from monge.nn.dcgan import SIDES, nearest_size
from monge.nn.spectral import Size

MEMORY_BYTES = 256 * 2**20
"""Bytes of decoded images up to which they can do without the cache."""
MANY = 1000
"""Images from which on they are worth the cache."""
DECODED_BYTES = 2**30
"""Bytes that images take at a time while they are decoded, at most, unless one alone takes more."""
GROUP_BYTES = 64 * 2**20
"""Bytes of decoded images that wait to be stored, at most."""
_GROUP = 256
_THREADS = 8
_VERSION = 1
"""Of what decoding gives; raised when it changes."""

T = TypeVar("T")


class Flag(IntFlag):
    """What is known of a file after decoding; 0 is an unreadable one."""

    READ = 1
    ANIMATED = 2
    SHORTENED = 4
    DIVIDED = 8
    RESIZED = 16


@dataclass(frozen=True)
class Decoded:
    """Decoded images.

    Attributes:
        images: of those files that could be read, in order, (n, height, width, channels).
        flags: `Flag`s of all files, (number of files,).
        key: of their entry in the cache; None where they are in memory alone.
    """

    images: NDArray[Any]
    flags: NDArray[np.uint8]
    key: str | None


def decode_all(folder: Path, files: Sequence[File], size: Size | None, skip_bad: bool) -> Decoded:
    """Images of one size, number of channels and type, decoded or found in the cache.

    Arguments:
        folder: in which they lie.
        files: of the images.
        size: height and width in pixels; None means that of the images, if all have one that the networks take, else
            the nearest to their median.
        skip_bad: leave out what cannot be decoded.

    Raises:
        UserError: an image that cannot be decoded, or numbers of types that share no scale.
        MongeError: the images are too many for memory, and the cache cannot be written.
    """
    cache.settle(file.state for file in files if file.state)
    names, states = "\0".join(file.name for file in files), b"".join(file.state or bytes(40) for file in files)
    key = cache.key_of("images", os.path.realpath(folder), repr((_VERSION, size, skip_bad)), names, states)
    if (known := cache.load(key)) is not None:
        return Decoded(known["pixels"], known["flags"], key)
    work = _Work.of(folder, files, size, skip_bad)
    large = work.nbytes > MEMORY_BYTES
    if not large and len(files) < MANY:
        return work.in_memory()
    try:
        with cache.storing(key) as entry:
            pixels = entry.write("pixels", work.images(), work.shape, work.dtype)
            return Decoded(pixels, entry.write("flags", [work.flags], (), "uint8"), key)
    except UserError:
        raise
    except MongeError:
        if large:
            raise
        return work.in_memory()


@dataclass(frozen=True, eq=False)
class _Work:
    """Images that are to be decoded.

    Arguments:
        folder: in which they lie.
        files: of the images.
        headers: of the files; None for those that cannot be read.
        shape: of a decoded image.
        dtype: of its numbers.
        asked: whether the size was asked for.
        skip_bad: whether to leave out what cannot be decoded.
        flags: of the files, which decoding fills in.
    """

    folder: Path
    files: Sequence[File]
    headers: Sequence[Header | None]
    shape: tuple[int, int, int]
    dtype: str
    asked: bool
    skip_bad: bool
    flags: NDArray[np.uint8]

    @classmethod
    def of(cls, folder: Path, files: Sequence[File], asked: Size | None, skip_bad: bool) -> "_Work":
        """Reads the headers, which decide size, channels and type of all images.

        Raises:
            UserError: a file that cannot be read, or types that share no scale.
        """
        found: list[Header | None] = [None] * len(files)
        same: dict[Header, Header] = {}  # most are equal: one object for these

        def read(index: int) -> Header:
            return header(folder / files[index].name)

        for index, one in _good(read, range(len(files)), skip_bad, "reading headers"):
            found[index] = same.setdefault(one, one)
        if not same:
            raise UserError(f"{folder}: none of the {len(files)} images can be read")
        size = asked or _default_size([one.size for one in found if one is not None])
        shape = (*size, 1 if all(one.grey for one in same) else 3)
        dtype = _common_dtype(folder, files, found)
        return cls(folder, files, found, shape, dtype, asked is not None, skip_bad, np.zeros(len(files), np.uint8))

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        return len(self._readable) * self._image_bytes

    @property
    def _image_bytes(self) -> int:
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize

    @property
    def _readable(self) -> list[int]:
        return [index for index, one in enumerate(self.headers) if one is not None]

    def images(self) -> Iterator[NDArray[Any]]:
        """The images that can be decoded, one after the other."""
        size = self.shape[:2]
        group = max(_THREADS, min(_GROUP, GROUP_BYTES // self._image_bytes))
        for index, image in _good(self._pixels, self._readable, self.skip_bad, "decoding images", group):
            one = self.headers[index]
            assert one is not None
            self.flags[index] = _flag(one, self.dtype, None if self.asked else size)
            yield image

    def _pixels(self, index: int) -> NDArray[Any]:
        one = self.headers[index]
        assert one is not None
        with MEMORY.taken(one.nbytes):
            return decode(self.folder / self.files[index].name, self.shape[:2], self.shape[2], self.dtype)

    def in_memory(self) -> Decoded:
        """All images in memory."""
        out, count = np.empty((len(self._readable), *self.shape), self.dtype), 0
        for image in self.images():
            out[count] = image
            count += 1
        return Decoded(out[:count], self.flags, None)


class Budget:
    """Bytes that pieces of work in several threads take at a time.

    Arguments:
        most: bytes in all; a piece that takes more is done alone.
    """

    def __init__(self, most: int) -> None:
        self._most, self._taken, self._changed = most, 0, threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Waits until there is room, and keeps it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + size <= self._most)
            self._taken += size
        try:
            yield
        finally:
            with self._changed:
                self._taken -= size
                self._changed.notify_all()


MEMORY = Budget(DECODED_BYTES)
"""That of all images that this process decodes."""


def _flag(found: Header, dtype: str, default: Size | None) -> Flag:
    known = {
        Flag.ANIMATED: found.animated,
        Flag.SHORTENED: found.shortened and dtype == "uint8",
        Flag.DIVIDED: found.dtype != dtype and not found.shortened,
        Flag.RESIZED: default is not None and found.size != default,
    }
    return sum((flag for flag, true in known.items() if true), start=Flag.READ)


def _default_size(sizes: Sequence[Size]) -> Size:
    """The size of all images if they share one that the networks take, else the nearest to their median."""
    first = sizes[0]
    if set(sizes) == {first} and set(first) <= set(SIDES):
        return first
    return nearest_size(*np.median(sizes, axis=0))


def _common_dtype(folder: Path, files: Sequence[File], headers: Sequence[Header | None]) -> str:
    """The type of all images' numbers: theirs, or uint8 where some have 8 and others 16 bits.

    Raises:
        UserError: other mixtures, which share no scale.
    """
    examples: dict[str, str] = {}
    for file, found in zip(files, headers, strict=True):
        if found is not None:
            examples.setdefault(found.dtype, file.name)
    if set(examples) == {"uint8", "uint16"}:
        return "uint8"
    if len(examples) == 1:
        return min(examples)
    listed = ", ".join(f"{dtype} ({name})" for dtype, name in sorted(examples.items()))
    raise UserError(f"{folder}: images must have pixels of one type; got {listed}, which share no scale")


def _good(
    read: Callable[[int], T], which: Sequence[int], skip_bad: bool, description: str, group: int = _GROUP
) -> Iterator[tuple[int, T]]:
    """Reads files in parallel, so many at a time, yields in order, and raises or skips what cannot be read."""

    def attempt(index: int) -> T | UserError:
        try:
            return read(index)
        except UserError as error:
            return error

    console = Console(stderr=True)
    groups = [which[i : i + group] for i in range(0, len(which), group)]
    bar = track(groups, description, console=console, transient=True, disable=not console.is_terminal)
    with ThreadPoolExecutor(_THREADS) as pool:
        for some in bar:
            # Pillow warns of large or slightly wrong images; the filters are global, so threads see them too.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = list(pool.map(attempt, some))
            for index, result in zip(some, results, strict=True):
                if not isinstance(result, UserError):
                    yield index, result
                elif not skip_bad:
                    raise result
