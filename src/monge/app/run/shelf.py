"""The runs in a folder: their names, what each is in a few facts, and their newest pictures."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from monge.data.source import MEMORY
from monge.errors import UserError, legible
from monge.run.files import numbered, read_file
from monge.run.folder import FACTS, RunFolder
from monge.run.follow import Follower

DEPTH = 2
"""Folders between the shelf and a run, and the run itself, at most."""
MOST = 500
"""Runs that are shown, at most."""
LARGEST = 2**27
"""Bytes of a picture or a report, at most."""
LOG = "log.jsonl"
Mark = tuple[int, int, int]
"""Changes when a file does."""
TAILS = (2**18, 2**24)
"""Bytes at a log's end in which its last bracket is looked for, one after the other."""


class Shelf:
    """The runs in a folder.

    Arguments:
        folder: which need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser()
        self._known: dict[tuple[str, str], tuple[Mark, Any]] = {}
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """Names of the runs, in order: the path of each in the folder."""
        found = []
        for path in _folders(self.folder):
            if (path / FACTS).is_file():
                found.append(path.name)
            else:
                found += [f"{path.name}/{inner.name}" for inner in _folders(path) if (inner / FACTS).is_file()]
        return [name for name in found if self._inside(name)][:MOST]

    def path(self, name: str) -> Path:
        """Where a run is.

        Raises:
            UserError: there is none of that name, or it would not be in the folder.
        """
        if not self._inside(name):
            raise UserError(f"a run must be a folder inside {self.folder}; got {name!r}")
        try:
            there = (self.folder / name / FACTS).is_file()
        except (OSError, ValueError):  # such as a name that is too long
            there = False
        if not there:
            raise UserError(f"run {name!r} is not in {self.folder}; it was deleted or moved, or never was there")
        return self.folder / name

    def _inside(self, name: str) -> bool:
        """Whether a name leads to a place in the folder, links followed."""
        parts = name.split("/")
        if len(parts) > DEPTH or any(part in ("", ".", "..") for part in parts):
            return False
        try:
            return (self.folder / name).resolve().is_relative_to(self.folder.resolve())
        except (OSError, ValueError, RuntimeError):
            return False

    def facts(self, name: str) -> dict[str, Any]:
        """The content of a run's `run.json`, read again when it has changed.

        Raises:
            UserError: there is no such run, or it is damaged.
        """
        path = self.path(name)
        found: dict[str, Any] = self._read(name, FACTS, RunFolder(path).facts)
        return found

    def _read(self, name: str, file: str, read: Callable[[], Any]) -> Any:
        """What a file of a run says, read again only when it has changed.

        Raises:
            UserError: it cannot be read.
        """
        try:
            found = (self.folder / name / file).stat()
        except OSError as error:
            raise UserError(f"run {name!r}: {file} cannot be read: {error.strerror or error}") from error
        mark = found.st_ino, found.st_size, found.st_mtime_ns
        with self._lock:
            known = self._known.get((name, file))
        if known is None or known[0] != mark:
            known = mark, read()
            with self._lock:
                self._known[name, file] = known
        return known[1]

    def summary(self, name: str) -> dict[str, Any]:
        """A run in a few facts; of a damaged one its name, and in a line what is wrong."""
        shown = {"name": name, "shown": legible(name)}
        try:
            name.encode()
            facts = self.facts(name)
            return shown | self._facts(name, facts)
        except UserError as error:
            return shown | {"problem": str(error)}
        except UnicodeEncodeError:
            return {"name": legible(name), "shown": legible(name), "problem": "its name must be UTF-8; rename it"}
        except OSError as error:
            return shown | {"problem": f"run {name!r} cannot be read: {error.strerror or error}"}

    def _facts(self, name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
        config, path = facts["config"], self.folder / name
        source = config["source"].removeprefix(MEMORY)
        log = path / LOG
        step, bracket = self._read(name, LOG, lambda: _last(log)) if log.exists() else (0, None)
        picture = newest(path)
        return {
            "status": facts["status"],
            "error": facts.get("error") if facts["status"] == "failed" else None,
            "data": legible(Path(source).name or source),
            "objective": "Gaussian copula" if facts.get("model", config["model"]) == "copula" else config["objective"],
            "seed": config["seed"],
            "step": max(step, facts.get("step") or 0),
            "steps": None if config["model"] == "copula" else config["steps"],
            "bracket": bracket,
            "picture": None if picture is None else picture[0],
            "report": (path / "report.html").is_file(),
            "silent": _silent(log) if facts["status"] == "running" else None,
        }

    def picture(self, name: str) -> bytes:
        """The newest picture of a training's samples.

        Raises:
            UserError: there is none.
        """
        found = newest(self.path(name))
        if found is None:
            raise UserError(f"run {name!r} has no picture of its samples yet")
        return self._content(found[1])

    def report(self, name: str) -> bytes:
        """A run's report.

        Raises:
            UserError: there is none.
        """
        path = RunFolder(self.path(name)).report
        if not path.is_file():
            raise UserError(f"run {name!r} has no report; write one with monge report {self.folder / name}")
        return self._content(path)

    def _content(self, path: Path) -> bytes:
        """What a file in the folder contains, links followed.

        Raises:
            UserError: a link leads out of the folder, or it cannot be read.
        """
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise UserError(f"{path} must be inside {self.folder}; it is a link that leads out of it")
        try:
            return read_file(path, LARGEST)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(f"{path} cannot be read: {reason or error}") from error


def newest(path: Path) -> tuple[int, Path] | None:
    """The newest picture in a run's folder, with its step; None where there is none."""
    found = numbered(RunFolder(path).samples, ".png")
    return found[-1] if found else None


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder, by name, but for hidden ones."""
    try:
        with os.scandir(folder) as entries:
            found = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return []
    return [folder / name for name in sorted(found)]


def _last(log: Path) -> tuple[int, dict[str, Any] | None]:
    """The last step in a log, and the last bracket with its step, if there is one near the end."""
    step = 0
    for most in TAILS:
        entries = Follower(log, most).more().entries
        step = max((entry["step"] for entry in entries), default=0)
        for entry in reversed(entries):
            if "bracket" in entry:
                return step, {"step": entry["step"], **entry["bracket"]}
        if log.is_file() and log.stat().st_size <= most:
            break
    return step, None


def _silent(log: Path) -> float | None:
    """Seconds since a log was last written; None where there is none."""
    try:
        return max(0.0, round(time.time() - log.stat().st_mtime, 1))
    except OSError:
        return None
