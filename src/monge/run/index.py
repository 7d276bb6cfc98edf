"""The index of a checkpoint: size and checksum of each of its files, written last, so that all damage is noticed.

A single wrong bit in a weight changes what is sampled and all that is trained from there on, and no format of weights
notices it. The checksums are SHA-256, which `sha256sum` computes too.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import deserialize

from monge.run.archive import opened
from monge.run.files import ordinary, read_json, read_safetensors, sync, write_atomically, write_synced

INDEX = "index.json"
CHUNK = 2**20
"""Bytes that are read at a time."""


def write_indexed(folder: Path, step: int, contents: Iterable[tuple[str, bytes]]) -> None:
    """Writes files into a folder and then their index; all are on the disk when it returns.

    Arguments:
        folder: exists, and has none of them yet.
        step: of the training, which the index knows too, so that no checkpoint can be taken for another.
        contents: names and contents, one at a time.

    Raises:
        OSError: the disk is full, or the folder not writable.
    """
    files: dict[str, Any] = {}
    for name, content in contents:
        write_synced(folder / name, content)
        files[name] = seal(content)
    write_synced(folder / INDEX, _document(step, files))
    sync(folder)


def adopt(folder: Path, step: int) -> None:
    """Gives a checkpoint of a version that wrote no index one for its files as they are; one that has one keeps it."""
    if (folder / INDEX).exists():
        return
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    files = {path.name: {"size": path.stat().st_size, "sha256": _sha256(path)} for path in paths}
    write_atomically(folder / INDEX, _document(step, files))


def seal(content: bytes | Iterable[bytes]) -> dict[str, Any]:
    """Size and checksum of a file, given as a whole or in blocks, by which a later change is noticed."""
    digest, size = hashlib.sha256(), 0
    for block in [content] if isinstance(content, bytes) else content:
        digest.update(block)
        size += len(block)
    return {"size": size, "sha256": digest.hexdigest()}


def defect(folder: Path, step: int, *, indexed: bool = True) -> str | None:
    """What is wrong with a checkpoint, in words; None where every file is as it was written.

    Arguments:
        step: that the checkpoint's place says.
        indexed: whether it must have an index; one of an older version without is tried for what its files' formats
            notice.
    """
    try:
        index = read_json(folder / INDEX)
    except FileNotFoundError:
        return f"{INDEX} is missing" if indexed else _unreadable(folder)
    except (OSError, ValueError) as error:
        return f"{INDEX} is damaged: {_words(error)}"
    if index.get("step") != step:
        return f"{INDEX} is of another checkpoint"
    files = index.get("files")
    if not isinstance(files, dict) or not files:
        return f"{INDEX} is damaged: it names no files"
    if not all(isinstance(known, dict) and Path(name).name == name for name, known in files.items()):
        return f"{INDEX} is damaged: it says nothing of a file"
    found = (change(folder / name, known) for name, known in files.items())
    return next((words for words in found if words is not None), None)


def change(path: Path, known: Mapping[str, Any]) -> str | None:
    """In what a file differs from its seal, in words; None where it does not."""
    name = path.name
    try:
        if not path.is_file():
            return f"{name} is missing"
        if (size := path.stat().st_size) != known.get("size"):
            return f"{name} has {size} bytes instead of {known.get('size')}"
        return None if _sha256(path) == known.get("sha256") else f"{name} has changed: its checksum differs"
    except OSError as error:
        return f"{name} cannot be read: {_words(error)}"


def _unreadable(folder: Path) -> str | None:
    """What the formats of the files notice, in words: a cut file, but no changed bit in a weight."""
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".safetensors":
                deserialize(read_safetensors(path))  # type: ignore[no-untyped-call]
            elif path.suffix == ".pt":
                ordinary(path)
                with path.open("rb") as file, opened(file) as archive:
                    if archive.testzip() is not None:
                        return f"{path.name} has changed: a checksum in it differs"
        except Exception as error:  # damaged files make zipfile raise almost anything
            return f"{path.name} cannot be read: {_words(error)}"
    return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _document(step: int, files: dict[str, Any]) -> bytes:
    return (json.dumps({"step": step, "files": files}, indent=2) + "\n").encode()


def _words(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error)
    return said.splitlines()[0] if said else type(error).__name__
