r"""Transport split exactly by coordinates: which of them two sample sets differ in.

A Euclidean distance is a sum over coordinates of what each adds to it, and so is its mean over a coupling,

.. math:: \lVert x - y \rVert = \sum_j \frac{(x_j - y_j)^2}{\lVert x - y \rVert}, \qquad
          W_1(P, Q) = \sum_j \mathbb{E}_{(x, y) \sim \gamma} \frac{(x_j - y_j)^2}{\lVert x - y \rVert},

with 0 for 0/0. Every part is at least 0, and a group of coordinates, such as the one-hot levels of one column of a
table, has the sum of its own. The parts are those of one optimal coupling; where several are optimal, W1 is the same
and the parts can differ.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.points import point_sets
from monge.distance.transport.exact import Coupling, coupling
from monge.errors import UserError

Groups = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Split:
    """A transport cost and its parts.

    Attributes:
        parts: of each group, (g,), >= 0, in the units of x; they sum to W1.
        plan: the coupling that they are of.
    """

    parts: NDArray[np.float64]
    plan: Coupling


def split(x: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None, *, plan: Coupling | None = None) -> Split:
    """W1 between the rows of x (n, d) and y (m, d), with the Euclidean ground metric, split by groups of coordinates.

    Arguments:
        x, y: points (n, d) and (m, d).
        groups: the group of each coordinate, (d,), whole numbers from 0; every coordinate is a group if not given.
        plan: a coupling of x and y; an optimal one is found if not given.

    Raises:
        UserError: bad points, or groups that are not one whole number >= 0 for each coordinate.

    Example:
        >>> from monge.distance.transport.split import split
        >>> found = split([[0.0, 0.0, 0.0]], [[2.0, 1.0, 2.0]])
        >>> [round(part, 3) for part in found.parts.tolist()], found.plan.cost
        ([1.333, 0.333, 1.333], 3.0)
        >>> split([[0.0, 0.0, 0.0]], [[2.0, 1.0, 2.0]], [0, 1, 1]).parts.round(3).tolist()
        [1.333, 1.667]
    """
    x, y = point_sets(x, y)
    members = group_of(x.shape[1], groups)
    if plan is None:
        plan = coupling(x, y)
    difference = x[plan.source] - y[plan.target]
    # by the largest of each row, as squares of very large or small numbers have no float64
    largest = np.abs(difference).max(axis=1, keepdims=True)
    unit = difference / np.where(largest > 0, largest, 1.0)
    lengths = np.linalg.norm(unit, axis=1, keepdims=True)
    parts = plan.mass @ (unit**2 / np.where(lengths > 0, lengths, 1.0) * largest)
    return Split(np.bincount(members, parts).astype(np.float64), plan)


def group_of(dimension: int, groups: ArrayLike | None) -> Groups:
    """The group of every coordinate, (d,).

    Raises:
        UserError: they are not one whole number >= 0 for each coordinate.
    """
    if groups is None:
        return np.arange(dimension)
    found = np.asarray(groups)
    if found.shape != (dimension,) or found.dtype.kind not in "iu" or found.min() < 0:
        raise UserError(
            f"groups must be {dimension} whole numbers >= 0, the group of each coordinate; "
            f"got shape {found.shape} of {found.dtype}" + (f" from {found.min()}" if found.size else "")
        )
    return found.astype(np.intp)
