"""`monge evaluate RUN`: all metrics as a table and in `metrics.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from monge.cli.parse import check_seed, parse, show


@dataclass(frozen=True)
class Evaluate:
    """Measures the generator of RUN against its data, into metrics.json, or against --data."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder of the run."""
    data: Annotated[str | None, tyro.conf.arg(metavar="DATA")] = None
    """Other data to measure against, of the same sample shape."""
    seed: int = 0
    """Seed of the generated samples."""
    weights: str = "ema"
    """ema (averaged) or raw."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Measures and shows."""
    asked = parse(Evaluate, "evaluate", arguments)
    check_seed(asked.seed)

    from monge import api

    run = api.open_run(asked.run)
    data = None if asked.data is None else api.load_data(asked.data)
    document = run.evaluate(data, seed=asked.seed, weights=asked.weights).as_json()
    show(document, asked.json, "\n".join(lines(document["bracket"] | document["metrics"])))
    return 0


def lines(figures: Mapping[str, Any], indent: str = "") -> list[str]:
    """One line for each figure."""
    text = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            text += [f"{indent}{name}", *lines(value, indent + "  ")]
        else:
            text.append(f"{indent}{name:18} {value:.4f}" if isinstance(value, float) else f"{indent}{name:18} {value}")
    return text
