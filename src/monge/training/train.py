"""A training from its config to its folder: begun, or continued where it was interrupted."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from monge.config.schema import Config
from monge.data.dataset import ArrayData, DataSet
from monge.errors import TrainingError
from monge.model.build import latent_size, pick_device
from monge.model.weights import COPULA, file_of
from monge.model.whole import Whole, sound
from monge.nn.collective import world_size
from monge.objective import Objective
from monge.run.folder import RunFolder
from monge.run.index import seal
from monge.run.pool import flushed_denormals, short_factors, torch_state
from monge.training import checkpoint
from monge.training.assemble import assemble, parts
from monge.training.best import Best
from monge.training.compatibility import model_of
from monge.training.contest import contest, fit_copula, measured
from monge.training.diagnosis import Setup, likely_cause
from monge.training.guard import failures_told, interruption
from monge.training.log import Display, Log
from monge.training.loop import NO_HOOKS, Hooks, LoopSettings, TermValues, run_loop
from monge.training.monitor import Monitor
from monge.training.pace import check_times, fitting, steps_again
from monge.training.processes import (
    check_alike,
    check_devices,
    check_equal,
    joined,
    leads,
    led,
    losses_told,
    share,
)
from monge.training.resume import default_folder, known_facts, point, present, provenance, resume, settle
from monge.training.rollback import attempted
from monge.training.sampler import Sampler
from monge.training.schedule import rates, transport_begins
from monge.training.start import started
from monge.training.state import TrainingState
from monge.training.thread import ThreadWatch, measure_threads, wanted

LOG_LINES = 100
"""Log lines of a run, unless its config says how often."""
BRACKETS = 20
"""Pictures of samples in a run, and measurements of the bracket at most, unless its config says how often."""


@joined()
def train_config(
    config: Config,
    data: DataSet,
    *,
    critic: nn.Module | None = None,
    run: str | Path | None = None,
    device: str = "auto",
    threads: int | str = "auto",
    minutes: float | None = None,
    checkpoint_every: int | None = None,
    start_over: bool = False,
    display: Display = lambda step, seen: None,
) -> RunFolder:
    """Trains by a resolved config, or continues the run that it began; torch's global state stays as it was.

    Arguments:
        config: everything that decides what is computed.
        data: the data of the config.
        critic: takes the place of the one that the config names.
        run: folder of the run; none means `runs/DATA-RECIPE-SEED`.
        device: "auto", "cpu", "cuda" or "mps".
        threads: "auto" (measured) or a number.
        minutes: training time, which becomes a number of steps at the first start and takes the place of the config's.
        checkpoint_every: steps between checkpoints; none means as before, and in a new run every 30 s.
        start_over: begin a run anew whose checkpoints are lost.
        display: called with each step.

    Raises:
        UserError: bad input; nothing is written.
        TrainingError: a loss that is not finite, a critic that diverges, a full disk; the last checkpoint stays.
    """
    place, count = pick_device(device), wanted(threads)
    check_times(minutes, checkpoint_every)
    check_devices(place)
    state, objective, sampler = assemble(config, data, place, critic)
    check_alike(config, data)
    folder, asked = RunFolder(Path(run) if run is not None else default_folder(config)), config
    config = replace(config, steps=led(lambda: steps_again(minutes, asked.steps, folder)))
    facts = led(partial(known_facts, folder, config, data))
    before = facts or {}
    checkpoint_every = checkpoint_every or before.get("checkpoint_every")
    if led(partial(_finished, folder, before, config.steps)) and not start_over:
        led(partial(_note_place, folder, config, data, before))
        return folder
    with torch_state(), ExitStack() as held:
        # the folder is the first process's alone
        take = partial(_taken, folder, state, config, facts, held, start_over=start_over)
        found, origin = take() if leads() else (None, {})
        watch = None if count else ThreadWatch(objective, sampler, folder)
        count = _set_torch(config, count or before.get("threads"), state, objective, sampler)
        if minutes is not None and facts is None:
            config = replace(config, steps=fitting(minutes, state, objective, sampler, config))
        sampler = replace(sampler, transport=transport_begins(config))  # of the steps that it has in the end
        changes = present(folder, config, data, facts) | {"threads": count, "processes": world_size()}
        changes |= {"device": place.type, "status": "running"}
        changes |= {"checkpoint_every": checkpoint_every, "minutes": minutes or before.get("minutes")}
        if leads():
            _enter(folder, state, config, data, facts, changes, found, origin, held)
        share(state)
        setup, settings = Setup(config, data, objective), loop_settings(config, checkpoint_every)
        _train(state, sampler, settings, partial(_hooks, folder, setup, settings, watch, display), folder, setup)
    return folder


def _note_place(folder: RunFolder, config: Config, data: DataSet, facts: Mapping[str, Any]) -> None:
    """Records where the data of a finished run are now."""
    changes = present(folder, config, data, facts)
    if not changes.items() <= facts.items():
        folder.update(**changes)


def _taken(
    folder: RunFolder,
    state: TrainingState,
    config: Config,
    facts: Mapping[str, Any] | None,
    held: ExitStack,
    *,
    start_over: bool,
) -> tuple[Whole | None, dict[str, Any]]:
    """Takes hold of a run that was begun; the checkpoint it goes on from, or else the start that another run gives."""
    if facts is not None:
        held.enter_context(folder.held())
    found = point(folder, facts, start_over=start_over)
    return found, {} if found else started(state, config.start_from, folder, facts)


def _enter(
    folder: RunFolder,
    state: TrainingState,
    config: Config,
    data: DataSet,
    facts: Mapping[str, Any] | None,
    changes: Mapping[str, Any],
    found: Whole | None,
    origin: Mapping[str, Any],
    held: ExitStack,
) -> None:
    """Begins a run in its folder, or continues it there."""
    if facts is None:  # nothing was written before this
        held.enter_context(folder.held())
        folder.create({**changes, **provenance(data), **origin})
    else:
        resume(folder, state, facts, changes, found)
    if origin or config.training.on_divergence == "rollback":
        # to be continued when the other run is gone, and to go back to
        checkpoint.save_run(state, folder)


def _set_torch(
    config: Config, threads: int | None, state: TrainingState, objective: Objective, sampler: Sampler
) -> int:
    """Sets torch's precision and its number of threads, which is measured where none is given; returns that."""
    if config.training.precision == "bfloat16":
        short_factors()
    threads = threads or measure_threads(state, objective, sampler)
    torch.set_num_threads(threads)
    return threads


