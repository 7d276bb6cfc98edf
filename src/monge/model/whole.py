"""The newest whole checkpoint of a run: damage is noticed before anything is loaded, and an older one is used."""

import shlex
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monge.errors import UserError
from monge.model.weights import COPULA, file_of, folder_of, steps
from monge.run.files import read_json
from monge.run.folder import FACTS, RunFolder
from monge.run.index import change, defect

RESTS_ON = ("fingerprint", "held_out_fingerprint", "codec", "classes", "columns", "label_column")
"""What a checkpoint rests on besides its config; more steps extend it, and where the data lie makes no difference."""
FREE = ("config.steps", "config.source")


@dataclass(frozen=True)
class Whole:
    """A checkpoint of which every file is as it was written.

    Attributes:
        step: of the training.
        folder: its own.
        damaged: newer ones that are not, by their step, and what is wrong with each.
    """

    step: int
    folder: Path
    damaged: Mapping[int, str] = field(default_factory=dict)


def newest(run: RunFolder, facts: Mapping[str, Any]) -> Whole:
    """The newest whole checkpoint of a run.

    Arguments:
        facts: the content of its `run.json`.

    Raises:
        UserError: there is none, yet or any more; says what is wrong with each.

    Warns:
        UserWarning: newer ones are damaged or gone.
    """
    found = steps(run.checkpoints)
    damaged: dict[int, str] = {}
    for step in reversed(found):
        wrong = flaw(folder_of(run.checkpoints, step), step, facts)
        if wrong is None:
            if told := passed_over(damaged, facts.get("saved"), found):
                warnings.warn(f"run {str(run.path)!r}: {told}; {name(step)} is used", UserWarning, stacklevel=4)
            return Whole(step, folder_of(run.checkpoints, step), damaged)
        damaged[step] = wrong
    if not damaged and not lost(run, facts):
        raise UserError(f"run {str(run.path)!r} has no checkpoint yet; train it first")
    what = "has no whole checkpoint: " + reasons(damaged) if damaged else "has lost its checkpoints"
    again = f"monge train --resume {shlex.quote(str(run.path))} --start-over"
    raise UserError(f"run {str(run.path)!r} {what}; put back a copy, or begin anew with {again}")


def best(run: RunFolder, facts: Mapping[str, Any]) -> Whole:
    """The checkpoint that is nearest to the validation part, of all that are there.

    Arguments:
        facts: the content of the run's `run.json`.

    Raises:
        UserError: the run kept no validation part, or the checkpoint is damaged.
    """
    step = best_step(run)
    if step is None:
        what = f"--weights best: no checkpoint of run {str(run.path)!r} was measured on a validation part"
        raise UserError(f"{what}, which --training.keep-best keeps; use --weights ema")
    wrong = flaw(folder_of(run.checkpoints, step), step, facts)
    if wrong is not None:
        text = f"checkpoint {name(step)}, the best, is damaged ({wrong})"
        raise UserError(f"run {str(run.path)!r}: {text}; --weights ema takes the last")
    return Whole(step, folder_of(run.checkpoints, step))


def best_step(run: RunFolder) -> int | None:
    """Step of the checkpoint that is nearest to the validation part by the log; None where no distance is known."""
    away = distances(run)
    return min(away, key=away.__getitem__, default=None)


def distances(run: RunFolder) -> dict[int, float]:
    """Distances of the checkpoints that are there to the validation part, by their step, as far as they are known."""
    away = {entry["step"]: entry["validation"] for entry in run.entries() if "validation" in entry}
    return {step: away[step] for step in steps(run.checkpoints) if step in away}


def sound(run: RunFolder, facts: Mapping[str, Any]) -> bool:
    """Whether the last checkpoint of a run is whole, and its copula where it kept that."""
    last = facts.get("saved", facts.get("step", 0))
    folder = folder_of(run.checkpoints, last)
    return folder.is_dir() and flaw(folder, last, facts) is None and copula_flaw(run, facts) is None


def copula_flaw(run: RunFolder, facts: Mapping[str, Any]) -> str | None:
    """What is wrong with the copula that a run kept as its model, in words; None where nothing is, or it kept none."""
    return change(file_of(run.path, COPULA), facts["copula"]) if "copula" in facts else None


def lost(run: RunFolder, facts: Mapping[str, Any]) -> bool:
    """Whether a run that has no checkpoint once had one.

    Versions that did not record it saved whenever a run ended, and made the folder before the first step.
    """
    if "saved" in facts or "step" in facts:
        return True
    return not run.checkpoints.exists() and bool(run.entries())


def flaw(folder: Path, step: int, facts: Mapping[str, Any]) -> str | None:
    """What is wrong with a checkpoint of a run, in words; None where nothing is.

    Arguments:
        facts: the content of the run's `run.json`. Older versions recorded no `saved` and wrote no index.
    """
    return defect(folder, step, indexed="saved" in facts) or foreign(folder, facts)


def foreign(folder: Path, facts: Mapping[str, Any]) -> str | None:
    """In what a checkpoint's copy of `run.json` differs from a run's, in words; None where the run is the same.

    What only one of them knows makes no difference: versions differ in it.
    """
    try:
        copy = rests_on(read_json(folder / FACTS))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return f"{FACTS} is damaged: {error}"
    ours = rests_on(facts)
    for key in sorted(ours.keys() & copy.keys()):
        if ours[key] != copy[key]:
            short = all(len(str(value)) < 40 for value in (ours[key], copy[key]))
            return f"it is of another run: {key}" + (f" {copy[key]} there, {ours[key]} in {FACTS}" if short else "")
    return None


def rests_on(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint rests on, by dotted name."""
    flat = {key: facts[key] for key in RESTS_ON if facts.get(key) is not None}
    for key, value in facts.get("config", {}).items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        flat |= {f"config.{key}.{name}".rstrip("."): part for name, part in inner}
    return {key: value for key, value in flat.items() if key not in FREE}


def passed_over(damaged: Mapping[int, str], saved: int | None, found: list[int]) -> str:
    """Which checkpoints are damaged or gone, in words; empty where none is."""
    if damaged:
        noun, verb = ("checkpoint", "is") if len(damaged) == 1 else ("checkpoints", "are")
        return f"{noun} {reasons(damaged)} {verb} damaged"
    if saved is not None and saved > max(found):
        return f"checkpoint {name(saved)} is gone"
    return ""


def reasons(damaged: Mapping[int, str]) -> str:
    """Checkpoints and what is wrong with each."""
    return ", ".join(f"{name(step)} ({wrong})" for step, wrong in damaged.items())


def name(step: int) -> str:
    """What the checkpoint of a step is called."""
    return f"step-{step:06d}"
