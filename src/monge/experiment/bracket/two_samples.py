"""Two-sample tests on trial: how often they see what is not there, and what is.

Equal laws are of kinds on which tests break: heavy tails, mixed tables in units of one side, dependent skewed columns
of unequal sizes. Small differences are each of a kind that some well-known test is blind to.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from monge.distance.excess_split import ExcessSplit, bracket_split
from monge.distance.split_test import split_test
from monge.distance.two_sample.battery import SIGNIFICANT, battery
from monge.evaluation.explanation import Explanation, column_tests
from monge.experiment.bracket.sample_pair import DIFFERENT, EQUAL, SamplePair
from monge.experiment.experiment import Budget, Experiment, Rows, Table, verdict_table, verdict_word
from monge.experiment.repeat import Repeat, of, timed
from monge.experiment.sweep import Result
from monge.plot.chart import key, marks, panels
from monge.plot.style import INK, Files

PAIRS = 50
"""Of one cell."""
CELLS: Mapping[Budget, tuple[int, int]] = {"quick": (2, 1), "full": (40, 2)}
"""Of every equal law, and of every difference."""
RELABELLED = {"battery": 99, "features": 39}
"""Relabellings: p-values of .05 are exact with both, after those of features are doubled."""
FEATURED = 1000
"""Rows a side up to which features are tested: on more, whether a rare mode is seen is all that is asked."""
BAND = (0.034, 0.066)
"""Shares of true hypotheses that may be refused at 5 %: three standard errors of 2,000."""
OTHERS = ("columns (Holm)", "energy", "classifier")
CLAIMS = {
    "battery-honest": "the battery sees a difference in 3.4 to 6.6 % of pairs of equal laws, of every kind, at 5 %",
    "features-honest": "some feature is said to differ in at most 6.6 % of these pairs",
    "correlation": "a correlation of .8 between two of 10 columns is seen in 95 % at n = 600, and both are named first",
    "small-shift": "a shift of .25 of one of 50 columns at n = 1,000 is named first in 90 %; one of .8 by its part too",
    "rare-mode": "a rare mode of 2 % is seen in 80 % at n = 2,000",
}


def cells(budget: Budget, seed: int, folder: Path) -> list[Repeat]:
    """All pairs, in cells of 50."""
    equal, different = CELLS[budget]
    counts = dict.fromkeys(EQUAL, equal) | dict.fromkeys(DIFFERENT, different)
    settings = (PAIRS, *RELABELLED.values())
    return [Repeat(case, number, seed, folder, settings) for case, count in counts.items() for number in range(count)]


@timed
def measure(cell: Repeat) -> Result:
    """How many of 50 pairs each test calls different."""
    make, expected = DIFFERENT[cell.case] if cell.case in DIFFERENT else (EQUAL[cell.case], set[int]())
    counts: dict[str, int] = {}
    for number in range(PAIRS):
        seed = number + PAIRS * cell.number
        pair = make(np.random.default_rng([cell.seed, seed, [*EQUAL, *DIFFERENT].index(cell.case)]))
        for name, seen in found(pair, seed, expected).items():
            counts[name] = counts.get(name, 0) + seen
    return {"pairs": PAIRS, "seen": counts}


def found(pair: SamplePair, seed: int, expected: set[int]) -> dict[str, bool]:
    """What each test says of one pair."""
    tests = battery(pair.x, pair.y, draws=RELABELLED["battery"], seed=seed)
    alone = {test.name: test.p_value <= SIGNIFICANT for test in tests.tests}
    columns = column_tests(pair.x, pair.y, pair.features)
    said = {"battery": tests.p_value <= SIGNIFICANT, "columns (Holm)": columns.min() <= SIGNIFICANT} | alone
    if len(pair.x) > FEATURED:
        return {name: bool(seen) for name, seen in said.items()}
    groups = pair.features.groups
    transport = split_test(pair.x, pair.y[: 2 * len(pair.x)], groups, draws=RELABELLED["features"], seed=seed)
    split = bracket_split(pair.x, pair.y, groups, draws=2, seed=seed) if expected else ExcessSplit(*none(pair))
    explained = Explanation(pair.features, split, transport, columns, [])
    said["features"] = explained.p_values.min() <= SIGNIFICANT
    if expected:
        first = set(explained.order[: len(expected)].tolist())
        said["named first"] = first == expected
        said["largest part"] = set(np.argsort(-split.excess)[: len(expected)].tolist()) == expected
    return {name: bool(seen) for name, seen in said.items()}


def none(pair: SamplePair) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parts that say nothing, where only p-values are asked for."""
    empty = np.zeros((1, len(pair.features)))
    return empty, empty, empty


