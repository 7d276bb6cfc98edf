"""Files of tensors, which may come from a stranger: nothing in them is run, and they are read within bounds."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load
from torch import Tensor

from monge.run.archive import opened
from monge.run.files import ordinary, read_safetensors

DEEPEST = 20
"""Lists and mappings inside each other in a state, at most."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file by their names.

    Raises:
        OSError: it cannot be read.
        ValueError, SafetensorError: it is no ordinary file, or damaged.
    """
    # as bytes, because safetensors opens no paths that are not UTF-8
    found: dict[str, Tensor] = load(read_safetensors(path))
    return found


def read_state(path: Path) -> Any:
    """What `torch.save` wrote: tensors and plain values, in lists and mappings. Nothing else is ever unpickled.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no ordinary file, compressed, or one of its tensors is larger than its numbers.
        Exception: it is damaged, which torch says in many ways.
    """
    ordinary(path)
    with path.open("rb") as file:
        if zipfile.is_zipfile(file):  # torch before 1.6 wrote no archive
            for info in opened(file).infolist():
                if info.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"it must not be compressed; {info.filename} is")
    found = torch.load(path, map_location="cpu", weights_only=True)
    for tensor in _tensors(found):
        if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
            raise ValueError("its tensors must have a number for each place")
        if tensor.numel() * tensor.itemsize > tensor.untyped_storage().nbytes():
            raise ValueError(
                f"a tensor of {tensor.numel():,} numbers has only {tensor.untyped_storage().nbytes():,} bytes"
            )
    return found


def _tensors(value: Any, depth: int = 0) -> Iterator[Tensor]:
    """All tensors in a value."""
    if depth > DEEPEST:
        raise ValueError(f"its values must be at most {DEEPEST} deep")
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from _tensors(part, depth + 1)
