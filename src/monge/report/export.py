"""Hands a run's generator over as a folder, see `model.exported` for what is in it."""

import os
import shutil
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors.torch import save

from monge import plot
from monge.errors import MongeError, UserError
from monge.model import exported, onnx
from monge.model.load import load
from monge.model.trained_model import TrainedModel
from monge.report.card import card, name_of
from monge.report.page import evaluated
from monge.run.files import write_synced
from monge.run.folder import RunFolder


def export(
    run: RunFolder | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    weights: str = "ema",
    license: str = "unknown",
    onnx: bool = True,
) -> Path:
    """Writes the generator of a run's last checkpoint into a folder in the layout of the Hugging Face hub.

    The folder is there as a whole or not at all. It contains no training sample; `monge.load` samples from it.

    Arguments:
        run: the run, or its folder.
        out: a new or empty folder.
        weights: "ema" (averaged), "raw", or "best": averaged, of the checkpoint nearest to the validation part.
        license: of the generator, as the hub names licences; it depends on the data, so there is no other default.
        onnx: whether to write `model.onnx`, which needs the extra `export`.

    Returns:
        The folder.

    Raises:
        UserError: there is no run or no checkpoint yet, or the folder has files in it or cannot be written.

    Warns:
        UserWarning: the run is not finished, or `model.onnx` is left out although it was asked for.

    Example:
        >>> import monge, numpy as np
        >>> points = np.random.default_rng(0).normal(size=(200, 2))
        >>> run = monge.train(points, run="runs/points", steps=4, threads=1, training={"batch": 32})
        >>> folder = monge.export(run, "points", license="mit", onnx=False)
        >>> sorted(path.name for path in folder.iterdir())
        ['README.md', 'config.json', 'generator.safetensors', 'samples.png']
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    path = Path(out).expanduser()
    if path.exists() and not path.is_dir():
        raise UserError(f"--out {path} is a file; name a new or empty folder")
    if path.is_dir() and any(path.iterdir()):
        raise UserError(f"--out {path} is a folder with files in it; name a new or empty one")
    facts = folder.facts()
    model = load(folder, weights, facts=facts)
    unfinished = ""
    if facts["status"] != "finished":
        unfinished = f"the run is {facts['status']} and was to take {model.config.steps:,} steps"
        which = f"its last checkpoint is exported, of step {model.step:,} of {model.config.steps:,}"
        warnings.warn(f"run {str(folder.path)!r} is {facts['status']}: {which}", UserWarning, stacklevel=2)
    files = contents(model, onnx=onnx)
    document = described(model, facts, files)
    entries = [entry for entry in folder.entries() if entry["step"] <= model.step]
    figures = measured(folder, facts, entries, model)
    name = path.resolve().name
    text = card(model, document, facts, entries, figures, name, license, unfinished)
    files |= {exported.CONFIG: exported.config_text(document).encode(), exported.CARD: text.encode()}
    try:
        write_whole(path, files)
    except OSError as error:
        raise UserError(f"--out {path} cannot be written: {error.strerror or error}") from error
    return path


def contents(model: TrainedModel, *, onnx: bool) -> dict[str, bytes]:
    """The files that `config.json` holds hashes of, by name.

    Warns:
        UserWarning: `model.onnx` was asked for and cannot be made.
    """
    state = {name: part.contiguous() for name, part in model.generator.state_dict().items()}
    found = {exported.WEIGHTS: save(state)}
    if onnx and (made := onnx_file(model)) is not None:
        found[exported.ONNX] = made
    shown = plot.picture(model.space, model.sample(model.space.pictured).x)
    return found | {exported.PICTURE: plot.png(shown)}


def onnx_file(model: TrainedModel) -> bytes | None:
    """`model.onnx`; None where it cannot be made.

    Warns:
        UserWarning: why not.
    """
    if lacking := onnx.missing():
        reason = f"it needs {', '.join(lacking)}; pip install 'monge[export]' brings what is missing"
    else:
        try:
            return onnx.onnx_bytes(model)
        except MongeError as error:
            reason = str(error)
    warnings.warn(f"{exported.ONNX} is left out: {reason}", UserWarning, stacklevel=4)
    return None


def described(model: TrainedModel, facts: dict[str, Any], files: dict[str, bytes]) -> dict[str, Any]:
    """The content of `config.json`; of places on this machine only the names that are needed."""
    config = asdict(model.config)
    config["source"] = name_of(config["source"])
    config["start_from"] = config["start_from"] and name_of(config["start_from"])
    return {
        "model_type": "monge",
        "format": exported.FORMAT,
        "model": facts.get("model") or "gan",
        "weights": model.weights,
        "step": model.step,
        "steps": model.config.steps,
        "status": facts["status"],
        "classes": model.classes,
        "columns": model.columns,
        "label_column": model.label_column,
        "codec": model.codec.state(),
        "config": config,
        "fingerprint": facts["fingerprint"],
        "versions": facts["versions"],
        "files": {name: exported.file_facts(content) for name, content in files.items()},
    }


def measured(
    run: RunFolder, facts: dict[str, Any], entries: list[dict[str, Any]], model: TrainedModel
) -> dict[str, Any]:
    """The figures of `metrics.json` if they are of this model and its data, or else the log's, of averaged weights."""
    figures = evaluated(run, facts, model.step, [], model.weights)
    logged = [entry for entry in entries if entry["step"] == model.step and "bracket" in entry]
    return figures or (logged[-1] if logged and model.weights != "raw" else {})


def write_whole(path: Path, files: dict[str, bytes]) -> None:
    """Writes a folder under a temporary name beside its place and renames it.

    Raises:
        OSError: it cannot be written; nothing is left.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    try:
        partial.mkdir()
        for name, content in files.items():
            write_synced(partial / name, content)
        if path.is_dir():
            path.rmdir()  # empty, as was seen before
        partial.rename(path)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
