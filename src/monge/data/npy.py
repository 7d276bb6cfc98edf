"""Arrays in the form of `.npy` files, in files of their own or in the archive of a `.npz` file.

Headers are read within bounds, nothing is unpickled, and large arrays are mapped from the file.
"""

import io
import math
import struct
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from monge.run.archive import opened
from monge.run.files import ordinary

_HEADER_BYTES = 10_000
"""Length of a header, at most: numpy's own limit for files that are not trusted."""


@dataclass(frozen=True)
class Header:
    """What an array is.

    Arguments:
        shape: of the array.
        dtype: of its numbers.
        fortran: whether its first axis changes fastest.
        start: bytes before its numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def nbytes(self) -> int:
        """Bytes of all numbers."""
        return math.prod(self.shape) * self.dtype.itemsize

    def shaped(self, flat: NDArray[Any]) -> NDArray[Any]:
        """All numbers in the order of the file as the array."""
        return flat.reshape(self.shape[::-1]).T if self.fortran else flat.reshape(self.shape)


def read_header(stream: IO[bytes]) -> Header:
    """The header at the position of a stream, which is left where the numbers begin.

    Raises:
        ValueError: it is none, or of an array that is not read: one of objects, or with names for parts of its rows.
    """
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its version must be 1.0 or 2.0; got {version[0]}.{version[1]}")
    form, read = ("<H", npy.read_array_header_1_0) if version == (1, 0) else ("<I", npy.read_array_header_2_0)
    length = stream.read(struct.calcsize(form))
    if len(length) < struct.calcsize(form):
        raise ValueError("it ends within its header")
    (size,) = struct.unpack(form, length)
    if size > _HEADER_BYTES:
        raise ValueError(f"its header must have at most {_HEADER_BYTES:,} bytes; got {size:,}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of spellings that Python 2 had
        shape, fortran, dtype = read(io.BytesIO(length + stream.read(size)), max_header_size=_HEADER_BYTES)
    if dtype.hasobject:
        raise ValueError("it contains Python objects, which are never unpickled")
    if dtype.itemsize == 0 or min(shape, default=0) < 0:
        raise ValueError(f"its header must have sizes of 0 and more; got shape {shape} of {dtype}")
    return Header(shape, dtype, fortran, len(length) + npy.MAGIC_LEN + size)


def read_numbers(stream: IO[bytes], header: Header) -> NDArray[Any]:
    """The array whose header was read from a stream before.

    Raises:
        ValueError: the stream ends early.
    """
    content = stream.read(header.nbytes)
    stream.read(1)  # of an archive, so that it compares its checksum at the end
    _check_size(header, len(content))
    return header.shaped(np.frombuffer(content, header.dtype))


def mapped(path: Path, header: Header, offset: int, size: int) -> NDArray[Any]:
    """An array in a file, of which only what is used is read.

    Arguments:
        path: the file.
        header: of the array.
        offset: of the header in the file.
        size: bytes of header and numbers.

    Raises:
        ValueError: the numbers end early.
    """
    _check_size(header, size - header.start)
    return header.shaped(np.memmap(path, header.dtype, "r", offset + header.start, (math.prod(header.shape),)))


def read_all(path: Path, most: int | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz` file in memory.

    Arguments:
        path: the file.
        most: bytes of all of them; None means those of the file, which is enough where it is not compressed.

    Raises:
        OSError: it cannot be read.
        ValueError, BadZipFile: it is no ordinary file, damaged, or has something else in it.
    """
    size = ordinary(path)
    left = size if most is None else most
    found: dict[str, NDArray[Any]] = {}
    with path.open("rb") as file, opened(file) as archive:
        for info in archive.infolist():
            with archive.open(info) as stream:
                header = read_header(stream)
                left -= header.nbytes
                if left < 0:
                    raise ValueError(f"its arrays have more bytes than they may, at {info.filename!r}")
                found[info.filename.removesuffix(".npy")] = read_numbers(stream, header)
    return found


def offset_in(archive: IO[bytes], member: zipfile.ZipInfo) -> int:
    """Where the content of a member begins in its archive, if it is stored as it is.

    Raises:
        ValueError: the archive is damaged.
    """
    archive.seek(member.header_offset)
    local = archive.read(30)  # its own header, whose length the archive's list of members does not say
    if local[:4] != b"PK\x03\x04" or len(local) < 30:
        raise ValueError(f"{member.filename!r} has no header of its own")
    name, extra = struct.unpack("<HH", local[26:30])
    return member.header_offset + len(local) + int(name) + int(extra)


def _check_size(header: Header, found: int) -> None:
    if found < header.nbytes:
        shape = " x ".join(map(str, header.shape))
        raise ValueError(f"{shape} numbers of {header.dtype} take {header.nbytes:,} bytes; got {found:,}")
