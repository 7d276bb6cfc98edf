"""The training loop: Algorithm 1, with a log, checkpoints, and a clean way out."""

import copy
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from monge.errors import DiskError, TrainingError
from monge.objective import Objective
from monge.run.folder import RunFolder
from monge.training import checkpoint, thread
from monge.training.sampler import Sampler
from monge.training.state import TrainingState
from monge.training.step import train_step

DIVERGED = 1e8
"""A term beyond this has left every scale that a 1-Lipschitz critic of sane data can reach."""

OnStep = Callable[[TrainingState, Mapping[str, float]], Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """When a run ends and what it does on the way.

    Arguments:
        steps: generator updates in all.
        rates: learning rates of generator and critic as a function of the step.
        log_every: steps between log lines.
        checkpoint_every: steps between checkpoints; none means every `checkpoint_seconds`.
        checkpoint_seconds: seconds between checkpoints.
        watch_threads: measure the thread count again when steps become much slower.
    """

    steps: int
    rates: Callable[[int], tuple[float, float]]
    log_every: int
    checkpoint_every: int | None = None
    checkpoint_seconds: float = 30.0
    watch_threads: bool = False


def linear_decay(rate: float, steps: int, start: float) -> Callable[[int], float]:
    """A learning rate that is constant for the first `start` share of the steps, then falls linearly to zero."""

    def at(step: int) -> float:
        done = step / steps
        return rate if done <= start else rate * (1 - done) / (1 - start)

    return at


def train(
    state: TrainingState, objective: Objective, sampler: Sampler, run: RunFolder, plan: Plan, on_step: OnStep
) -> bool:
    """Trains up to `plan.steps`; returns whether it got there (false: it was interrupted, and saved).

    Arguments:
        on_step: called after each step with the state and its terms; what it returns is logged.

    Raises:
        TrainingError: a term is not finite or has diverged; the last checkpoint stays.
        DiskError: the disk is full; the same.
    """
    clock = thread.StepClock()
    saved_at, past = time.monotonic(), _seconds(run)
    started, first = time.monotonic(), state.step
    with interruption() as interrupted, disk_errors(state, run), flushed_denormals():
        while state.step < plan.steps and not interrupted():
            begin = time.perf_counter()
            set_rates(state, plan.rates(state.step))
            terms = train_step(state, objective, sampler(state.step).to(state.device))
            values = {name: float(value) for name, value in terms.items()}
            try:
                check(values, state.step)
            except TrainingError as error:
                raise TrainingError(f"{error}; {kept(run)}") from None
            slow = clock.jumped(time.perf_counter() - begin)

            seen = on_step(state, values)
            if seen or state.step % plan.log_every == 0 or state.step == plan.steps:
                elapsed = time.monotonic() - started
                run.log(
                    {"step": state.step, "seconds": round(past + elapsed, 3)}
                    | values
                    | {"steps_per_second": round((state.step - first) / elapsed, 3)}
                    | dict(seen)
                )
            if slow and plan.watch_threads:
                adapt_threads(state, objective, sampler, run)

            due = time.monotonic() - saved_at >= plan.checkpoint_seconds
            if plan.checkpoint_every is not None:
                due = state.step % plan.checkpoint_every == 0
            if due:
                checkpoint.save(state, run.checkpoints)
                saved_at = time.monotonic()
        checkpoint.save(state, run.checkpoints)
    return state.step >= plan.steps


def set_rates(state: TrainingState, rates: tuple[float, float]) -> None:
    """Sets the learning rates of generator and critic."""
    for optimiser, rate in zip((state.generator_optimiser, state.critic_optimiser), rates, strict=True):
        for group in optimiser.param_groups:
            group["lr"] = rate


def kept(run: RunFolder) -> str:
    """What a failed training leaves."""
    return "the last checkpoint is kept" if checkpoint.steps(run.checkpoints) else "there is no checkpoint yet"


def check(values: Mapping[str, float], step: int) -> None:
    """Refuses terms that no further step can mend."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step}: {name} is {value}; likely cause: the learning rate is too high "
                "(--training.learning-rate)"
            )
        if abs(value) > DIVERGED:
            raise TrainingError(
                f"step {step}: {name} is {value:.3g}, the critic diverges; likely cause: too little penalty or "
                "constraint for this learning rate"
            )


def measure_threads(state: TrainingState, objective: Objective, sampler: Sampler) -> int:
    """The fastest thread count for steps like these, found on a copy of the state."""
    scratch = copy.deepcopy(state)
    return thread.fastest(lambda: train_step(scratch, objective, sampler(scratch.step).to(scratch.device)))


def adapt_threads(state: TrainingState, objective: Objective, sampler: Sampler, run: RunFolder) -> None:
    """Measures the thread count again after steps became slow; a change is logged, for it leaves bit-identity."""
    before = torch.get_num_threads()
    after = measure_threads(state, objective, sampler)
    if after != before:
        run.update(threads=after)
        run.log({"step": state.step, "threads": after, "note": f"threads {before} -> {after}: leaves bit-identity"})


def _seconds(run: RunFolder) -> float:
    return max((entry.get("seconds", 0.0) for entry in run.entries()), default=0.0)


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Takes denormal numbers for zero, which is faster, and leaves the process in the default mode afterwards."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def disk_errors(state: TrainingState, run: RunFolder) -> Iterator[None]:
    """Says a full disk in one line."""
    try:
        yield
    except OSError as error:
        raise DiskError(
            f"step {state.step}: cannot write {error.filename or 'the run folder'}: "
            f"{error.strerror or error}; {kept(run)}"
        ) from error


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C or termination into a request to stop after the step; a second one ends at once."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return

    def request(number: int, frame: object) -> None:
        requested.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, request)
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
