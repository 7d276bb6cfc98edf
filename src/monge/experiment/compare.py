"""Objectives, and critics, under one budget: the same data, each with its published training rule, several seeds."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from monge import api, plot
from monge.config.schema import Config, ObserveConfig
from monge.data.dataset import DataSet
from monge.data.source import open_source
from monge.errors import DiskError, TrainingError, UserError
from monge.experiment.summary import competitor, line
from monge.run.files import read_json, write_atomically
from monge.run.pool import parallel
from monge.training.assemble import assemble
from monge.training.resume import known_facts
from monge.training.step import train_step
from monge.training.train import train_config

PICTURED = 1000
SUMMARY = "compare.json"
RESULT = "trial.json"

WARM = 5
"""Steps before those that are timed."""
TIMED = 20
"""Steps that are timed to turn a budget of seconds into one of steps."""

TRIAL_BRACKETS = 4
"""Measurements during a training."""

Result = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One objective with one seed.

    Arguments:
        objective: its spec, as in the config.
        config: of the run.
        folder: of the run.
        seconds: budget of training; none leaves the config's steps.
        critic: its spec, where several are compared.
    """

    objective: str
    config: Config
    folder: Path
    seconds: float | None = None
    critic: str | None = None


def conduct(trials: Sequence[Trial], jobs: int, say: Callable[[str], None]) -> list[Result]:
    """The results of trials in their order; finished ones are read, interrupted ones continued.

    Arguments:
        jobs: processes of one thread each.
        say: called with a line of progress.
    """
    found: dict[Path, Result] = {}
    for done, (trial, result) in enumerate(parallel(measure, trials, jobs), 1):
        found[trial.folder] = result
        say(f"{done}/{len(trials)} {competitor(result)} seed {trial.config.seed}: {line(result)}")
    return [found[trial.folder] for trial in trials]


def measure(trial: Trial) -> Result:
    """Trains and evaluates one trial, or reads what was found before.

    Raises:
        KeyboardInterrupt: the training was interrupted, and saved.
        DiskError: the disk is full, which is no result of the objective's: the same trial can be continued.
    """
    if (found := known_result(trial.folder)) is not None:
        return found
    data = open_source(trial.config.source, trial.config.data)
    config = resolved(trial, data)
    result: Result = {"objective": trial.objective} | ({"critic": trial.critic} if trial.critic else {})
    result |= {"seed": config.seed, "steps": config.steps}
    try:
        run = api.Run(train_config(config, data, run=trial.folder, device="cpu", threads=1).path)
    except DiskError:
        raise
    except TrainingError as error:
        result |= {"status": "failed", "error": str(error)}
    else:
        if run.facts()["status"] == "interrupted":
            raise KeyboardInterrupt
        evaluation = run.evaluate(data, thorough=False).as_json()
        seconds = max((entry.get("seconds", 0.0) for entry in run.entries()), default=0.0)
        result |= {"status": "finished", "seconds": seconds}
        result |= {"bracket": evaluation["bracket"], "metrics": evaluation["metrics"]}
    api.Run(trial.folder).write(RESULT, result)
    return result


def known_result(folder: Path) -> Result | None:
    """What was found of a trial before; None where that is not there, or damaged, so that it is measured again."""
    try:
        found = read_json(folder / RESULT)
    except (OSError, ValueError):
        return None
    needed = {"objective", "seed", "steps", "status"}
    needed |= {"seconds", "bracket", "metrics"} if found.get("status") == "finished" else {"error"}
    return found if needed <= set(found) else None


def refuse_others(trials: Sequence[Trial], data: DataSet) -> None:
    """Rejects folders that contain runs of another config or other data, whose results are not those of the trials.

    Raises:
        UserError: names the first of them, and how the configs differ.
    """
    for trial in trials:
        if (run := api.Run(trial.folder)).exists:
            known_facts(run, resolved(trial, data), data, "--out")


def resolved(trial: Trial, data: DataSet) -> Config:
    """The config of a trial's run."""
    steps = planned_steps(trial, data)
    # a measurement costs as much as hundreds of steps in the plane
    return replace(trial.config, steps=steps, observe=ObserveConfig(bracket=max(1, steps // TRIAL_BRACKETS)))


def planned_steps(trial: Trial, data: DataSet) -> int:
    """The steps of a trial: those of its config, of the run that it continues, or as many as its seconds pay for."""
    if trial.seconds is None:
        return trial.config.steps
    folder = api.Run(trial.folder)
    if folder.exists:
        return int(folder.facts()["config"]["steps"])
    state, objective, sampler = assemble(trial.config, data, torch.device("cpu"))
    # by steps alone, because a training that fails is a result
    for _ in range(WARM):
        train_step(state, objective, sampler(state.step))
    start = time.perf_counter()
    for _ in range(TIMED):
        train_step(state, objective, sampler(state.step))
    return max(1, round(trial.seconds * TIMED / (time.perf_counter() - start)))


def refuse_other(folder: Path, budget: Mapping[str, Any]) -> None:
    """Rejects a folder that contains anything but a comparison with this budget.

    Raises:
        UserError: names the folder and its content.
    """
    if not folder.exists():
        return
    try:
        known = read_json(folder / SUMMARY)
        keys = [key for key in ("steps", "seconds") if known[key] != budget[key]]
        content = "fingerprint" if "fingerprint" in known else "data"  # where the same data lie makes no difference
        if known[content] != budget[content]:
            keys.insert(0, "data" if known["data"] != budget["data"] else content)
        differing = [f"{key}: {known[key]} -> {budget[key]}" for key in keys]
    except FileNotFoundError as error:
        if folder.is_dir() and not any(folder.iterdir()):
            return
        raise UserError(
            f"--out {folder} must be empty or contain a comparison; it contains other files; choose another folder"
        ) from error
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"--out {folder}: {SUMMARY} was not written by a comparison: {error}") from error
    if differing:
        what = f"--out {folder} contains a comparison with another budget"
        raise UserError(f"{what} ({', '.join(differing)}); choose another folder")


def begin(folder: Path, budget: Mapping[str, Any]) -> None:
    """Makes the folder, with its budget: a comparison that is killed can be continued under no other.

    Raises:
        UserError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / SUMMARY).exists():
            write_atomically(folder / SUMMARY, encoded(budget))
    except OSError as error:
        raise UserError(f"--out {folder} cannot be written: {error.strerror or error}") from error


def encoded(document: Mapping[str, Any]) -> bytes:
    """A document as the JSON file of it."""
    return (json.dumps(document, indent=1) + "\n").encode()


def comparison_picture(trials: Sequence[Trial], results: Sequence[Result], data: DataSet) -> bytes:
    """Samples of each competitor's first run that ended, beside real ones."""
    count = data.train.at_most(PICTURED)
    samples = {}
    for one, result in zip(trials, results, strict=True):
        if result["status"] == "finished" and competitor(result) not in samples:
            samples[competitor(result)] = api.open_run(one.folder).sample(count)
    return plot.png(plot.side_by_side(data.space, samples, data.train.sample(count)))
