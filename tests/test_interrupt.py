"""What ends a command or its workers from outside is one line, wherever it comes; and workers end with their parent."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monge.cli import interrupt
from monge.run.pool import WorkerError, parallel
from monge.training.guard import interruption

SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
SIGNALS += [(signal.SIGHUP, 129, "ended by SIGHUP")]


def told(code: str) -> subprocess.CompletedProcess[str]:
    """What a process says that listens, does something, and gets a signal from itself."""
    # the tests may run where these are ignored, as below nohup, and hand that on
    heard = "signal.signal(1, signal.SIG_DFL)\nsignal.signal(2, signal.default_int_handler)"
    script = f"import os, signal, sys\n{heard}\nfrom monge import cli\n{code}\ncli.main(sys.argv[1:])"
    return subprocess.run([sys.executable, "-c", script, "train"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("number", "status", "said"), SIGNALS)
def test_a_signal_outside_the_loop_is_one_line(number: int, status: int, said: str) -> None:
    while_running = f"cli._command = lambda arguments: os.kill(os.getpid(), {int(number)})"
    path = "sys.path.insert(0, os.environ['HERE'])"
    while_importing = f"{path}\ncli._command = lambda arguments: __import__('ends_{int(number)}')"
    for code in (while_running, while_importing):
        done = told(code)
        assert (done.returncode, done.stdout, done.stderr) == (status, "", f"monge: {said}\n")


def test_of_several_processes_the_first_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal outside the loop reaches all of them."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    name = "sys.path.insert(0, os.environ['HERE'])\ncli._command = lambda arguments: __import__('ends_15')"
    for code in ("cli._command = lambda arguments: os.kill(os.getpid(), signal.SIGTERM)", name):
        for rank, said in (("0", "monge: ended by SIGTERM\n"), ("1", "")):
            monkeypatch.setenv("RANK", rank)
            done = told(code)
            assert (done.returncode, done.stderr) == (143, said)


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules that get a signal while they are imported, and would hide an exception, as libraries do."""
    monkeypatch.setenv("HERE", str(tmp_path))
    for number, *_ in SIGNALS:
        code = f"import os\ntry:\n  os.kill(os.getpid(), {int(number)})\nexcept BaseException:\n  raise ImportError"
        (tmp_path / f"ends_{int(number)}.py").write_text(code)


def test_a_signal_after_all_is_said_changes_nothing() -> None:
    done = told(
        "cli._command = lambda arguments: print('done') or 0\nsys.exit = lambda status: os.kill(os.getpid(), 2)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_what_is_ignored_stays_so() -> None:
    """As nohup does."""
    ignored = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    done = told(f"{ignored}\ncli._command = lambda arguments: os.kill(os.getpid(), signal.SIGHUP) or 0")
    assert (done.returncode, done.stderr) == (0, "")
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruption() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop()
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [number for number, *_ in SIGNALS])
def test_a_loop_is_asked_to_stop(number: int) -> None:
    before = signal.signal(number, interrupt._end)
    try:
        with interruption() as stop:
            assert not stop()
            os.kill(os.getpid(), number)
            assert stop()
            with pytest.raises(interrupt.Ended) as ended:
                os.kill(os.getpid(), number)
            assert ended.value.number == number
        assert signal.getsignal(number) == interrupt._end
    finally:
        signal.signal(number, before)


def kill_this(number: int) -> int:
    """A task during which the system kills the process."""
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_a_worker_that_is_killed_is_one_line() -> None:
    with pytest.raises(WorkerError, match=r"^a worker process was ended from outside, .* continues, with what is fin"):
        list(parallel(kill_this, (1, 2), 2))


def rest(seconds: float) -> None:
    """A task that takes its time, and says that it began."""
    Path(f"{os.getpid()}.pid").touch()
    time.sleep(seconds)


@pytest.mark.slow
def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    code = "from test_interrupt import parallel, rest\nif __name__ == '__main__': list(parallel(rest, (90, 91), 2))"
    (tmp_path / "work.py").write_text(code)
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, "work.py"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths}, stderr=subprocess.PIPE
    )
    while len(list(tmp_path.glob("*.pid"))) < 2:
        assert parent.poll() is None
        time.sleep(0.1)
    parent.kill()
    # workers, and Python's own helper, hold its standard error open as long as they live
    _, errors = parent.communicate(timeout=60)
    assert errors == b""
