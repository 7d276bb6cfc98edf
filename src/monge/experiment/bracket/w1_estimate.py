r"""The number that is nearest to W1: five estimates on pairs of known W1, and how often the range of one has it.

Beside the bracket's own estimate these are tried: the excess; the debiased Sinkhorn divergence; the plug-in,
extrapolated over the number of samples n by the decay of the floor,

.. math:: U_n - (U_{n/2} - U_n) \frac{F_n}{F_{n/2} - F_n};

what the potential of the lower limit says without its confidence term; and sliced W1, divided by what a shift shows of
itself in a random direction, :math:`\Gamma(d/2) / (\sqrt\pi\, \Gamma((d + 1)/2))`.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from monge.distance import sinkhorn_divergence, sliced, wasserstein
from monge.distance.bounds import bracket
from monge.distance.part import parts
from monge.distance.points import Points
from monge.distance.summary import Bracket
from monge.experiment.bracket.law_pair import DEPENDENT, INDEPENDENT
from monge.experiment.experiment import Budget, Experiment, Rows, Table, verdict_table, verdict_word
from monge.experiment.repeat import Repeat, by_case, timed
from monge.experiment.sweep import Result
from monge.plot.chart import key, marks, panels
from monge.plot.style import INK, Files

PAIRS = 10
"""Of one cell."""
CELLS: Mapping[Budget, int] = {"quick": 1, "full": 10}
"""Of every kind."""
UNTRAINED = ("linear", "radial", "c-transform")
"""Of potentials: those without a training of their own, whose limit is as honest and only lower."""
SINKHORN_ROWS = 300
DIGITS = 5
"""Of every number that is kept."""
EXTRAPOLATED = 4
"""Draws of half the rows."""
COVERED = 0.9
"""Share of the pairs of every kind whose W1 is in the range."""
ESTIMATES = ("estimate", "excess", "upper", "Sinkhorn", "extrapolated", "potential", "sliced")
SHOWN = ("estimate", "excess", "Sinkhorn", "potential")
"""In the figure."""
CLAIMS = {
    "covered": f"W1 is in the range of the estimate in {COVERED:.0%} of the pairs of every kind of independent rows",
    "nearest": "no other of these estimates has a smaller median error, as a share of W1",
    "dependent": f"the same is true of repeated and memorised rows and of time series, in {COVERED:.0%} of each",
}


def cells(budget: Budget, seed: int, folder: Path) -> list[Repeat]:
    """All pairs, in cells of ten."""
    kinds, settings = [*INDEPENDENT, *DEPENDENT], (PAIRS, UNTRAINED)
    return [Repeat(kind, number, seed, folder, settings) for kind in kinds for number in range(CELLS[budget])]


@timed
def measure(cell: Repeat) -> Result:
    """W1, the range, and what every estimate says, of ten pairs."""
    kinds = {**INDEPENDENT, **DEPENDENT}
    found = []
    for number in range(PAIRS):
        seed = number + PAIRS * cell.number
        pair = kinds[cell.case](np.random.default_rng([cell.seed, seed, [*kinds].index(cell.case)]))
        seen = bracket(pair.x, pair.y, families=UNTRAINED, seed=seed)
        assert seen.estimate_range is not None
        ends = dict(zip(("low", "high"), seen.estimate_range, strict=True))
        numbers = {"w1": pair.w1} | ends | estimates(pair.x, pair.y, seen, seed)
        found.append({name: float(f"{value:.{DIGITS}g}") for name, value in numbers.items()})
    return {"pairs": found}


def estimates(x: Points, y: Points, seen: Bracket, seed: int) -> dict[str, float]:
    """What every estimate says."""
    d, some = x.shape[1], SINKHORN_ROWS
    said = 0.0
    if seen.potential is not None:
        said = float(np.mean(seen.potential(x)) - np.mean(seen.potential(y))) / seen.potential.lipschitz
    shown = math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2)) / math.sqrt(math.pi)
    return {
        "estimate": seen.estimate,
        "excess": seen.excess,
        "upper": seen.upper,
        "Sinkhorn": sinkhorn_divergence(x[:some], y[:some], tolerance=1e-3),
        "extrapolated": extrapolated(x, y, seen, seed),
        "potential": said,
        "sliced": sliced(x, y, seed=seed).value / shown,
    }


def extrapolated(x: Points, y: Points, seen: Bracket, seed: int) -> float:
    """The plug-in at an infinite number of samples, if it decays as the floor does."""
    half, uppers, floors = max(seen.n // 2, 1), [], []
    for draw in range(EXTRAPOLATED):
        (a, b), (c, _) = (parts(points, (half, half), seed, draw, side) for side, points in enumerate((x, y)))
        uppers.append(wasserstein(a, c))
        floors.append(wasserstein(a, b))
    decay = float(np.mean(floors)) - seen.floor
    return seen.upper - (float(np.mean(uppers)) - seen.upper) * seen.floor / decay if decay > 0 else seen.upper


def covered(rows: Rows) -> float:
    """The share of pairs whose W1 is in the range."""
    pairs = [pair for row in rows for pair in row["pairs"]]
    return float(np.mean([pair["low"] <= pair["w1"] <= pair["high"] for pair in pairs]))


def error(rows: Rows, name: str) -> float:
    """The median error of an estimate as a share of W1, of the pairs that differ; not a number if there are none."""
    errors = [abs(pair[name] / pair["w1"] - 1) for row in rows for pair in row["pairs"] if pair["w1"] > 0]
    return float(np.median(errors)) if errors else math.nan


def kinds(rows: Rows, names: Sequence[str]) -> dict[str, list[Result]]:
    """The results of some kinds."""
    return {kind: own for kind, own in by_case(rows).items() if kind in names}


def verdict(rows: Rows) -> Result:
    """Whether the claims hold."""
    independent, dependent = (
        {kind: round(covered(own), 3) for kind, own in kinds(rows, [*names]).items()}
        for names in (INDEPENDENT, DEPENDENT)
    )
    own = [row for row in rows if row["case"] in INDEPENDENT]
    errors = {name: round(error(own, name), 3) for name in ESTIMATES}
    least = min(errors.values())
    facts: Result = {"covered": independent, "nearest": errors, "dependent": dependent}
    holds = {
        "covered": all(value >= COVERED for value in independent.values()),
        "nearest": errors["estimate"] <= least,
        "dependent": all(value >= COVERED for value in dependent.values()),
    }
    return {name: {"verdict": verdict_word(met)} | facts[name] for name, met in holds.items()}


def tables(rows: Rows) -> list[Table]:
    """Of every kind the share covered, the width of the range, and the median error of every estimate."""
    body = []
    for kind, own in by_case(rows).items():
        pairs = [pair for row in own for pair in row["pairs"]]
        width = np.median([(pair["high"] - pair["low"]) / pair["w1"] if pair["w1"] > 0 else math.nan for pair in pairs])
        errors = [percent(error(own, name)) for name in ESTIMATES]
        body.append([kind, str(len(pairs)), percent(covered(own)), percent(float(width)), *errors])
    header = ["pairs", "number", "in range, %", "width, % of W1", *(f"error of {name}, %" for name in ESTIMATES)]
    return [Table(header, body), verdict_table(verdict(rows))]


def percent(share: float) -> str:
    """A share in percent."""
    return "-" if math.isnan(share) else f"{100 * share:.3g}"


def line(row: Result) -> str:
    """A cell in one line."""
    return f"{row['case']} {row['number']}: {covered([row]):.0%} in range"


def figures(rows: Rows) -> Files:
    """How often W1 is in the range, and the errors of three estimates, by kind."""
    independent = kinds(rows, [*INDEPENDENT])
    names = [kind for kind, own in independent.items() if not math.isnan(error(own, "estimate"))]

    def ranges(plot: Axes) -> None:
        every, start = {**independent, **kinds(rows, [*DEPENDENT])}, 0
        for look, (group, label) in enumerate(((INDEPENDENT, "independent rows"), (DEPENDENT, "dependent rows"))):
            shares = [100 * covered(own) for own in kinds(rows, [*group]).values()]
            marks(plot, np.arange(start, start + len(shares)), shares, look, label)
            start += len(shares)
        plot.axhline(100 * COVERED, color=INK, linewidth=0.6)
        plot.set_ylim(0, 103)
        named(plot, [*every], "W1 in the range, %")
        key(plot)

    def errors(plot: Axes) -> None:
        for look, name in enumerate(SHOWN):
            marks(plot, np.arange(len(names)), [100 * error(independent[kind], name) for kind in names], look, name)
        plot.set_yscale("log")
        named(plot, names, "median error, % of W1")
        key(plot, 2)

    return panels([ranges, errors], 3.6)


def named(plot: Axes, names: Sequence[str], title: str) -> None:
    """Names across, which are turned, and a title at the side."""
    plot.set_xticks(range(len(names)), names, rotation=90)
    plot.set_ylabel(title)


reproduce = Experiment("w1-estimate", CLAIMS, cells, measure, line, verdict, tables, figures)
