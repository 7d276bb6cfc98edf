"""Is the bracket honest? Random pairs of known W1, and how often its limits are on the wrong side of it.

The lower limit has a confidence of 95 %. So among N pairs it may exceed the truth at most as often as the 95 % quantile
of the binomial distribution with probability .05 says: 21 times among 300. Most random pairs are easy for a limit, so
it is also repeated on distributions on which limits break (`hard_pair`). The upper estimate is on average not below the
truth (Jensen); means over draws of fresh samples must show that to within three standard errors.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import binom

from monge.distance.dual.limit import CONFIDENCE
from monge.experiment.bracket import hard_limit, pair_cell
from monge.experiment.bracket.hard_limit import LimitCell
from monge.experiment.bracket.pair_cell import ACCURACY, PairCell
from monge.experiment.bracket.truth import KINDS
from monge.experiment.experiment import Budget, Experiment, Table, verdict_word
from monge.experiment.sweep import Result
from monge.plot.style import BLUE, GREEN, INK, PURPLE, STYLE, VERMILION, Files, rendered

MARKERS = {"line": ("o", BLUE), "shift": ("x", VERMILION), "funnel": ("^", GREEN), "other": ("s", PURPLE)}
LABELS = {"line": "on a line", "shift": "shifts", "funnel": "funnels", "other": "radial, clusters, …"}

COUNTS: Mapping[Budget, Mapping[str, int]] = {
    "quick": {"line": 9, "shift": 11, "funnel": 5, "other": 3, "equal": 2},
    "full": {"line": 90, "shift": 110, "funnel": 50, "other": 30, "equal": 20},
}
"""Pairs of each kind."""
LENGTHS: Mapping[Budget, Sequence[float]] = {"quick": (1.0,), "full": (1.0, 1.5, 2.0)}
LAWS: Mapping[Budget, Sequence[str]] = {"quick": ("normal",), "full": ("normal", "box", "clusters")}
UPPER_ERRORS = 3.0
"""Standard errors that the upper's mean may be below the truth."""
LOWER_PERCENT = 12.0
"""Per cent that the lower limit may be below the truth, on average."""


def cells(budget: Budget, seed: int, folder: Path) -> list[PairCell | LimitCell]:
    """All pairs of a budget, and all repeated limits."""
    random = [PairCell(kind, i, seed, folder) for kind, count in COUNTS[budget].items() for i in range(count)]
    shapes = [(law, d, length) for law in LAWS[budget] for d in range(1, 6) for length in LENGTHS[budget]]
    accurate = [PairCell(ACCURACY, i, seed, folder, shape) for i, shape in enumerate(shapes)]
    return [*random, *accurate, *hard_limit.cells(budget, seed, folder)]


def measure(cell: PairCell | LimitCell) -> Result:
    """What is measured of a cell of either kind."""
    return hard_limit.measure(cell) if isinstance(cell, LimitCell) else pair_cell.measure(cell)


def allowed(pairs: int) -> int:
    """How many of N limits of 95 % confidence may be wrong: the 95 % quantile of that binomial number."""
    return int(binom.ppf(CONFIDENCE, pairs, 1 - CONFIDENCE))


def verdict(rows: Sequence[Result]) -> Result:
    """The claims, each with its numbers."""
    random = [row for row in rows if row["kind"] in KINDS]
    above = [row for row in random if row["lower"] > row["w1"]]
    scores = [score(row) for row in random]
    accurate = [row["lower"] / row["w1"] for row in rows if row["kind"] == ACCURACY]
    short = 100 * (1 - mean(accurate))
    return {
        "lower": {
            "verdict": verdict_word(len(above) <= allowed(len(random))),
            "pairs": len(random),
            "above_truth": len(above),
            "allowed": allowed(len(random)),
            "by_kind": {kind: sum(row["kind"] == kind for row in above) for kind in KINDS},
        },
        "upper": {
            "verdict": verdict_word(min(scores) >= -UPPER_ERRORS),
            "lowest_in_standard_errors": round(min(scores), 2),
            "below_by_3_errors": sum(value < -UPPER_ERRORS for value in scores),
        },
        "accuracy": {
            "verdict": verdict_word(short <= LOWER_PERCENT),
            "pairs": len(accurate),
            "mean_below_truth_percent": round(short, 2),
            "worst_below_truth_percent": round(100 * (1 - min(accurate)), 2),
        },
        "any distribution": hard_limit.any_verdict(rows),
        "cost": hard_limit.cost_verdict(rows),
    }


