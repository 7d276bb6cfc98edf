r"""The classifier two-sample test: how well trees tell synthetic rows from real ones.

Equally many rows of both sides are labelled, and five folds are each predicted by trees fitted to the other four. The
share of right answers is .5 for equal distributions, and

.. math:: 2\,\mathrm{accuracy} - 1 \le \mathrm{TV}(P, Q)

in expectation, so it says from below how different the distributions are. It sees what pairs of columns do not.

Reference: Lopez-Paz, Oquab 2017, "Revisiting classifier two-sample tests".
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold

from monge.data.table.schema import Schema
from monge.distance.estimate import Estimate, share
from monge.errors import UserError
from monge.metric.auc import auc
from monge.metric.table.bin import Rows
from monge.metric.table.boosting import probabilities

FOLDS = 5
MOST = 20_000
"""Rows on a side, at most."""
LEAST = 2 * FOLDS
"""Rows on a side, at least."""
OVERLAP = (1 + FOLDS / (FOLDS - 1)) ** 0.5
"""What errors of independent answers are multiplied by, 1.5, as folds share the rows they are fitted to. For equal
distributions 1.2 to 1.3 was needed for the accuracy and 1.3 to 1.5 for the area (100 to 4,000 rows, 60 to 200 repeats).

Reference: Nadeau, Bengio 2003, "Inference for the generalization error", eq. 9."""
NORMAL = 1.959964
"""Standard errors on each side of an interval of 95 %."""


@dataclass(frozen=True)
class TwoSampleTest:
    """How well synthetic rows are told from real ones.

    Attributes:
        accuracy: share of right answers; .5 is perfect.
        auc: mean of the areas under the ROC curves of the folds; .5 is perfect.
        n: rows on each side.
    """

    accuracy: Estimate
    auc: Estimate
    n: int

    def as_json(self) -> dict[str, Any]:
        """Values with their intervals of 95 %."""
        return {"accuracy": shown(self.accuracy), "auc": shown(self.auc), "n": self.n}


def shown(estimate: Estimate) -> dict[str, Any]:
    """An estimate as a mapping, with its normal interval of 95 % within [0, 1]."""
    low, high = interval(estimate)
    return {"value": estimate.value, "error": estimate.standard_error, "interval": [low, high]}


def interval(estimate: Estimate) -> tuple[float, float]:
    """The normal interval of 95 % of a share or an area, within [0, 1]."""
    half = NORMAL * estimate.standard_error
    return max(0.0, estimate.value - half), min(1.0, estimate.value + half)


def two_sample_test(schema: Schema, real: Rows, fake: Rows, *, most: int = MOST, seed: int = 0) -> TwoSampleTest:
    """The test of two sets of rows, of which equally many are drawn at random.

    The errors are those of independent answers times 1.5, because folds share the rows that trees are fitted to.

    Arguments:
        schema: of the columns.
        real, fake: raw rows (n, d) and (m, d), at least 10 of each.
        most: rows on a side, at most.
        seed: of the rows and the folds.

    Raises:
        UserError: too few rows.
    """
    n = min(len(real), len(fake), most)
    if n < LEAST:
        raise UserError(f"real and fake must have at least {LEAST} rows each; got {len(real)} and {len(fake)}")
    random = np.random.default_rng(seed)
    sides = [rows[random.permutation(len(rows))[:n]] for rows in (real, fake)]
    x, y = np.concatenate(sides), np.repeat([0, 1], n)
    right, areas = 0, []
    for fitted, judged in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(x, y):
        found = probabilities(schema, x[fitted], y[fitted], x[judged], 2, stopping=False)[:, 1]
        truth = y[judged] == 1
        right += int(((found > 0.5) == truth).sum())
        areas.append(auc(found[truth], found[~truth]))
    accuracy = share(right / (2 * n), 2 * n)
    area = sum(found.value for found in areas) / FOLDS
    error = sum(found.standard_error**2 for found in areas) ** 0.5 / FOLDS
    return TwoSampleTest(
        Estimate(accuracy.value, OVERLAP * accuracy.standard_error), Estimate(area, OVERLAP * error), n
    )
