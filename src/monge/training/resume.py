"""What a run rests on, and whether and how it is continued."""

import os
import platform
import subprocess
import warnings
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from monge.config.overlay import differing
from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.data.source import MEMORY, absolute
from monge.data.table.reader import difference
from monge.errors import DiskError, UserError
from monge.model.load import config_of, other_content, own_data
from monge.model.weights import steps
from monge.model.whole import Whole, lost, newest
from monge.run.folder import RunFolder
from monge.training import checkpoint
from monge.training.rollback import attempt_from
from monge.training.state import TrainingState

VERSIONED = ("monge", "torch", "numpy", "scipy", "POT", "scikit-learn")


def settle(folder: RunFolder, **changes: Any) -> None:
    """Writes a run's last facts; a disk too full even for them must not hide why the run ended."""
    try:
        folder.update(**changes)
    except (OSError, UserError) as error:  # the latter where the folder was moved meanwhile
        if changes["status"] == "failed":
            return
        if isinstance(error, UserError):
            raise
        raise DiskError(f"cannot write {folder.path / 'run.json'}: {error.strerror or error}") from error


def default_folder(config: Config) -> Path:
    """`runs/DATA-RECIPE-SEED`, with the data's name made fit for a folder."""
    name = Path(config.source.removeprefix(MEMORY)).name.replace(":", "-") or "data"
    return Path("runs") / f"{name}-{config.recipe}-{config.seed}"


def known_facts(folder: RunFolder, config: Config, data: DataSet, flag: str = "--run") -> dict[str, Any] | None:
    """The facts of a run that this config may continue, or none where there is no run yet.

    Arguments:
        flag: that named the folder, for the refusal.

    Raises:
        UserError: the run there has another config or other data; lists the differing keys.
    """
    if not folder.exists:
        return None
    facts = folder.facts()
    old, part = config_of(folder, facts), other_content(data, facts)
    if part is None:  # where the same data lie makes no difference
        old = replace(old, source=config.source)
    lines = differing(config, replace(old, steps=max(config.steps, old.steps)))  # more steps extend the run
    if part is not None:
        lines.append(f"data: its {part} differs")
    if found := difference(facts.get("columns"), data.info.columns):
        lines.append(f"data: its columns differ: it {found}")
    if data.codec.state().get("offsets", []) != facts["codec"].get("offsets", []):
        lines.append("data: that version of monge encoded its columns in another way")
    if lines:
        what = f"{flag} {folder.path} contains a run with other settings"
        raise UserError(f"{what} ({'; '.join(lines)}); choose another folder")
    return facts


def continued(folder: RunFolder, data: DataSet | None = None, steps: int | None = None) -> tuple[Config, DataSet]:
    """The config and the data with which `train_config` continues a run, from what the run recorded.

    Arguments:
        data: the run's data, already open; none opens them as `own_data` does.
        steps: generator updates in all; none means those that were asked for before.

    Raises:
        UserError: there is no run, its data are gone or have changed, or it was asked for more steps before.
    """
    facts = folder.facts()
    config = config_of(folder, facts)
    if steps is not None and steps < config.steps:
        raise UserError(f"--steps must be at least {config.steps}, the steps of run {str(folder.path)!r}; got {steps}")
    data = own_data(folder, data, facts)
    return replace(config, steps=steps or config.steps, source=data.info.source or config.source), data


def present(folder: RunFolder, config: Config, data: DataSet, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a run records of its config and data whenever it is begun or continued.

    Arguments:
        facts: the content of its `run.json`, if it was begun before.
    """
    found: dict[str, Any] = {"config": asdict(config), "held_out_fingerprint": data.held_out_fingerprint}
    place = absolute(data.info.source)
    if place is not None:
        found["place"] = {"run": os.path.abspath(folder.path), "data": place}
    elif facts is not None and config.source.startswith(MEMORY):  # which is no place to find them again
        found["config"]["source"] = facts["config"]["source"]
    return found


def point(folder: RunFolder, facts: Mapping[str, Any] | None, *, start_over: bool) -> Whole | None:
    """The checkpoint that a run goes on from; None where it begins.

    Arguments:
        facts: the content of its `run.json`, None where there is no run yet.
        start_over: whether a run whose checkpoints are lost begins anew; its log is put aside.

    Raises:
        UserError: its checkpoints are lost, and it is not to start over; or it is, and one of them is whole.

    Warns:
        UserWarning: the newest checkpoint is damaged or gone, and an older one is used.
    """
    if facts is None or not (steps(folder.checkpoints) or lost(folder, facts)):
        return None
    try:
        found = newest(folder, facts)
    except UserError:
        if not start_over:
            raise
        folder.begin_anew()
        return None
    if start_over:
        what = f"--start-over: run {str(folder.path)!r} has a whole checkpoint, step-{found.step:06d}"
        raise UserError(f"{what}; leave the flag out, or choose another folder")
    return found


def resume(
    folder: RunFolder, state: TrainingState, facts: Mapping[str, Any], changes: Mapping[str, Any], found: Whole | None
) -> None:
    """Takes the state back to a checkpoint, if there is one, and the log with it.

    Arguments:
        facts: the content of `run.json`.
        changes: what of it changes now.
        found: the checkpoint.

    Warns:
        UserWarning: the log is not what was written; the number of threads differs.
    """
    if found is not None:
        checkpoint.restore(state, found.folder)
        state.attempt = max(state.attempt, attempt_from(facts, found.step))
        checkpoint.continue_from(found, folder)
    if folder.log_changed():
        text = "lines of log.jsonl are missing or were changed; the weights are not concerned"
        warnings.warn(f"run {str(folder.path)!r}: {text}", stacklevel=4)
    # a process that is killed in between must not take a shorter log for a damaged one
    folder.update(saved=None if found is None else found.step, log=None)
    folder.forget_after(state.step)
    _note_changes(folder, state.step, facts, changes)
    if found is not None:
        folder.record(found.step, **changes)
    else:
        folder.update(**changes)


def _note_changes(folder: RunFolder, step: int, facts: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    """Logs that a run goes on with other threads or processes, or to another number of steps."""
    before, after = facts["threads"], changes["threads"]
    if before != after:
        text = f"threads {before} -> {after}: results are no longer bit-identical"
        folder.note({"step": step, "threads": after, "note": text})
        warnings.warn(f"--threads {after}: {text}", stacklevel=5)
    before, after = facts.get("processes", 1), changes["processes"]
    if before != after:
        text = f"processes {before} -> {after}: results are no longer bit-identical"
        folder.note({"step": step, "processes": after, "note": text})
    before, after = facts["config"]["steps"], changes["config"]["steps"]
    if before != after:
        folder.note({"step": step, "note": f"steps {before} -> {after}: schedules now follow the new total"})


def provenance(data: DataSet) -> dict[str, Any]:
    """What a run rests on: data, versions, revision."""
    return {
        "codec": data.codec.state(),
        "fingerprint": data.fingerprint,
        "classes": data.info.classes,
        "columns": data.info.columns,
        "label_column": data.info.label_column,
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in VERSIONED},
        "revision": _revision(),
    }


def _revision() -> str | None:
    """The git revision of monge's own repository; None where it is installed, whatever repository that lies in."""
    package = Path(__file__).resolve().parents[1]
    project = package.parents[1] / "pyproject.toml"
    if not project.is_file() or '\nname = "monge"\n' not in project.read_text():
        return None
    ask = ["git", "rev-parse", "--show-toplevel", "HEAD"]
    try:
        said = subprocess.run(ask, cwd=package, capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        return None
    return said[1] if Path(said[0]).resolve() == project.parent else None
