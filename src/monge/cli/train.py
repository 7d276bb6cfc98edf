"""`monge train DATA`: train a generator, or continue a run."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from monge.cli import tensorboard
from monge.cli.notice import NOTICES
from monge.cli.option import Settings, Written
from monge.cli.parse import parse, show, undecided
from monge.cli.tensorboard import TensorBoard
from monge.config.overlay import Given, flatten, last_given, merged
from monge.config.registry import DATA
from monge.config.schema import Config, Named
from monge.errors import UserError
from monge.run.files import LARGEST_TOML, parse_toml, read_file
from monge.run.launch import launched

if TYPE_CHECKING:
    from monge.api import Run
    from monge.data.dataset import DataSet

BY_RECIPE = ("objective", "generator", "critic", "model", "steps", "training", "observe")
"""Settings that the recipe decides where they are not given."""
INTERRUPTED = 130
"""Exit status of a training that was asked to stop, and saved."""
SETTINGS = ("recipe", *BY_RECIPE, "augment", "seed", "start_from", "data")


@dataclass(frozen=True)
class Train:
    """Trains a generator on DATA, or continues the run that the same command began.

    Settings not given here come from --config, then from the recipe for this kind of data: monge train DATA --help
    shows them. Networks and objectives take options of their own: wgan-gp:weight=5, mlp:width=256:depth=3.
    """

    source: Annotated[str | None, Named(DATA), Written("DATA", positional=True)] = None
    """A folder of images, a file .npy, .npz, FILE.npz:KEY, .csv or .parquet, or a built-in name."""
    run: Annotated[Path | None, Written("DIR")] = None
    """Folder of the run; by default runs/DATA-RECIPE-SEED."""
    resume: Annotated[Path | None, Written("RUN")] = None
    """Continue this run with its own data and settings; of these, only --steps may be given anew."""
    moved: Annotated[str | None, Written("PATH", ("--data",))] = None
    """With --resume: where the run's data are now."""
    config: Annotated[Path | None, Written("FILE.toml")] = None
    """A TOML file with any of the settings below."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    threads: Annotated[str, Written("N")] = "auto"
    """auto (measured at the first start) or a number."""
    minutes: Annotated[float | None, Written("N")] = None
    """Train for so many minutes instead of --steps: measured at the first start, and then a number of steps."""
    checkpoint_every: Annotated[int | None, Written("N")] = None
    """Steps between checkpoints; by default as before, and in a new run every 30 s."""
    start_over: bool = False
    """Begin a run anew whose checkpoints are all damaged or gone; what is left of it is put aside."""
    tensorboard: Annotated[Path | None, Written("DIR", ("--log.tensorboard",))] = None
    """Also write what is logged for TensorBoard into this folder."""
    json: bool = False
    """Print one JSON document at the end."""
    given: Annotated[Mapping[str, Any], Settings(Config, SETTINGS)] = field(default_factory=dict)


def main(arguments: Sequence[str]) -> int:
    """Trains, or continues a run: in one process, or in those that torchrun started."""
    if not launched():
        return finish(*train(arguments))
    from monge.training.processes import joined, leads, led

    with joined():
        first = leads()
        run, data, as_json = train(arguments)
        status: str = led(lambda: run.facts()["status"])
    if first:
        return finish(run, data, as_json)
    return INTERRUPTED if status == "interrupted" else 0


def train(arguments: Sequence[str]) -> "tuple[Run, DataSet, bool]":
    """The run, its data, and whether the outcome is wanted as JSON."""
    asked = parse(Train, "train", arguments, defaults)
    check(asked)
    tensorboard.check(asked.tensorboard)

    from monge.api import Run
    from monge.cli.progress import TrainingBar
    from monge.data.summary import details, summary
    from monge.model.build import pick_device
    from monge.training.processes import in_turn, leads
    from monge.training.settings import choice
    from monge.training.train import train_config

    pick_device(asked.device)
    with in_turn():
        data, config = opened(asked)
    if (
        asked.resume is None
        and last_given(all_given(asked), "recipe") is None
        and (chosen := choice(data, config.recipe))
    ):
        NOTICES.say(chosen)
    for line in reversed(details(data)):
        NOTICES.say(line)
    NOTICES.say(summary(data))  # which stands before what was said earlier
    if not leads():
        NOTICES.silence()
    place = asked.tensorboard if leads() else None
    with TrainingBar(shown=leads()) as progress, TensorBoard(place, progress.show) as board:
        folder = train_config(
            config,
            data,
            run=asked.resume or asked.run,
            device=asked.device,
            threads=asked.threads,
            minutes=asked.minutes,
            checkpoint_every=asked.checkpoint_every,
            start_over=asked.start_over,
            display=board.show,
        )
    return Run(folder.path), data, asked.json


def check(asked: Train) -> None:
    """Refuses what does not go with --resume, or only with it, and two training times.

    Raises:
        UserError: names the argument.
    """
    if asked.minutes is not None and "steps" in asked.given:
        raise UserError(
            f"--minutes {asked.minutes:g} cannot be used with --steps {asked.given['steps']}; leave one out"
        )
    if asked.resume is None:
        if asked.source is None:
            raise UserError("DATA is missing; monge train --help lists the options")
        if asked.moved is not None:
            raise UserError(f"--data {asked.moved} needs --resume RUN; a new training takes DATA without a flag")
        return
    others = {"DATA": asked.source, "--run": asked.run, "--config": asked.config}
    others |= {f"--{key.replace('_', '-')}": key for key in keys(asked.given) if key != "steps"}
    if found := [name for name, value in others.items() if value is not None]:
        raise UserError(f"{found[0]} cannot be used with --resume, which takes data and settings from the run")


def keys(given: Mapping[str, Any]) -> list[str]:
    """Dotted names of the settings that were given."""
    return [
        name + inner
        for name, value in given.items()
        for inner in ([f".{key}" for key in keys(value)] if isinstance(value, Mapping) else [""])
    ]


def opened(asked: Train) -> "tuple[DataSet, Config]":
    """The data, and all settings of the training."""
    from monge import api
    from monge.data.source import open_source
    from monge.training.resume import continued
    from monge.training.settings import resolved

    if asked.resume is not None:
        run = api.open_run(asked.resume)
        moved = None if asked.moved is None else run.open_data(asked.moved)
        config, data = continued(run, moved, asked.given.get("steps"))
        return data, config
    given = all_given(asked)
    data = open_source(asked.source or "", merged(Config(), given).data)
    return data, resolved(data, given)


def all_given(asked: Train) -> list[Given]:
    """The settings that were given: those of the file, and the flags, which take precedence."""
    return [Given(f"--config {asked.config}", read_toml(asked.config)), Given("the command line", asked.given)]


def defaults(asked: Train) -> dict[str, Any]:
    """What each setting would be, or that the recipe decides, which depends on the data."""
    if asked.source is not None or asked.resume is not None:
        check(asked)
        return flatten(opened(asked)[1])
    return undecided(all_given(asked), {"recipe": "by data"} | dict.fromkeys(BY_RECIPE, "by recipe"))


def finish(run: Any, data: Any, as_json: bool) -> int:
    """Writes the report and says where everything is; exit status 130 when the run was interrupted."""
    import torch

    from monge.run.pool import torch_state

    facts = run.facts()
    if facts["status"] == "interrupted":
        again = f"monge train --resume {shlex.quote(str(run.path))}"
        text = f"interrupted and saved at step {facts['step']}; {again} continues"
        show({"run": str(run.path), "status": "interrupted", "step": facts["step"]}, as_json, text)
        return INTERRUPTED
    with torch_state():
        torch.set_num_threads(facts["threads"])
        report = run.write_report(data)
    # none where the log was lost
    bracket = next((entry["bracket"] for entry in reversed(run.entries()) if "bracket" in entry), None)
    lines = [f"run     {run.path}", f"report  {report}"]
    if bracket is not None:
        lines.insert(0, "  ".join(f"{name} {bracket[name]:.3g}" for name in ("excess", "lower", "upper", "floor")))
    document = {"run": str(run.path), "status": "finished", "step": facts["step"], "report": str(report)}
    show(document | {"bracket": bracket}, as_json, "\n".join(lines))
    return 0


def read_toml(path: Path | None) -> dict[str, Any]:
    """The settings of a TOML file; none for no file.

    Raises:
        UserError: the file is missing or not TOML.
    """
    if path is None:
        return {}
    try:
        content = read_file(path, LARGEST_TOML)
    except OSError as error:
        raise UserError(f"--config {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"--config {path} cannot be read: {error}") from error
    try:
        return parse_toml(content)
    except ValueError as error:
        raise UserError(f"--config {path} is not TOML: {error}") from error
