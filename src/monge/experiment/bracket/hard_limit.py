"""How often the lower limit is wrong where limits break, what it costs where they do not, and Student's beside it.

Student's limit treats the judged means as normal; its potentials are fitted, chosen and judged on a third of the
samples each. For equal skewed distributions and unequal sizes it is wrong far too often.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from monge.distance.bounds import CERTIFIED, split_bound
from monge.distance.dual.limit import CONFIDENCE
from monge.distance.dual.potential import fit_potential
from monge.distance.part import parts
from monge.experiment.bracket.hard_pair import HARD, HardPair, normal
from monge.experiment.experiment import Budget, Table, verdict_word
from monge.experiment.sweep import Result, digest

Points = NDArray[np.float64]

FREE = ("linear", "radial")
"""Families that need next to no fitting."""
SIZES = ((200, 200), (200, 5000), (5000, 200), (1000, 5000), (1000, 50_000), (50, 500))
DIMENSIONS = (1, 8, 64)
REPEATS = {"quick": 20, "full": 400}
WORST: Sequence[tuple[str, tuple[int, int], int]] = (
    ("rare .01", (200, 5000), 8),
    ("rare .002", (5000, 200), 1),
    ("rare .002", (200, 5000), 1),
)
"""Kinds, sizes and dimensions on which Student's limit of equal distributions was wrong most often; trained potentials
are tried on these."""
TRAINED_REPEATS = 100
STUDENT_REPEATS = 100
"""Of Student's limit, on the first of the data sets."""
SHIFTS = (0.25, 1.0, 3.0)
COST_SIZES = (1000, 10_000)
COST_DIMENSIONS = (1, 16)
COST_REPEATS = 100
HARD_KIND, TRAINED, COST = "hard", "hard, trained", "cost"
MEANS = ("mean", "mean_student")
LARGEST_LOSS = 0.1
"""How far the limit may be below Student's from a shift of one standard deviation on, as a share."""


@dataclass(frozen=True)
class LimitCell:
    """Repeated limits of one pair of distributions.

    Arguments:
        kind: "hard", "hard, trained" or "cost".
        pair: a key of `HARD`, or the length of a shift.
        equal: whether both samples are of the first distribution of the pair.
        sizes: samples of either side.
        d: dimensions.
        repeats: data sets.
        seed: of all of them.
        folder: of the cache.
    """

    kind: str
    pair: str
    equal: bool
    sizes: tuple[int, int]
    d: int
    repeats: int
    seed: int
    folder: Path

    @property
    def path(self) -> Path:
        """Where the result is kept."""
        key = digest(self.kind, self.pair, self.equal, self.sizes, self.d, self.repeats, self.seed)
        return self.folder / f"{self.kind.replace(', ', '-')}-{self.pair.replace(' ', '-')}.{key}.json"

    @property
    def distributions(self) -> HardPair:
        """The pair."""
        if self.kind != COST:
            found = HARD[self.pair]
            return HardPair(found.first, found.first, 0.0) if self.equal else found
        shift = float(self.pair)

        def moved(random: np.random.Generator, n: int, d: int) -> Points:
            x = normal(random, n, d)
            x[:, 0] += shift
            return x

        return HardPair(moved, normal, shift)


def cells(budget: Budget, seed: int, folder: Path) -> list[LimitCell]:
    """All of a budget: the quick one leaves out many dimensions, large sets and trained potentials."""
    full = budget == "full"
    sizes, dimensions, repeats = SIZES if full else SIZES[:3], DIMENSIONS if full else (1,), REPEATS[budget]
    found = [
        LimitCell(HARD_KIND, pair, equal, size, d, repeats, seed, folder)
        for pair in HARD
        for equal in (True, False)
        for size in sizes
        for d in dimensions
    ]
    if full:
        found += [LimitCell(TRAINED, pair, True, size, d, TRAINED_REPEATS, seed, folder) for pair, size, d in WORST]
    for n in COST_SIZES if full else COST_SIZES[:1]:
        count = COST_REPEATS if full else REPEATS["quick"]
        shapes = [(shift, d) for shift in SHIFTS for d in COST_DIMENSIONS]
        found += [LimitCell(COST, str(shift), False, (n, n), d, count, seed, folder) for shift, d in shapes]
    return found


def measure(cell: LimitCell) -> Result:
    """Both limits of all data sets: how often above the truth, and their means."""
    start = time.perf_counter()
    pair, families = cell.distributions, CERTIFIED if cell.kind == TRAINED else FREE
    ours, students = [], []
    for repeat in range(cell.repeats):
        random = np.random.default_rng([cell.seed, repeat, *cell.sizes, cell.d])
        x, y = (draw(random, n, cell.d) for draw, n in zip((pair.first, pair.second), cell.sizes, strict=True))
        ours.append(split_bound((x, y), families, repeat).value)
        if repeat < STUDENT_REPEATS:
            students.append(student((x, y), repeat))
    return {
        "kind": cell.kind,
        "pair": cell.pair,
        "equal": cell.equal,
        "n": cell.sizes[0],
        "m": cell.sizes[1],
        "d": cell.d,
        "w1": pair.distance,
        "repeats": len(ours),
        "repeats_student": len(students),
        "wrong": int(np.sum(np.array(ours) > pair.distance)),
        "wrong_student": int(np.sum(np.array(students) > pair.distance)),
        "mean": float(np.mean(ours)),
        "mean_student": float(np.mean(students)),
        "seconds": round(time.perf_counter() - start, 2),
    }


