"""Disjoint random parts of a set of rows."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from monge.errors import UserError

Scalar = TypeVar("Scalar", bound=np.generic)
Clusters = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Of the rows of two sets, whole numbers (n,) and (m,): rows of one cluster depend on each other."""


def parts(
    points: NDArray[Scalar], sizes: Sequence[int], *seeds: int, clusters: NDArray[np.intp] | None = None
) -> list[NDArray[Scalar]]:
    """Disjoint random parts of a set, of the given sizes, decided by the seeds; no cluster is in two of them."""
    order = np.random.default_rng(seeds).permutation(len(points))
    if clusters is None:
        ends = np.cumsum(sizes)
        return [points[order[end - size : end]] for end, size in zip(ends, sizes, strict=True)]
    first = np.unique(clusters[order], return_index=True, return_inverse=True)
    order = order[np.argsort(first[1][first[2]], kind="stable")]  # clusters in random order, each row beside its own
    found = []
    for size in sizes:
        if size > len(order):
            raise UserError(f"rows must be of more clusters, each of fewer rows, to be split; got {len(first[0])}")
        found.append(points[order[:size]])
        order = order[size:][clusters[order[size:]] != clusters[order[size - 1]]]
    return found