def score(row: Result) -> float:
    """How far the upper's mean is above the truth, in standard errors of their difference."""
    return float((row["upper"] - row["w1"]) / max(np.hypot(row["upper_error"], row["w1_error"]), 1e-12))


def line(row: Result) -> str:
    """One result in one line."""
    if "repeats" in row:
        where = f"{row['pair']} d={row['d']} n={row['n']} m={row['m']}"
        return f"{where}: {row['wrong']} of {row['repeats']} wrong, mean {row['mean']:.3f} for {row['w1']:.3f}"
    return f"{row['pair']} d={row['d']} n={row['n']}: {row['lower']:.3f} <= {row['w1']:.3f} <= {row['upper']:.3f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Counts for each kind, repeated limits, and the verdicts."""
    seen = verdict(rows)
    body = []
    for kind in KINDS:
        some = [row for row in rows if row["kind"] == kind]
        positive = [row for row in some if row["w1"] > 0]
        ratios = [
            f"{np.median([row[side] / row['w1'] for row in positive]):.2f}" if positive else ""
            for side in ("lower", "upper")
        ]
        body.append([kind, str(len(some)), str(seen["lower"]["by_kind"][kind]), *ratios])
    claims = [[name, "; ".join(f"{k} {v}" for k, v in facts.items() if k != "by_kind")] for name, facts in seen.items()]
    header = ["pairs", "number", "lower above W1", "median lower / W1", "median upper / W1"]
    return [Table(header, body), *hard_limit.tables(rows), Table(["claim", "measured"], claims)]


def figure(rows: Sequence[Result]) -> Files:
    """Lower and upper over the truth against the dimension, a mark for each pair of positive W1."""
    with mpl.rc_context(STYLE):
        canvas = Figure(figsize=(7, 3), dpi=200, layout="constrained")
        left, right = canvas.subplots(1, 2)
        for kind, (marker, colour) in MARKERS.items():
            some = [row for row in rows if row["kind"] == kind]
            # distributions of one dimension lie side by side, in the order in which they were drawn
            across = [row["d"] * 2 ** (0.36 * (i % 15 / 14 - 0.5)) for i, row in enumerate(some)]
            how = {"marker": marker, "s": 14, "linewidths": 0.8, "label": LABELS[kind]}
            how |= {"color": colour} if marker == "x" else {"facecolors": "none", "edgecolors": colour}
            left.scatter(across, [row["lower"] / row["w1"] for row in some], **how)
            right.scatter(across, [row["upper"] / row["w1"] for row in some], **how)
        for plot, side in ((left, "95 % lower limit"), (right, "mean upper estimate")):
            plot.axhline(1, color=INK, linewidth=0.9, zorder=0)
            plot.spines["right"].set_visible(False)
            plot.set_xscale("log", base=2)
            plot.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
            plot.set_xlabel("dimension D")
            plot.set_ylabel(f"{side} / true W1")
        left.set_ylim(-0.03, 1.2)
        right.set_yscale("log")
        right.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        right.minorticks_off()
        right.legend(loc="upper left", frameon=False, handletextpad=0.1)
        return rendered(canvas)


reproduce = Experiment(
    name="honesty",
    claims={
        "lower": f"the lower limit exceeds W1 no more often than its {CONFIDENCE:.0%} confidence allows",
        "upper": "the upper estimate is on average not below W1",
        "accuracy": f"for shifts in 1 to 5 dimensions the lower limit is on average within {LOWER_PERCENT:.0f} % of W1",
        "any distribution": "the same is true of skewed and heavy-tailed distributions, rare mass and unequal sizes",
        "cost": "from a normal shift of one standard deviation on, the limit is at most 10 % below Student's",
    },
    cells=cells,
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
