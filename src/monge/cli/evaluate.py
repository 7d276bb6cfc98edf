"""`monge evaluate RUN`: all metrics as a table and in `metrics.json`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from monge.cli.option import Written
from monge.cli.parse import at_least, parse, show


@dataclass(frozen=True)
class Evaluate:
    """Measures the generator of RUN against its data, into metrics.json, or against other data.

    Every figure is shown with its standard error, and with what real samples show in the generator's place: the same
    between training and held-out samples of the same numbers.
    """

    run: Annotated[Path, Written("RUN", positional=True)]
    """Folder of the run."""
    data: Annotated[str | None, Written("DATA")] = None
    """Other data to measure against, of the same sample shape, or where the run's own are now; read as these are."""
    features: Annotated[str, Written("NAME")] = "raw"
    """What precision to Frechet and copying are measured on: raw (pixels, or the vectors themselves), classifier (the
    last hidden layer of a small classifier of the data's labels, fitted once and kept in the cache folder), or
    inception:FILE (of images: the network of the FID, with weights from pt_inception-2015-12-05-6726825d.pth or the
    same as .safetensors)."""
    statistics: bool = False
    """Of grey images, also the phase fraction, two-point correlations and surface length of pixels above a threshold:
    the midpoint of two values, Otsu's of more."""
    seed: int = 0
    """Seed of the generated samples."""
    weights: str = "ema"
    """ema (averaged), raw, or best (averaged, of the checkpoint nearest to the validation part)."""
    json: bool = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Measures and shows."""
    asked = parse(Evaluate, "evaluate", arguments)
    at_least(0, seed=asked.seed)

    from monge import api
    from monge.evaluation.table import evaluation_text

    run = api.open_run(asked.run)
    data = None if asked.data is None else run.open_data(asked.data)
    measured = run.evaluate(
        data, seed=asked.seed, weights=asked.weights, features=asked.features, statistics=asked.statistics
    )
    document = measured.as_json()
    show(document, asked.json, evaluation_text(document))
    return 0
