"""Pairs of sample sets on which two-sample tests are tried: equal laws that tests break on, and small differences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from monge.data.dataset import ArrayData, DataInfo
from monge.data.source import load_data
from monge.data.split import ArraySplit
from monge.data.table.shop import shop_rows
from monge.distance.points import Points
from monge.evaluation.coordinate import FeatureGroups

SHIFTED = 3
"""The column that differs where one does."""


@dataclass(frozen=True, eq=False)
class SamplePair:
    """Two sample sets in metric scale, and the features of their points."""

    x: Points
    y: Points
    features: FeatureGroups


def normal(random: np.random.Generator) -> SamplePair:
    """100 and 100 rows of a normal law in 10 dimensions."""
    return vectors(*random.normal(size=(2, 100, 10)))


def heavy_tails(random: np.random.Generator) -> SamplePair:
    """60 and 60 rows of 5 numbers by Student's law with 1.5 degrees of freedom, which has no variance."""
    return vectors(*random.standard_t(1.5, size=(2, 60, 5)))


def mixed_table(random: np.random.Generator) -> SamplePair:
    """80 and 80 orders of the made shop: numbers, levels, days and missing values, in the units of the first 80."""
    schema, rows = shop_rows(160, int(random.integers(2**31)))
    info = DataInfo("shop", columns=schema.names, schema=schema)
    parts = (ArraySplit(rows, np.arange(start, stop)) for start, stop in ((0, 80), (80, 160)))
    codec = ArrayData(info, *parts).codec
    points = codec.metric(rows)
    return SamplePair(points[:80], points[80:], FeatureGroups.of(codec, points.shape[1]))


def digit_images(random: np.random.Generator) -> SamplePair:
    """100 and 100 of the 1,797 images of digits."""
    data = load_data("digits")
    raw = np.concatenate([data.train.all(), data.held_out.all()])
    points = data.codec.metric(raw[random.permutation(len(raw))[:200]])
    return SamplePair(points[:100], points[100:], FeatureGroups.of(data.codec, points.shape[1]))


def unequal_sizes(random: np.random.Generator) -> SamplePair:
    """200 and 2,000 rows of 5 log-normal numbers with a common factor: skewed, dependent columns."""
    sides = (random.normal(size=(n, 5)) + random.normal(size=(n, 1)) for n in (200, 2000))
    return vectors(*(np.exp(side) for side in sides))


def correlation(random: np.random.Generator) -> SamplePair:
    """600 rows of 10 normal numbers, of which two have a correlation of .8 in y; every column is as before."""
    x, y = random.normal(size=(2, 600, 10))
    y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]
    return vectors(x, y)


def small_shift(random: np.random.Generator) -> SamplePair:
    """1,000 rows of 50 normal numbers, one of which is .25 higher in y."""
    x, y = random.normal(size=(2, 1000, 50))
    y[:, SHIFTED] += 0.25
    return vectors(x, y)


def large_shift(random: np.random.Generator) -> SamplePair:
    """1,000 rows of 50 normal numbers, one of which is .8 higher in y."""
    x, y = random.normal(size=(2, 1000, 50))
    y[:, SHIFTED] += 0.8
    return vectors(x, y)


def rare_mode(random: np.random.Generator) -> SamplePair:
    """2,000 rows of 10 normal numbers, of which 40 rows of y are around one place, 3 from the middle and .3 wide."""
    x, y = random.normal(size=(2, 2000, 10))
    y[:40] = 3 / 10**0.5 + 0.3 * y[:40]
    return vectors(x, random.permutation(y))


def wide_variance(random: np.random.Generator) -> SamplePair:
    """600 rows of 10 normal numbers, one of which has a deviation of 1.3 in y."""
    x, y = random.normal(size=(2, 600, 10))
    y[:, SHIFTED] *= 1.3
    return vectors(x, y)


def vectors(x: Points, y: Points) -> SamplePair:
    """Points whose numbers are their features."""
    names, none = [f"column {i + 1}" for i in range(x.shape[1])], np.zeros(x.shape[1], np.bool_)
    return SamplePair(x, y, FeatureGroups(names, np.arange(x.shape[1]), none, none))


EQUAL: dict[str, Callable[[np.random.Generator], SamplePair]] = {
    "normal": normal,
    "heavy tails": heavy_tails,
    "mixed table": mixed_table,
    "digits": digit_images,
    "unequal sizes": unequal_sizes,
}
DIFFERENT: dict[str, tuple[Callable[[np.random.Generator], SamplePair], set[int]]] = {
    "correlation": (correlation, {0, 1}),
    "shift .25 of 50": (small_shift, {SHIFTED}),
    "shift .8 of 50": (large_shift, {SHIFTED}),
    "variance": (wide_variance, {SHIFTED}),
    "rare mode": (rare_mode, set()),
}
"""Pairs, and the features that should be named first; none where all of them differ."""
