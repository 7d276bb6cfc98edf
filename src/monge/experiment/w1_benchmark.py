r"""How well potentials find a Wasserstein-1 distance that is known: 28 benchmark pairs and ten others.

For each pair and family a potential is fitted on fresh samples and measured on 1e5 others:

- on the 28, the cosine :math:`\mathbb{E}_P \cos(\nabla f, \nabla f^*)` and
  L2 :math:`\mathbb{E}_P \lVert\nabla f - \nabla f^*\rVert^2`;
- the raw estimate :math:`\mathbb{E}_P f - \mathbb{E}_Q f` and its deviation from W1 in per cent;
- the bound, which is the estimate divided by the Lipschitz constant, with its standard error.

Three groups are never mixed: generic networks; those of them with a proof; cones and the c-transform, which
are of the kind that made the 28 pairs. On the ten other pairs they are not.

Reference: Korotin, Kolesov, Burnaev 2022, NeurIPS 2022 datasets and benchmarks, section 5.
"""

import json
import platform
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from monge.distance.dual import FAMILIES
from monge.errors import UserError
from monge.experiment.cell import Budget, Cell, measure
from monge.experiment.funnel import DIMENSIONS, FUNNELS
from monge.experiment.known import KNOWN
from monge.experiment.pool import cores, parallel
from monge.experiment.published import PUBLISHED
from monge.run import write_atomically

QUICK = ("funnel-2-16", "funnel-4-64", "funnel-16-16", "funnel-32-64")
"""The four pairs of the quick budget."""
CONES = ("cones", "c-transform")
"""Families akin to the ground truth of the 28 pairs."""
KINDS = ("generic", "generic certified", "cones")
ERRORS = 3.5
"""Standard errors by which a certified bound may exceed W1 before it counts as wrong."""

Result = dict[str, Any]


def pairs(budget: Budget) -> tuple[str, ...]:
    """Names of the pairs of a budget."""
    funnels = tuple(f"funnel-{d}-{n}" for d in DIMENSIONS for n in FUNNELS)
    return QUICK if budget == "quick" else funnels + tuple(KNOWN)


def families(pair: str) -> tuple[str, ...]:
    """Families fitted to a pair: all on the 28, those with a proof on the ten others."""
    return tuple(name for name, family in FAMILIES.items() if pair not in KNOWN or family.proof == "certified")


def reproduce(
    folder: Path,
    budget: Budget = "quick",
    *,
    seed: int = 0,
    parameters: Path | None = None,
    jobs: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Result:
    """Measures every pair and family that the folder does not hold yet, and writes `result.json` and `table.md`.

    Arguments:
        folder: made if it does not exist; each pair and family is kept in it as it ends.
        budget: "quick", four pairs, or "full", 28 and the ten others.
        seed: of everything random.
        parameters: .npz file with the published centres and biases; own ones are drawn without it.
        jobs: processes of one thread each; the number of cores if not given.
        say: called with a line of progress.

    Raises:
        UserError: the folder cannot be written, or the file holds not the pairs.
    """
    cells = [
        Cell(pair, family, budget, seed, parameters, folder / "cells")
        for pair in pairs(budget)
        for family in families(pair)
    ]
    try:
        (folder / "cells").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder} cannot be written: {error.strerror or error}") from error
    known = {cell: result for cell in cells if (result := cell.cached()) is not None}
    missing = [cell for cell in cells if cell not in known]
    say(f"{len(known)} of {len(cells)} measured before")
    start = time.perf_counter()
    for done, (cell, result) in enumerate(parallel(measure, missing, jobs or cores()), 1):
        known[cell] = result
        left = (time.perf_counter() - start) / done * (len(missing) - done)
        say(f"{done}/{len(missing)} {line(result)}, about {left / 60:.0f} min left")
    return _write(folder, budget, seed, parameters, [known[cell] for cell in cells])


def line(result: Result) -> str:
    """One result in one line."""
    cosine = f" cosine {result['cosine']:.3f}" if "cosine" in result else ""
    return f"{result['pair']} {result['family']}:{cosine} {result['deviation']:+.1f} % ({result['seconds']:.0f} s)"


def _write(folder: Path, budget: Budget, seed: int, parameters: Path | None, results: Sequence[Result]) -> Result:
    document = {
        "experiment": "w1-benchmark",
        "budget": budget,
        "seed": seed,
        "pairs": "own" if parameters is None else parameters.name,
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in ("monge", "torch", "numpy", "scipy", "POT")},
        "seconds": round(sum(result["seconds"] for result in results)),
        "summary": summary(results),
        "results": list(results),
    }
    write_atomically(folder / "result.json", (json.dumps(document, indent=1) + "\n").encode())
    write_atomically(folder / "table.md", table(results).encode())
    return document


