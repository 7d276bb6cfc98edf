"""Numbers for a page: a JSON header and arrays in one message of bytes."""

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]


def packed(header: Mapping[str, Any], arrays: Arrays) -> bytes:
    """One message: its length, that of a JSON header, the header, and the arrays as little-endian float32."""
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    text = json.dumps({**header, "arrays": shapes}).encode()
    text += b" " * (-len(text) % 4)  # so that numbers begin where a page may read them
    body = b"".join(np.ascontiguousarray(array, "<f4").tobytes() for array in arrays.values())
    return struct.pack("<II", 4 + len(text) + len(body), len(text)) + text + body


def unpacked(message: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.float32]]]:
    """Header and arrays of a message."""
    _, length = struct.unpack_from("<II", message)
    header, at, arrays = json.loads(message[8 : 8 + length]), 8 + length, {}
    for name, shape in header.pop("arrays").items():
        count = int(np.prod(shape))
        arrays[name] = np.frombuffer(message, "<f4", count, at).reshape(shape)
        at += 4 * count
    return header, arrays
