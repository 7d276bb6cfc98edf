"""`monge reproduce NAME`: show claims of the theory by an experiment."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from monge.cli.option import Written
from monge.cli.parse import at_least, parse, show
from monge.config.registry import EXPERIMENTS
from monge.config.schema import Named
from monge.errors import UserError, unknown_name

ALL = "all"
NAMES = (*EXPERIMENTS, ALL)


@dataclass(frozen=True)
class Reproduce:
    """Runs an experiment, or continues it where it was interrupted, and writes numbers and a table into a folder."""

    name: Annotated[str | None, Named(NAMES), Written("NAME", positional=True)] = None
    """The experiment, or all of them."""
    budget: Literal["quick", "full"] = "quick"
    """quick: a part of the experiment in minutes; full: all of it."""
    out: Annotated[Path | None, Written("DIR")] = None
    """Folder of the results; runs/reproduce/NAME if not given. With all, one folder in it for each experiment."""
    pairs: Annotated[Path | None, Written("FILE")] = None
    """The published parameters of w1-benchmark's pairs, .npz; own pairs are drawn without it."""
    seed: int = 0
    """Decides everything random."""
    jobs: Annotated[int, Written("N")] = 0
    """Processes of one thread each; 0 is one for each core."""
    again: bool = False
    """Measure everything again, even what an earlier call kept."""
    json: bool = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Runs the experiment, or all."""
    asked = parse(Reproduce, "reproduce", arguments)
    at_least(0, seed=asked.seed, jobs=asked.jobs)
    if asked.name is None:
        raise UserError(f"NAME is missing; allowed: {', '.join(NAMES)}")
    if asked.name not in NAMES:
        raise unknown_name("experiment", asked.name, NAMES)
    if asked.name == ALL:
        return reproduce_all(asked)
    folder = asked.out or Path("runs") / "reproduce" / asked.name
    experiment: Any = EXPERIMENTS[asked.name].load()
    result = measured(asked, experiment, folder)
    show(result, asked.json, finding(experiment, result))
    return 0


def finding(experiment: Any, result: Mapping[str, Any]) -> str:
    """The tables, each claim in words with its verdict and what was measured, and the files."""
    from monge.experiment.page import in_words

    claims = []
    for name, text in experiment.claims.items():
        facts = result["verdicts"][name]
        claims.append("\n    ".join([f"{facts['verdict'].upper()}: {text}", *in_words(facts)]))
    return "\n".join([experiment.markdown(result["rows"]), *claims, "", *result["files"]])


def reproduce_all(asked: Reproduce) -> int:
    """Runs every experiment, shows all claims with their verdicts, and writes a page of them."""
    from monge.experiment.experiment import Table
    from monge.experiment.page import PAGE, read, write_claims

    folder = asked.out or Path("runs") / "reproduce"
    verdicts: dict[str, Any] = {}
    rows = []
    for name in EXPERIMENTS:
        experiment: Any = EXPERIMENTS[name].load()
        pairs = asked.pairs if experiment.published_cells else None
        verdicts[name] = measured(replace(asked, pairs=pairs), experiment, folder / name)["verdicts"]
        rows += [[name, text, verdicts[name][claim]["verdict"]] for claim, text in experiment.claims.items()]
    page = folder / PAGE
    write_claims(page, [read(name, folder / name) for name in EXPERIMENTS])
    facts = {"budget": asked.budget, "seed": asked.seed, "out": str(folder), "page": str(page), "verdicts": verdicts}
    table = Table(["experiment", "claim", "verdict"], rows).markdown()
    show(facts, asked.json, f"{table}\nfigures and numbers: {page}")
    return 0


def measured(asked: Reproduce, experiment: Any, folder: Path) -> dict[str, Any]:
    """What one experiment finds, its progress on standard error."""
    result: dict[str, Any] = experiment(
        folder,
        asked.budget,
        seed=asked.seed,
        parameters=asked.pairs,
        jobs=asked.jobs or None,
        again=asked.again,
        say=lambda line: print(f"{experiment.name}: {line}", file=sys.stderr, flush=True),
    )
    return result
