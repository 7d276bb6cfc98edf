"""The run folder: what a training leaves behind. It stores plain mappings and knows no network.

::

    run.json       config, seed, versions, git revision, data fingerprint, threads, status
    log.jsonl      one line for each logged step
    samples/       pictures of fixed latents
    checkpoints/   whole checkpoints only, each with checksums and a copy of run.json
    metrics.json   report.html
"""

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monge.errors import UserError
from monge.run.facts import FORMAT, PASSING, check_facts
from monge.run.files import free_name, numbered, read_json, write_atomically
from monge.run.index import seal
from monge.run.lock import locked
from monge.run.log import Log

FACTS = "run.json"
CHECKSUM = "sha256"
"""Name of the checksum that `run.json` has of all else in it: a wrong number of threads would train other bits."""


class RunFolder:
    """A folder with the files of one run.

    Arguments:
        path: the folder, in which ~ is the home folder; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.expanduser()  # a shell leaves the ~ of --run=~/x alone
        self.checkpoints = path / "checkpoints"
        self.samples = path / "samples"
        self.report = path / "report.html"
        self._log = Log(path / "log.jsonl")

    @property
    def exists(self) -> bool:
        """Whether the folder contains a run."""
        return (self.path / FACTS).is_file()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Makes the folder where it is not there, and holds it for one training process, see `locked`.

        Raises:
            UserError: the folder cannot be written, contains something else, or another process holds it.
        """
        if not self.exists:
            self._refuse_others()
            self._make(self.path)
        with locked(self.path):
            yield

    def create(self, facts: Mapping[str, Any]) -> None:
        """Makes the folder and its `run.json`.

        Raises:
            UserError: the folder cannot be written, or contains something else.
        """
        if self.exists:  # since somebody looked
            raise UserError(f"run {str(self.path)!r}: another process is training this run")
        self._refuse_others()
        self._make(self.path)
        try:
            # first of all, so that a process killed here leaves a run that can be continued
            write_atomically(self.path / FACTS, _sealed({"format": FORMAT} | dict(facts)))
        except OSError as error:
            raise self._unwritable(error) from error
        self.make_folders()

    def make_folders(self) -> None:
        """Makes what lies in the folder, where it is not there.

        Raises:
            UserError: the folder cannot be written.
        """
        self._make(self.samples)
        self._make(self.checkpoints)

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UserError:
        return UserError(f"--run {self.path} cannot be written: {error.strerror or error}")

    def _refuse_others(self) -> None:
        if not self.path.is_dir() or not any(not path.name.startswith(".") for path in self.path.iterdir()):
            return
        if hint := self._copy_hint():
            raise UserError(f"run {str(self.path)!r}: its {FACTS} is gone{hint}")
        raise UserError(
            f"--run {self.path} must be empty or contain a run; it contains other files; choose another folder"
        )

    def facts(self) -> dict[str, Any]:
        """The content of `run.json`.

        Raises:
            UserError: there is no run here, its `run.json` is damaged, or it is of another version of monge.
        """
        try:
            facts = self.read(FACTS)
            check_facts(facts, str(self.path))
            # which older versions did not write
            if facts.pop(CHECKSUM, None) not in (None, _checksum(facts)):
                raise UserError(f"run {str(self.path)!r}: {FACTS} is damaged: its checksum differs")
        except UserError as error:
            raise UserError(f"{error}{self._copy_hint()}") from None
        return facts

    def _copy_hint(self) -> str:
        """Where the last copy of `run.json` is, in words; empty where there is none."""
        for _, folder in reversed(numbered(self.checkpoints)):
            if (folder / FACTS).is_file():
                return f"; {folder / FACTS} is a copy of it"
        return ""

    def copy(self, step: int) -> bytes:
        """`run.json` as the checkpoint of a step keeps it: what that rests on, as if the run was interrupted there."""
        facts = {name: value for name, value in self.facts().items() if name not in PASSING}
        return _sealed(facts | {"status": "interrupted", "step": step, "saved": step})

    def update(self, **changes: Any) -> None:
        """Changes some facts of `run.json`; None takes one away."""
        gone = {name for name, value in changes.items() if value is None}
        facts = self.facts() | changes
        kept = {name: value for name, value in facts.items() if name not in gone}
        write_atomically(self.path / FACTS, _sealed(kept))

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the run.

        Raises:
            UserError: it is missing, cannot be read, or contains no JSON object.
        """
        try:
            return read_json(self.path / name)
        except FileNotFoundError as error:
            raise UserError(f"{str(self.path)!r} is not a run folder: it contains no {name}") from error
        except OSError as error:
            raise UserError(f"run {str(self.path)!r}: {name} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise UserError(f"run {str(self.path)!r}: {name} is damaged: {error}") from error

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a JSON file of the run, whole or not at all."""
        write_atomically(self.path / name, _json(content))

    def log(self, entry: Mapping[str, Any]) -> None:
        """Appends one line to the log."""
        self._log.append(entry)

    def note(self, entry: Mapping[str, Any]) -> None:
        """Logs a note, unless a process did that was killed before it could record the change."""
        if entry not in self.entries():
            self.log(entry)

    def entries(self) -> list[dict[str, Any]]:
        """The log's entries; damaged lines are warned of and passed over, as is an end that was half-written."""
        return self._log.entries()

    def sync_log(self) -> None:
        """Waits until the log is on the disk, which a checkpoint of its last step must not be before."""
        self._log.sync()

    def record(self, step: int, **changes: Any) -> None:
        """Records the step of the last checkpoint, and the log up to it, by which later damage is noticed."""
        self.update(saved=step, log=self._log.seal(), **changes)

    def log_changed(self) -> bool:
        """Whether the log up to the last checkpoint is not what was written."""
        seal = self.facts().get("log")
        return seal is not None and self._log.changed(seal)

    def begin_anew(self) -> None:
        """Puts the log and the checkpoints aside, under other names."""
        self._log.set_aside()
        if self.checkpoints.exists():
            self.checkpoints.rename(free_name(self.checkpoints.with_name("checkpoints.before")))
        self.update(status="running", saved=None, log=None, step=None, retried=None)

    def forget_after(self, step: int) -> None:
        """Drops log entries and sample pictures of steps that the last checkpoint does not know."""
        self.make_folders()
        self._log.forget_after(step)
        for drawn, path in numbered(self.samples, ".png"):
            if drawn > step:
                path.unlink()


def temporary_folder() -> Path:
    """An empty folder that lives as long as the process, so that copies of a run's model stay usable."""
    folder = Path(tempfile.mkdtemp(prefix="monge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _checksum(facts: Mapping[str, Any]) -> str:
    found: str = seal(_json(facts))["sha256"]
    return found


def _sealed(facts: Mapping[str, Any]) -> bytes:
    return _json({**facts, CHECKSUM: _checksum(facts)})


def _json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
