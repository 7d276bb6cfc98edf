"""The units of two sample sets: their own, or those that the first one gives its numbers."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from monge.data.space import ImageSpace, Space, TableSpace
from monge.data.table.codec import TableCodec
from monge.distance.points import Points
from monge.errors import unknown_name
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.sample_set import SampleSet

Standardise = Literal["none", "std", "robust", "quantile"]
STANDARDISE: tuple[Standardise, ...] = get_args(Standardise)
WORDS = {
    "none": ("data units", "the data's own units"),
    "std": ("standard deviations", "standard deviations of A"),
    "robust": ("robust deviations", "robust deviations of A (interquartile range / 1.349)"),
    "quantile": ("deviations of ranks", "deviations of their ranks among those of A"),
}
"""A distance's unit in two words, and in what numbers are counted."""
NORMAL_QUARTILES = 1.349
"""Interquartile range of a normal distribution with deviation 1."""


def usual(space: Space) -> Standardise:
    """The units of a space's metric scale: of tables standard deviations, else the data's own."""
    return "std" if isinstance(space, TableSpace) else "none"


def check_units(how: str | None) -> Standardise | None:
    """The units of a name, None for the usual ones.

    Raises:
        UserError: there are no such units.
    """
    for known in STANDARDISE:
        if how == known:
            return known
    if how is not None:
        raise unknown_name("--standardise", how, STANDARDISE)
    return None


def unit(side: SampleSet) -> str:
    """Of distances between samples, in a few words."""
    return side.space.unit if side.standardise is None else WORDS[side.standardise][0]


def scale(side: SampleSet) -> str:
    """In which distances between samples are taken, in words."""
    if side.standardise is None:
        return side.space.scale
    counted = WORDS[side.standardise][1]
    if isinstance(side.space, TableSpace):
        return f"of numbers in {counted}, where a level that differs counts 1"
    return f"between images with pixels in {counted}" if isinstance(side.space, ImageSpace) else f"in {counted}"


def standardised(a: SampleSet, b: SampleSet, how: Standardise | None) -> tuple[SampleSet, SampleSet]:
    """Both sets with their numbers in other units, which a alone decides.

    Constant numbers keep their unit. Robust units are those of `std` where half of the numbers are equal. With
    `quantile`, numbers beyond those of a count as its extremes.

    Arguments:
        a, b: sets in one metric scale.
        how: none, std, robust or quantile; None leaves the scale of the space.
    """
    if how is None or how == usual(a.space):
        return a, b
    features = FeatureGroups.of(a.codec, a.points.shape[1], a.columns)
    maps = {int(number): _map(a, features, int(number), how) for number in features.numbers}

    def convert(points: Points) -> Points:
        found = points.copy()
        for number, counted in maps.items():
            found[:, number] = counted(points[:, number])
        return found

    x, y = (replace(side, points=convert(side.points), standardise=how, convert=convert) for side in (a, b))
    return x, y


def _map(a: SampleSet, features: FeatureGroups, number: int, how: str) -> Callable[[Points], Points]:
    """Values of one coordinate in other units."""
    if how == "none":  # of a table
        assert isinstance(a.codec, TableCodec)
        factor = a.codec.codes[features.groups[number]].deviation
        return lambda values: values * factor
    known = a.points[features.known(a.points, number), number]
    return MAPS[how](known) if len(known) else lambda values: values


def _std(values: Points) -> Callable[[Points], Points]:
    """Numbers in standard deviations of some values (n,); constant ones give no unit."""
    deviation = float(values.std()) if values.min() < values.max() else 0.0
    return lambda given: given / (deviation or 1.0)


def _robust(values: Points) -> Callable[[Points], Points]:
    """Numbers in interquartile ranges of some values (n,), scaled to be the deviation of normal ones."""
    low, high = np.quantile(values, [0.25, 0.75])
    return (lambda given: given / ((high - low) / NORMAL_QUARTILES)) if high > low else _std(values)


def _quantile(values: Points) -> Callable[[Points], Points]:
    """Numbers as shares of some values (n,) below them, in standard deviations of a uniform share."""
    different, counts = np.unique(values, return_counts=True)
    shares = (np.cumsum(counts) - counts / 2) / len(values)
    return lambda given: np.asarray(np.interp(given, different, shares) * 12**0.5)


MAPS: dict[str, Callable[[Points], Callable[[Points], Points]]] = {
    "std": _std,
    "robust": _robust,
    "quantile": _quantile,
}
