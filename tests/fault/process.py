"""Processes that run one command of monge: forked from this one, which has loaded all that they need, or started anew.

A fork saves the seconds that imports take. Nothing is computed before it, so that each begins as a new process does.
"""

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from fault.injection import Plan, arm

ALLOWED = re.compile(r"monge: .*|step \d.*|about \d.*; Ctrl-C saves|")
"""Lines that a command may write to standard error."""
WARNING = re.compile(r"monge: (warning: |[^ ]+: \d|choice)")
SECONDS = 120.0
"""How long a command may take."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: exit status, below 0 for a signal, as in `subprocess`.
        said: lines on standard error.
        shown: standard output.
        seconds: that it took.
    """

    status: int
    said: Sequence[str]
    shown: str
    seconds: float

    @property
    def traces(self) -> list[str]:
        """Lines that are no message of monge: a traceback, a library's warning."""
        return [line for line in self.said if not ALLOWED.fullmatch(line)]

    @property
    def line(self) -> str:
        """The last line on standard error."""
        return self.said[-1] if self.said else ""

    @property
    def told(self) -> bool:
        """Whether a command that did not succeed ended in one line."""
        errors = [line for line in self.said if line.startswith("monge: ") and not WARNING.match(line)]
        return len(errors) == 1 or (not errors and "interrupted and saved" in self.shown)


class Process:
    """A command of monge that runs.

    Arguments:
        arguments: of the command.
        place: its working folder; standard output and error are kept beside it.
        plan: what goes wrong in it.
        anew: start Python anew instead of forking.
    """

    def __init__(self, arguments: Sequence[str], place: Path, plan: Plan | None = None, *, anew: bool = False) -> None:
        self._out, self._err = (place / f".{name}-{time.monotonic_ns()}" for name in ("out", "err"))
        self._begin = time.monotonic()
        self._status: int | None = None
        environment = {"MONGE_CACHE": str(place / ".cache"), "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        if anew:
            code = [json.dumps(asdict(plan or Plan())), str(place), *arguments]
            paths = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
            with self._out.open("wb") as out, self._err.open("wb") as err:
                self.number = subprocess.Popen(
                    [sys.executable, "-m", "fault.process", *code],
                    cwd=place,
                    env=os.environ | environment | {"PYTHONPATH": paths},
                    stdout=out,
                    stderr=err,
                ).pid
            return
        sys.stdout.flush()
        sys.stderr.flush()
        self.number = os.fork()
        if self.number == 0:
            os.environ |= environment
            self._run(arguments, place, plan or Plan())

    def _run(self, arguments: Sequence[str], place: Path, plan: Plan) -> None:
        """What the forked process does: it never returns."""
        status = 70
        try:
            os.chdir(place)
            for number, path in ((1, self._out), (2, self._err)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            status = command(arguments, place, plan)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def send(self, number: int) -> None:
        """Sends a signal, if the command still runs."""
        if not self.ended():
            os.kill(self.number, number)

    def ended(self) -> bool:
        """Whether it has ended."""
        if self._status is None:
            done, status = os.waitpid(self.number, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if done else None
        return self._status is not None

    def wait(self, seconds: float) -> bool:
        """Waits for its end at most so long; whether it has ended."""
        until = time.monotonic() + seconds
        while not self.ended() and time.monotonic() < until:
            time.sleep(min(0.004, max(0.0, until - time.monotonic())))
        return self.ended()

    def end(self) -> Ended:
        """Waits for its end; one that hangs is killed, and its status is that of no command."""
        hung = not self.wait(SECONDS)
        if hung:
            self.send(signal.SIGKILL)
            self.wait(10)
        said = [re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line) for line in self._err.read_text().splitlines()]
        if hung:
            said.append(f"it hung for {SECONDS:.0f} s")
        status = 71 if hung or self._status is None else self._status
        found = Ended(status, said, self._out.read_text(), time.monotonic() - self._begin)
        self._out.unlink()
        self._err.unlink()
        return found


def command(arguments: Sequence[str], place: Path, plan: Plan) -> int:
    """Runs a command of monge in this process; its exit status."""
    from monge import cli

    arm(plan, place)
    try:
        cli.main(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def load(folder: Path) -> None:
    """Loads what a training needs, as one tells that a new process makes."""
    names = folder / "modules.json"
    code = "import json, sys\nfrom monge.cli import run\nassert run(sys.argv[2:]) == 0\n"
    code += "json.dump([name for name in sys.modules if name != '__main__'], open(sys.argv[1], 'w'))"
    how = ["train", "toy:ring8", "--steps", "2", "--threads", "1", "--device", "cpu", "--run", str(folder / "loaded")]
    subprocess.run([sys.executable, "-c", code, str(names), *how], check=True, capture_output=True)
    for name in json.loads(names.read_text()):
        try:
            importlib.import_module(name)
        except Exception:  # what a library made up, such as torch.ops
            continue


if __name__ == "__main__":
    sys.exit(command(sys.argv[3:], Path(sys.argv[2]), Plan(**json.loads(sys.argv[1]))))
