"""Gradient-boosted trees on the columns of a table as they are: levels as categories, missing values as missing.

Reference: Ke et al. 2017, "LightGBM: a highly efficient gradient boosting decision tree", whose histograms
scikit-learn's estimators follow.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from monge.data.table.schema import Schema
from monge.metric.table.bin import Rows

LEVELS = 250
"""Levels of a column that trees tell apart, the most frequent ones; the others are one to them. They take 255."""
PRESENT = 20
"""Values of a column below which trees see only whether it is missing: they take no column without a value."""
TREES = 100
"""Rounds of boosting."""
LEAF = 20
"""Least rows of a leaf."""
SHRINKAGE = 1.0
"""L2 penalty of the leaves for k > 2 classes: without it the few rows of a rare class make leaves without bound, and
the area for five kinds of coast in the Californian census falls from .997 to .57."""
WORK = 1000
"""Trees in all, at most: of k > 2 classes each round takes k."""


class Features:
    """Rows as trees take them: (n, d) -> (n, d).

    Arguments:
        schema: of the columns.
        reference: the rows whose frequent levels are told apart, (m, d).
    """

    def __init__(self, schema: Schema, reference: Rows) -> None:
        self._unseen: list[int] = []
        self._frequent: dict[int, Rows] = {}
        for index, column in enumerate(schema):
            seen = reference[:, index]
            seen = seen[~np.isnan(seen)]
            if len(seen) < PRESENT:
                self._unseen.append(index)
            elif column.levelled and len(column.levels) > LEVELS:
                levels, counts = np.unique(seen, return_counts=True)
                self._frequent[index] = np.sort(levels[np.argsort(-counts, kind="stable")[: LEVELS - 1]])

    def __call__(self, rows: Rows) -> Rows:
        found = rows.copy()
        found[:, self._unseen] = np.isnan(rows[:, self._unseen])
        for index, frequent in self._frequent.items():
            values = rows[:, index]
            place = np.where(np.isin(values, frequent), np.searchsorted(frequent, values), LEVELS)
            found[:, index] = np.where(np.isnan(values), np.nan, place)
        return found


def classifier(
    schema: Schema, classes: int = 2, *, stopping: bool = True, rounds: int = TREES, leaf: int = LEAF
) -> Any:
    """Trees for classes.

    Arguments:
        schema: of the columns that they see.
        classes: that are told apart.
        stopping: whether to stop where a tenth of more than 10,000 rows is no longer predicted better.
        rounds: of boosting, at most.
        leaf: least rows of a leaf.
    """
    if classes > 2:
        rounds = max(10, min(rounds, WORK // classes))
    early = "auto" if stopping else False
    return HistGradientBoostingClassifier(
        categorical_features=_levelled(schema),
        max_iter=rounds,
        min_samples_leaf=leaf,
        early_stopping=early,
        l2_regularization=SHRINKAGE if classes > 2 else 0.0,
        random_state=0,
    )


def regressor(schema: Schema) -> Any:
    """Trees for a number; the argument is that of `classifier`."""
    return HistGradientBoostingRegressor(categorical_features=_levelled(schema), max_iter=TREES, random_state=0)


def probabilities(schema: Schema, x: Rows, y: NDArray[np.int64], unseen: Rows, classes: int, **how: bool) -> Rows:
    """Of every class, (n, classes), for unseen rows (n, d), by trees fitted to rows x (m, d) of classes y (m,).

    Classes that are not in y have probability 0.
    """
    found = np.zeros((len(unseen), classes))
    present = np.unique(y)
    if len(present) < 2:
        found[:, present] = 1.0
        return found
    features = Features(schema, x)
    fitted = classifier(schema, len(present), **how).fit(features(x), y)
    found[:, present] = fitted.predict_proba(features(unseen))
    return found


def _levelled(schema: Schema) -> list[bool]:
    return [column.levelled for column in schema]
