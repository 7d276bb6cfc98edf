"""Many image files as one array, in memory or in the cache."""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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
from monge.errors import UserError
from monge.nn.dcgan import SIDES, nearest_size
from monge.nn.spectral import Size

MEMORY_BYTES = 256 * 2**20
_GROUP = 256
_THREADS = 8  # each may keep an image of 100 million pixels

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
    """

    images: NDArray[Any]
    flags: NDArray[np.uint8]


def decode_all(folder: Path, paths: Sequence[Path], size: Size | None, skip_bad: bool) -> Decoded:
    """Images of one size, number of channels and type, decoded or found in the cache.

    Arguments:
        folder: in which they lie.
        paths: their files.
        size: height and width in pixels; None means that of the images, if all have one that the networks take, else
            the nearest to their median.
        skip_bad: leave out what cannot be decoded.

    Raises:
        UserError: an image that cannot be decoded, or numbers of types that share no scale.
    """
    key = _key(folder, paths, size, skip_bad)
    if (known := cache.load(key)) is not None:
        return Decoded(known["pixels"], known["flags"])
    return _decode(folder, paths, size, skip_bad, key)


def _key(folder: Path, paths: Sequence[Path], size: Size | None, skip_bad: bool) -> str:
    facts: list[str | bytes] = [os.path.realpath(folder), repr(size), repr(skip_bad)]
    states = []
    for path in paths:
        facts.append(str(path))
        with suppress(OSError):  # a dangling link, which decoding reports as a bad image
            states.append(cache.identity(path.stat()))
    cache.settle(states)
    return cache.key_of("images", *facts, *states)


def _decode(folder: Path, paths: Sequence[Path], asked: Size | None, skip_bad: bool, key: str) -> Decoded:
    """The images that can be read, and the flags of all paths; in the cache by that name if they are many."""
    headers = dict(_good(header, paths, skip_bad, "reading headers"))
    if not headers:
        raise UserError(f"{folder}: none of the {len(paths)} images can be read")
    size = asked or _default_size([found.size for found in headers.values()])
    dtype = _common_dtype(folder, headers)
    shape = (*size, 1 if all(found.grey for found in headers.values()) else 3)

    def pixels(path: Path) -> NDArray[Any]:
        return decode(path, size, shape[-1], dtype)

    flags = dict.fromkeys(paths, 0)

    def images() -> Iterator[NDArray[Any]]:
        for path, image in _good(pixels, list(headers), skip_bad, "decoding images"):
            flags[path] = _flag(headers[path], dtype, size if asked is None else None)
            yield image

    def found_flags() -> NDArray[np.uint8]:
        return np.array(list(flags.values()), np.uint8)

    if len(headers) * int(np.prod(shape)) * np.dtype(dtype).itemsize > MEMORY_BYTES:
        with cache.storing(key) as entry:
            stored = entry.write("pixels", images(), shape, dtype)
            return Decoded(stored, entry.write("flags", [found_flags()], (), "uint8"))
    found = list(images())
    return Decoded(np.stack(found) if found else np.empty((0, *shape), dtype), found_flags())


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
