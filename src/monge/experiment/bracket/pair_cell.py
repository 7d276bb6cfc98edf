"""One random pair of distributions of known W1, and its bracket."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from monge.distance.bounds import CERTIFIED, bracket
from monge.distance.dual.family import FAMILIES, Family
from monge.distance.dual.fit import DrawPoints
from monge.distance.transport.exact import wasserstein
from monge.experiment.bracket.truth import KINDS, TRUTH_SAMPLES, Truth, shift_pair
from monge.experiment.sweep import Result, digest

ACCURACY = "accuracy"
"""The kind of the shifts of at least one standard deviation in 1 to 5 dimensions."""
FEWEST_SAMPLES = 200
MOST_SAMPLES = 5000
"""Samples of each distribution: a random number between the two."""
ACCURACY_SAMPLES = 3000
"""Samples of each distribution of an accuracy pair."""
DRAWS = 24
"""For the upper estimate."""
DRAWS_ON_A_LINE = 240
"""The same on a line, where sorting solves it."""
DRAW_SIZE = 512
"""Samples a side in each draw, at most."""
STEPS = 100
"""Of the trained families: a tenth of their own number. A worse potential is as honest; only its limit is lower."""
SIZES = (TRUTH_SAMPLES, FEWEST_SAMPLES, MOST_SAMPLES, ACCURACY_SAMPLES, DRAWS, DRAWS_ON_A_LINE, DRAW_SIZE)
# with few steps, each must be long
RATES = {"cones": 3e-2, "orthogonal": 5e-3}
FAMILIES_USED: Sequence[Family] = [
    replace(FAMILIES[name], steps=STEPS, rate=RATES[name]) if name in RATES else FAMILIES[name] for name in CERTIFIED
]


@dataclass(frozen=True)
class PairCell:
    """One pair of distributions.

    Arguments:
        kind: a name in `KINDS`, or "accuracy".
        index: of the pair among its kind.
        seed: of everything random.
        folder: of the cache.
        shape: distribution, dimension and length of an accuracy pair.
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


def measure(cell: PairCell) -> Result:
    """The bracket of n samples of each distribution, and the mean of exact transport over fresh draws."""
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
