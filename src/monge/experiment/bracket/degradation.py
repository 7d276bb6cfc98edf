r"""Five ways in which samples become worse, each by a strength, and the real samples that they start from.

*Averaged*: every sample is the mean of itself and its nearest neighbours, as from a generator that cannot tell them
apart and answers with their mean. *Blended*: the mean of k samples matched by optimal transport, one of each of k
sets: to first order the barycentre, the cloud whose distance to sets of n samples is least on average, which a
generator approaches when it minimises exact transport to batches (Stanczuk et al. 2021). *Shrunken*:
:math:`m + (1 - s)(x - m)` about the mean m. *Dropped*: samples of some classes or modes are left out. *Noisy*: normal
noise is added.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree
from sklearn.datasets import load_digits

from monge.data.toy import TOYS, Mixture
from monge.distance.points import Points
from monge.distance.transport.exact import coupling
from monge.distance.transport.line import Order
from monge.errors import UserError

Random = np.random.Generator


@dataclass(frozen=True, eq=False)
class Pool:
    """Real samples (N, d) and the class of each, (N,)."""

    points: Points
    classes: Order

    def __getitem__(self, rows: slice | Order) -> "Pool":
        return Pool(self.points[rows], self.classes[rows])


Degrade = Callable[[Pool, int, float, Random], Points]
"""From a pool, how many samples and a strength to that many degraded samples, (n, d)."""


def averaged(pool: Pool, n: int, k: float, random: Random) -> Points:
    """The mean of each of n samples and its k - 1 nearest among them."""
    points = pool.points[:n]
    near = np.asarray(cKDTree(points).query(points, int(k))[1]).reshape(n, -1)
    return np.asarray(points[near].mean(axis=1))


def blended(pool: Pool, n: int, k: float, random: Random) -> Points:
    """The mean of k matched samples: each next set is coupled to the mean of those before it."""
    mean = pool.points[:n].copy()
    for i in range(1, int(k)):
        part = pool.points[i * n : (i + 1) * n]
        plan = coupling(mean, part)
        mean += (part[plan.target[np.argsort(plan.source)]] - mean) / (i + 1)
    return mean


def shrunken(pool: Pool, n: int, strength: float, random: Random) -> Points:
    """n samples drawn towards their mean."""
    points = pool.points[:n]
    centre = points.mean(axis=0)
    return np.asarray(centre + (1 - strength) * (points - centre))


def dropped(pool: Pool, n: int, share: float, random: Random) -> Points:
    """n samples of the classes that are left when a share of them, chosen at random, is missing.

    Raises:
        UserError: there are fewer than n; none is taken twice.
    """
    order = random.permutation(int(pool.classes.max()) + 1)
    kept = pool.points[~np.isin(pool.classes, order[: round(share * len(order))])]
    if len(kept) < n:
        raise UserError(f"the kept classes must have at least {n} samples; got {len(kept)}")
    return kept[:n]


def noisy(pool: Pool, n: int, deviation: float, random: Random) -> Points:
    """n samples with independent normal noise in every coordinate."""
    points = pool.points[:n]
    return np.asarray(points + deviation * random.standard_normal(points.shape))


DEGRADATIONS: Mapping[str, Degrade] = {
    "averaged": averaged,
    "blended": blended,
    "shrunken": shrunken,
    "dropped": dropped,
    "noisy": noisy,
}


@dataclass(frozen=True)
class Setting:
    """Strengths of a degradation, the first of which changes nothing, and samples a side."""

    strengths: tuple[float, ...]
    n: int


SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
SETTINGS: Mapping[str, Mapping[str, Setting]] = {
    "digits": {
        "averaged": Setting((1, 2, 3, 4, 8, 16), 440),
        "blended": Setting((1, 2, 3, 4, 5, 6), 128),
        "shrunken": Setting(SHARES, 440),
        "dropped": Setting(SHARES, 250),
        "noisy": Setting(SHARES, 440),
    },
    "grid25": {
        "averaged": Setting((1, 2, 3, 4, 6, 8), 50),
        "blended": Setting((1, 2, 3, 4, 5, 6), 50),
        "shrunken": Setting(SHARES, 50),
        "dropped": Setting(SHARES, 50),
        "noisy": Setting((0.0, 0.2, 0.4, 0.6, 0.8, 1.0), 50),
    },
}
"""n is as large as disjoint parts of 1,797 digits allow; for grid25 it is small, because plug-in distances in the plane
need few samples to be wrong."""


def digits(random: Random) -> Pool:
    """All 1,797 digits in random order, (1797, 64) in [-1, 1], and their labels."""
    data = load_digits()
    order = random.permutation(len(data.target))
    return Pool(data.data[order] / 8 - 1, data.target[order].astype(np.intp))


def grid25(random: Random) -> Pool:
    """1,000 fresh samples of toy:grid25 and their modes."""
    law = TOYS["grid25"]
    points = law.draw(1000, torch.Generator().manual_seed(int(random.integers(2**62)))).double().numpy()
    modes = law.modes if isinstance(law, Mixture) else ()
    return Pool(points, np.asarray(cKDTree(np.array(modes)).query(points)[1], dtype=np.intp))


DATA: Mapping[str, Callable[[Random], Pool]] = {"digits": digits, "grid25": grid25}
