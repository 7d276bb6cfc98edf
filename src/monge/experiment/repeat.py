"""Repeats of one measurement under different random numbers, and what all of them together say of a claim."""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from monge.experiment.experiment import FAILS, HOLDS, INCONCLUSIVE, Budget
from monge.experiment.sweep import Result, digest

REPEATS: Mapping[Budget, int] = {"quick": 3, "full": 10}
"""Of each case."""


@dataclass(frozen=True)
class Repeat:
    """One repeat of a case of an experiment.

    Arguments:
        case: what is measured.
        number: of the repeat.
        seed: of everything random.
        folder: of the cache.
        settings: everything else that the result depends on.
    """

    case: str
    number: int
    seed: int
    folder: Path
    settings: tuple[Any, ...]

    @property
    def path(self) -> Path:
        """Where the result is kept."""
        key = digest(self.case, self.number, self.seed, self.settings)
        return self.folder / f"{self.case}-{self.number:02d}.{key}.json"

    def draw(self, purpose: int = 0) -> np.random.Generator:
        """Random numbers of this repeat, the same in every case."""
        return np.random.default_rng([self.seed, self.number, purpose])

    def torch_seed(self, purpose: int = 0) -> int:
        """A seed of this repeat for torch."""
        return int(self.draw(purpose).integers(2**62))


def repeats(
    cases: Sequence[str], settings: tuple[Any, ...], counts: Mapping[Budget, int] = REPEATS
) -> Callable[[Budget, int, Path], list[Repeat]]:
    """The `cells` of an experiment: every case as often as the budget says."""

    def cells(budget: Budget, seed: int, folder: Path) -> list[Repeat]:
        return [Repeat(case, number, seed, folder, settings) for case in cases for number in range(counts[budget])]

    return cells


def timed(measure: Callable[[Repeat], Result]) -> Callable[[Repeat], Result]:
    """The same measurement, with case, number and "seconds": of one core, so that other work does not lengthen them."""

    @functools.wraps(measure)
    def with_seconds(cell: Repeat) -> Result:
        start = time.process_time()
        facts = {"case": cell.case, "number": cell.number} | measure(cell)
        return facts | {"seconds": round(time.process_time() - start, 2)}

    return with_seconds


def judged(met: Sequence[bool], cases: Sequence[str] = ()) -> str:
    """A claim holds if every repeat meets it, and does not if in some case fewer than half do; else it is inconclusive.

    Arguments:
        met: whether each repeat meets it.
        cases: what each is a repeat of; of the same if not given.
    """
    if all(met):
        return HOLDS
    cases = cases or [""] * len(met)
    by_case = [[m for m, name in zip(met, cases, strict=True) if name == case] for case in dict.fromkeys(cases)]
    return FAILS if any(2 * sum(some) < len(some) for some in by_case) else INCONCLUSIVE


def judged_by_case(rows: Sequence[Result], meets: Callable[[Result], bool]) -> str:
    """What is said of a claim by repeats of several cases, each of which meets it or not."""
    return judged([meets(row) for row in rows], [row["case"] for row in rows])


def of(rows: Sequence[Result], case: str) -> list[Result]:
    """The repeats of one case."""
    return [row for row in rows if row["case"] == case]


def by_case(rows: Sequence[Result]) -> dict[str, list[Result]]:
    """The repeats of each case, in the order of the cases."""
    return {case: of(rows, case) for case in dict.fromkeys(row["case"] for row in rows)}


def by_repeat(rows: Sequence[Result]) -> list[dict[str, Result]]:
    """The results of each repeat, by case."""
    numbers = dict.fromkeys(row["number"] for row in rows)
    return [{row["case"]: row for row in rows if row["number"] == number} for number in numbers]


def spread(values: Sequence[float]) -> list[float]:
    """Lowest, median and highest of the repeats, to four digits."""
    return [float(f"{value:.4g}") for value in (min(values), float(np.median(values)), max(values))]


def spread_by_case(rows: Sequence[Result], value: Callable[[Result], float]) -> dict[str, list[float]]:
    """Lowest, median and highest of a value among the repeats of each case."""
    return {case: spread([value(row) for row in some]) for case, some in by_case(rows).items()}


def shown(values: Sequence[float]) -> str:
    """A spread in words."""
    low, middle, high = spread(values)
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"
