"""`monge compare DATA --objectives A B`: objectives under one budget, on the same data and networks."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from monge.cli.parse import named, parse, show
from monge.config.registry import CRITICS, DATA, GENERATORS, OBJECTIVES, RECIPES
from monge.config.schema import DataConfig, TrainingConfig
from monge.errors import UserError
from monge.run.files import write_atomically

if TYPE_CHECKING:
    from monge.data.dataset import DataSet
    from monge.experiment.compare import Trial

ALL = "all"


@dataclass(frozen=True)
class Compare:
    """Trains each objective on DATA with the same networks and budget, and compares what comes out.

    Each objective has its own published training rule; flags given here apply to all. Finished runs are read, so that
    the same command continues a comparison, and more objectives or seeds add to it.
    """

    source: Annotated[
        tyro.conf.Positional[str],
        named("A folder of images, a file .npy, .npz, FILE.npz:KEY, .csv or .parquet, or a built-in name", DATA),
        tyro.conf.arg(metavar="DATA"),
    ]
    objectives: Annotated[
        str, named("Names with commas between them, each with options of its own, or all", OBJECTIVES)
    ] = "gan,wgan,wgan-gp"
    seeds: int = 3
    """Runs of each, with seeds from 0."""
    steps: int | None = None
    """Generator updates of each run; by default the recipe's."""
    seconds: float | None = None
    """Seconds of training of each run, in place of steps, as timed when it starts."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of runs and results; runs/compare/DATA if not given."""
    jobs: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Runs at once, of one thread each; 0 is one for each core."""
    recipe: Annotated[str | None, named("Settings that are known to work", RECIPES)] = None
    generator: Annotated[str | None, named("Network from latent codes to samples", GENERATORS)] = None
    critic: Annotated[str | None, named("Network from samples to numbers", CRITICS)] = None
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document."""
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def main(arguments: Sequence[str]) -> int:
    """Trains, evaluates and compares."""
    asked = replace(parse(Compare, "compare", arguments), json=False)
    as_json = "--json" in arguments
    check(asked)

    from monge.data.source import open_source
    from monge.experiment import compare
    from monge.run.pool import cores

    data = open_source(asked.source, asked.data)
    folder = asked.out or Path("runs") / "compare" / data.info.name
    document: dict[str, Any] = {
        "data": data.info.source,
        "fingerprint": data.fingerprint,
        "steps": asked.steps,
        "seconds": asked.seconds,
    }
    compare.refuse_other(folder, document)
    trials = trials_of(asked, arguments, data, folder)
    compare.refuse_others(trials, data)
    compare.begin(folder, document)
    results = compare.conduct(
        trials, asked.jobs or cores(), lambda line: print(f"compare: {line}", file=sys.stderr, flush=True)
    )
    summed = compare.summed_by_objective(results)
    document |= {"seeds": asked.seeds, "summary": summed, "runs": results}
    try:
        write_atomically(folder / compare.SUMMARY, compare.encoded(document))
        write_atomically(folder / "compare.png", compare.comparison_picture(trials, results, data))
        write_atomically(folder / "compare.md", compare.table(summed).encode())
    except OSError as error:
        raise UserError(f"--out {folder} cannot be written: {error.strerror or error}") from error
    show(document, as_json, f"{compare.table(summed)}\n{folder / 'compare.png'}")
    return 0


def check(asked: Compare) -> None:
    """Refuses values outside their range.

    Raises:
        UserError: names the option, the value and what is allowed.
    """
    for flag, value in (("--seeds", asked.seeds), ("--steps", asked.steps), ("--jobs", asked.jobs or 1)):
        if value is not None and value < 1:
            raise UserError(f"{flag} {value}: at least 1 is allowed")
    if asked.seconds is not None and not 0 < asked.seconds <= 1e6:
        raise UserError(f"--seconds {asked.seconds:g}: above 0, at most 1e6, is allowed")
    if asked.seconds is not None and asked.steps is not None:
        raise UserError("--seconds and --steps: one budget is allowed, not both")


def names(asked: Compare, labelled: bool) -> list[str]:
    """The specs of the objectives; those that need labels only where the data has some."""
    if asked.objectives == ALL:
        return [name for name, entry in OBJECTIVES.items() if labelled or not entry.rule.get("conditional")]
    return list(dict.fromkeys(name for name in asked.objectives.split(",") if name))


def trials_of(asked: Compare, arguments: Sequence[str], data: "DataSet", folder: Path) -> "list[Trial]":
    """Every objective with every seed; all of them are refused if one cannot be assembled.

    Raises:
        UserError: an unknown name, or a combination that is refused.
    """
    import torch

    from monge.experiment.compare import Trial
    from monge.training.assemble import assemble
    from monge.training.settings import published

    trials = []
    for spec in names(asked, data.train.labels is not None):
        base = published(data, asked.recipe, spec, asked.generator, asked.critic)
        rule = parse(Compare, "compare", arguments, default=replace(asked, training=base.training)).training
        config = replace(
            base, source=str(data.info.source), training=rule, data=asked.data, steps=asked.steps or base.steps
        )
        assemble(config, data, torch.device("cpu"))
        for seed in range(asked.seeds):
            place = folder / f"{spec.replace(':', '-')}-{seed}"
            trials.append(Trial(spec, replace(config, seed=seed), place, asked.seconds))
    return trials
