r"""Machine-learning efficacy: is a model fitted to synthetic rows as good on real ones as a model fitted to real rows?

Trees are fitted to each source of rows and judged on the same held-out real rows. For a target of levels there are the
area under the ROC curve, F1 and accuracy, for a number :math:`R^2`. Rows that interpolate training rows score high too:
this figure alone says little, and the two-sample test and the attacks belong beside it.

Reference: Xu et al. 2019, "Modeling tabular data using conditional GAN", section 5.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from monge.data.table.schema import Schema
from monge.distance.estimate import Estimate
from monge.errors import unknown_name
from monge.metric.auc import auc
from monge.metric.table.bin import Rows
from monge.metric.table.boosting import Features, probabilities, regressor

MOST = 50_000
"""Rows that are fitted, and rows that are judged, at most."""
EACH = 5_000
"""The same where every column is the target in turn."""
CLASSES = 12
"""Levels of a target that are told apart, the most frequent ones; the others are one."""
BLOCKS = 20
"""Blocks of the jackknife."""

Labels = NDArray[np.int64]
Figures = Callable[[NDArray[np.bool_]], dict[str, float]]


@dataclass(frozen=True)
class Efficacy:
    """What models of one target are worth.

    Attributes:
        target: name of the column.
        scores: of each source, `auc`, `f1` and `accuracy`, or `r2`, each with its standard error from the rows judged.
        fitted: rows of each source that its model was fitted to.
        judged: held-out rows.
    """

    target: str
    scores: dict[str, dict[str, Estimate]]
    fitted: int
    judged: int

    @property
    def main(self) -> str:
        """The figure to compare by: `auc` or `r2`."""
        return next(iter(next(iter(self.scores.values()))))

    def as_json(self) -> dict[str, Any]:
        """Values and errors as plain mappings."""
        scores = {
            source: {name: {"value": found.value, "error": found.standard_error} for name, found in figures.items()}
            for source, figures in self.scores.items()
        }
        return {"target": self.target, "fitted": self.fitted, "judged": self.judged, "scores": scores}


def efficacy(
    schema: Schema,
    sources: Mapping[str, Rows],
    held_out: Rows,
    target: str | None = None,
    *,
    most: int = MOST,
    seed: int = 0,
) -> Efficacy | None:
    """The efficacy of several sources of rows for one target; None where the target does not vary in held-out rows.

    As many rows of each source are fitted. F1 is that of the rarer of two levels, or the mean over more levels; the
    area is the mean over levels, each against the others, by their shares. A missing level is a level; rows with a
    missing number are left out.

    Arguments:
        schema: of the columns.
        sources: raw rows (n, d) by name, such as those of training and synthetic ones.
        held_out: real rows (h, d) that no source has seen.
        target: name of a column; the last one if not given.
        most: rows fitted, and rows judged, at most.
        seed: of the choice of rows.

    Raises:
        UserError: an unknown target.
    """
    name = schema.names[-1] if target is None else target
    if name not in schema.names:
        raise unknown_name("target", name, schema.names)
    random = np.random.default_rng(seed)
    n = min(most, *map(len, sources.values()))
    judged = held_out[random.permutation(len(held_out))[:most]]
    drawn = {source: rows[random.permutation(len(rows))[:n]] for source, rows in sources.items()}
    index = schema.position(name)
    score = _levels if schema.kept[index].levelled else _number
    scores = {source: score(schema, index, rows, judged) for source, rows in drawn.items()}
    known = {source: found for source, found in scores.items() if found is not None}
    return Efficacy(name, known, n, len(judged)) if known else None


def every_efficacy(
    schema: Schema, sources: Mapping[str, Rows], held_out: Rows, *, most: int = EACH, seed: int = 0
) -> list[Efficacy]:
    """The efficacy for every column in turn, without those that do not vary; arguments are those of `efficacy`."""
    found = (efficacy(schema, sources, held_out, name, most=most, seed=seed) for name in schema.names)
    return [one for one in found if one is not None]


def _levels(schema: Schema, index: int, rows: Rows, judged: Rows) -> dict[str, Estimate] | None:
    levels = len(schema.kept[index].levels)
    truth, y = (_labels(side[:, index], levels) for side in (judged, rows))
    seen, counts = np.unique(truth, return_counts=True)
    if len(seen) < 2:
        return None
    frequent = np.sort(seen[np.argsort(-counts, kind="stable")[:CLASSES]])
    truth, y = (np.where(np.isin(side, frequent), np.searchsorted(frequent, side), CLASSES) for side in (truth, y))
    others, x, unseen = _without(schema, index, rows, judged)
    found = probabilities(others, x, y, unseen, CLASSES + 1)
    return _jackknife(partial(_figures_of_levels, truth, found), len(truth))


def _figures_of_levels(truth: Labels, found: Rows, kept: NDArray[np.bool_]) -> dict[str, float]:
    truth, found = truth[kept], found[kept]
    levels, counts = np.unique(truth, return_counts=True)
    answers = found.argmax(axis=1)
    if len(levels) == 2:  # one area, and F1 of the rarer
        counted = levels[[counts.argmin()]]
        f1 = f1_score(truth == counted[0], answers == counted[0], zero_division=0.0)
    else:
        counted = levels
        f1 = f1_score(truth, answers, labels=levels, average="macro", zero_division=0.0)
    own = [found[:, level] for level in counted]
    areas = [auc(p[truth == level], p[truth != level]).value for p, level in zip(own, counted, strict=True)]
    weights = counts if len(levels) > 2 else [1]
    area = float(np.average(areas, weights=weights)) if len(levels) > 1 else 0.5
    return {"auc": area, "f1": float(f1), "accuracy": float((answers == truth).mean())}


def _number(schema: Schema, index: int, rows: Rows, judged: Rows) -> dict[str, Estimate] | None:
    rows, judged = (side[~np.isnan(side[:, index])] for side in (rows, judged))
    truth = judged[:, index]
    if len(truth) < BLOCKS or np.ptp(truth) == 0:
        return None
    others, x, unseen = _without(schema, index, rows, judged)
    if len(rows) < 2 or not len(others):
        predicted = np.full(len(truth), rows[:, index].mean() if len(rows) else 0.0)
    else:
        features = Features(others, x)
        predicted = regressor(others).fit(features(x), rows[:, index]).predict(features(unseen))

    def r2(kept: NDArray[np.bool_]) -> dict[str, float]:
        real = truth[kept]
        total = ((real - real.mean()) ** 2).sum()
        return {"r2": float(1 - ((real - predicted[kept]) ** 2).sum() / max(total, np.finfo(float).tiny))}

    return _jackknife(r2, len(truth))


def _jackknife(figures: Figures, n: int) -> dict[str, Estimate]:
    """Figures of n rows in random order, with errors from leaving out one of some blocks at a time."""
    block = np.arange(n) % BLOCKS
    found = figures(np.ones(n, np.bool_))
    without = [figures(block != left_out) for left_out in range(BLOCKS)]
    errors = {name: np.std([one[name] for one in without]) * (BLOCKS - 1) ** 0.5 for name in found}
    return {name: Estimate(value, float(errors[name])) for name, value in found.items()}


def _labels(values: Rows, levels: int) -> Labels:
    """Levels as whole numbers; unknown ones are the next, and missing ones that after it."""
    return np.where(np.isnan(values), levels + 1, values.clip(0, levels)).astype(np.int64)


def _without(schema: Schema, index: int, *sides: Rows) -> tuple[Schema, Rows, Rows]:
    columns = schema.kept[:index] + schema.kept[index + 1 :]
    first, second = (np.delete(side, index, axis=1) for side in sides)
    return Schema(columns), first, second