def share(rows: Rows, case: str, test: str) -> float | None:
    """The share of pairs of a case in which a test says so; None where it was not asked."""
    own = of(rows, case)
    if not own or test not in own[0]["seen"]:
        return None
    return float(sum(row["seen"][test] for row in own) / sum(row["pairs"] for row in own))


def verdict(rows: Rows) -> Result:
    """Whether the claims hold."""

    def shares(cases: Sequence[str], test: str) -> dict[str, float]:
        return {case: value for case in cases if (value := share(rows, case, test)) is not None}

    honest, features = shares(list(EQUAL), "battery"), shares(list(EQUAL), "features")
    power = {
        name: {test: share(rows, case, test) for test in ("battery", "named first", "largest part")}
        for name, case in (
            ("correlation", "correlation"),
            ("small-shift", "shift .25 of 50"),
            ("rare-mode", "rare mode"),
        )
    }
    far = share(rows, "shift .8 of 50", "largest part")
    holds = {
        "battery-honest": all(BAND[0] <= value <= BAND[1] for value in honest.values()),
        "features-honest": all(value <= BAND[1] for value in features.values()),
        "correlation": at_least(power["correlation"], 0.95, "battery", "named first"),
        "small-shift": at_least(power["small-shift"], 0.9, "named first") and (far or 0) >= 0.9,
        "rare-mode": at_least(power["rare-mode"], 0.8, "battery"),
    }
    facts: Result = {"battery-honest": honest, "features-honest": features} | power
    return {name: {"verdict": verdict_word(met)} | facts[name] for name, met in holds.items()}


def at_least(shares: Mapping[str, float | None], least: float, *tests: str) -> bool:
    """Whether each of some tests says so in so many pairs."""
    return all((shares[test] or 0) >= least for test in tests)


def tables(rows: Rows) -> list[Table]:
    """Shares of pairs called different, in percent."""
    names = list(dict.fromkeys(name for row in rows for name in row["seen"]))
    body = []
    for case in dict.fromkeys(row["case"] for row in rows):
        own = of(rows, case)
        shares = (share(rows, case, name) for name in names)
        cells = ["-" if value is None else f"{100 * value:.1f}" for value in shares]
        body.append([case, f"{sum(row['pairs'] for row in own):,}", *cells])
    return [Table(["pairs that differ, % of", "pairs", *names], body), verdict_table(verdict(rows))]


def line(row: Result) -> str:
    """A cell in one line."""
    return f"{row['case']} {row['number']}: battery {row['seen']['battery']} of {row['pairs']}"


def figures(rows: Rows) -> Files:
    """Wrong and right answers of the battery and of single tests."""

    def paint(cases: Sequence[str], bars: Sequence[float], title: str) -> Callable[[Axes], None]:
        def draw(plot: Axes) -> None:
            asked = [case for case in cases if of(rows, case)]
            for look, name in enumerate(("battery", *OTHERS)):
                values = [100 * (share(rows, case, name) or 0) for case in asked]
                marks(plot, np.arange(len(asked)) + 0.15 * (look - 1.5), np.array(values), look, name)
            for bar in bars:
                plot.axhline(100 * bar, color=INK, linewidth=0.6)
            plot.set_xticks(range(len(asked)), asked, rotation=25, ha="right")
            plot.set_ylabel(f"{title} called different, %")
            plot.set_ylim(bottom=0)
            key(plot, 2)

        return draw

    return panels([paint(list(EQUAL), BAND, "equal laws"), paint(list(DIFFERENT), (), "different laws")], 3.2)


reproduce = Experiment("two-samples", CLAIMS, cells, measure, line, verdict, tables, figures)
