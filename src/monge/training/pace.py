"""How long a step takes, and how many of them fit into a number of minutes."""

import copy
import math
import time
import warnings
from dataclasses import replace

from monge.config.schema import Config
from monge.data.space import Space
from monge.errors import UserError
from monge.objective import Objective
from monge.run.folder import RunFolder
from monge.training.processes import told
from monge.training.sampler import Sampler
from monge.training.state import TrainingState
from monge.training.step import train_step

OBSERVED = 0.05
"""Share of the training time that measuring the bracket may take."""
AIMED = 0.035
"""Share that is aimed at, as steps may become faster and measurements slower after the first one, which decides."""
UNNOTICED = 5.0
"""Seconds that all measurements of a training may take, however short it is."""
WARM = 3
"""Steps before those that are timed."""
TIMED = 16
"""Steps that are timed: whole periods of a lazy penalty."""
TIMED_SECONDS = 1.0
"""For how long they are timed, at least."""
FEWER = 10
"""How many times as many steps the recipe of images has as fit into the minutes, where that is worth a warning."""
SMALL = 32
"""Side in pixels below which no smaller images are suggested."""
LONGEST = 60 * 24 * 30.0
"""Minutes that may be asked for: a month."""


def check_times(minutes: float | None, checkpoint_every: int | None) -> None:
    """Refuses what is no training time, and no number of steps between checkpoints.

    Raises:
        UserError: says what is allowed.
    """
    if minutes is not None and not 0 < minutes <= LONGEST:
        raise UserError(f"--minutes must be above 0 and at most {LONGEST:,.0f}, a month; got {minutes:g}")
    if checkpoint_every is not None and checkpoint_every < 1:
        raise UserError(f"--checkpoint-every must be at least 1; got {checkpoint_every}")


def seconds_per_step(state: TrainingState, objective: Objective, sampler: Sampler) -> float:
    """The time of a step like these, measured on a copy of the state."""
    scratch = copy.deepcopy(state)

    def steps(count: int) -> None:
        for _ in range(count):
            train_step(scratch, objective, sampler(scratch.step).to(scratch.device))

    steps(WARM)
    begin, done = time.perf_counter(), 0
    while told(not done or time.perf_counter() - begin < TIMED_SECONDS):
        steps(TIMED)
        done += TIMED
    return told((time.perf_counter() - begin) / done)


def steps_in(minutes: float, seconds: float) -> int:
    """How many steps of so many seconds fit into some minutes, beside the measurements of the bracket."""
    return max(1, int(60 * minutes * (1 - OBSERVED) / seconds))


def fitting(minutes: float, state: TrainingState, objective: Objective, sampler: Sampler, config: Config) -> int:
    """How many steps of a training fit into some minutes, by measuring it; warns of few for its images."""
    share = config.training.transport_from
    parts = ((share, replace(sampler, transport=None)), (1 - share, replace(sampler, transport=0)))
    seconds = sum(part * seconds_per_step(state, objective, draws) for part, draws in parts if part)
    steps = steps_in(minutes, seconds)
    warn_of_few(steps, config, sampler.data.space)
    return steps


def warn_of_few(steps: int, config: Config, space: Space) -> None:
    """Warns where so few steps fit into the minutes that images of this size will hardly be learnt.

    500 photos of 128 x 120 px, five minutes of two slow cores: 296 steps of 64 images, and green haze.

    Arguments:
        steps: that fit.
        config: with the steps of its recipe.
        space: what a sample is.
    """
    if space.side is None or space.side < 2 * SMALL or steps * FEWER > config.steps:
        return
    text = f"{steps:,} steps fit into the minutes, of {config.steps:,} that the recipe has for images of this size"
    warnings.warn(f"{text}; --data.size {space.side // 2} is about four times as fast", UserWarning, stacklevel=4)


def steps_again(minutes: float | None, steps: int, run: RunFolder) -> int:
    """The steps in all of a run that is continued with a number of minutes: the same for the same minutes.

    Arguments:
        minutes: none leaves the steps as they are.
        steps: those of its config, which count for a run that is yet to begin.
        run: its folder.

    Raises:
        UserError: it was begun without minutes, or asked for more.
    """
    if minutes is None or not run.exists:
        return steps
    facts, where = run.facts(), str(run.path)
    before = facts.get("minutes")
    if before is None:
        raise UserError(f"--minutes: run {where!r} was begun with a number of steps; use --steps to extend it")
    if minutes < before:
        raise UserError(f"--minutes must be at least {before:g}, those of run {where!r}; got {minutes:g}")
    total: float = facts["config"]["steps"] * minutes / before
    return math.ceil(total)


def thinned(one: float, training: float, count: int) -> int:
    """Of how many possible measurements one is made, so that all of them take their share of the time at most.

    However long they take, there are three, as a verdict needs: the first, one half-way and the last.

    Arguments:
        one: seconds of a measurement.
        training: seconds that the whole training takes without them.
        count: possible measurements.
    """
    most, fewest = max(AIMED * training, UNNOTICED), max(1, math.ceil(count / 2))
    return next((of for of in range(1, fewest) if one * measurements(of, count) <= most), fewest)


def measurements(of: int, count: int) -> int:
    """How many measurements there are if the first, the last, and one of so many are made."""
    return count if of == 1 else 1 + math.ceil(count / of)
