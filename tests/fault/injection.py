"""What goes wrong in a process at the n-th call that changes files: it is killed, or the disk fails from there on."""

import builtins
import errno
import io
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

FOLDERS = ("mkdir", "rmdir", "unlink", "remove", "rename", "replace")
"""Functions of `os` that change what is in a folder."""
MAKING = ("open", "write", "mkdir", "rename", "replace", "fsync")
"""Calls that a full disk refuses; what frees space still works."""


@dataclass(frozen=True)
class Plan:
    """What is to go wrong.

    Attributes:
        at: number of the call, from 1; 0 is none.
        how: "before", "amid" or "after" kills the process there, with half of what it writes written where it is amid;
            "full" and "read-only" let that call fail and all later ones, "failing" that one alone.
        file_size: bytes that a file can have at most, which the system enforces.
        clock: seconds by which the clock is set back at every look; 0 leaves it.
        nobody: give up the rights of root.
        trace: file that gets the calls, one a line.
    """

    at: int = 0
    how: str = ""
    file_size: int = 0
    clock: float = 0.0
    nobody: bool = False
    trace: str = ""


class Calls:
    """Counts the calls by which this process changes files below a folder, and lets one of them go wrong.

    Arguments:
        plan: what.
        folder: of the files; a call that names a file within an open folder is counted wherever that is.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder, self._count = plan, os.path.realpath(folder), 0
        self._open = io.open
        self._passed: list[str] = []
        self._owner = os.getpid()

    def listen(self) -> None:
        """Takes the place of the functions that change files."""
        builtins.open = io.open = self._opened  # type: ignore[assignment]
        for name in FOLDERS:
            setattr(os, name, partial(self._changed, name, getattr(os, name)))
        fsync, low = os.fsync, os.open
        os.open = lambda path, flags, *more, **how: self._opened_low(low, path, flags, *more, **how)
        os.fsync = lambda file: self.call("fsync", lambda: fsync(file))
        if self._plan.trace:
            sys.addaudithook(self._audit)

    def call(self, name: str, work: Callable[[], Any], part: Callable[[], Any] | None = None, what: Any = "") -> Any:
        """Does something, unless it is to go wrong.

        Arguments:
            part: does half of it.
        """
        plan = self._plan
        if os.getpid() != self._owner:
            return work()
        self._count += 1
        if plan.trace:
            with self._open(plan.trace, "a") as file:
                file.write(f"{self._count} {name} {what}\n")
        here = self._count == plan.at
        if here and plan.how == "before":
            _die()
        if here and plan.how == "amid" and part is not None:
            part()
            _die()
        fails = here or (plan.at and self._count > plan.at and plan.how != "failing")
        if fails and plan.how in ("full", "read-only", "failing") and (name in MAKING or plan.how == "read-only"):
            if plan.how == "full" and part is not None:
                part()
            number = {"full": errno.ENOSPC, "read-only": errno.EROFS, "failing": errno.EIO}[plan.how]
            raise OSError(number, os.strerror(number), str(what) or None)
        done = work()
        if here and plan.how in ("amid", "after"):
            _die()
        return done

    def _ours(self, path: Any) -> bool:
        return os.path.realpath(os.fspath(path)).startswith(self._folder + os.sep)

    def _changed(self, name: str, work: Callable[..., Any], path: Any, *more: Any, **how: Any) -> Any:
        if not ("dir_fd" in how and how["dir_fd"] is not None) and not self._ours(path):
            return work(path, *more, **how)
        return self.call(name, lambda: work(path, *more, **how), what=path)

    def _opened(
        self, file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
        newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if isinstance(file, int) or not set(mode) & set("wax+") or not self._ours(file):
            return self._open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        how = mode.replace("t", "")
        self._passed.append(os.path.realpath(file))
        raw = self.call("open", lambda: _Raw(self, file, how, opener=opener), what=file)
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def _opened_low(self, work: Callable[..., int], path: Any, flags: int, *more: Any, **how: Any) -> int:
        """As a lock's library opens its file."""
        if not flags & (os.O_WRONLY | os.O_RDWR) or how.get("dir_fd") is not None or not self._ours(path):
            return work(path, flags, *more, **how)
        self._passed.append(os.path.realpath(path))
        done: int = self.call("open", lambda: work(path, flags, *more, **how), what=path)
        return done

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Says which files were opened for writing past the calls that are counted."""
        if event != "open" or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        flags = arguments[2]
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) and self._ours(path):
            if path == os.path.realpath(self._plan.trace):
                return
            if path in self._passed:
                self._passed.remove(path)
            else:
                with self._open(self._plan.trace, "a") as file:
                    file.write(f"0 unseen {path}\n")


class _Raw(io.FileIO):
    """A file whose writes are counted."""

    def __init__(self, calls: Calls, path: Any, mode: str, opener: Any = None) -> None:
        super().__init__(path, mode, opener=opener)
        self._calls = calls

    def write(self, content: Any) -> int:
        """Writes, unless it is to go wrong."""
        whole = bytes(content)
        write = super().write
        done: int = self._calls.call(
            "write", lambda: write(whole), lambda: write(whole[: len(whole) // 2]), what=self.name
        )
        return done


def arm(plan: Plan, folder: Path) -> None:
    """Prepares this process for what is to go wrong."""
    if plan.file_size:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (plan.file_size, plan.file_size))
    if plan.clock:
        real, looks = time.time, iter(range(10**9))
        time.time = lambda: real() - plan.clock * next(looks)
    if plan.nobody and os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    if plan.at or plan.trace:
        Calls(plan, folder).listen()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
