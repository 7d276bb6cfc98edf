"""The training loop: Algorithm 1, with a log, checkpoints, and a clean way out."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from monge.errors import TrainingError
from monge.objective import Objective
from monge.run.folder import RunFolder
from monge.training import checkpoint, thread
from monge.training.guard import check, disk_errors, flushed_denormals, interruption, kept
from monge.training.sampler import Sampler
from monge.training.schedule import Plan, set_rates
from monge.training.state import TrainingState
from monge.training.step import train_step
from monge.training.thread import adapt_threads

OnStep = Callable[[TrainingState, Mapping[str, float]], Mapping[str, Any]]


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


def _seconds(run: RunFolder) -> float:
    return max((entry.get("seconds", 0.0) for entry in run.entries()), default=0.0)
