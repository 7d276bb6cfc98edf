"""Figures of trained images: `python benchmarks/images/make.py RESULT.json DATA JUDGE.py RUN ...`.

Adds to the result, for each run: how it was trained, what `monge evaluate` finds and, if a judge is named ("none" is
none), its Fréchet distance, precision, recall and classes of 10,000 samples. The judge is a Python file with `scaled`,
`fitted`, `features`, `frechet`, `manifold` and `classes`, which is trained on the labels of DATA.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import monge
from monge.experiment.sweep import installed

sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))
from quality import trained_judge

SAMPLES = 10_000
Figures = dict[str, float]


def judged(path: str, data: str) -> Callable[[NDArray[np.uint8]], Figures]:
    """From images to their figures beside the test images, by the judge in a Python file."""
    judge, net, real = trained_judge(path, data)

    def figures(images: NDArray[np.uint8]) -> Figures:
        found, shares = judge.features(net, judge.scaled(images))
        numbers = {"frechet": judge.frechet(real, found), **judge.manifold(real, found)}
        return {name: round(value, 4) for name, value in (numbers | {"classes": judge.classes(shares)}).items()}

    return figures


def row(path: str, judge: Callable[[NDArray[np.uint8]], Figures] | None) -> dict[str, Any]:
    """All about one run."""
    run = monge.open_run(path)
    facts = run.facts()
    config = facts["config"]
    data = run.open_data(config["source"])
    found = run.evaluate(data, statistics=data.space.channels == 1).as_json()
    return {
        "data": Path(config["source"]).name,
        **{name: config[name] for name in ("recipe", "seed", "steps", "augment", "objective", "generator", "critic")},
        "batch": config["training"]["batch"],
        **{name: facts[name] for name in ("minutes", "threads", "processes", "revision")},
        "seconds": max(entry["seconds"] for entry in run.entries()),
        **{name: found[name] for name in ("bracket", "metrics", "floors")},
        "judge": None if judge is None else judge(run.sample(SAMPLES)),
    }


def main(result: str, data: str, judge: str, *runs: str) -> None:
    """Measures the runs, adds them to the result, and prints them."""
    kept = json.loads(Path(result).read_text())["rows"] if Path(result).exists() else []
    figures = None if judge == "none" else judged(judge, data)
    for path in runs:
        found = row(path, figures)
        print(json.dumps({name: found[name] for name in ("data", "recipe", "seed", "steps", "seconds", "judge")}))
        same = ("data", "recipe", "seed", "steps", "augment")
        kept = [old for old in kept if any(old[name] != found[name] for name in same)] + [found]
        Path(result).write_text(json.dumps({"versions": installed(), "rows": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
