"""Many image files as one array, in memory or in the cache."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from monge.data.cache import cached, store
from monge.data.dataset import fingerprint_of
from monge.data.image.file import Header, decode, header
from monge.data.image.resize import SIZES
from monge.errors import UserError

MEMORY_BYTES = 256 * 2**20
_DEFAULT_SIZE = 32
_GROUP = 256
_THREADS = 8  # each may keep an image of 100 million pixels

T = TypeVar("T")


class Flag(IntFlag):
    """What is known of a file after decoding; 0 is an unreadable one."""

    READ = 1
    ANIMATED = 2
    SHORTENED = 4
    DIVIDED = 8


@dataclass(frozen=True)
class Decoded:
    """Decoded images.

    Attributes:
        images: of those files that could be read, in order, (n, size, size, channels).
        flags: `Flag`s of all files, (number of files,).
        fingerprint: of the files, where the images are too many for memory; else empty.
    """

    images: NDArray[Any]
    flags: NDArray[np.uint8]
    fingerprint: str


def decode_all(folder: Path, paths: Sequence[Path], size: int | None, skip_bad: bool) -> Decoded:
    """Images of one size, number of channels and type, decoded or found in the cache.

    Arguments:
        folder: in which they lie.
        paths: their files.
        size: width and height in pixels; None means that of the images, if all are squares of one size, else 32.
        skip_bad: leave out what cannot be decoded.

    Raises:
        UserError: an image that cannot be decoded, or numbers of types that share no scale.

    Warns:
        UserWarning: the sizes differ and none was chosen.
    """
    fingerprint = _listing_fingerprint(folder, paths, size, skip_bad)
    images, flags = cached(f"{fingerprint}-pixels"), cached(f"{fingerprint}-flags")
    if images is None or flags is None:
        images, flags = _decode(folder, paths, size, skip_bad, fingerprint)
    return Decoded(images, np.ravel(flags), fingerprint if isinstance(images, np.memmap) else "")


def _listing_fingerprint(folder: Path, paths: Sequence[Path], size: int | None, skip_bad: bool) -> str:
    texts = [str(size), str(skip_bad)]
    for path in paths:
        try:
            state = path.stat()
            texts.append(f"{path.relative_to(folder).as_posix()} {state.st_size} {state.st_mtime_ns}")
        except OSError:  # a dangling link, which decoding reports as a bad image
            texts.append(path.relative_to(folder).as_posix())
    return fingerprint_of(*texts)


def _decode(
    folder: Path, paths: Sequence[Path], size: int | None, skip_bad: bool, fingerprint: str
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """The images that can be read, and the flags of all paths, (n, 1)."""
    headers = dict(_good(header, paths, skip_bad, "reading headers"))
    if not headers:
        raise UserError(f"{folder}: none of the {len(paths)} images can be read")
    size = size or _common_size(folder, headers.values())
    dtype = _common_dtype(folder, headers)
    shape = (size, size, 1 if all(found.grey for found in headers.values()) else 3)

    def pixels(path: Path) -> NDArray[Any]:
        return decode(path, size, shape[-1], dtype)

    flags = dict.fromkeys(paths, 0)

    def images() -> Iterator[NDArray[Any]]:
        for path, image in _good(pixels, list(headers), skip_bad, "decoding images"):
            flags[path] = _flag(headers[path], dtype)
            yield image

    def rows() -> list[NDArray[np.uint8]]:
        return [np.array([flag], np.uint8) for flag in flags.values()]

    if len(headers) * int(np.prod(shape)) * np.dtype(dtype).itemsize > MEMORY_BYTES:
        stored = store(f"{fingerprint}-pixels", images(), shape, dtype)
        return stored, store(f"{fingerprint}-flags", rows(), (1,))
    found = list(images())
    return (np.stack(found) if found else np.empty((0, *shape), dtype)), np.stack(rows())


def _flag(found: Header, dtype: str) -> Flag:
    known = {Flag.ANIMATED: found.animated, Flag.SHORTENED: found.shortened, Flag.DIVIDED: found.dtype != dtype}
    return sum((flag for flag, true in known.items() if true), start=Flag.READ)


def _common_size(folder: Path, headers: Iterable[Header]) -> int:
    sizes = {found.size for found in headers}
    width, height = min(sizes)
    if len(sizes) == 1 and width == height and width in SIZES:
        return width
    warnings.warn(
        f"{folder}: the images are not all squares of one size from {SIZES[0]} to {SIZES[-1]}, so they are cropped to "
        f"{_DEFAULT_SIZE} x {_DEFAULT_SIZE}; choose another size with --data.size",
        UserWarning,
        stacklevel=5,
    )
    return _DEFAULT_SIZE


def _common_dtype(folder: Path, headers: Mapping[Path, Header]) -> str:
    """The type of all images' numbers: theirs, or uint8 where some have 8 and others 16 bits.

    Raises:
        UserError: other mixtures, which share no scale.
    """
    examples: dict[str, Path] = {}
    for path, found in headers.items():
        examples.setdefault(found.dtype, path)
    if set(examples) == {"uint8", "uint16"}:
        return "uint8"
    if len(examples) == 1:
        return min(examples)
    listed = ", ".join(f"{dtype} ({path.relative_to(folder)})" for dtype, path in sorted(examples.items()))
    raise UserError(f"{folder}: images must have pixels of one type; got {listed}, which share no scale")


def _good(
    read: Callable[[Path], T], paths: Sequence[Path], skip_bad: bool, description: str
) -> Iterator[tuple[Path, T]]:
    """Reads files in parallel, yields in order, and raises or skips what cannot be read."""

    def attempt(path: Path) -> T | UserError:
        try:
            return read(path)
        except UserError as error:
            return error

    console = Console(stderr=True)
    groups = [paths[i : i + _GROUP] for i in range(0, len(paths), _GROUP)]
    bar = track(groups, description, console=console, transient=True, disable=not console.is_terminal)
    with ThreadPoolExecutor(_THREADS) as pool:
        for group in bar:
            # Pillow warns of large or slightly wrong images; the filters are global, so threads see them too.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results = list(pool.map(attempt, group))
            for path, result in zip(group, results, strict=True):
                if not isinstance(result, UserError):
                    yield path, result
                elif not skip_bad:
                    raise result