def student(sides: tuple[Points, Points], seed: int) -> float:
    """The limit that treats means as normal, by the families of `FREE` and on thirds, whatever the cell's families."""
    split = [parts(side, [len(side) // 3] * 3, seed, 0, i) for i, side in enumerate(sides)]
    fit, choose, judge = zip(*split, strict=True)
    potentials = [fit_potential(fit[0], fit[1], family, seed=seed) for family in FREE]
    best = max(potentials, key=lambda f: float(f(choose[0]).mean() - f(choose[1]).mean()))
    real, fake = (best(side) for side in judge)
    of_real, of_fake = (float(side.var(ddof=1)) / len(side) for side in (real, fake))
    spread = of_real**2 / (len(real) - 1) + of_fake**2 / (len(fake) - 1)
    freedom = (of_real + of_fake) ** 2 / spread if spread > 0 else 1.0
    error = float(t.ppf(CONFIDENCE, freedom)) * math.sqrt(of_real + of_fake)
    return max(0.0, float(real.mean() - fake.mean()) - error)


def allowed(share: float, repeats: int) -> float:
    """The share of wrong limits that is allowed in so many repeats: the claimed share plus three standard errors."""
    return share + 3 * math.sqrt(share * (1 - share) / repeats)


def pooled(rows: Sequence[Result], suffix: str = "") -> dict[str, tuple[int, int]]:
    """Wrong limits and repeats by kind of distribution; of Student's with the suffix "_student"."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        wrong, repeats = found.get(row["pair"], (0, 0))
        found[row["pair"]] = wrong + row[f"wrong{suffix}"], repeats + row[f"repeats{suffix}"]
    return found


def any_verdict(rows: Sequence[Result]) -> Result:
    """Whether limits are wrong no more often than allowed, pooled by kind of distribution and in each trained cell."""
    hard, trained = ([row for row in rows if row["kind"] == kind] for kind in (HARD_KIND, TRAINED))
    kinds, own = list(pooled(hard).values()), [(row["wrong"], row["repeats"]) for row in trained]
    groups = [*kinds, *own]
    holds = all(wrong / repeats <= allowed(1 - CONFIDENCE, repeats) for wrong, repeats in groups)
    cells = [(row["wrong"] / row["repeats"], row["wrong_student"] / row["repeats_student"]) for row in hard]
    return {
        "verdict": verdict_word(holds),
        "limits": sum(repeats for _, repeats in groups),
        "wrong_percent_of_the_worst_kind": _worst(kinds),
        "wrong_percent_of_all_families": _worst(own),
        "wrong_percent_of_the_worst_cell": round(100 * max((cell[0] for cell in cells), default=0), 2),
        "students_wrong_percent_of_the_worst_cell": round(100 * max((cell[1] for cell in cells), default=0), 2),
    }


def _worst(groups: Sequence[tuple[int, int]]) -> float:
    """The largest share of wrong limits in groups of (wrong, repeats), in per cent."""
    return round(100 * max((wrong / repeats for wrong, repeats in groups), default=0), 2)


def cost_verdict(rows: Sequence[Result]) -> Result:
    """Whether the limit of large shifts is nearly as high as Student's, and what is lost of small ones."""
    cost = [row for row in rows if row["kind"] == COST]

    def lost(row: Result) -> float:
        students = row["mean_student"]
        return float((students - row["mean"]) / students) if students > 0 else 0.0

    large = [lost(row) for row in cost if row["w1"] >= 1]
    small = [lost(row) for row in cost if row["w1"] < 1]
    return {
        "verdict": verdict_word(max(large, default=0) <= LARGEST_LOSS),
        "lost_percent_from_1_sd_on": round(100 * max(large, default=0), 2),
        "lost_percent_below": [round(100 * value, 1) for value in small],
    }


def tables(rows: Sequence[Result]) -> list[Table]:
    """Shares of wrong limits by kind, and mean limits of normal shifts."""
    hard, trained = ([row for row in rows if row["kind"] == kind] for kind in (HARD_KIND, TRAINED))
    body = []
    students = pooled(hard, "_student")
    for pair, (wrong, repeats) in pooled(hard).items():
        worst = max(row["wrong_student"] / row["repeats_student"] for row in hard if row["pair"] == pair)
        shares = [100 * wrong / repeats, 100 * students[pair][0] / students[pair][1], 100 * worst]
        body.append([pair, f"{repeats:,}", *(f"{share:.1f} %" for share in shares)])
    for row in trained:
        name = f"{row['pair']}, {row['n']:,} and {row['m']:,}, d = {row['d']}, all families"
        share = f"{100 * row['wrong'] / row['repeats']:.0f} %"
        students_share = f"{100 * row['wrong_student'] / row['repeats_student']:.0f} %"
        body.append([name, str(row["repeats"]), share, students_share, students_share])
    cost = [
        [f"{row['w1']:g}", str(row["d"]), f"{row['n']:,}", *(f"{row[key] / row['w1']:.3f}" for key in MEANS)]
        for row in rows
        if row["kind"] == COST
    ]
    return [
        Table(["distribution", "limits", "wrong", "Student's wrong", "Student's, worst cell"], body),
        Table(["normal shift", "d", "n", "mean limit / W1", "Student's"], cost),
    ]
