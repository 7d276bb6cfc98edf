"""Folders of images as data sets."""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from monge.data.cache import cached, store
from monge.data.dataset import ArrayData, DataInfo, fingerprint_of, split_data
from monge.data.image.file import Header, decode, header
from monge.data.image.resize import SIZES, check_size
from monge.data.label import index_labels
from monge.errors import UserError

MEMORY_BYTES = 256 * 2**20
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_DEFAULT_SIZE = 32
_GROUP = 256
_THREADS = 8  # each may hold an image of 100 million pixels

T = TypeVar("T")


def read_folder(folder: Path, size: int | None = None, skip_bad: bool = False) -> ArrayData:
    """The PNG, JPEG and WebP images of a folder and its subfolders, in order of their names, hidden ones left out.

    Images are turned upright, composited on white, cropped to their central square and resized. They have one
    channel if all files are stored in grey (16-bit grey and grey palettes included), else three. Up to 256 MiB are
    kept in memory; more are decoded once into a memory-mapped file of the cache folder. Where every image lies in one
    of several subfolders, these are its classes. Links are followed, but not back to a folder that they lie in.

    Arguments:
        folder: the folder.
        size: width and height in pixels; None means that of the images, if all are squares of one size, else 32.
        skip_bad: leave out images that cannot be decoded, instead of refusing the folder.

    Raises:
        UserError: no images, an image that cannot be decoded or has over 100 million pixels, or a size not allowed.

    Warns:
        UserWarning: images were left out, or their sizes differ and none was chosen.
    """
    check_size(size)
    paths = _images(folder)
    if not paths:
        raise UserError(f"{folder} contains no PNG, JPEG or WebP images")
    fingerprint = _listing_fingerprint(folder, paths, size, skip_bad)
    images, which = cached(fingerprint), cached(f"{fingerprint}-which")
    if images is None or which is None:
        images, which = _decode_all(folder, paths, size, skip_bad, fingerprint)
    read = [path for path, good in zip(paths, which.ravel(), strict=True) if good]
    if bad := len(paths) - len(read):
        warnings.warn(
            f"{folder}: skipped {bad} of {len(paths)} images, which cannot be read", UserWarning, stacklevel=2
        )
    mapped = fingerprint if isinstance(images, np.memmap) else ""
    labels, classes = _classes(folder, read)
    info = DataInfo(folder.resolve().name or "images", classes=classes)
    return split_data(info, images, labels, fingerprint=mapped)


def _classes(folder: Path, paths: Sequence[Path]) -> tuple[NDArray[np.int64] | None, list[str] | None]:
    """The class of each image, by the subfolder that it lies in, and the classes' names; none without such folders."""
    inside = [path.relative_to(folder).parts for path in paths]
    if any(len(parts) == 1 for parts in inside) or len({parts[0] for parts in inside}) < 2:
        return None, None
    (labels,), classes = index_labels([np.array([parts[0] for parts in inside])], [len(paths)])
    return labels, classes


def _images(folder: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise UserError(f"folder {error.filename} cannot be read: {error.strerror}") from error

    found, above = [], {str(folder): {os.path.realpath(folder)}}
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        outer = above.pop(parent)
        inner = {name: os.path.realpath(Path(parent, name)) for name in folders if not name.startswith(".")}
        folders[:] = [name for name, place in inner.items() if place not in outer]
        above |= {os.path.join(parent, name): outer | {inner[name]} for name in folders}
        found += [Path(parent, name) for name in files if not name.startswith(".")]
    return sorted(path for path in found if path.suffix.lower() in _SUFFIXES)


def _listing_fingerprint(folder: Path, paths: Sequence[Path], size: int | None, skip_bad: bool) -> str:
    texts = [str(size), str(skip_bad)]
    for path in paths:
        try:
            state = path.stat()
            texts.append(f"{path.relative_to(folder).as_posix()} {state.st_size} {state.st_mtime_ns}")
        except OSError:  # a dangling link, which decoding reports as a bad image
            texts.append(path.relative_to(folder).as_posix())
    return fingerprint_of(*texts)


def _decode_all(
    folder: Path, paths: Sequence[Path], size: int | None, skip_bad: bool, fingerprint: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images that can be read, and for each path 1 if it could be, (n, 1)."""
    headers = list(_good(header, paths, skip_bad, "reading headers"))
    if not headers:
        raise UserError(f"{folder}: none of the {len(paths)} images can be read")
    size = size or _common_size(folder, [found for _, found in headers])
    channels = 1 if all(found.grey for _, found in headers) else 3
    shape = (size, size, channels)

    def pixels(path: Path) -> NDArray[np.uint8]:
        return decode(path, size, channels)

    read: set[Path] = set()

    def images() -> Iterator[NDArray[np.uint8]]:
        for path, image in _good(pixels, [path for path, _ in headers], skip_bad, "decoding images"):
            read.add(path)
            yield image

    def which() -> list[NDArray[np.uint8]]:
        return [np.array([path in read], np.uint8) for path in paths]

    if len(headers) * size * size * channels > MEMORY_BYTES:
        stored = store(fingerprint, images(), shape)
        return stored, store(f"{fingerprint}-which", which(), (1,))
    rows = list(images())
    return (np.stack(rows) if rows else np.empty((0, *shape), np.uint8)), np.stack(which())


def _common_size(folder: Path, headers: Iterable[Header]) -> int:
    sizes = {found.size for found in headers}
    width, height = min(sizes)
    if len(sizes) == 1 and width == height and width in SIZES:
        return width
    warnings.warn(
        f"{folder}: the images are not all squares of one size from {SIZES[0]} to {SIZES[-1]} pixels, so they are "
        f"cropped to {_DEFAULT_SIZE} x {_DEFAULT_SIZE}; choose another size with --data.size",
        UserWarning,
        stacklevel=4,
    )
    return _DEFAULT_SIZE


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
