"""The run folder: what a training leaves behind. It stores plain mappings and knows no network.

::

    run.json       config, seed, versions, git revision, data fingerprint, threads, status
    log.jsonl      one line for each logged step
    samples/       pictures of fixed latents
    checkpoints/   whole checkpoints only
    metrics.json   report.html
"""

import atexit
import fcntl
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monge.errors import UserError
from monge.run.files import numbered, write_atomically

FORMAT = 1
"""Of the files of a run; raised when older ones can no longer be read."""


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
        self._log = path / "log.jsonl"

    @property
    def exists(self) -> bool:
        """Whether the folder contains a run."""
        return (self.path / "run.json").is_file()

    def create(self, facts: Mapping[str, Any]) -> None:
        """Makes the folder and its `run.json`.

        Raises:
            UserError: the folder cannot be written, or contains something else.
        """
        if self.path.is_dir() and any(not path.name.startswith(".") for path in self.path.iterdir()):
            raise UserError(
                f"--run {self.path} must be empty or contain a run; it contains other files; choose another folder"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # first of all, so that a process killed here leaves a run that can be continued
            self.write("run.json", {"format": FORMAT} | dict(facts))
            self.samples.mkdir(exist_ok=True)
            self.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"--run {self.path} cannot be written: {error.strerror or error}") from error

    def facts(self) -> dict[str, Any]:
        """The content of `run.json`.

        Raises:
            UserError: there is no run here, its `run.json` is damaged, or it is of another version of monge.
        """
        facts = self.read("run.json")
        if (found := facts.get("format", 0)) != FORMAT:
            what = f"run {str(self.path)!r} was written by another version of monge"
            raise UserError(f"{what}: its format must be {FORMAT}; got {found}; train it again")
        return facts

    def update(self, **changes: Any) -> None:
        """Changes some facts of `run.json`; None takes one away."""
        gone = {name for name, value in changes.items() if value is None}
        facts = self.facts() | changes
        self.write("run.json", {name: value for name, value in facts.items() if name not in gone})

    def read(self, name: str) -> dict[str, Any]:
        """A JSON file of the run."""
        try:
            content = json.loads((self.path / name).read_text())
        except FileNotFoundError as error:
            raise UserError(f"{str(self.path)!r} is not a run folder: it contains no {name}") from error
        except OSError as error:
            raise UserError(f"run {str(self.path)!r}: {name} cannot be read: {error.strerror or error}") from error
        except ValueError as error:
            raise UserError(f"run {str(self.path)!r}: {name} is damaged: {error}") from error
        if not isinstance(content, dict):
            raise UserError(f"run {str(self.path)!r}: {name} is damaged: it must contain a JSON object")
        return content

    def write(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes a JSON file of the run, whole or not at all."""
        write_atomically(self.path / name, (json.dumps(content, indent=2) + "\n").encode())

    def log(self, entry: Mapping[str, Any]) -> None:
        """Appends one line to the log."""
        with self._log.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def entries(self) -> list[dict[str, Any]]:
        """The log's entries; a last line that a killed process left half-written is passed over."""
        if not self._log.exists():
            return []
        entries = []
        for line in self._log.read_text().splitlines():
            try:
                entries.append(json.loads(line))
            except ValueError:
                break
        return entries

    def forget_after(self, step: int) -> None:
        """Drops log entries and sample pictures of steps that the last checkpoint does not know."""
        self.samples.mkdir(exist_ok=True)
        kept = [entry for entry in self.entries() if entry["step"] <= step]
        write_atomically(self._log, "".join(json.dumps(entry) + "\n" for entry in kept).encode())
        for drawn, path in numbered(self.samples, ".png"):
            if drawn > step:
                path.unlink()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the run for one training process.

        Raises:
            UserError: another process trains this run.
        """
        try:
            file = (self.path / ".lock").open("w")
        except OSError as error:
            raise UserError(f"--run {self.path} cannot be written: {error.strerror or error}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UserError(f"--run {self.path}: another process is training this run") from error
            yield


def temporary_folder() -> Path:
    """An empty folder that lives as long as the process, so that copies of a run's model stay usable."""
    folder = Path(tempfile.mkdtemp(prefix="monge-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
