"""`monge train DATA`: train a generator, or continue a run."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from monge.cli.notice import NOTICES
from monge.cli.parse import named, parse, show
from monge.config.overlay import overlay
from monge.config.registry import CRITICS, DATA, GENERATORS, OBJECTIVES, RECIPES
from monge.config.schema import Config, DataConfig, ObserveConfig, TrainingConfig
from monge.errors import UserError


@dataclass(frozen=True)
class Train:
    """Trains a generator on DATA, or continues the run that the same command began.

    Options not given here come from --config, then from the recipe for this kind of data, which replaces the
    defaults shown below. Networks and objectives take options of their own: wgan-gp:weight=5, mlp:width=256:depth=3.
    """

    source: Annotated[
        tyro.conf.Positional[str],
        named("A folder of images, a file .npy, .npz, FILE.npz:KEY, .csv or .parquet, or a built-in name", DATA),
        tyro.conf.arg(metavar="DATA"),
    ]
    recipe: Annotated[str | None, named("Settings that are known to work", RECIPES)] = None
    run: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the run; by default runs/DATA-RECIPE-SEED."""
    device: str = "auto"
    """auto, cpu or cuda."""
    threads: Annotated[str, tyro.conf.arg(metavar="N")] = "auto"
    """auto (measured at the first start) or a number."""
    checkpoint_every: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Steps between checkpoints; by default every 30 s."""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """A TOML file with any of the settings below."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document at the end."""
    objective: Annotated[
        str, named("What the two networks play for; brings its published training rule", OBJECTIVES)
    ] = "wgan-gp"
    generator: Annotated[str, named("Network from latent codes to samples", GENERATORS)] = "mlp"
    critic: Annotated[str, named("Network from samples to numbers", CRITICS)] = "mlp"
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
    asked = parse(Train, "train", arguments)
    first = replace(asked, json=False)  # as a default of the second parse, true would take the flag away
    where = f"--config {first.config}"
    file = read_toml(first.config)
    settings = overlay(Config(), file, where)
    flags = {argument.split("=")[0] for argument in arguments}
    recipe = first.recipe or file.pop("recipe", None)
    objective = first.objective if "--objective" in flags else file.get("objective")
    how = parse(Train, "train", arguments, default=replace(first, data=settings.data)).data

    from monge import api
    from monge.cli.progress import TrainingBar
    from monge.data.source import open_source
    from monge.data.summary import summary
    from monge.model.build import pick_device
    from monge.training.settings import recommended
    from monge.training.train import train_config

    pick_device(first.device)
    data = open_source(first.source, how)
    NOTICES.say(summary(data))
    own_batch = "--training.batch" in flags or "batch" in file.get("training", {})
    base = recommended(data, recipe, objective, own_batch=own_batch)
    base = replace(overlay(base, file, where), recipe=base.recipe, source=data.info.source or first.source, data=how)
    full = parse(Train, "train", arguments, default=replace(first, **{name: getattr(base, name) for name in SHARED}))
    config = Config(**{name: getattr(full, name) for name in SHARED} | {"recipe": base.recipe, "source": base.source})

    with TrainingBar(config.steps) as progress:
        folder = train_config(
            config,
            data,
            run=full.run,
            device=full.device,
            threads=full.threads,
            checkpoint_every=full.checkpoint_every,
            display=progress.show,
        )
    return finish(api.Run(folder.path), data, asked.json)


def finish(run: Any, data: Any, as_json: bool) -> int:
    """Writes the report and says where everything is; exit status 130 when the run was interrupted."""
    import torch

    from monge.run.pool import torch_state

    facts = run.facts()
    if facts["status"] == "interrupted":
        text = f"interrupted and saved at step {facts['step']}; the same command continues"
        show({"run": str(run.path), "status": "interrupted", "step": facts["step"]}, as_json, text)
        return 130
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
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise UserError(f"--config {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"--config {path} is not TOML: {error}") from error
