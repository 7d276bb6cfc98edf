"""How many threads to compute with: measured, because on small networks more threads can be slower.

With two OpenMP threads and one core taken by a neighbour, spinning threads made training 10 to 50 times slower, where
one thread is immune; so a further thread must earn its place.
"""

import copy
import os
import statistics
import time
from collections import deque
from collections.abc import Callable

import torch

from monge.errors import UserError
from monge.objective import Objective
from monge.run.folder import RunFolder
from monge.run.pool import cores
from monge.training.processes import anywhere, leads, processes_here, told
from monge.training.sampler import Sampler
from monge.training.state import TrainingState
from monge.training.step import train_step

GAIN = 1.25
"""A doubled thread count is taken only if it is at least this much faster."""

MOST = 64
"""Threads that may be asked for on any machine: as many as a run elsewhere had, which is repeated bit for bit."""


def wanted(threads: int | str) -> int | None:
    """A thread count that was asked for; none for "auto".

    Raises:
        UserError: neither "auto" nor a number in the range.
    """
    if threads == "auto":
        return None
    here = os.cpu_count() or 1
    most = max(MOST, here)
    if not str(threads).isdecimal() or not 1 <= int(threads) <= most:
        raise UserError(
            f"--threads must be auto or a number from 1 to {most} (this machine has {here} cores); got {threads}"
        )
    return int(threads)


def available() -> int:
    """Cores this process may use: its part of them, where torchrun started several on this machine."""
    return max(1, cores() // processes_here())


def fastest(work: Callable[[], object], repeats: int = 5, least: float = 0.2) -> int:
    """The thread count, a power of two up to the cores, that does `work` fastest; leaves torch set to it.

    Of several processes, which must do the same work at the same time, the first decides.

    Arguments:
        work: one unit of work without lasting effect.
        repeats: units timed for each count, at least; their median counts.
        least: seconds of timing for each count, at least.
    """
    best, best_time, count = 1, float("inf"), 1
    while told(count <= available()):
        torch.set_num_threads(count)
        work()
        times: list[float] = []
        while told(len(times) < repeats or sum(times) < least):
            start = time.perf_counter()
            work()
            times.append(time.perf_counter() - start)
        median = statistics.median(times)
        if told(median * GAIN > best_time and count > 1):
            break
        best, best_time, count = count, median, count * 2
    torch.set_num_threads(best)
    return best


class StepClock:
    """Watches step times and says when they jumped, so that the thread count is worth measuring again."""

    JUMP = 2.5

    def __init__(self, window: int = 20) -> None:
        self._recent: deque[float] = deque(maxlen=window)
        self._usual = float("inf")

    def jumped(self, seconds: float) -> bool:
        """Records one step's time; true when the median of the last steps is far above the best median so far."""
        self._recent.append(seconds)
        if len(self._recent) < (self._recent.maxlen or 0):
            return False
        median = statistics.median(self._recent)
        if median > self.JUMP * self._usual:
            self._recent.clear()
            self._usual = float("inf")
            return True
        self._usual = min(self._usual, median)
        return False


def measure_threads(state: TrainingState, objective: Objective, sampler: Sampler) -> int:
    """The fastest thread count for steps like these, found on a copy of the state."""
    scratch = copy.deepcopy(state)
    return fastest(lambda: train_step(scratch, objective, sampler(scratch.step).to(scratch.device)))


class ThreadWatch:
    """Measures the thread count again after steps became slow; a change is logged, for it leaves bit-identity."""

    def __init__(self, objective: Objective, sampler: Sampler, run: RunFolder) -> None:
        self._objective, self._sampler, self._run = objective, sampler, run
        self._clock = StepClock()

    def __call__(self, state: TrainingState, seconds: float) -> None:
        """Takes in the time of one step."""
        if not anywhere(self._clock.jumped(seconds) and leads()):
            return
        before = torch.get_num_threads()
        after = measure_threads(state, self._objective, self._sampler)
        if after != before and leads():
            note = f"threads {before} -> {after}: results are no longer bit-identical"
            self._run.update(threads=after)
            self._run.log({"step": state.step, "threads": after, "note": note})
