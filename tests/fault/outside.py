"""What happens around a process: the disk, the data, the clock, other processes, the folder itself."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fault.injection import Plan
from fault.process import Ended, Process
from fault.training import BrokenError, Case, arguments

LARGEST = 40_000
"""Bytes of a run's largest file but the report."""
WHOLE = 250
"""KiB that a run takes, about."""


def failed(case: Case, ended: Ended) -> None:
    """Takes note of a command that fails, or has finished before the fault."""
    if case.seen(ended).status not in (0, 1, 2):
        raise BrokenError("differing", f"status {ended.status}, said {ended.line!r}")


def begun(case: Case) -> None:
    """Makes the working folder, with a run that was interrupted or none."""
    if case.chance.random() < 0.5:
        case.copied(case.golden.interrupted)
    else:
        case.fresh()


def full_disk(case: Case, number: int) -> str:
    """No room for a file, from a call on or from a size on; or a small disk, where this process can mount one."""
    ways = (at_a_call, at_a_size, on_a_small_disk)
    return ways[number % 3](case)


def at_a_call(case: Case) -> str:
    """Every call from a random one on fails."""
    begun(case)
    failed(case, case.begin(Plan(case.chance.randint(1, len(case.golden.calls)), "full")).end())
    return case.finish()


def at_a_size(case: Case) -> str:
    """Files cannot grow beyond a random size."""
    begun(case)
    failed(case, case.begin(Plan(file_size=case.chance.randint(1, LARGEST))).end())
    return case.finish()


def on_a_small_disk(case: Case) -> str:
    """A disk of a random size, that gets room afterwards."""
    case.fresh()
    (case.folder / "run").mkdir()
    with mounted(case.folder / "run", f"size={case.chance.randint(4, WHOLE)}k") as again:
        if again is None:
            shutil.rmtree(case.folder)
            return at_a_size(case)
        failed(case, case.begin().end())
        again("size=20m")
        return case.finish()


