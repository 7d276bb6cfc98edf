"""On which axes two sample sets are drawn: those that show most of their difference.

These are the two directions with most of the excess (`distance.displacement`), among the features that differ
significantly where there are three or more of these. A direction that is nearly one feature is drawn as that feature,
and one that is nearly in the plane of two as these two, by their own names and in their own units. Where one or two
features differ significantly, they are the axes, unless a direction that has little of them shows clearly more. A
direction no larger than chance is replaced by the feature with the next largest part, since a mixture of all would say
nothing.

The potential has directions, too, by the second moment of its gradient. They were tried on a changed correlation, a
shifted column and a rare mode in 10 dimensions, six pairs each, and held .66, .74 and .79 of the truth in the plane of
the first two, those of the coupling .84, .79 and .89.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.space import TableSpace
from monge.data.table.codec import TableCodec
from monge.distance.displacement import Displacement, displacement
from monge.distance.points import Points
from monge.distance.transport.exact import wasserstein
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.two_samples import Comparison
from monge.evaluation.units import unit
from monge.evaluation.verdict import SIGNIFICANT
from monge.plot import Axis
from monge.plot.canvas import principal

ALIGNED = 0.8
"""Share of a direction's squares that one feature has from which it is that feature, and of a plane's two features."""
CLEAR = 1.5
"""Multiple of chance from which a direction tells something. Of 86 pairs of equal distributions (normal in 5 to 50
dimensions, Student's with 3 degrees of freedom) 7 % had such a first direction."""
MORE = 1.25
"""Ratio of W1 along a direction to that in a feature from which it shows clearly more."""
MOST = 1024
"""Samples a side for W1 in a feature of levels, at most."""
TERMS = 2
"""Features that are named of a direction, at most."""
SMALL = 0.04
"""Share of a direction's squares below which a feature is not named."""
LEVELS = 8
"""Levels of an axis, at most; the others are one."""
JITTER = 0.3
"""How far points are from the place of their level, at most, where the next level is at 1."""
BESIDE = 0.15
"""How far missing numbers are from the least, as a share of what the numbers span."""


def telling_axes(result: Comparison) -> list[Axis]:
    """The two axes on which a comparison is drawn, levels upwards, where names have room; one for points on a line."""
    return sorted(_telling(result), key=lambda axis: bool(axis.places) and axis.column is None)


def _telling(result: Comparison) -> list[Axis]:
    a, b = result.a, result.b
    features = FeatureGroups.of(a.codec, a.points.shape[1], a.columns or b.columns)
    if a.points.shape[1] <= 2 and not isinstance(a.space, TableSpace):
        return [_coordinate(result, features, i) for i in range(a.points.shape[1])]
    if len(features) == 1:
        return [_feature(result, features, 0), _heights(result)]
    if len(features) == 2:
        return [_feature(result, features, j) for j in range(2)]
    seen = _seen(result)
    within = np.flatnonzero(np.isin(features.groups, seen)) if len(seen) > 2 else None
    found = displacement(a.points, b.points, within=within, seed=result.seed)
    if features.picture is not None:
        return _of_images(result, found)
    if 0 < len(seen) <= 2 and not _shows_more(result, features, found, seen):
        assert result.explanation is not None
        return [_feature(result, features, int(j)) for j in result.explanation.order[:2]]
    return _of_columns(result, features, found)


def _seen(result: Comparison) -> NDArray[np.intp]:
    """The features that differ significantly, the clearest first."""
    found = result.explanation
    return np.empty(0, np.intp) if found is None else found.order[found.p_values[found.order] <= SIGNIFICANT]


def _shows_more(result: Comparison, features: FeatureGroups, found: Displacement, seen: NDArray[np.intp]) -> bool:
    """Whether a direction that has little of the features that differ shows clearly more than each of them."""
    direction, (x, y) = found.axes[0], (result.a.points, result.b.points)
    own = np.isin(features.groups, seen)
    if not _tells(found) or (direction[own] ** 2).sum() >= 0.5:
        return False
    parts = [np.flatnonzero(features.groups == j) for j in seen]
    shown = max(wasserstein(x[:MOST, part], y[:MOST, part]) for part in parts)
    return wasserstein((x @ direction)[:, None], (y @ direction)[:, None]) > MORE * shown


def _tells(found: Displacement) -> bool:
    """Whether the first direction is more than chance."""
    return bool(found.parts[0] > CLEAR * found.chance)


def _of_images(result: Comparison, found: Displacement) -> list[Axis]:
    """Directions of all pixels; where the coupling has none that tell, principal axes."""
    points = np.concatenate([result.a.points, result.b.points])
    centred = points - points.mean(axis=0)
    told = int(_tells(found)) + int(_tells(found) and found.parts[1] > found.chance)
    kept = found.axes[:told]
    rest, shares = principal(centred - centred @ kept.T @ kept)
    names = [f"direction {i + 1} of the excess" for i in range(told)]
    names += [f"PC {i + 1}, {100 * share:.0f} % of variance" for i, share in enumerate(shares)]
    axes = [*kept, *rest][:2]
    return [_direction(result, axis, [("", name)]) for axis, name in zip(axes, names, strict=False)]


def _of_columns(result: Comparison, features: FeatureGroups, found: Displacement) -> list[Axis]:
    """Two directions, or the features that they nearly are."""
    parts = np.bincount(features.groups, found.coordinates, len(features))
    shares = np.stack([np.bincount(features.groups, axis**2, len(features)) for axis in found.axes])
    largest = np.argsort(-parts, kind="stable")
    if not _tells(found):
        return [_feature(result, features, int(j)) for j in largest[:2]]
    second = bool(found.parts[1] > found.chance)
    main = np.argsort(-shares[0], kind="stable")[:2]
    spanned = np.argsort(-shares.sum(axis=0), kind="stable")[:2]
    if second and shares[:, spanned].sum() >= 2 * ALIGNED:
        main = spanned
    elif not shares[0, main[0]] < ALIGNED <= shares[0, main].sum():
        drawn = [_nearly(result, features, found.axes[0], shares[0])]
        if second and not (shares[1].max() >= ALIGNED and shares[1].argmax() == main[0]):
            return [*drawn, _nearly(result, features, found.axes[1], shares[1])]
        return [*drawn, _feature(result, features, next(int(j) for j in largest if j not in main))]
    return [_feature(result, features, int(j)) for j in sorted(main, key=lambda j: -parts[j])]


def _nearly(result: Comparison, features: FeatureGroups, axis: Points, shares: Points) -> Axis:
    """A direction, or the feature that has nearly all of it."""
    if shares.max() >= ALIGNED:
        return _feature(result, features, int(shares.argmax()))
    return _direction(result, axis, _terms(axis, _coordinate_names(result, features)))


def _coordinate(result: Comparison, features: FeatureGroups, index: int) -> Axis:
    """A coordinate of points in the plane or on a line."""
    return Axis([("", features.names[index])], result.a.points[:, index], result.b.points[:, index], unit(result.a))


def _direction(result: Comparison, axis: Points, terms: Sequence[tuple[str, str]]) -> Axis:
    """A direction through the middle of both sets."""
    x, y = result.a.points, result.b.points
    middle = (x.mean(axis=0) + y.mean(axis=0)) / 2
    return Axis(terms, (x - middle) @ axis, (y - middle) @ axis, unit(result.a))


def _terms(axis: Points, names: Sequence[str]) -> list[tuple[str, str]]:
    """The coordinates that make up a direction, each with its factor, such as "+ .70"."""
    order = np.argsort(-np.abs(axis), kind="stable")
    chosen = [int(j) for j in order[:TERMS] if axis[j] ** 2 >= SMALL] or [int(order[0])]
    terms = []
    for place, j in enumerate(chosen):
        sign = "-" if axis[j] < 0 else "+" if place else ""
        terms.append((f"{sign} {abs(axis[j]):.2f}".strip().replace("0.", "."), names[j]))
    left = 1 - float((axis[chosen] ** 2).sum())
    return [*terms, ("+", "…")] if left >= SMALL else terms


def _coordinate_names(result: Comparison, features: FeatureGroups) -> list[str]:
    """What each coordinate is: a column, a level of it, or whether it is missing."""
    codec = result.a.codec
    if not isinstance(codec, TableCodec):
        return features.names
    names = []
    for code in codec.codes:
        name = code.column.name
        if code.column.numeric:
            names += [name, f"{name} missing"]
        else:
            names += [f"{name} = {level}" for level in (*code.column.levels, "unknown", "missing")]
    return names


def _feature(result: Comparison, features: FeatureGroups, index: int) -> Axis:
    """A column in its own units: numbers with a place for missing ones, or levels side by side."""
    name = features.names[index]
    if not isinstance(result.a.codec, TableCodec):
        a, b = (np.asarray(_raw(side)[:, index], np.float64) for side in (result.a, result.b))
        return Axis([("", name)], a, b, unit(result.a) if result.a.standardise in (None, "none") else None)
    if features.levelled[index]:
        return _levels(result, features, index)
    column = result.a.codec.codes[index].column
    sides = [np.asarray(_raw(side)[:, index], np.float64) for side in (result.a, result.b)]
    known = np.concatenate(sides)[~np.isnan(np.concatenate(sides))]
    low, span = (float(known.min()), float(np.ptp(known)) or 1.0) if len(known) else (0.0, 1.0)
    beside = low - BESIDE * span
    gaps = len(known) < sum(map(len, sides))
    a, b = (np.where(np.isnan(side), beside, side) for side in sides)
    return Axis([("", name)], a, b, places={beside: "missing"} if gaps else {}, column=column)


def _raw(side: SampleSet) -> NDArray[Any]:
    """Samples as the data have them, or as far as their points tell."""
    if side.raw is not None:
        return side.raw
    return side.codec.raw(side.points) if isinstance(side.codec, TableCodec) else side.points


def _levels(result: Comparison, features: FeatureGroups, index: int) -> Axis:
    """The levels of a column side by side, in their order; points are spread at random around the place of theirs."""
    codec, own = result.a.codec, features.groups == index
    assert isinstance(codec, TableCodec)
    names = [*codec.codes[index].column.levels, "(unknown)", "(missing)"]
    sides = [side.points[:, own].argmax(axis=1) for side in (result.a, result.b)]
    counts = np.bincount(np.concatenate(sides), minlength=len(names))
    shown = np.flatnonzero(counts)
    if len(shown) > LEVELS:
        shown = np.sort(np.argsort(-counts, kind="stable")[: LEVELS - 1])
    place = np.full(len(names), len(shown))
    place[shown] = np.arange(len(shown))
    places = {float(i): names[level] for i, level in enumerate(shown)}
    if counts.sum() > counts[shown].sum():
        places[float(len(shown))] = "(others)"
    random = np.random.default_rng([result.seed, index])
    a, b = (place[side] + random.uniform(-JITTER, JITTER, len(side)) for side in sides)
    return Axis([("", features.names[index])], a, b, places=places)


def _heights(result: Comparison) -> Axis:
    """Heights at random, beside a single feature."""
    random = np.random.default_rng(result.seed)
    a, b = (random.uniform(size=len(side.points)) for side in (result.a, result.b))
    return Axis([("", "(heights are random)")], a, b)
