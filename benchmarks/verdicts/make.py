"""Trains the runs that the report's verdict is tested on, and writes their figures to `runs.json`.

    python benchmarks/verdicts/make.py fashion_mnist.npz FOLDER

Runs that are finished in FOLDER are not trained again. Of each run are kept: how it was made and how long it took, its
status, the last entries of its log, and what the verdict reads of `monge evaluate`; and figures that it does not read.
By those, and by a look at the samples, `QUALITY` was ordered.
"""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from monge import api
from monge.evaluation.features import features_of
from monge.metric.frechet import frechet

ENTRIES = 6
"""Entries with a bracket that are kept: the last ones."""
JUDGED = 1000
"""Samples on each side of the Frechet distance of a classifier's features, at most."""
READ = ("precision", "recall", "novelty")
"""Metrics that the verdict reads."""
MODES = ("modes", "high_quality", "mode_kl")
"""Metrics of toys that it does not read."""

DIGITS: dict[str, Any] = {"source": "digits"}
RING: dict[str, Any] = {"source": "toy:ring8"}
GRID: dict[str, Any] = {"source": "toy:grid25", "recipe": "grid25"}
FASHION: dict[str, Any] = {"source": "fashion_mnist.npz", "recipe": "digits", "data": {"size": 16}}

RUNS: dict[str, dict[str, Any]] = {
    "digits-10": DIGITS | {"steps": 10},
    "digits-high-rate": DIGITS | {"steps": 1500, "training": {"learning_rate": 0.03}},
    "digits-clip-small": DIGITS | {"steps": 1500, "objective": "wgan:bound=0.00001"},
    "digits-clip-large": DIGITS | {"steps": 1500, "objective": "wgan:bound=1"},
    "digits-100": DIGITS | {"steps": 100},
    "digits-gan": DIGITS | {"steps": 1500, "objective": "gan", "training": {"n_critic": 1}},
    "digits-1000": DIGITS | {"steps": 1000},
    "digits-full": DIGITS,
    "fashion-100": FASHION | {"steps": 100},
    "fashion-2000": FASHION | {"steps": 2000},
    "ring-10": RING | {"steps": 10},
    "ring-high-rate": RING
    | {
        "steps": 600,
        "objective": "gan-minimax",
        "training": {"learning_rate": 0.01, "n_critic": 5},
        "observe": {"bracket": 60},
    },
    "ring-100": RING | {"steps": 100},
    "ring-1000": RING | {"steps": 1000},
    "grid-2000": GRID | {"steps": 2000, "observe": {"bracket": 200}},
}
"""Keywords of `monge.train`."""

QUALITY: dict[str, tuple[int, str]] = {
    "digits-clip-small": (1, "grey noise"),
    "digits-10": (2, "grey noise"),
    "ring-10": (3, "a wedge that touches no mode"),
    "ring-high-rate": (4, "points far outside"),
    "digits-high-rate": (5, "one pattern of black and white pixels, a little varied"),
    "ring-100": (6, "a cloud around the circle, 1 % of it in modes"),
    "digits-100": (7, "blurred strokes, few digits can be read"),
    "fashion-100": (8, "blurred outlines of garments under noise"),
    "digits-clip-large": (9, "strokes of digits, half of them can be guessed"),
    "digits-1000": (10, "most digits can be read, strokes are ragged"),
    "grid-2000": (11, "all modes, and a mesh of points between them"),
    "digits-gan": (12, "most digits can be read, strokes are ragged"),
    "fashion-2000": (13, "garments with rough edges and without detail"),
    "ring-1000": (14, "all modes, few points between them"),
    "digits-full": (15, "digits that can be read, a few odd strokes"),
}
"""The order of quality, the worst first, and what the samples look like."""


def main(fashion: str, folder: str) -> None:
    """Makes what is missing, and writes the document."""
    runs = {name: document(name, dict(how), Path(fashion), Path(folder) / name) for name, how in RUNS.items()}
    packages = ("monge", "torch", "numpy", "scikit-learn")
    facts = {
        "command": "python benchmarks/verdicts/make.py fashion_mnist.npz FOLDER",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        "machine": "one thread of two shared cores, other work beside",
    }
    lines = [f"{json.dumps(name)}: {json.dumps(run)}" for name, run in runs.items()]
    place = Path(__file__).with_name("runs.json")
    place.write_text(json.dumps(facts)[:-1] + ', "runs": {\n' + ",\n".join(lines) + "\n}}\n")


def document(name: str, how: dict[str, Any], fashion: Path, folder: Path) -> dict[str, Any]:
    """What is kept of a run, which is trained first if it is not."""
    shown = dict(how)
    if how["source"] == FASHION["source"]:
        how["source"] = str(fashion)
    run = api.train(how.pop("source"), run=folder, threads=1, **how)
    metrics = run.read("metrics.json") if (folder / "metrics.json").exists() else run.evaluate().as_json()
    facts, entries = run.facts(), run.entries()
    place, seen = QUALITY[name]
    return {
        "train": shown,
        "seed": facts["config"]["seed"],
        "seconds": round(max(entry.get("seconds", 0.0) for entry in entries)),
        "quality": place,
        "seen": seen,
        "judge": independent(run, metrics),
        "status": facts["status"],
        "steps": facts["config"]["steps"],
        "entries": rounded([kept(entry) for entry in entries if "bracket" in entry][-ENTRIES:]),
        "evaluation": rounded(read_by_verdict(metrics)),
    }


def kept(entry: dict[str, Any]) -> dict[str, Any]:
    """What the verdict reads of an entry."""
    return {
        name: entry[name] for name in entry if name in ("step", "bracket", "scatter") or name.startswith("critic_gap")
    }


def read_by_verdict(metrics: dict[str, Any]) -> dict[str, Any]:
    """What the verdict reads of an evaluation."""
    some = {
        part: {name: metrics[part][name] for name in READ if name in metrics[part]}
        for part in ("metrics", "floors", "errors", "unreliable")
    }
    counts = {"counts": {"bracket_draws": metrics["counts"]["bracket_draws"]}}
    return {"bracket": metrics["bracket"], "features": metrics["features"]} | some | counts


def independent(run: api.Run, metrics: dict[str, Any]) -> dict[str, float]:
    """Figures that the verdict does not read: of modes, or of the features of a classifier of the labels."""
    if "modes" in metrics["metrics"]:
        return rounded({name: metrics["metrics"][name] for name in MODES})
    model = run.model()
    data = api.own_data(run)
    n = data.held_out.at_most(JUDGED)
    encode = features_of(data, "classifier").encode
    train, held_out, fake = (
        encode(data.codec.metric(x)) for x in (data.train.sample(n), data.held_out.sample(n), model.sample(n).x)
    )
    return rounded({"classifier_frechet": frechet(train, fake), "of_real_samples": frechet(train, held_out)})


def rounded(found: Any) -> Any:
    """The same with five significant digits."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list):
        return [rounded(value) for value in found]
    return float(f"{found:.5g}") if isinstance(found, float) else found


if __name__ == "__main__":
    main(*sys.argv[1:])
