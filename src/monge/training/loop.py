"""The training loop: Algorithm 1. It knows no folder; whoever logs, saves or measures gives it hooks."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from monge.nn.collective import alone
from monge.objective import Objective
from monge.training.guard import check_terms
from monge.training.processes import anywhere, average, leads
from monge.training.sampler import Sampler, StepInputs
from monge.training.schedule import set_rates
from monge.training.state import TrainingState
from monge.training.step import train_step

UNREAD = 50
"""Steps whose terms stay on the device, at most, before they are read and checked."""

CHECKPOINT_SECONDS = 30.0
"""Seconds between two checkpoints, unless steps are asked for."""

TermValues = Mapping[str, float]
Step = Callable[[TrainingState, Objective, StepInputs], Mapping[str, Tensor]]


@dataclass(frozen=True)
class LoopSettings:
    """When a training ends and what happens on the way.

    Arguments:
        steps: generator updates in all.
        rates: learning rates of generator and critic as a function of the step.
        log_every: steps between two calls of the hook `log`; none logs only what was observed.
        observe_every: steps between two calls of the hook `observe`, which the last step has too.
        checkpoint_every: steps between two calls of the hook `save`; none means every 30 s.
    """

    steps: int
    rates: Callable[[int], tuple[float, float]]
    log_every: int | None = None
    observe_every: int = 1
    checkpoint_every: int | None = None

    def observes(self, step: int) -> bool:
        """Whether a step is observed."""
        return step % self.observe_every == 0 or step == self.steps

    def logs(self, step: int) -> bool:
        """Whether a step is logged, whatever was observed."""
        return self.log_every is not None and (step % self.log_every == 0 or step == self.steps)

    def saves(self, step: int, seconds: float) -> bool:
        """Whether a step is saved, so many seconds after the last one that was."""
        if self.checkpoint_every is not None:
            return step % self.checkpoint_every == 0
        return seconds >= CHECKPOINT_SECONDS


@dataclass(frozen=True)
class Hooks:
    """What happens during a training besides training; each may be absent.

    Arguments:
        step: called after every step, with the seconds that it took.
        observe: called with the state and the step's terms; what it returns, if anything, is logged.
        log: called with the state, the step's terms and what was observed.
        save: called with a state whose terms were all well, and once more at the end.
        due: asked after a step whether to save it, whenever the last one was saved.
    """

    step: Callable[[TrainingState, float], None] | None = None
    observe: Callable[[TrainingState, TermValues], Mapping[str, Any] | None] | None = None
    log: Callable[[TrainingState, TermValues, Mapping[str, Any]], None] | None = None
    save: Callable[[TrainingState], object] | None = None
    due: Callable[[], bool] = lambda: False


NO_HOOKS = Hooks()


def run_loop(
    state: TrainingState,
    objective: Objective,
    sampler: Sampler,
    settings: LoopSettings,
    hooks: Hooks = NO_HOOKS,
    *,
    step: Step = train_step,
    stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Trains up to `settings.steps`; returns whether it got there.

    Arguments:
        state: changed in place.
        step: updates the state in place.
        stop: asked before each step whether to end.

    Raises:
        TrainingError: a term is not finite or has diverged: at the step it names, at most 50 steps ago. No such state
            was observed, logged or saved.
    """
    terms = _Unread()
    saved_at = time.monotonic()
    while state.step < settings.steps and not anywhere(stop()):
        begin = time.perf_counter()
        set_rates(state, settings.rates(state.step))
        try:
            found = step(state, objective, sampler(state.step, state.attempt).to(state.device))
        except RuntimeError:
            with alone():
                terms.read()  # a bad term of an earlier step is the better answer
            raise
        terms.add(state.step, found)
        seconds = time.perf_counter() - begin

        seen: Mapping[str, Any] = {}
        if hooks.observe and settings.observes(state.step):
            seen = hooks.observe(state, terms.read()) or {}
        if hooks.log and (seen or settings.logs(state.step)):
            hooks.log(state, terms.read(), seen)
        if hooks.step:
            hooks.step(state, seconds)
        if hooks.save and anywhere(
            leads() and (hooks.due() or settings.saves(state.step, time.monotonic() - saved_at))
        ):
            terms.read()
            hooks.save(state)
            saved_at = time.monotonic()
    terms.read()
    if hooks.save:
        hooks.save(state)
    return state.step >= settings.steps


class _Unread:
    """The terms of the last steps, which stay on the device until somebody asks for them."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, Mapping[str, Tensor]]] = []
        self._last: TermValues = {}

    def add(self, step: int, terms: Mapping[str, Tensor]) -> None:
        """Takes in the terms of a step; reads them all when there are many."""
        self._steps.append((step, terms))
        if len(self._steps) >= UNREAD:
            self.read()

    def read(self) -> TermValues:
        """The last step's terms as numbers; all are checked, and fetched in one go.

        Raises:
            TrainingError: names the first step that has a bad one.
        """
        if self._steps:
            values = torch.stack([value for _, terms in self._steps for value in terms.values()])
            numbers = iter(average(values).tolist())
            for step, terms in self._steps:
                self._last = {name: next(numbers) for name in terms}
                check_terms(self._last, step)
            self._steps.clear()
        return self._last
