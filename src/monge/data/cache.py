"""Decoded images on disk, as memory-mapped `.npy` files."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from monge.errors import MongeError


def folder() -> Path:
    """`$MONGE_CACHE`, or `~/.cache/monge`."""
    given = os.environ.get("MONGE_CACHE")
    return Path(given) if given else Path.home() / ".cache" / "monge"


def cached(fingerprint: str) -> NDArray[Any] | None:
    """The memory-mapped array stored for a fingerprint; None where there is none, or an unreadable one."""
    try:
        array: NDArray[Any] = np.load(folder() / f"{fingerprint}.npy", mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array


def store(
    fingerprint: str, images: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: str = "uint8"
) -> NDArray[Any]:
    """Writes images of equal shape and type one by one, and memory-maps them; a complete file appears, or none.

    Raises:
        MongeError: the file cannot be written.
    """
    path = folder() / f"{fingerprint}.npy"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with open(descriptor, "wb") as file:
            _write(file, images, shape, np.dtype(dtype))
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise
    array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array


def _write(file: BinaryIO, images: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    count = 0
    _write_header(file, (count, *shape), dtype)
    for image in images:
        file.write(image.tobytes())
        count += 1
    # numpy leaves room in the header for the first axis to grow, so that its length stays the same.
    file.seek(0)
    _write_header(file, (count, *shape), dtype)


def _write_header(file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    npy.write_array_header_1_0(file, {"descr": dtype.str, "fortran_order": False, "shape": shape})


def _unwritable(path: Path, error: OSError) -> MongeError:
    return MongeError(f"the image cache {path} cannot be written ({error.strerror}); choose a folder with MONGE_CACHE")
