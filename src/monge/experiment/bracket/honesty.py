"""Is the bracket honest? Random pairs of known W1, and how often its limits are on the wrong side of it.

The lower limit holds with a confidence of 95 %, so of N pairs it may exceed the truth as often as a binomial number
with probability .05 does, up to its 95 % quantile: 21 of 300. The upper estimate is not below the truth on average
(Jensen), which draws of fresh samples show up to three standard errors of their mean.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.stats import binom

from monge.distance.bounds import CERTIFIED, CONFIDENCE, bracket
from monge.distance.dual.family import FAMILIES, Family
from monge.distance.dual.fit import DrawPoints
from monge.distance.transport.exact import wasserstein
from monge.experiment.bracket.truth import KINDS, TRUTH_SAMPLES, Truth, shift_pair
from monge.experiment.experiment import Budget, Experiment, Table, verdict_word
from monge.experiment.sweep import Result, digest
from monge.plot.style import BLUE, GREEN, INK, PURPLE, STYLE, VERMILION, Files, rendered

MARKERS = {"line": ("o", BLUE), "shift": ("x", VERMILION), "funnel": ("^", GREEN), "other": ("s", PURPLE)}
LABELS = {"line": "laws on a line", "shift": "shifts", "funnel": "funnels", "other": "radial, clusters, …"}

COUNTS: Mapping[Budget, Mapping[str, int]] = {
    "quick": {"line": 9, "shift": 11, "funnel": 5, "other": 3, "equal": 2},
    "full": {"line": 90, "shift": 110, "funnel": 50, "other": 30, "equal": 20},
}
"""Pairs of each kind."""
ACCURACY = "accuracy"
"""The kind of the shifts of at least one standard deviation in 1 to 5 dimensions."""
LENGTHS: Mapping[Budget, Sequence[float]] = {"quick": (1.0,), "full": (1.0, 1.5, 2.0)}
LAWS: Mapping[Budget, Sequence[str]] = {"quick": ("normal",), "full": ("normal", "box", "clusters")}
FEWEST_SAMPLES = 200
MOST_SAMPLES = 5000
"""Samples of each law: a random number between the two."""
ACCURACY_SAMPLES = 3000
"""Samples of each law of an accuracy pair."""
DRAWS = 24
"""For the upper estimate."""
DRAWS_ON_A_LINE = 240
"""The same on a line, where sorting solves it."""
DRAW_SIZE = 512
"""Samples a side in each draw, at most."""
STEPS = 100
"""Of the trained families: a tenth of their own number. A worse potential is as honest; only its limit is lower."""
SIZES = (TRUTH_SAMPLES, FEWEST_SAMPLES, MOST_SAMPLES, ACCURACY_SAMPLES, DRAWS, DRAWS_ON_A_LINE, DRAW_SIZE)
# few steps need long ones
RATES = {"cones": 3e-2, "orthogonal": 5e-3}
FAMILIES_USED: Sequence[Family] = [
    replace(FAMILIES[name], steps=STEPS, rate=RATES[name]) if name in RATES else FAMILIES[name] for name in CERTIFIED
]
UPPER_ERRORS = 3.0
"""Standard errors that the upper's mean may be below the truth."""
LOWER_PERCENT = 12.0
"""Per cent that the lower limit may be below the truth, on average."""


@dataclass(frozen=True)
class PairCell:
    """One pair of laws.

    Arguments:
        kind: a name in `KINDS`, or "accuracy".
        index: of the pair among its kind.
        seed: of everything random.
        folder: of the cache.
        shape: law, dimension and length of an accuracy pair.
    """

    kind: str
    index: int
    seed: int
    folder: Path
    shape: tuple[str, int, float] | None = None

    @property
    def path(self) -> Path:
        """Where the result is kept."""
        rules = [(rule.name, rule.width, rule.depth, rule.steps, rule.batch, rule.rate) for rule in FAMILIES_USED]
        key = digest(self.kind, self.index, self.seed, self.shape, rules, SIZES)
        return self.folder / f"{self.kind}-{self.index:03d}.{key}.json"


