"""What depends on the reference alone, kept in a file, so that a comparison with it need not read or measure it again.

The file has the samples that were drawn of A, before any units, and results that rest on these alone, such as the
bracket's floor. It is used where options and versions are the same and A has not changed: its files have the same
names, sizes and times of change, or else the same content. Results are those without it, bit for bit.
"""

import io
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.config import registry
from monge.data import npy
from monge.data.codec import codec_from_state
from monge.data.source import exists, file_and_key
from monge.errors import UserError, unknown_name
from monge.evaluation.sample_set import SampleSet
from monge.run.files import parse_json, write_atomically

FORMAT = 2
VERSIONED = ("monge", "numpy", "scipy", "POT", "torch")
"""Packages whose results can differ in their last digits between versions."""
RACY = 2 * 10**9
"""Nanoseconds: files that changed no earlier than this before the cache was written may have changed again unseen."""
CHUNK = 2**22

Array = NDArray[Any]
Stamp = list[list[Any]]


@dataclass(eq=False)
class ReferenceCache:
    """A file of what depends on a reference alone.

    Attributes:
        path: of the file.
        source: of the reference.
        options: that decide which samples are drawn of it, and their units.
        kept: the samples, if the file fits; None where A must be read.
        state: "used", "made", or "rebuilt" where there was a file that does not fit.
        reason: why it does not fit; empty else.
    """

    path: Path
    source: str
    options: Mapping[str, Any]
    kept: SampleSet | None = None
    state: str = "made"
    reason: str = ""
    _known: dict[str, Array] = field(default_factory=dict)
    _used: dict[str, Array] = field(default_factory=dict)
    _fresh: bool = True

    @classmethod
    def open(cls, path: Path, source: str, options: Mapping[str, Any]) -> "ReferenceCache":
        """The file at a place, whether or not there is one.

        Raises:
            UserError: there is a file of something else.
        """
        cache = cls(path, source, dict(options))
        if not path.exists():
            return cache
        files_of(source)  # so that what is wrong with it is not blamed on the file
        try:
            cache._use(*_read(path))
        except Exception as error:  # it may be anything
            text = "must be a file that this option wrote, or a new one; delete it or choose another name"
            raise UserError(f"--reference-cache {text}; got {path}") from error
        return cache

    def _use(self, meta: Mapping[str, Any], arrays: dict[str, Array]) -> None:
        """Takes what the file has, where it fits."""
        if difference := self._difference(meta):
            self.state, self.reason = "rebuilt", difference
            return
        self.kept = _sample_set(self.source, meta["set"], arrays)
        self.state, self._known = "used", arrays
        self._fresh = meta["stamp"] != stamp_of(self.source) or _racy(meta["stamp"], self.path)

    def recall(self, name: str, make: Callable[[], Array]) -> Array:
        """A result that rests on the reference alone, as kept under a name, or else made and kept."""
        name = f"result: {name}"
        if name not in self._known:
            self._known[name], self._fresh = np.asarray(make()), True
        self._used[name] = self._known[name]
        return self._known[name]

    def save(self, a: SampleSet) -> None:
        """Writes the file, with what this comparison used, unless it is there already.

        Arguments:
            a: the samples of the reference, before any units.

        Raises:
            UserError: it cannot be written.
        """
        if not self._fresh:
            return
        arrays = {"raw": a.raw, "rows": a.rows, "classes": a.classes} | self._used
        about = {"available": a.available, "columns": a.columns, "remarks": a.remarks, "codec": a.codec.state()}
        about["class_names"] = a.class_names
        meta = {"key": self._key(), "stamp": stamp_of(self.source), "content": content_of(self.source), "set": about}
        buffer = io.BytesIO()
        stored: dict[str, Any] = {name: array for name, array in arrays.items() if array is not None}
        np.savez(buffer, meta=np.array(json.dumps(meta)), **stored)
        try:
            write_atomically(self.path, buffer.getvalue())
        except OSError as error:
            raise UserError(f"--reference-cache {self.path} cannot be written: {error.strerror or error}") from error

    def as_json(self) -> dict[str, str]:
        """What became of the file, as a plain mapping."""
        return {"cache": str(self.path), "state": self.state, "reason": self.reason}

    def __str__(self) -> str:
        done = {"used": "was used", "made": "was made", "rebuilt": "was made anew"}[self.state]
        return f"The reference cache {self.path} {done}{f': {self.reason}' if self.reason else ''}."

    def _key(self) -> dict[str, Any]:
        versions = {name: metadata.version(name) for name in VERSIONED}
        return {"format": FORMAT, "machine": platform.machine(), **versions, **self.options}

    def _difference(self, meta: Mapping[str, Any]) -> str:
        """Why what a file is about is not what is asked for; empty where it is."""
        ours, theirs = json.loads(json.dumps(self._key())), meta["key"]
        for name in ours:
            if ours[name] != theirs.get(name):
                return f"it had {name} {theirs.get(name)}, now {ours[name]}"
        trusted = meta["stamp"] == stamp_of(self.source) and not _racy(meta["stamp"], self.path)
        return "" if trusted or meta["content"] == content_of(self.source) else "A has changed"


def files_of(source: str) -> list[tuple[str, Path]]:
    """Names and places of the files that a source is made of, in order; none for a built-in name.

    The name of a single file is the key of the array in it, or nothing, as its own does not matter.

    Raises:
        UserError: there is no such file or folder.
    """
    if source in registry.DATA:
        return []
    if not exists(source):
        raise unknown_name("A: no such file or folder; built-in data", source, registry.DATA)
    file, key = file_and_key(source)
    path = Path(file)
    if path.is_dir():
        return sorted((str(inner.relative_to(path)), inner) for inner in path.rglob("*") if inner.is_file())
    return [(key or "", path)]


def stamp_of(source: str) -> Stamp:
    """Names, sizes and times of change of the files of a source, in order; empty for a built-in name."""
    files = files_of(source)
    return [[name, path.stat().st_size, path.stat().st_mtime_ns] for name, path in files]


def content_of(source: str) -> str:
    """32 hexadecimal digits for the names and the content of the files of a source; for a built-in name, it."""
    files = files_of(source)
    if not files:
        return source
    digest = blake2b(digest_size=16)
    for name, path in files:
        digest.update(repr((name, path.stat().st_size)).encode("utf-8", "surrogateescape"))
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _racy(stamp: Sequence[Sequence[Any]], path: Path) -> bool:
    """Whether a file changed so shortly before the cache was written that it may have changed again unseen."""
    return any(changed > path.stat().st_mtime_ns - RACY for _, _, changed in stamp)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """What a file is about, and its arrays."""
    arrays = npy.read_all(path)
    meta = parse_json(str(arrays.pop("meta")).encode())
    if not {"key", "stamp", "content", "set"} <= set(meta):
        raise ValueError("another kind of file")
    return meta, arrays


def _sample_set(source: str, about: Mapping[str, Any], arrays: Mapping[str, Array]) -> SampleSet:
    """The samples that were kept."""
    codec, raw = codec_from_state(about["codec"]), arrays["raw"]
    return SampleSet(
        source,
        codec,
        codec.metric(raw),
        about["available"],
        about["columns"],
        arrays.get("rows"),
        arrays.get("classes"),
        raw=raw,
        origin=codec.space,
        remarks=tuple(about["remarks"]),
        class_names=about["class_names"],
    )
