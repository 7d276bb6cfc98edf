"""`monge train DATA`: train a generator, or continue a run."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from monge.cli.parse import parse, show
from monge.config import Config, DataConfig, ObserveConfig, TrainingConfig, overlay
from monge.errors import UserError


@dataclass(frozen=True)
class Train:
    """Trains a generator on DATA, or continues the run that the same command began.

    DATA is a folder of images, an .npy or .npz file (file.npz:key names one array), or a built-in name: digits,
    toy:ring8, toy:grid25, toy:swissroll, toy:moons, toy:parallel-lines, toy:funnels. Options not given here come from
    --config, then from the recipe for this kind of data.
    """

    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="DATA")]
    """What to train on."""
    recipe: str | None = None
    """Settings that are known to work: digits, grid25, image, vector, paper-wgan, paper-wgan-gp."""
    run: Path | None = None
    """Folder of the run; by default runs/DATA-RECIPE-SEED."""
    device: str = "auto"
    """auto, cpu or cuda."""
    threads: str = "auto"
    """auto (measured at the first start) or a number."""
    checkpoint_every: int | None = None
    """Steps between checkpoints; by default every 30 s."""
    config: Path | None = None
    """A TOML file with any of the settings below."""
    json: bool = False
    """Print one JSON document at the end."""
    objective: str = "wgan-gp"
    """wgan or wgan-gp, with options: wgan-gp:weight=5."""
    generator: str = "mlp"
    """mlp or dcgan, with options: mlp:latent=32:width=256:depth=3."""
    critic: str = "mlp"
    """mlp or dcgan, with options: dcgan:width=32:norm=layer."""
    steps: int = 10_000
    """Generator updates in all; a larger number extends a finished run."""
    seed: int = 0
    """Everything random follows from it."""
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    observe: ObserveConfig = field(default_factory=ObserveConfig)


SHARED = [item.name for item in fields(Config)]


def main(arguments: Sequence[str]) -> int:
    """Parses twice: first to learn data and recipe, then with the recipe's settings as defaults."""
    first = parse(Train, "train", arguments)
    file = read_toml(first.config)
    chosen = {key: file.get(key) for key in ("recipe", "objective")}
    recipe = first.recipe or chosen["recipe"]
    given = any(argument.split("=")[0] == "--objective" for argument in arguments)
    objective = first.objective if given else chosen["objective"]
    threads = parse_threads(first.threads)

    from monge import api, assemble
    from monge.cli.progress import Progress

    assemble.pick_device(first.device)
    how = overlay(first.data, {}, "--data") if "data" not in file else _file_data(file, first, arguments)
    data = assemble.open_source(first.source, how)
    base = overlay(assemble.recommended(data, recipe, objective), file, str(first.config))
    base = replace(base, source=first.source, data=how)
    defaults = replace(first, **{name: getattr(base, name) for name in SHARED})
    full = parse(Train, "train", arguments, default=defaults)
    config = Config(**{name: getattr(full, name) for name in SHARED} | {"recipe": base.recipe})
    config = replace(config, source=full.source)

    with Progress(config.steps) as progress:
        run = api.train_config(
            config,
            data,
            run=full.run,
            device=full.device,
            threads=threads,
            checkpoint_every=full.checkpoint_every,
            display=progress.show,
        )
    return finish(run, full.json)


def finish(run: Any, as_json: bool) -> int:
    """Writes the report and says where everything is; exit status 130 when the run was interrupted."""
    facts = run.facts()
    if facts["status"] == "interrupted":
        text = f"interrupted and saved at step {facts['step']}; the same command continues"
        show({"run": str(run.path), "status": "interrupted", "step": facts["step"]}, as_json, text)
        return 130
    report = run.write_report()
    bracket = [entry["bracket"] for entry in run.entries() if "bracket" in entry][-1]
    numbers = "  ".join(f"{name} {bracket[name]:.3f}" for name in ("excess", "lower", "upper", "floor"))
    document = {"run": str(run.path), "status": "finished", "step": facts["step"], "report": str(report)}
    show(document | {"bracket": bracket}, as_json, f"{numbers}\nrun     {run.path}\nreport  {report}")
    return 0


def read_toml(path: Path | None) -> dict[str, Any]:
    """The settings of a TOML file; none for no file.

    Raises:
        UserError: the file is missing or not TOML.
    """
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"--config {path} cannot be read: {error}") from error


def parse_threads(text: str) -> int | Literal["auto"]:
    """A thread count.

    Raises:
        UserError: neither `auto` nor a positive number.
    """
    if text == "auto":
        return "auto"
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise UserError(f"--threads {text}: auto or a number from 1 is allowed")
    return int(text)


def _file_data(file: dict[str, Any], first: Train, arguments: Sequence[str]) -> DataConfig:
    merged = overlay(DataConfig(), file["data"], f"{first.config}: data")
    return parse(Train, "train", arguments, default=replace(first, data=merged)).data
