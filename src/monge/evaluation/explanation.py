"""In what two sample sets differ: which features, by how much of the excess, and which samples.

Two tests look at every feature. One asks whether its part of the transport is larger than relabelled rows give it, and
sees what only shows in several features together, such as a changed correlation. The other looks at the feature alone
(Kolmogorov-Smirnov for numbers, chi-squared for levels), and sees small differences of one of many features, which the
transport in many dimensions hides. Both are corrected for all features, and the smaller p is doubled, as there are two.

Features are ranked by this p, where all that relabelling cannot tell from its least value count as equal, and then by
their part of the excess.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.distance.bounds import Progress, silent
from monge.distance.excess_split import ExcessSplit
from monge.distance.points import Points
from monge.distance.split_test import SplitTest, split_test
from monge.distance.transport.exact import coupling
from monge.evaluation.breakdown import ClassPart, GroupPart, Positions, class_parts, group_parts
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.sample_set import SampleSet
from monge.metric.column_test import chi_squared, holm, kolmogorov_smirnov

FARTHEST = 10
"""Samples of B that are named."""
COUPLED = 1024
"""Samples of A that samples of B are coupled with, and as many of these at a time."""
NAMED = 3
"""Features of a sample that are named, at most."""
WORTH_NAMING = 0.1
"""Share of a sample's cost from which a feature is named."""
ALONE = 2**23
"""Samples of a side times features, at most, that the tests of single features look at."""
TESTS = ("Kolmogorov-Smirnov", "chi-squared")


@dataclass(frozen=True)
class FarSample:
    """A sample of B that is far from the distribution of A.

    Attributes:
        point: its position among B's points.
        near: the position among A's points of that which most of it moves to.
        row, matched: these two in the data, counted from 0; None where every draw is fresh.
        cost: mean distance that it moves in the coupling with A.
        features: shares of the squared distance between the two, by name, the largest first.
    """

    point: int
    near: int
    row: int | None
    matched: int | None
    cost: float
    features: dict[str, float]

    def as_json(self) -> dict[str, Any]:
        """What it is in the data, as a plain mapping."""
        return {"row": self.row, "cost": self.cost, "matched": self.matched, "features": self.features}


@dataclass(frozen=True, eq=False)
class Explanation:
    """In what two sample sets differ.

    Attributes:
        features: what they are made of, g of them.
        split: of the bracket's draws, by feature.
        test: of the parts, corrected for all features.
        alone: p-values of the tests of single features, corrected for all features, (g,).
        farthest: the samples of B that are farthest from the distribution of A, the farthest first.
        groups: positions of the features of each group, by name; empty where there are no groups.
        classes: of the samples, that with the largest part of the excess first; empty where there are none.
    """

    features: FeatureGroups
    split: ExcessSplit
    test: SplitTest
    alone: NDArray[np.float64]
    farthest: list[FarSample]
    groups: Positions = field(default_factory=dict)
    classes: Sequence[ClassPart] = ()

    @property
    def p_values(self) -> NDArray[np.float64]:
        """Of both tests together, (g,)."""
        return np.asarray(2 * np.minimum(self.test.p_values, self.alone)).clip(max=1.0)

    @property
    def order(self) -> NDArray[np.intp]:
        """The features, that which differs most clearly first, (g,)."""
        least = 2 / (1 + self.test.draws)
        return np.lexsort((-self.split.excess, np.maximum(self.p_values, least)))

    @property
    def group_parts(self) -> list[GroupPart]:
        """The groups of features, that with the largest part of the excess first."""
        return group_parts(self.split, self.p_values, self.features.names, self.groups)

    def as_json(self) -> dict[str, Any]:
        """All features in their order, groups, classes and the farthest samples, as plain mappings."""
        errors, p_values, excess = self.split.excess_error, self.p_values, self.split.excess
        total = float(excess.sum())
        features = [
            {
                "name": self.features.names[j],
                "excess": float(excess[j]),
                "error": None if errors is None else float(errors[j]),
                "share": float(excess[j]) / total if total > 0 else None,
                "upper": float(self.split.upper[j]),
                "floor": float(self.split.floor[j]),
                "spread": float(self.split.spread[j]),
                "p_value": float(p_values[j]),
                "p_transport": float(self.test.p_values[j]),
                "p_alone": float(self.alone[j]),
                "test_alone": TESTS[int(self.features.levelled[j])],
            }
            for j in self.order
        ]
        relabelled = {"rows": list(self.test.rows), "parts": self.test.parts, "relabellings": self.test.draws}
        return {
            "features": features,
            "groups": [asdict(group) for group in self.group_parts],
            "classes": [asdict(part) for part in self.classes],
            "relabelled": relabelled,
            "farthest": [far.as_json() for far in self.farthest],
        }


