r"""How well potentials find a Wasserstein-1 distance that is known: 28 benchmark pairs and ten others.

For each pair and family a potential is fitted on fresh samples and measured on 1e5 others:

- on the 28, the cosine :math:`\mathbb{E}_P \cos(\nabla f, \nabla f^*)` and
  L2 :math:`\mathbb{E}_P \lVert\nabla f - \nabla f^*\rVert^2`;
- the raw estimate :math:`\mathbb{E}_P f - \mathbb{E}_Q f` and its deviation from W1 in per cent;
- the bound, which is the estimate divided by the Lipschitz constant, with its standard error.

Three groups are kept apart: generic networks; those among them whose constant is proved; and cones and the c-transform,
which are of the kind that made the 28 pairs. The ten other pairs are not made of cones.

Reference: Korotin, Kolesov, Burnaev 2022, "Kantorovich strikes back! Wasserstein GANs are not optimal transport?",
NeurIPS 2022 datasets and benchmarks, section 5. The published numbers of the 28 pairs are from the authors' public
result files: one run of each of eleven solvers, scored on 4,096 samples.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from monge.distance.dual.family import FAMILIES
from monge.experiment.bracket.funnel import DIMENSIONS, FUNNELS
from monge.experiment.bracket.known_pair import KNOWN
from monge.experiment.bracket.w1_cell import FitCell, measure
from monge.experiment.experiment import Budget, Experiment, Table, verdict_table, verdict_word
from monge.experiment.sweep import Result

QUICK = ("funnel-2-16", "funnel-4-64", "funnel-16-16", "funnel-32-64")
"""The four pairs of the quick budget."""
CONES = ("cones", "c-transform", "radial")
"""Families akin to the ground truth of the 28 pairs; the last is a single cone."""
KINDS = ("generic", "generic certified", "cones")
ERRORS = 3.5
"""Standard errors by which a certified bound may exceed W1 before it counts as wrong."""


@dataclass(frozen=True)
class Published:
    """One pair's published numbers.

    Arguments:
        true: W1, measured on 4,096 samples.
        best_cosine: the highest of all solvers.
        best_solver: which one: GP and LP gradient penalties, SO orthogonal layers with full sort, MM:R maximin
            reversed, MM:B batch c-transform, DOT discrete transport.
        lp_cosine, lp_estimate: of the one-sided penalty, the best generic network in the median.
        so_cosine, so_estimate: of orthogonal layers, the best network that is Lipschitz by construction.
    """

    true: float
    best_cosine: float
    best_solver: str
    lp_cosine: float
    lp_estimate: float
    so_cosine: float
    so_estimate: float


PUBLISHED: Mapping[str, Published] = {
    "2-4": Published(0.817, 0.86, "MM:B", 0.82, 0.885, 0.77, 0.76),
    "2-16": Published(0.466, 0.84, "DOT", 0.81, 0.479, 0.69, 0.284),
    "2-64": Published(0.23, 0.72, "DOT", 0.68, 0.224, 0.66, 0.085),
    "2-256": Published(0.134, 0.55, "SO", 0.49, 0.105, 0.55, 0.035),
    "4-4": Published(1.385, 0.96, "MM:Bv2", 0.95, 1.482, 0.91, 1.266),
    "4-16": Published(1.003, 0.9, "LP", 0.9, 1.058, 0.73, 0.557),
    "4-64": Published(0.71, 0.82, "LP", 0.82, 0.688, 0.5, 0.259),
    "4-256": Published(0.492, 0.66, "LP", 0.66, 0.387, 0.31, 0.092),
    "8-4": Published(1.882, 0.97, "MM:R", 0.96, 1.984, 0.89, 1.684),
    "8-16": Published(1.585, 0.92, "GP", 0.92, 1.662, 0.75, 1.042),
    "8-64": Published(1.259, 0.83, "LP", 0.83, 1.182, 0.47, 0.54),
    "8-256": Published(1.008, 0.68, "LP", 0.68, 0.782, 0.26, 0.286),
    "16-4": Published(1.941, 0.97, "SO", 0.96, 2.122, 0.97, 1.889),
    "16-16": Published(1.738, 0.92, "LP", 0.92, 1.807, 0.85, 1.461),
    "16-64": Published(1.554, 0.78, "GP", 0.78, 1.348, 0.57, 0.849),
    "16-256": Published(1.399, 0.61, "GP", 0.6, 0.911, 0.4, 0.553),
    "32-4": Published(1.822, 0.98, "SO", 0.95, 1.917, 0.98, 1.777),
    "32-16": Published(1.67, 0.94, "SO", 0.9, 1.613, 0.94, 1.522),
    "32-64": Published(1.543, 0.74, "SO", 0.73, 1.177, 0.74, 1.057),
    "32-256": Published(1.412, 0.56, "GP", 0.55, 0.802, 0.53, 0.733),
    "64-4": Published(1.411, 0.96, "SO", 0.92, 1.46, 0.96, 1.425),
    "64-16": Published(1.36, 0.95, "SO", 0.76, 1.146, 0.95, 1.367),
    "64-64": Published(1.317, 0.83, "SO", 0.6, 0.833, 0.83, 1.077),
    "64-256": Published(1.283, 0.66, "SO", 0.53, 0.693, 0.66, 0.801),
    "128-4": Published(1.142, 0.93, "LP", 0.93, 1.144, 0.93, 1.047),
    "128-16": Published(1.072, 0.92, "SO", 0.75, 0.872, 0.92, 0.975),
    "128-64": Published(1.045, 0.64, "GP", 0.62, 0.687, 0.64, 0.693),
    "128-256": Published(1.042, 0.61, "SO", 0.56, 0.64, 0.61, 0.647),
}
"""By "D-N": dimension and number of funnels."""


def pairs(budget: Budget) -> tuple[str, ...]:
    """Names of the pairs of a budget."""
    funnels = tuple(f"funnel-{d}-{n}" for d in DIMENSIONS for n in FUNNELS)
    return QUICK if budget == "quick" else funnels + tuple(KNOWN)


def families(pair: str) -> tuple[str, ...]:
    """Families fitted to a pair: all on the 28, those with a proof on the ten others."""
    return tuple(name for name, family in FAMILIES.items() if pair not in KNOWN or family.proof == "certified")


def cells(budget: Budget, seed: int, folder: Path, parameters: Path | None = None) -> list[FitCell]:
    """Every pair and family of a budget, on own pairs or on the published ones of a file."""
    return [
        FitCell(pair, family, budget, seed, parameters, folder) for pair in pairs(budget) for family in families(pair)
    ]


def line(result: Result) -> str:
    """One result in one line."""
    cosine = f" cosine {result['cosine']:.3f}" if "cosine" in result else ""
    return f"{result['pair']} {result['family']}:{cosine} {result['deviation']:+.1f} % ({result['seconds']:.0f} s)"


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
    best = {kind: _medians([chosen(results, pair, kind) for pair in funnels]) for kind in KINDS}
    return {"families": medians, "best": best, "bounds_above_w1": bounds_above(results), "others": _others(results)}


def bounds_above(results: Sequence[Result]) -> list[str]:
    """Pair and family of every certified bound that exceeds W1 by more than chance explains."""
    return [
        f"{r['pair']} {r['family']}"
        for r in results
        if r["proof"] == "certified"
        and r["bound"] > r["w1"] + ERRORS * (r["bound_error"] ** 2 + r["w1_error"] ** 2) ** 0.5
    ]


def verdict(results: Sequence[Result]) -> Result:
    """The one claim that does not rest on published numbers."""
    above = bounds_above(results)
    certified = sum(r["proof"] == "certified" for r in results)
    return {"bounds": {"verdict": verdict_word(not above), "certified": certified, "above_w1": above}}


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


def tables(results: Sequence[Result]) -> list[Table]:
    """The results beside the published numbers: cosine / deviation of W1 in per cent."""
    header = ["D-N", "W1", *FAMILIES, "published best cosine", "published LP", "published SO"]
    rows = []
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
    others = [
        [pair, f"{r['w1']:.4f}", r["family"], f"{r['bound']:.4f}", f"{100 * (r['bound'] / r['w1'] - 1):+.1f}"]
        for pair, r in _others(results).items()
    ]
    parts = [Table(header, rows)]
    if others:
        parts.append(Table(["pair", "W1", "chosen", "bound", "deviation %"], others))
    return [*parts, verdict_table(verdict(results))]


reproduce = Experiment(
    name="w1-benchmark",
    claims={"bounds": f"no certified bound exceeds W1, to within {ERRORS} standard errors"},
    cells=cells,
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    summary=summary,
    published_cells=cells,
)
