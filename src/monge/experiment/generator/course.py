r"""The course of a training: looks at its generator, and how two courses go together.

A look measures lower limit and excess on samples that they do not share. Two courses are compared by Spearman's rank
correlation, with Fisher's interval and the standard error :math:`1.06 / \sqrt{n - 3}` of Fieller, Hartley, Pearson
1957, "Tests for rank correlation coefficients", for n independent pairs. Looks at one training are not: they share its
progress.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from monge.data.dataset import DataSet
from monge.distance.bounds import lower_bound
from monge.distance.points import Points
from monge.distance.summary import Draw
from monge.distance.transport.exact import wasserstein
from monge.evaluation.reference import QUICK
from monge.metric.frechet import frechet

FITTED = 650
CHOSEN = 83
PROVED = 166
"""Real samples that fit, choose and prove the lower limit."""
JUDGED = 248
"""Samples on each side of the excess."""
FAKES = 1000
"""Generated samples that choose the lower limit, and as many that prove it."""
DRAWS = 3
"""Of generated samples, for an excess."""
SETTINGS = (FITTED, CHOSEN, PROVED, JUDGED, FAKES, DRAWS)


class Look:
    """What is measured of a generator; the lower limit and the excess have no sample in common.

    Arguments:
        data: judged against its training and held-out samples.
        seed: decides which real samples are whose.
    """

    def __init__(self, data: DataSet, seed: int) -> None:
        metric = data.codec.metric
        self._all = metric(data.train.all())
        train = metric(data.train.sample(FITTED + JUDGED, seed))
        held_out = metric(data.held_out.sample(CHOSEN + PROVED + JUDGED, seed))
        self._fitted, floor = np.split(train, [FITTED])
        self._chosen, self._proved, self._judged = np.split(held_out, [CHOSEN, CHOSEN + PROVED])
        self._floor = wasserstein(floor, self._judged)

    @property
    def fakes(self) -> int:
        """Generated samples that a look takes."""
        return FITTED + 2 * FAKES + 2 * DRAWS * JUDGED

    def __call__(self, fake: Points) -> dict[str, float]:
        """The lower limit, the excess, and the Frechet distance in pixels to all training samples.

        Arguments:
            fake: `fakes` generated samples in metric scale, (n, d).
        """
        fitted, chosen, proved, judged = np.split(fake, np.cumsum([FITTED, FAKES, FAKES]))
        limit = lower_bound((self._fitted, fitted), (self._chosen, chosen), (self._proved, proved), families=QUICK)
        draws = [
            Draw(wasserstein(first, self._judged), self._floor, wasserstein(first, second))
            for first, second in judged.reshape(DRAWS, 2, JUDGED, -1)
        ]
        distance = frechet(self._all, fake[: FITTED + FAKES])
        return {"lower": limit.value, "excess": float(np.mean([d.excess for d in draws])), "frechet": distance}


def rho(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's correlation of two courses; 0 if one of them never changes."""
    if min(len(set(a)), len(set(b))) < 2:
        return 0.0
    return float(spearmanr(a, b).statistic)


def rho_of_changes(a: Sequence[float], b: Sequence[float]) -> float:
    """The same of the changes from each look to the next, which have no common trend."""
    return rho(np.diff(a).tolist(), np.diff(b).tolist())


def interval(correlation: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rank correlation of n pairs, n > 3.

    A correlation of 1, which has none, is taken for the next smaller one, that of two neighbours exchanged.
    """
    most = 1 - 12 / (n * (n * n - 1))
    centre, error = math.atanh(float(np.clip(correlation, -most, most))), 1.06 / math.sqrt(n - 3)
    return math.tanh(centre - 1.96 * error), math.tanh(centre + 1.96 * error)
