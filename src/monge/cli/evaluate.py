"""`monge evaluate RUN`: all metrics as a table and in `metrics.json`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from monge.cli.parse import check_seed, parse, show
from monge.cli.text import aligned, error, number
from monge.data.source import takes

if TYPE_CHECKING:
    from monge.run.folder import RunFolder

NOTES = {
    "lower": "W1 is at least this, at {confidence:.0%} confidence; {lipschitz}",
    "upper": "exact transport; too large at finite n",
    "spread": "the same between generated samples",
    "excess": "upper - (floor + spread) / 2: watch this one",
    "upper_over_floor": "rewards blur, more than the excess does",
    "precision": "share of generated samples in the real manifold",
    "recall": "share of real samples in the generated manifold",
    "density": "real balls around a generated sample, over the expected",
    "coverage": "share of real balls with a generated sample",
    "kid": "kernel distance, unbiased; in the features' scale",
    "frechet": "of Gaussians fitted to the features; biased by the floor",
    "variance_ratio": "total variance, generated over real",
    "novelty": "distance to training samples, over that of held-out ones",
    "copying_rank": "below the floor by several errors if it copies",
    "copying_share": "above the floor by several errors if it copies",
    "class_score": "how sure and varied the samples' classes are",
    "class_accuracy": "of the classifier, on real samples that it was not fitted to",
    "class_shares": "as a support vector classifier of the real ones sees them",
    "class_agreement": "share with the class that was asked for",
    "code_purity": "how well each code stands for a class",
    "bright_share": "of pixels",
    "modes": "that hold a sample within three deviations",
    "high_quality": "share of samples within three deviations of a mode",
    "mode_kl": "KL of the modes' shares from equal ones, nats",
}
HEAD = ("figure", "value", "error", "real floor", "")
Row = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Evaluate:
    """Measures the generator of RUN against its data, into metrics.json, or against --data.

    Every figure is shown with its standard error, and with what real samples show in the generator's place: the same
    between training and held-out samples of the same numbers.
    """

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder of the run."""
    data: Annotated[str | None, tyro.conf.arg(metavar="DATA")] = None
    """Other data to measure against, of the same sample shape; read as the run's own are."""
    features: Annotated[str, tyro.conf.arg(metavar="NAME")] = "raw"
    """What precision to Frechet and copying are measured on: raw (pixels, or the vectors themselves), classifier (the
    last hidden layer of a small classifier of the data's labels, fitted once and kept in the cache folder), or
    inception:FILE (of images: the network of the FID, with weights from pt_inception-2015-12-05-6726825d.pth or the
    same as .safetensors)."""
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
    data = None if asked.data is None else api.load_data(asked.data, **reading(asked.data, run))
    document = run.evaluate(data, seed=asked.seed, weights=asked.weights, features=asked.features).as_json()
    show(document, asked.json, table(document))
    return 0


def reading(source: str, run: "RunFolder") -> dict[str, Any]:
    """How the run's own data are read, as far as that applies to the source."""
    from monge.model.load import config_of

    how = config_of(run).data
    return {name: getattr(how, name) for name in takes(source, how.label)}


def table(document: Mapping[str, Any]) -> str:
    """The figures for people: name, value, error, real floor, and a note or why the figure is unreliable."""
    bracket, counts = document["bracket"], document["counts"]
    first, others = {name: bracket[name] for name in ("lower", "upper", "spread", "excess")}, dict(document["metrics"])
    first["upper_over_floor"] = others.pop("upper_over_floor")
    notes = {name: note.format_map(bracket) for name, note in NOTES.items()}
    notes |= {"lower": bracket["no_lower_limit"]} if "no_lower_limit" in bracket else {}
    notes |= {name: f"unreliable: {reason}" for name, reason in document["unreliable"].items()}
    parts = [list(rows(figures, document["errors"], document["floors"], notes)) for figures in (first, others)]
    lines = aligned([HEAD, *parts[0], *parts[1]])
    split = len(parts[0]) + 1
    transport = f"W1 of {counts['bracket']:,} generated to {counts['bracket']:,} held-out samples"
    compared = (
        f"{counts['manifold_real']:,} training against {counts['manifold_generated']:,} generated samples "
        f"(floor: {counts['held_out']:,} held-out ones), {document['features']} features"
    )
    return "\n".join([lines[0], transport, *lines[1:split], compared, *lines[split:]])


def rows(
    figures: Mapping[str, Any], errors: Any, floors: Any, notes: Mapping[str, str], indent: str = "  "
) -> Iterator[Row]:
    """One row for each figure; those with several values have a row of their own above them."""
    for name, value in figures.items():
        own = [found.get(name) if isinstance(found, Mapping) else None for found in (errors, floors)]
        note = notes.get(name, "")
        if isinstance(value, Mapping):
            yield indent + name, "", "", "", note
            yield from rows(value, own[0], own[1], {}, indent + "  ")
        elif isinstance(value, list):
            yield indent + name, "", "", "", note
            yield from rows({str(i): part for i, part in enumerate(value)}, None, None, {}, indent + "  ")
        elif isinstance(value, str):
            yield indent + name, "", "", "", value
        else:
            yield indent + name, number(value), error(own[0]), "" if own[1] is None else number(own[1]), note
