"""Estimates that stand beside the bracket, each with what it rests on and when it should not be trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from monge.distance.divergence.discriminator import js_lower_bound
from monge.distance.divergence.neighbour import neighbour_kl
from monge.distance.kernel.discrepancy import energy, mmd
from monge.distance.kernel.permutation import permutation_test
from monge.distance.points import Points
from monge.distance.transport.sliced import sliced
from monge.metric.frechet import frechet

PAIRED = 10_000
"""Samples a side, at most, for what looks at all pairs."""
PAIRED_WORK = 64 * PAIRED**2
"""Pairs of samples times dimensions, at most, for the same: beyond 64 dimensions fewer than 10,000 are taken."""
RELABELLED = 2000
"""Samples a side for the permutation test, at most: its matrix then takes 128 MiB."""
WIDEST = 3072
"""Dimensions above which no covariance is taken: its eigenvectors would need minutes."""
SPARSE = 10
"""Dimensions above which nearest neighbours are too far away to stand for a density."""
APART = 4
"""Nats above which neighbours of the other set are too far away for more than a guess."""
FEW = 200
"""Samples a side below which a discriminator learns little."""


@dataclass(frozen=True)
class Figure:
    """One estimate.

    Attributes:
        value: None where it is not defined.
        error: standard error, where one is known.
        n: samples of either side that it rests on.
        note: what it is, or why it should not be trusted.
    """

    value: float | None
    error: float | None
    n: tuple[int, int]
    note: str = ""


def _sliced(x: Points, y: Points, seed: int) -> Figure:
    found = sliced(x, y, seed=seed)
    note = "too large at finite n; error of the directions alone" if x.shape[1] > 1 else "on a line it is W1 itself"
    return Figure(found.value, found.standard_error, _sizes(x, y), note)


def _energy(x: Points, y: Points, seed: int) -> Figure:
    x, y = some(x), some(y)
    found = energy(x, y)
    return Figure(found.squared, found.error, _sizes(x, y), "D^2, unbiased: 0 on average for equal laws")


def _mmd(x: Points, y: Points, seed: int) -> Figure:
    x, y = some(x), some(y)
    found = mmd(x, y)
    return Figure(found.squared, found.error, _sizes(x, y), "unbiased; Gaussian kernels around the median distance")


def _frechet(x: Points, y: Points, seed: int) -> Figure:
    n, dimension = min(len(x), len(y)), x.shape[1]
    if dimension > WIDEST:
        return Figure(None, None, _sizes(x, y), f"not computed above {WIDEST:,} dimensions")
    note = "squared, of the fitted Gaussians"
    if n <= dimension:
        note = f"unreliable: {n:,} samples in {dimension:,} dimensions"
    elif n < 10 * dimension:
        note = f"rough: {n:,} samples in {dimension:,} dimensions"
    return Figure(frechet(x, y), None, _sizes(x, y), note)


def _kl(x: Points, y: Points, seed: int, *, reverse: bool = False) -> Figure:
    x, y = some(x), some(y)
    shared, sizes = common(x, y), _sizes(x, y)
    if (x == x[0]).all() or (y == y[0]).all():
        return Figure(None, None, sizes, "not defined: all samples of a set are equal")
    value = neighbour_kl(y, x) if reverse else neighbour_kl(x, y)
    note = "nats, from nearest neighbours"
    if shared:
        note = f"unreliable: {shared:,} points are in both"
    elif x.shape[1] > SPARSE:
        note = f"unreliable: nearest neighbours in {x.shape[1]:,} dimensions"
    elif value > APART:
        note = "unreliable: A and B hardly overlap, and it only grows with n"
    return Figure(value, None, sizes, note)


def _js(x: Points, y: Points, seed: int) -> Figure:
    x, y = some(x), some(y)
    found = js_lower_bound(x, y, seed=seed)
    note = "nats, lower bound by a held-out discriminator; JS <= 0.693"
    if min(len(x), len(y)) < FEW:
        note = "nats, lower bound, loose: few samples to learn from"
    return Figure(found.value, found.standard_error, _sizes(x, y), note)


def _permutation(x: Points, y: Points, seed: int) -> Figure:
    x, y = x[:RELABELLED], y[:RELABELLED]
    found = permutation_test(x, y, seed=seed)
    return Figure(found.p_value, None, _sizes(x, y), f"of the energy distance, {found.draws} relabellings")


ESTIMATES: dict[str, Callable[[Points, Points, int], Figure]] = {
    "sliced": _sliced,
    "energy": _energy,
    "mmd2": _mmd,
    "frechet": _frechet,
    "kl": _kl,
    "kl_reverse": partial(_kl, reverse=True),
    "js": _js,
    "p_value": _permutation,
}
"""Name and estimate, in the order in which they are shown."""


def common(x: Points, y: Points) -> int:
    """How many different points are in both of two sets."""
    return len(different(x) & different(y))


def repeats(x: Points) -> int:
    """How many points of a set equal an earlier one."""
    return len(x) - len(different(x))


def different(x: Points) -> set[bytes]:
    """The different points of a set."""
    return {row.tobytes() for row in np.ascontiguousarray(x)}


def some(points: Points) -> Points:
    """As many points as can be compared with as many others in reasonable time."""
    return points[: min(PAIRED, int((PAIRED_WORK / points.shape[1]) ** 0.5))]


def _sizes(x: Points, y: Points) -> tuple[int, int]:
    return len(x), len(y)