def cells(budget: Budget, seed: int, folder: Path) -> list[PairCell]:
    """All pairs of a budget."""
    random = [PairCell(kind, i, seed, folder) for kind, count in COUNTS[budget].items() for i in range(count)]
    shapes = [(law, d, length) for law in LAWS[budget] for d in range(1, 6) for length in LENGTHS[budget]]
    return random + [PairCell(ACCURACY, i, seed, folder, shape) for i, shape in enumerate(shapes)]


def measure(cell: PairCell) -> Result:
    """The bracket of n samples of each law, and the mean of exact transport over fresh draws."""
    start = time.perf_counter()
    number = [*KINDS, ACCURACY].index(cell.kind)
    random = np.random.default_rng([cell.seed, number, cell.index])
    truth = KINDS[cell.kind](random) if cell.shape is None else Truth(shift_pair(random, *cell.shape))
    limits = np.log(FEWEST_SAMPLES), np.log(MOST_SAMPLES + 1)
    n = ACCURACY_SAMPLES if cell.shape else int(np.exp(random.uniform(*limits)))
    generator = torch.Generator().manual_seed(int(random.integers(2**62)))

    def samples(draw: DrawPoints, size: int) -> Any:
        return draw(size, generator).double().numpy()

    pair = truth.pair
    x, y = samples(pair.upper, n), samples(pair.lower, n)
    seen = bracket(x, y, draws=1, families=FAMILIES_USED, seed=cell.seed)
    size, draws = min(DRAW_SIZE, n // 2), DRAWS_ON_A_LINE if x.shape[1] == 1 else DRAWS
    uppers = [wasserstein(samples(pair.upper, size), samples(pair.lower, size)) for _ in range(draws)]
    return {
        "kind": cell.kind,
        "pair": pair.name,
        "d": x.shape[1],
        "n": n,
        "w1": pair.distance,
        "w1_error": truth.error,
        "lower": seen.lower,
        "family": seen.family,
        "upper": mean(uppers),
        "upper_error": float(np.std(uppers, ddof=1)) / draws**0.5,
        "upper_n": size,
        "seconds": round(time.perf_counter() - start, 2),
    }


def allowed(pairs: int) -> int:
    """How many of N limits of 95 % confidence may be wrong: the 95 % quantile of that binomial number."""
    return int(binom.ppf(CONFIDENCE, pairs, 1 - CONFIDENCE))


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, each with its numbers."""
    random = [row for row in rows if row["kind"] != ACCURACY]
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
    }


def score(row: Result) -> float:
    """How far the upper's mean is above the truth, in standard errors of their difference."""
    return float((row["upper"] - row["w1"]) / max(np.hypot(row["upper_error"], row["w1_error"]), 1e-12))


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['pair']} d={row['d']} n={row['n']}: {row['lower']:.3f} <= {row['w1']:.3f} <= {row['upper']:.3f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Counts for each kind, and the verdicts."""
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
    return [Table(header, body), Table(["claim", "measured"], claims)]


def figure(rows: Sequence[Result]) -> Files:
    """Lower and upper over the truth against the dimension, a mark for each pair of positive W1."""
    with mpl.rc_context(STYLE):
        canvas = Figure(figsize=(7, 3), dpi=200, layout="constrained")
        left, right = canvas.subplots(1, 2)
        for kind, (marker, colour) in MARKERS.items():
            some = [row for row in rows if row["kind"] == kind]
            # laws of one dimension lie side by side, in the order in which they were drawn
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
        "lower": f"the lower limit exceeds W1 no more often than its confidence of {CONFIDENCE:.0%} allows",
        "upper": "the upper estimate is on average not below W1",
        "accuracy": f"for shifts in 1 to 5 dimensions the lower limit is on average within {LOWER_PERCENT:.0f} % of W1",
    },
    cells=cells,
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
