r"""Two parallel segments: the example of two distributions whose divergences say nothing of their distance.

P is uniform on {0} x [0, 1], Q on {theta} x [0, 1]. They share no point unless theta = 0, so every divergence is at its
ceiling for every other theta, and its gradient, where there is one, is 0: nothing to learn from. W1 is the distance.

Reference: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", example 1.

Example:
    >>> from monge.distance import parallel_lines
    >>> theta = [1.0, 0.1, 0.0]  # the second segment comes nearer
    >>> parallel_lines.wasserstein(theta).value.tolist()
    [1.0, 0.1, 0.0]
    >>> parallel_lines.js(theta).value.round(3).tolist()  # says nothing until they meet
    [0.693, 0.693, 0.0]
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.points import Points
from monge.errors import UserError


class ValueAndGradient(NamedTuple):
    """A distance as a function of theta.

    Attributes:
        value: in the shape of theta.
        gradient: its derivative in theta, NaN where it has none.
    """

    value: NDArray[np.float64]
    gradient: NDArray[np.float64]


def wasserstein(theta: ArrayLike) -> ValueAndGradient:
    """W1 = abs(theta) with gradient sign(theta), undefined at 0 (there every number in [-1, 1] is a subgradient)."""
    shift = _finite(theta)
    return ValueAndGradient(np.abs(shift), np.where(shift == 0, np.nan, np.sign(shift)))


def kl(theta: ArrayLike) -> ValueAndGradient:
    """KL, either way round: infinite, 0 at theta = 0. It has no gradient anywhere: infinity has no derivative."""
    shift = _finite(theta)
    return ValueAndGradient(np.where(shift == 0, 0.0, np.inf), np.full(shift.shape, np.nan))


def js(theta: ArrayLike) -> ValueAndGradient:
    """JS = log 2 nats, 0 at theta = 0; gradient 0, undefined at the jump."""
    return _step(theta, float(np.log(2)))


def tv(theta: ArrayLike) -> ValueAndGradient:
    """TV = 1, 0 at theta = 0; gradient 0, undefined at the jump."""
    return _step(theta, 1.0)


def hellinger(theta: ArrayLike) -> ValueAndGradient:
    """Hellinger distance = 1, 0 at theta = 0; gradient 0, undefined at the jump."""
    return _step(theta, 1.0)


def _step(theta: ArrayLike, ceiling: float) -> ValueAndGradient:
    shift = _finite(theta)
    return ValueAndGradient(np.where(shift == 0, 0.0, ceiling), np.where(shift == 0, np.nan, 0.0))


def _finite(theta: ArrayLike) -> Points:
    shift = np.asarray(theta, dtype=np.float64)
    if not np.isfinite(shift).all():
        raise UserError(f"theta must be finite; got {shift[~np.isfinite(shift)][0]}")
    return shift
