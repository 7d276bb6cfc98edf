r"""The excess of a bracket split exactly by the classes of the rows that a transport moves.

A transport cost is a sum over the rows of one side, and so over their classes. The upper estimate is split by the
classes of the second set's rows, which are moved to the first, floor and spread by those of one of their sides,

.. math:: e_c = u_c - \tfrac12 (f_c + s_c), \qquad \sum_c e_c = \mathrm{excess}.

The part of a class is large where its rows are far from all of the first set, or where there are more of them than
there.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.excess_split import ExcessSplit
from monge.distance.part import parts
from monge.distance.points import Points, point_sets
from monge.distance.summary import reuse
from monge.distance.transport.exact import coupling
from monge.errors import UserError

SIZE = 512
"""Samples on each side of a transport, at most."""
DRAWS = 4

Classes = NDArray[np.int64]


def class_split(
    x: ArrayLike,
    y: ArrayLike,
    x_classes: Classes,
    y_classes: Classes,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> ExcessSplit:
    """The parts of k classes of the excess between x (n, d), the reference, and y (m, d), (draws, k) each.

    Arguments:
        x_classes, y_classes: the class of each row, (n,) and (m,), whole numbers from 0 that mean the same in both.
        draws: random splits for the transport, at least 1.
        seed: decides them.

    Raises:
        UserError: bad points, or fewer than three samples in a set.

    Example:
        >>> import numpy as np
        >>> from monge.distance.class_split import class_split
        >>> x, y = np.random.default_rng(0).normal(size=(2, 600, 2))
        >>> classes = np.arange(600) % 3
        >>> y[classes == 1] += 4  # the rows of class 1 are elsewhere
        >>> int(class_split(x, y, classes, classes).excess.argmax())
        1
    """
    x, y = point_sets(x, y)
    n = min(SIZE, len(x) // 3, len(y) // 3)
    if n < 1:
        raise UserError(f"classes need at least 3 samples on each side; got {len(x)} and {len(y)}")
    count, found = int(max(x_classes.max(), y_classes.max())) + 1, []

    def moved(first: Points, second: Points, classes: Classes) -> NDArray[np.float64]:
        """What the rows of each class of the second set cost in the coupling with the first, (k,)."""
        plan = coupling(first, second)
        costs = plan.mass * np.linalg.norm(first[plan.source] - second[plan.target], axis=1)
        return np.bincount(classes[plan.target], costs, count).astype(np.float64)

    places = np.arange(len(x)), np.arange(len(y))
    for draw in range(draws):
        (a, b), (c, d) = (parts(own, (n, n), seed, draw, side) for side, own in enumerate(places))
        upper, spread = moved(x[a], y[c], y_classes[c]), moved(y[d], y[c], y_classes[c])
        found.append([upper, moved(x[b], x[a], x_classes[a]), spread])
    uppers, floors, spreads = np.array(found).swapaxes(0, 1)
    return ExcessSplit(uppers, floors, spreads, reuse(n, min(len(x), len(y))))