@contextmanager
def mounted(folder: Path, how: str) -> Iterator[object]:
    """A disk in memory at a folder, and what changes its options; None where this process cannot mount one."""

    def mount(options: str, *first: str) -> bool:
        command = ["mount", *first, "-o", options, str(folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    if os.getuid() != 0 or shutil.which("mount") is None or not mount(how, "-t", "tmpfs", "monge-fault"):
        yield None
        return
    try:
        yield lambda options: mount(f"remount,{options}")
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def read_only(case: Case, number: int) -> str:
    """A folder that cannot be written, from the start, from a call on, or from a moment on."""
    if number % 2:
        begun(case)
        failed(case, case.begin(Plan(case.chance.randint(1, len(case.golden.calls)), "read-only")).end())
        return case.finish()
    begun(case)
    protect(case.folder, writable=True)
    process = case.begin(Plan(nobody=True))
    process.wait(case.chance.choice((0.0, case.chance.uniform(0, case.golden.seconds))))
    protect(case.folder, writable=False)
    ended = process.end()
    protect(case.folder, writable=True)
    failed(case, ended)
    return case.finish()


def protect(folder: Path, *, writable: bool) -> None:
    """Lets nobody write into a folder and those in it, or everybody."""
    for path in [folder, *folder.rglob("*")]:
        try:
            path.chmod((0o777 if path.is_dir() else 0o666) if writable else (0o555 if path.is_dir() else 0o444))
        except FileNotFoundError:  # a temporary file meanwhile renamed
            continue


def failing_disk(case: Case, number: int) -> str:
    """One call fails, as of a disk with a bad sector or a network drive that was away."""
    begun(case)
    failed(case, case.begin(Plan(case.chance.randint(1, len(case.golden.calls)), "failing")).end())
    return case.finish()


def data_changed(case: Case, number: int) -> str:
    """Other data in the same place, or none: refused, and continued when the data are back."""
    case.copied(case.golden.interrupted)
    path = case.folder / "v.npy"
    whole, array = path.read_bytes(), np.load(path)
    way = number % 5
    if way == 0:
        array.reshape(-1)[case.chance.randrange(array.size)] += 1
        np.save(path, array)
    elif way == 1:
        path.unlink()
    elif way == 2:
        path.write_bytes(whole[: case.chance.randrange(len(whole))])
    elif way == 3:
        np.save(path, array[:-1])
    else:
        np.save(path, array.astype(np.float64 if array.dtype == np.float32 else np.int64)[..., ::-1][::-1])
    case.refuses(case.begin().end())
    path.write_bytes(whole)
    return case.finish()


def data_moved(case: Case, number: int) -> str:
    """The same data, touched or elsewhere."""
    case.copied(case.golden.interrupted)
    path = case.folder / "v.npy"
    if number % 2:
        os.utime(path, (case.chance.uniform(0, 4e9),) * 2)
        return case.finish()
    path.rename(case.folder / "w.npy")
    case.refuses(case.begin().end(), "v.npy")
    case.refused = 0
    ended = case.seen(Process(["train", "--resume", "run", "--data", "w.npy"], case.folder).end())
    if ended.status != 0:
        raise BrokenError("lost", ended.line)
    return case.compare()


def two_processes(case: Case, number: int) -> str:
    """A second process on the same run: one of them is refused."""
    begun(case)
    typed = arguments(case.golden.name)
    first = Process(typed, case.folder)
    first.wait(case.chance.choice((0.0, case.chance.uniform(0, case.golden.seconds))))
    second = Process(typed, case.folder)
    ends = [case.seen(process.end()) for process in (first, second)]
    for ended in ends:
        if ended.status and (ended.status != 2 or "another process is training this run" not in ended.line):
            raise BrokenError("differing", f"status {ended.status}, said {ended.line!r}")
    if ends[0].status and ends[1].status:
        raise BrokenError("lost", "both were refused")
    if number % 2:
        return case.compare()
    return case.finish()


def lock_left(case: Case, number: int) -> str:
    """A lock file that somebody left, of any content and rights."""
    begun(case)
    (case.folder / "run").mkdir(exist_ok=True)
    lock = case.folder / "run" / ".lock"
    lock.write_bytes(case.chance.randbytes(case.chance.randrange(100)))
    lock.chmod(case.chance.choice((0o444, 0o600, 0o000)) if os.getuid() == 0 else 0o600)
    os.utime(lock, (case.chance.uniform(0, 4e9),) * 2)
    return case.finish()


def clock_backwards(case: Case, number: int) -> str:
    """A clock that goes backwards, by seconds or years at every look; files from the future."""
    begun(case)
    for path in case.folder.rglob("*"):
        if case.chance.random() < 0.3:
            os.utime(path, (4e9, 4e9))
    plan = Plan(clock=10 ** case.chance.uniform(-3, 7))
    process = case.begin(plan)
    if number % 2:
        process.wait(case.chance.uniform(0, case.golden.seconds))
        process.send(signal.SIGKILL)
    ended = case.seen(process.end())
    if ended.status not in (0, -signal.SIGKILL):
        raise BrokenError("lost", f"status {ended.status}, said {ended.line!r}")
    return case.finish()


def folder_moved(case: Case, number: int) -> str:
    """The run's folder gets another name, while nobody trains there or while somebody does."""
    case.copied(case.golden.interrupted) if number % 2 else case.fresh()
    if number % 2 == 0:
        process = case.begin()
        process.wait(case.chance.uniform(0.1, case.golden.seconds))
    there = (case.folder / "run").is_dir()
    if there:
        (case.folder / "run").rename(case.folder / "elsewhere")
    if number % 2 == 0:
        failed(case, process.end())
    if not there:
        return case.finish()
    if (case.folder / "run").exists():
        raise BrokenError("differing", "the folder is made again in its old place")
    case.run = "elsewhere"
    return case.finish()


def working_folder_copied(case: Case, number: int) -> str:
    """All is copied elsewhere, as to another machine, and the original is gone."""
    shutil.copytree(case.golden.interrupted, case.folder)
    return case.finish()