def explanation_of(
    a: SampleSet,
    b: SampleSet,
    features: FeatureGroups,
    split: ExcessSplit,
    alone: NDArray[np.float64] | None = None,
    groups: Positions | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Explanation:
    """In what two sample sets differ.

    Arguments:
        a, b: the sets, in one metric scale.
        features: of their points.
        split: of the bracket's draws by these features.
        alone: p-values of the tests of single features, where all rows were looked at; else they are tested here.
        groups: positions of the features of each group, by name.
        seed: of the relabellings.
        progress: called with what is being done, and how much of it is done and to do.
    """
    clusters = None if a.clusters is None or b.clusters is None else (a.clusters, b.clusters)
    test = split_test(a.points, b.points, features.groups, clusters=clusters, seed=seed, progress=progress)
    progress("features", 0, 1)
    if clusters is not None:
        alone = np.ones(len(features))  # these tests know of no clusters
    alone = column_tests(a.points, b.points, features) if alone is None else alone
    progress("features", 1, 1)
    classes = class_parts(a, b, seed, progress) if clusters is None else []
    far = farthest(a, b, features, progress=progress)
    return Explanation(features, split, test, alone, far, groups or {}, classes)


def column_tests(x: Points, y: Points, features: FeatureGroups) -> NDArray[np.float64]:
    """The p-values of the tests of single features, corrected for all features by Holm's method, (g,)."""
    most = max(1, ALONE // len(features))
    pairs = zip(features.values(x[:most]), features.values(y[:most]), features.levelled, strict=True)
    return holm(
        [
            chi_squared(first.astype(np.int64), second.astype(np.int64))
            if levelled
            else kolmogorov_smirnov(first, second)
            for first, second, levelled in pairs
        ]
    )


def farthest(
    a: SampleSet, b: SampleSet, features: FeatureGroups, count: int = FARTHEST, progress: Progress = silent
) -> list[FarSample]:
    """The samples of b that are farthest from the distribution of a, by what they cost in a coupling with it.

    Each part of 1,024 samples of b is coupled with the same 1,024 of a, at most.
    """
    x, found = a.points[:COUPLED], []
    parts = [np.arange(start, min(start + COUPLED, len(b.points))) for start in range(0, len(b.points), COUPLED)]
    for done, part in enumerate(parts):
        progress("farthest", done, len(parts))
        costs, matched = _costs(x, b.points[part])
        worst = np.argsort(-costs, kind="stable")[:count]
        found += [(float(costs[i]), int(part[i]), int(matched[i])) for i in worst]
    progress("farthest", len(parts), len(parts))
    found.sort(key=lambda far: (-far[0], far[1]))
    return [_far(a, b, features, *far) for far in found[:count]]


def _costs(x: Points, y: Points) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """The mean cost of each row of y (m, d) in its coupling with x, and the row of x with most of its mass, (m,)."""
    plan = coupling(x, y)
    moved = plan.mass * np.linalg.norm(x[plan.source] - y[plan.target], axis=1)
    costs = np.bincount(plan.target, moved, len(y)).astype(np.float64) * len(y)
    matched = np.empty(len(y), np.intp)
    order = np.argsort(plan.mass, kind="stable")
    matched[plan.target[order]] = plan.source[order]  # the last one stays
    return costs, matched


def _far(a: SampleSet, b: SampleSet, features: FeatureGroups, cost: float, index: int, matched: int) -> FarSample:
    squares = np.bincount(features.groups, (a.points[matched] - b.points[index]) ** 2)
    shares = squares / (squares.sum() or 1.0)
    named = [j for j in np.argsort(-shares, kind="stable")[:NAMED] if shares[j] >= WORTH_NAMING]
    rows = [None if side.rows is None else int(side.rows[i]) for side, i in ((b, index), (a, matched))]
    return FarSample(index, matched, rows[0], rows[1], cost, {features.names[j]: float(shares[j]) for j in named})
