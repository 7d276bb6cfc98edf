"""Whether the other processes of a training still work. Each says so to torchrun's store, four times a second.

A process that dies or hangs would leave the others waiting for its message for ever. One that is silent for 20 s, or
that keeps the others waiting in the middle of a step for as long, ends them all; torchrun then starts them again if it
was told to. Between steps the first process may take its time, for a measurement or a checkpoint, while it is heard.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path

from torch.distributed.distributed_c10d import Store

from monge.nn.collective import TRAFFIC

BEAT = 0.25
"""Seconds between two signs of life."""
SILENT = 20.0
"""Seconds without one after which a process is taken for dead."""
BROKEN = 2.0
"""The same where a connection is known to be broken."""
LEAVING = timedelta(seconds=10)
"""How long one that has finished waits for the others to finish."""
FACTOR = 10
"""How many times as long as this process needed before one of the last messages another may need; `SILENT` at least."""


@dataclass
class Sign:
    """What a process says of itself.

    Attributes:
        beat: how often it said something.
        messages: how many messages it has begun to exchange.
        host, process, parent: where it runs, under which number, and started by which one.
        end: how it ended: "" in order, or because others failed; else its error.
    """

    beat: int = 0
    messages: int = 0
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)
    parent: int = field(default_factory=os.getppid)
    end: str | None = None


class Watch:
    """Gives signs of life and looks for those of the others, in a thread.

    Arguments:
        store: that all processes reach.
        rank, count: of this process, and how many there are.
    """

    def __init__(self, store: Store, rank: int, count: int) -> None:
        self._store = store.clone()  # type: ignore[attr-defined]  # a connection that nobody else waits for
        self._rank, self._count = rank, count
        self._own, self._lock, self._closed = Sign(), threading.Lock(), threading.Event()
        self._say()
        self._keys = [f"sign/{other}" for other in range(count)]
        self._store.wait(self._keys)
        now = time.monotonic()
        self._others = {other: Sign(beat=-1) for other in range(count) if other != rank}
        self._heard, self._moved = dict.fromkeys(self._others, now), dict.fromkeys(self._others, now)
        self._look()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self, end: str = "") -> None:
        """Stops, with a last word: why this process failed, or nothing."""
        self._closed.set()
        self._thread.join()
        self._own.end = end
        with contextlib.suppress(RuntimeError):  # a store that is gone needs no last word
            self._say()

    def leave(self) -> None:
        """Stops, once no process needs a connection any more."""
        self.close()
        self._store.set(f"left/{self._rank}", "")
        with contextlib.suppress(RuntimeError):
            self._store.wait([f"left/{other}" for other in range(self._count)], LEAVING)

    def culprit(self) -> str:
        """Which process broke the connection, once that is known, in words."""
        until = time.monotonic() + SILENT
        while time.monotonic() < until and not self._closed.wait(BEAT):
            if found := self._failed() or self._silent(BROKEN):
                return self._named(found, "ended")
        return "the connection of the processes broke"

    def speaks(self) -> bool:
        """Whether this process tells the user: the first one does, or the first that was not lost without a word."""
        return self._first(self._silent(BROKEN))

    def _first(self, gone: list[int]) -> bool:
        """Whether this is the first process of all that are not gone."""
        return self._rank == min(set(range(self._count)) - set(gone))

    def _run(self) -> None:
        while not self._closed.wait(BEAT):
            try:
                self._say()
                self._look()
            except RuntimeError:
                self._end([], "torchrun, which started this process, is gone")
            if found := self._silent(SILENT):
                self._end(found, self._named(found, f"gave no sign of life for {SILENT:.0f} s"))
            if found := self._stuck():
                self._end(found, self._named(found, "hangs in the middle of a step"))

    def _say(self) -> None:
        with self._lock:
            self._own.beat, self._own.messages = self._own.beat + 1, TRAFFIC.messages
            self._store.set(f"sign/{self._rank}", json.dumps(asdict(self._own)))

    def _look(self) -> None:
        with self._lock:
            signs = [Sign(**json.loads(sign)) for sign in self._store.multi_get(self._keys)]
        now = time.monotonic()
        for other, before in self._others.items():
            self._others[other] = sign = signs[other]
            if sign.beat != before.beat:
                self._heard[other] = now
            if sign.messages != before.messages:
                self._moved[other] = now

    def _failed(self) -> list[int]:
        """Processes that said why they failed."""
        return [other for other, sign in self._others.items() if sign.end]

    def _silent(self, seconds: float) -> list[int]:
        """Processes that gave no sign for so long, and did not say that they end."""
        now = time.monotonic()
        return [
            other for other, sign in self._others.items() if sign.end is None and now - self._heard[other] > seconds
        ]

    def _stuck(self) -> list[int]:
        """Processes that are behind in the middle of a step, and have kept this one waiting for too long."""
        limit = max(SILENT, FACTOR * max(TRAFFIC.pauses.copy(), default=0.0))
        now = time.monotonic()
        if TRAFFIC.patient or now - TRAFFIC.since < limit:
            return []
        return [
            other
            for other, sign in self._others.items()
            if sign.messages < TRAFFIC.messages and now - self._moved[other] > limit
        ]

    def _named(self, found: list[int], what: str) -> str:
        """What happened to the first of some processes, in words; if it said it itself, in its own."""
        sign = self._others[found[0]]
        where = f"rank {found[0]} (process {sign.process} on {sign.host})"
        return f"{where}: {sign.end}" if sign.end else f"{where} {what}"

    def _end(self, found: list[int], why: str) -> None:
        """Ends this process, and those of this machine that hang and so cannot end themselves."""
        if self._first(found):
            print(f"monge: {why}", file=sys.stderr, flush=True)
        for other in found:
            sign = self._others[other]
            if sign.host == self._own.host and _is_child(sign.process, self._own.parent):
                with contextlib.suppress(OSError):
                    os.kill(sign.process, signal.SIGKILL)
        os._exit(1)


def _is_child(process: int, parent: int) -> bool:
    """Whether a process was started by another, as far as Linux says."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]) == parent
    except (OSError, ValueError, IndexError):
        return False