def group(results: Sequence[Result], pair: str, kind: str) -> list[Result]:
    """A pair's results of one kind: "generic", "generic certified", "cones", or "certified" of any."""
    generic = kind.startswith("generic")
    return [
        result
        for result in results
        if result["pair"] == pair
        and (kind == "certified" or (result["family"] in CONES) != generic)
        and (not kind.endswith("certified") or result["proof"] == "certified")
    ]


def summary(results: Sequence[Result]) -> Result:
    """Medians over the benchmark pairs, for each family and each kind's best family, and the checks on bounds."""
    funnels = [name for name in dict.fromkeys(result["pair"] for result in results) if name.startswith("funnel-")]
    medians = {
        name: _medians([r for r in results if r["family"] == name and r["pair"] in funnels]) for name in FAMILIES
    }
    wrong = [
        f"{r['pair']} {r['family']}"
        for r in results
        if r["proof"] == "certified"
        and r["bound"] > r["w1"] + ERRORS * (r["bound_error"] ** 2 + r["w1_error"] ** 2) ** 0.5
    ]
    best = {kind: _medians([chosen(results, pair, kind) for pair in funnels]) for kind in KINDS}
    return {"families": medians, "best": best, "bounds_above_w1": wrong, "others": _others(results)}


def _medians(results: Sequence[Result]) -> Result:
    return {
        "cosine": median(r["cosine"] for r in results),
        "l2": median(r["l2"] for r in results),
        "deviation": median(abs(r["deviation"]) for r in results),
        "bound": median(r["bound"] / r["w1"] for r in results),
        "families": dict(Counter(r["family"] for r in results)),
        "beats": sum(r["cosine"] > PUBLISHED[r["pair"].removeprefix("funnel-")].best_cosine for r in results),
    }


def chosen(results: Sequence[Result], pair: str, kind: str) -> Result:
    """A pair's family of one kind, chosen on validation samples; no choice looks at the truth.

    Certified kinds by their bound; raw estimates of generic networks by E_P f - E_Q f over the mean slope, if above 1.
    """
    key = "score" if kind == "generic" else "validation"
    return max(group(results, pair, kind), key=lambda result: float(result[key]))


def _others(results: Sequence[Result]) -> Mapping[str, Result]:
    """For each of the other pairs the certified potential that is best on validation samples, as a bracket chooses."""
    keys = ("family", "w1", "bound", "bound_error", "deviation", "seconds")
    names = [name for name in KNOWN if any(result["pair"] == name for result in results)]
    return {name: {key: chosen(results, name, "certified")[key] for key in keys} for name in names}


def table(results: Sequence[Result]) -> str:
    """The results beside the published numbers, in markdown: cosine / deviation of W1 in per cent."""
    rows = [
        ["D-N", "W1", *FAMILIES, "published best cosine", "published LP", "published SO"],
        ["---"] * (len(FAMILIES) + 5),
    ]
    by_cell = {(r["pair"], r["family"]): r for r in results}
    for pair in dict.fromkeys(r["pair"] for r in results if r["pair"].startswith("funnel-")):
        measured = [by_cell[pair, family] for family in FAMILIES]
        facts = PUBLISHED[pair.removeprefix("funnel-")]
        rows.append(
            [
                pair.removeprefix("funnel-"),
                f"{measured[0]['w1']:.3f}",
                *(f"{r['cosine']:.2f} / {r['deviation']:+.1f}" for r in measured),
                f"{facts.best_cosine:.2f} ({facts.best_solver})",
                f"{facts.lp_cosine:.2f} / {100 * (facts.lp_estimate / facts.true - 1):+.1f}",
                f"{facts.so_cosine:.2f} / {100 * (facts.so_estimate / facts.true - 1):+.1f}",
            ]
        )
    text = "".join(f"|{'|'.join(row)}|\n" for row in rows)
    others = _others(results)
    if others:
        text += "\n|pair|W1|chosen|bound|deviation %|\n|---|---|---|---|---|\n"
        for pair, r in others.items():
            text += f"|{pair}|{r['w1']:.4f}|{r['family']}|{r['bound']:.4f}|{100 * (r['bound'] / r['w1'] - 1):+.1f}|\n"
    return text
