"""`monge reproduce NAME`: show a claim of the theory by an experiment."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from monge.cli.parse import check_seed, parse, show
from monge.errors import UserError


@dataclass(frozen=True)
class Reproduce:
    """Runs an experiment, or continues it where it was interrupted, and writes numbers and a table into a folder."""

    name: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME")]
    """w1-benchmark."""
    budget: Literal["quick", "full"] = "quick"
    """quick: a part of the experiment in minutes; full: all of it."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """Folder of the results; runs/reproduce/NAME if not given."""
    pairs: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The published parameters of w1-benchmark's pairs, .npz; own pairs are drawn without it."""
    seed: int = 0
    """Decides everything random."""
    jobs: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Processes of one thread each; 0 is one for each core."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Runs the experiment."""
    asked = parse(Reproduce, "reproduce", arguments)
    check_seed(asked.seed)
    if asked.jobs < 0:
        raise UserError(f"--jobs {asked.jobs}: at least 0 is allowed")

    from monge.catalogue import EXPERIMENTS, lookup

    run = lookup(EXPERIMENTS, "experiment", asked.name).load()
    folder = asked.out or Path("runs") / "reproduce" / asked.name
    result = run(
        folder,
        asked.budget,
        seed=asked.seed,
        parameters=asked.pairs,
        jobs=asked.jobs or None,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    show(result, asked.json, (folder / "table.md").read_text())
    return 0
