"""What all rows of two sets say, where there are more than are drawn: they are read once more, some at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.distance.bounds import Progress, silent
from monge.distance.points import Points
from monge.distance.stream import Counts, Streamed, edges_of, streamed
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.sample_set import SampleSet
from monge.metric.column_test import holm, pearson, smirnov


@dataclass(frozen=True, eq=False)
class Whole:
    """Figures of all rows.

    Attributes:
        streamed: distances.
        columns: p-values of the tests of single features, corrected for all features, (g,).
    """

    streamed: Streamed
    columns: NDArray[np.float64]

    def as_json(self) -> dict[str, Any]:
        """How many rows, and the least p-value of a feature."""
        return {"rows": list(self.streamed.rows), "p_value": float(self.columns.min())}


def whole(
    a: SampleSet, b: SampleSet, features: FeatureGroups, *, seed: int = 0, progress: Progress = silent
) -> Whole | None:
    """What all rows of two sets say; None where the points are all of them, or draws are fresh.

    Arguments:
        a, b: the sets, in one metric scale and the same units.
        features: of their points.
        seed: of directions.
        progress: called with what is being done, and how much of it is done and to do.
    """
    if None in (a.available, b.available) or not (a.drawn or b.drawn):
        return None
    progress("all rows", 0, 1)
    edges = [_edges(values) for values in features.values(np.concatenate([a.points, b.points]))]
    of_a, of_b = FeatureCounts(features, edges), FeatureCounts(features, edges)
    chunks = of_a.passing(a.chunks()), of_b.passing(b.chunks())
    found = streamed(*chunks, (a.points, b.points), seed=seed)
    progress("all rows", 1, 1)
    p_values = [_p_value(of_a, of_b, feature) for feature in range(len(features))]
    return Whole(found, holm(p_values))


class FeatureCounts:
    """How many values of every feature are at most each edge, or have each level.

    Arguments:
        features: of the rows.
        edges: of each feature, (e,).
    """

    def __init__(self, features: FeatureGroups, edges: list[Points]) -> None:
        self.features = features
        self.counts = Counts(edges)

    def passing(self, chunks: Iterator[Points]) -> Iterator[Points]:
        """The same chunks, counted."""
        for chunk in chunks:
            values = self.features.values(chunk)
            self.counts.add(np.where(np.isnan(column), np.inf, column) for column in values)
            yield chunk

    def levels(self, feature: int) -> NDArray[np.int64]:
        """How many rows have each level, of which the edges are all that were seen in the rows drawn, and others."""
        return np.asarray(np.diff(self.counts.at_most[feature], prepend=0, append=self.counts.total))


def _edges(values: Points) -> Points:
    known = values[np.isfinite(values)]
    return edges_of(known) if len(known) else np.zeros(1)


def _p_value(a: FeatureCounts, b: FeatureCounts, feature: int) -> float:
    if a.features.levelled[feature]:
        return pearson(np.stack([a.levels(feature), b.levels(feature)]))
    distance = np.abs(a.counts.shares(feature) - b.counts.shares(feature)).max()
    return smirnov(float(distance), a.counts.total, b.counts.total)