def _finished(folder: RunFolder, facts: Mapping[str, Any], steps: int) -> bool:
    """Whether a run with these facts has finished, at least as many steps as are asked for, and is whole."""
    return facts.get("status") == "finished" and facts["config"]["steps"] >= steps and sound(folder, facts)


def loop_settings(config: Config, checkpoint_every: int | None = None) -> LoopSettings:
    """When a run's training ends and what happens on the way."""
    return LoopSettings(
        steps=0 if config.model == COPULA else config.steps,  # of which nothing is trained
        rates=rates(config),
        # an odd number of steps meets every phase of a lazy penalty, which steps of an even number may all miss
        log_every=config.observe.log or config.steps // LOG_LINES | 1,
        observe_every=config.observe.bracket or max(1, config.steps // BRACKETS),
        checkpoint_every=checkpoint_every,
    )


def _hooks(
    folder: RunFolder,
    setup: Setup,
    settings: LoopSettings,
    watch: ThreadWatch | None,
    display: Display,
    state: TrainingState,
) -> Hooks:
    """What happens besides training: in the folder, and on the screen, only in the first of several processes."""
    own = _own_hooks(folder, setup, settings, display, state) if leads() else NO_HOOKS

    def step(state: TrainingState, seconds: float) -> None:
        if own.step:
            own.step(state, seconds)
        if watch is not None:
            watch(state, seconds)

    def save(state: TrainingState) -> None:
        check_equal(state)
        led(lambda: own.save and own.save(state))

    return Hooks(
        step,
        lambda state, terms: led(lambda: own.observe and own.observe(state, terms)),
        lambda state, terms, seen: led(lambda: own.log and own.log(state, terms, seen)),
        save,
        own.due,
    )


def _own_hooks(
    folder: RunFolder, setup: Setup, settings: LoopSettings, display: Display, state: TrainingState
) -> Hooks:
    """What happens in a run's folder, and is shown, from the state's step on."""
    config, data = setup.config, setup.data
    codes = latent_size(state.generator)
    _, validation = parts(config, setup.objective, data)
    monitor = Monitor(setup, folder, settings, latent_size=codes, validation=validation, step=state.step)
    best = Best(folder)
    display(state.step, {"steps": config.steps})

    def save(state: TrainingState) -> None:
        checkpoint.save_run(state, folder, (best.step, monitor.copying.kept))
        best.saved()

    def observe(state: TrainingState, terms: TermValues) -> Mapping[str, Any]:
        seen = monitor(state, terms)
        best(state.step, seen)
        return seen

    return Hooks(lambda state, _: display(state.step, {}), observe, Log(folder, state.step, display), save, best.due)


def _train(
    state: TrainingState,
    sampler: Sampler,
    settings: LoopSettings,
    hooks: Callable[[TrainingState], Hooks],
    folder: RunFolder,
    setup: Setup,
) -> None:
    """Runs the loop, and leaves the outcome in `run.json`, with the model that is kept."""
    cause, again = partial(likely_cause, setup), setup.config.training.on_divergence == "rollback"
    try:
        with interruption() as stop, failures_told(state, folder, cause), flushed_denormals(), losses_told():

            def train() -> bool:
                return run_loop(state, setup.objective, sampler, settings, hooks(state), stop=stop)

            done = attempted(train, state, folder) if again else train()
    except TrainingError as error:
        if leads():
            settle(folder, status="failed", error=str(error))
        raise
    found = led(partial(_model, folder, setup, state.generator_ema)) if done else {}
    outcome = "finished" if done else "interrupted"
    led(lambda: settle(folder, status=outcome, step=state.step, error=None, **found))


def _model(folder: RunFolder, setup: Setup, generator: nn.Module) -> dict[str, Any]:
    """Which model a finished run keeps, if there is a choice; fits the copula of a table where it is one."""
    config, data, model = setup.config, setup.data, model_of(setup.config, setup.objective, setup.data)
    if model == "gan" or not isinstance(data, ArrayData):
        return {}
    if model == COPULA:
        found = fit_copula(folder, data, config.seed)
        if not folder.entries():
            folder.log(measured(found, data, config.seed))
        return {"model": COPULA, "copula": _sealed(folder)}
    kept, validation = data.validated()
    outcome = contest(generator, fit_copula(folder, kept, config.seed), validation, config.seed)
    if outcome["model"] == COPULA:  # which then need not go without the validation rows
        fit_copula(folder, data, config.seed)
        outcome["copula"] = _sealed(folder)
    return outcome


def _sealed(folder: RunFolder) -> dict[str, Any]:
    """Size and checksum of the copula's file."""
    return seal(file_of(folder.path, COPULA).read_bytes())
