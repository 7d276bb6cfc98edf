"""`monge compare DATA --objectives A B`: objectives under one budget, on the same data and networks."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from monge.cli.notice import NOTICES
from monge.cli.option import Settings, Written
from monge.cli.parse import at_least, parse, paths_text, show, undecided
from monge.config.overlay import Given, merged
from monge.config.registry import CRITICS, DATA, GENERATORS, OBJECTIVES, RECIPES
from monge.config.schema import Config, Named
from monge.errors import UserError
from monge.run.files import write_atomically

if TYPE_CHECKING:
    from monge.data.dataset import DataSet
    from monge.experiment.compare import Trial

ALL = "all"


@dataclass(frozen=True)
class Compare:
    """Trains each objective on DATA with the same networks and budget, and compares what comes out.

    Each objective has its own published training rule; flags given here apply to all. With several critics, each
    objective is trained against each of them. Finished runs are read, so that the same command continues a comparison,
    and more objectives or seeds add to it.
    """

    source: Annotated[str, Named(DATA), Written("DATA", positional=True)]
    """A folder of images, a file .npy, .npz, FILE.npz:KEY, .csv or .parquet, or a built-in name."""
    objectives: Annotated[tuple[str, ...], Named(OBJECTIVES)] = ("gan", "wgan", "wgan-gp")
    """Names with spaces or commas between them, each with options of its own, or all."""
    critics: Annotated[tuple[str, ...], Named(CRITICS), Written("NAME", ("--critics", "--critic"))] = ()
    """Networks from samples to numbers, the recipe's by default."""
    seeds: int = 3
    """Runs of each, with seeds from 0."""
    steps: int | None = None
    """Generator updates of each run; by default the recipe's."""
    seconds: float | None = None
    """Seconds of training of each run, in place of steps, as timed when it starts."""
    out: Annotated[Path | None, Written("DIR")] = None
    """Folder of runs and results; runs/compare/DATA if not given."""
    jobs: Annotated[int, Written("N")] = 0
    """Runs at once, of one thread each; 0 is one for each core."""
    recipe: Annotated[str | None, Named(RECIPES)] = None
    """Settings that are known to work, chosen by the data by default."""
    generator: Annotated[str | None, Named(GENERATORS)] = None
    """Network from latent codes to samples, the recipe's by default."""
    json: bool = False
    """Print one JSON document."""
    given: Annotated[Mapping[str, Any], Settings(Config, ("data", "training"))] = field(default_factory=dict)

    @property
    def layers(self) -> list[Given]:
        """The settings that were given."""
        return [Given("the command line", self.given)]


def main(arguments: Sequence[str]) -> int:
    """Trains, evaluates and compares."""
    asked = parse(Compare, "compare", arguments, lambda asked: undecided(asked.layers, {"training": "by objective"}))
    check(asked)

    from monge.data.source import open_source
    from monge.data.summary import summary
    from monge.experiment import compare
    from monge.experiment.summary import conclusion, summed, table
    from monge.run.pool import cores

    data = open_source(asked.source, merged(Config(), asked.layers).data)
    folder = asked.out or Path("runs") / "compare" / data.info.name
    document: dict[str, Any] = {
        "data": data.info.source,
        "fingerprint": data.fingerprint,
        "steps": asked.steps,
        "seconds": asked.seconds,
    }
    compare.refuse_other(folder, document)
    trials = trials_of(asked, data, folder)
    compare.refuse_others(trials, data)
    compare.begin(folder, document)
    NOTICES.say(summary(data))
    NOTICES.release()
    results = compare.conduct(
        trials, asked.jobs or cores(), lambda line: print(f"compare: {line}", file=sys.stderr, flush=True)
    )
    figures = summed(results)
    document |= {"seeds": asked.seeds, "summary": figures, "runs": results}
    shown = table(figures)
    contents = {
        "compare.md": shown.encode(),
        "compare.png": compare.comparison_picture(trials, results, data),
        compare.SUMMARY: compare.encoded(document),
    }
    write(folder, contents)
    paths = paths_text(
        {"table": folder / "compare.md", "picture": folder / "compare.png", "numbers": folder / compare.SUMMARY}
    )
    show(document, asked.json, f"{shown}\n{conclusion(results)}\n\n{paths}")
    return 0


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Writes files by their names in a folder.

    Raises:
        UserError: they cannot be written.
    """
    try:
        for name, content in contents.items():
            write_atomically(folder / name, content)
    except OSError as error:
        raise UserError(f"--out {folder} cannot be written: {error.strerror or error}") from error


def check(asked: Compare) -> None:
    """Refuses values outside their range.

    Raises:
        UserError: names the option, the value and what is allowed.
    """
    at_least(1, seeds=asked.seeds, steps=asked.steps)
    at_least(0, jobs=asked.jobs)
    if asked.seconds is not None and not 0 < asked.seconds <= 1e6:
        raise UserError(f"--seconds must be above 0 and at most 1e6; got {asked.seconds:g}")
    if asked.seconds is not None and asked.steps is not None:
        raise UserError("--seconds and --steps cannot be used together: both set the budget")


def names(asked: Compare, labelled: bool) -> list[str]:
    """The specs of the objectives; those that need labels only where the data has some."""
    if asked.objectives == (ALL,):
        return [name for name, entry in OBJECTIVES.items() if labelled or not entry.rule.get("conditional")]
    return separated(asked.objectives)


def separated(words: Sequence[str]) -> list[str]:
    """The different names in words, which may have commas between them."""
    return list(dict.fromkeys(name for word in words for name in word.split(",") if name))


def trials_of(asked: Compare, data: "DataSet", folder: Path) -> "list[Trial]":
    """Every objective with every critic and seed; all of them are refused if one cannot be assembled.

    Raises:
        UserError: an unknown name, or a combination that is refused.
    """
    import torch

    from monge.experiment.compare import Trial
    from monge.training.assemble import assemble
    from monge.training.settings import published

    trials = []
    critics = separated(asked.critics)
    for spec, critic in product(names(asked, data.train.labels is not None), critics or (None,)):
        base = published(data, asked.recipe, spec, asked.generator, critic)
        config = merged(replace(base, source=str(data.info.source), steps=asked.steps or base.steps), asked.layers)
        assemble(config, data, torch.device("cpu"))
        several = critic if len(critics) > 1 else None
        name = "-".join([spec, *([several] if several else [])]).replace(":", "-")
        for seed in range(asked.seeds):
            trials.append(Trial(spec, replace(config, seed=seed), folder / f"{name}-{seed}", asked.seconds, several))
    return trials
