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
from monge.run.folder import RunFolder
from monge.training import checkpoint
from monge.training.state import TrainingState

VERSIONED = ("monge", "torch", "numpy", "scipy", "POT", "scikit-learn")


def settle(folder: RunFolder, **changes: Any) -> None:
    """Writes a run's last facts; a disk too full even for them must not hide why the run ended."""
    try:
        folder.update(**changes)
    except OSError as error:
        if changes["status"] != "failed":
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


def resume(folder: RunFolder, state: TrainingState, config: Config, facts: Mapping[str, Any], threads: int) -> None:
    """Takes the state back to the last checkpoint and the log with it."""
    if found := steps(folder.checkpoints):
        checkpoint.restore(state, folder.checkpoints, found[-1])
    folder.forget_after(state.step)
    if threads != facts["threads"]:
        text = f"threads {facts['threads']} -> {threads}: results are no longer bit-identical"
        folder.log({"step": state.step, "threads": threads, "note": text})
        warnings.warn(f"--threads {threads}: {text}", stacklevel=4)
    if config.steps != facts["config"]["steps"]:
        before = facts["config"]["steps"]
        folder.log(
            {"step": state.step, "note": f"steps {before} -> {config.steps}: schedules now follow the new total"}
        )


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
