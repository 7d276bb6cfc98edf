"""Zip archives, as `.npz` files and those of torch are."""

import struct
import zipfile
from typing import IO

_LISTED_BYTES = 2**22
"""Length of an archive's list of members, at most: it is read as a whole, and takes some 15 times as much in memory."""
_END, _END_64, _LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_END_SIZE, _END_64_SIZE, _LOCATOR_SIZE, _COMMENT_SIZE = 22, 56, 20, 2**16
"""Bytes of the records behind that list, without and with a comment, which zipfile looks for in this order."""


def opened(file: IO[bytes]) -> zipfile.ZipFile:
    """An archive whose list of members is not too long to be read.

    Raises:
        ValueError: the list is too long.
        BadZipFile: it is no archive.
    """
    size = file.seek(0, 2)
    before = _END_64_SIZE + _LOCATOR_SIZE
    file.seek(max(0, size - before - _END_SIZE - _COMMENT_SIZE))
    end = file.read()
    places = {len(end) - _END_SIZE, end.rfind(_END)}
    listed = max((_listed_bytes(end, place) for place in places if place >= 0), default=0)
    if listed > _LISTED_BYTES:
        raise ValueError(f"its list of members must have at most {_LISTED_BYTES:,} bytes; got {listed:,}")
    return zipfile.ZipFile(file)


def _listed_bytes(end: bytes, place: int) -> int:
    """Bytes of an archive's list of members, from the record at a place, and the one for large files before it."""
    if end[place : place + 4] != _END or len(end) < place + _END_SIZE:
        return 0
    (found,) = struct.unpack_from("<I", end, place + 12)
    locator, large = place - _LOCATOR_SIZE, place - _LOCATOR_SIZE - _END_64_SIZE
    if large >= 0 and end[locator : locator + 4] == _LOCATOR and end[large : large + 4] == _END_64:
        (found,) = struct.unpack_from("<Q", end, large + 40)
    return int(found)
