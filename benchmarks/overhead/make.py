"""What a training spends on anything but training: `python benchmarks/overhead/make.py [RESULT.json] [DATA ...]`.

Trains by default settings, on `digits` and `toy:grid25` or the data that are named, and adds up the seconds of the
loop's hooks: checkpoints, the log, brackets and pictures, as a share of the seconds of the loop. On a quiet machine.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from monge import cli
from monge.experiment.sweep import installed
from monge.training import train
from monge.training.loop import Hooks

DATA = ("digits", "toy:grid25")
KINDS = ("observe", "log", "save")


def timed(function: Callable[..., Any] | None, spent: dict[str, float], kind: str) -> Any:
    """The same function, whose seconds are added up."""
    if function is None:
        return None

    def call(*arguments: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[kind] += time.perf_counter() - start

    return call


def shares(data: str) -> dict[str, float]:
    """Trains by default settings with one thread; seconds of the loop, and the share of each kind of hook."""
    spent, loop = dict.fromkeys((*KINDS, "loop"), 0.0), train.run_loop

    def watched(state: Any, objective: Any, sampler: Any, settings: Any, hooks: Hooks, **how: Any) -> Any:
        own = replace(hooks, **{kind: timed(getattr(hooks, kind), spent, kind) for kind in KINDS})
        return timed(loop, spent, "loop")(state, objective, sampler, settings, own, **how)

    with tempfile.TemporaryDirectory() as folder:
        train.run_loop = watched
        try:
            if cli.run(["train", data, "--threads", "1", "--run", f"{folder}/run"]):
                raise SystemExit(f"training on {data} failed")
        finally:
            train.run_loop = loop
    parts = {kind: 100 * spent[kind] / spent["loop"] for kind in KINDS}
    return {"seconds": spent["loop"], **parts, "all": sum(parts.values())}


def main(path: str | None = None, *data: str) -> None:
    """Measures all, prints a table and writes the result."""
    found = {Path(name).name: shares(name) for name in data or DATA}
    print("| data | seconds | brackets and pictures, % | log, % | checkpoints, % | all, % |\n|---|---|---|---|---|---|")
    for name, row in found.items():
        values = " | ".join(f"{row[kind]:.2f}" for kind in (*KINDS, "all"))
        print(f"| {name} | {row['seconds']:.0f} | {values} |")
    if path is not None:
        Path(path).write_text(json.dumps({"versions": installed(), "percent": found}, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
