r"""Kernels: how alike two points are.

A kernel k spans a space of functions in which two distributions can be compared (see `discrepancy`). Kernels of the
distance ||x - y|| alone carry a length, in the units of the data. A mixture over several lengths or shapes sees
differences at every scale; here mixtures are means, so that k(x, x) = 1 and the squared discrepancy lies in [0, 2]
however many members there are.

A kernel is *characteristic* when its discrepancy vanishes for equal distributions only: the Gaussian, the rational
    quadratic
and the negative distance are, a polynomial is not: one of degree 3 sees three moments.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

from monge.distance.ground import distances
from monge.distance.points import Points, point_sets
from monge.errors import UserError

Values = NDArray[np.float64]

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Lengths of a Gaussian mixture, in units of the median distance."""
SHAPES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Exponents of a rational quadratic mixture (Binkowski et al. 2018)."""
PROBED = 2000
"""Pooled points that the median is taken of, at most."""


class Kernel(ABC):
    """A symmetric function k(x, y) of two points that is positive definite, at least conditionally.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Kernel, discrepancy
        >>> class Linear(Kernel):
        ...     # compares means only
        ...     def matrix(self, x, y):
        ...         return x @ y.T
        ...
        ...     def diagonal(self, x):
        ...         return (x * x).sum(axis=1)
        >>> x = np.random.default_rng(0).normal(size=(100, 2))
        >>> round(discrepancy(x, x + 2, Linear()).plug_in, 6)  # the squared difference of means, 2^2 + 2^2
        8.0
    """

    @abstractmethod
    def matrix(self, x: Points, y: Points) -> NDArray[np.float64]:
        """All values k(x_i, y_j), (n, m), for points (n, d) and (m, d)."""

    @abstractmethod
    def diagonal(self, x: Points) -> Values:
        """The values k(x_i, x_i), (n,)."""


@dataclass(frozen=True)
class Gaussian(Kernel):
    r"""A mean of Gaussians, the RBF mixture.

    .. math:: k(x, y) = \frac{1}{L} \sum_{l=1}^{L} \exp\Bigl(-\frac{\lVert x - y\rVert_2^2}{2 \sigma_l^2}\Bigr)

    Reference: Gretton et al. 2012, "A Kernel Two-Sample Test"; mixtures: Li et al. 2017, "MMD GAN", section 5.

    Arguments:
        lengths: the :math:`\sigma_l`, in the units of the data, > 0.

    Raises:
        UserError: a length that is not positive, or none.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Gaussian
        >>> points = np.array([[0.0], [1.0], [10.0]])
        >>> Gaussian((1.0,)).matrix(points[:1], points).round(3).tolist()
        [[1.0, 0.607, 0.0]]
        >>> Gaussian((1.0, 10.0)).matrix(points[:1], points).round(3).tolist()  # also sees the far point
        [[1.0, 0.801, 0.303]]
    """

    lengths: tuple[float, ...]

    def __post_init__(self) -> None:
        _check("lengths", self.lengths)

    @classmethod
    def median(cls, x: ArrayLike, y: ArrayLike, factors: tuple[float, ...] = FACTORS) -> "Gaussian":
        """Lengths as multiples of the median distance in the two samples (n, d) and (m, d) together."""
        length = median_distance(x, y)
        return cls(tuple(factor * length for factor in factors))

    def matrix(self, x: Points, y: Points) -> NDArray[np.float64]:
        squares = np.square(distances(x, y))
        total, values, longer = np.zeros_like(squares), squares, np.nan
        for length in sorted(self.lengths, reverse=True):
            # half the length is the fourth power, which takes a tenth of an exponential's time
            values = np.square(np.square(values)) if 2 * length == longer else np.exp(squares / (-2 * length**2))
            total += values
            longer = length
        mixture: NDArray[np.float64] = total / len(self.lengths)
        return mixture

    def diagonal(self, x: Points) -> Values:
        return np.ones(len(x))


@dataclass(frozen=True)
class RationalQuadratic(Kernel):
    r"""A mean of rational quadratic kernels: heavy tails, so that points far apart still feel each other.

    .. math:: k(x, y) = \frac{1}{L} \sum_{l=1}^{L}
              \Bigl(1 + \frac{\lVert x - y\rVert_2^2}{2 \alpha_l \sigma^2}\Bigr)^{-\alpha_l}

    Reference: Binkowski et al. 2018, "Demystifying MMD GANs", where it is a sum and :math:`\sigma = 1`.

    Arguments:
        length: :math:`\sigma`, in the units of the data, > 0.
        shapes: the exponents :math:`\alpha_l`, > 0.

    Raises:
        UserError: a length or a shape that is not positive, or no shape.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Gaussian, RationalQuadratic
        >>> near, far = np.array([[0.0]]), np.array([[9.0]])
        >>> bool(Gaussian((1.0,)).matrix(near, far) < 1e-15 < RationalQuadratic(1.0).matrix(near, far))
        True
    """

    length: float = 1.0
    shapes: tuple[float, ...] = SHAPES

    def __post_init__(self) -> None:
        _check("length", (self.length,))
        _check("shapes", self.shapes)

    @classmethod
    def median(cls, x: ArrayLike, y: ArrayLike, shapes: tuple[float, ...] = SHAPES) -> "RationalQuadratic":
        """The median distance in the two samples (n, d) and (m, d) together as length."""
        return cls(median_distance(x, y), shapes)

    def matrix(self, x: Points, y: Points) -> NDArray[np.float64]:
        squares = np.square(distances(x, y)) / (2 * self.length**2)
        total = np.zeros_like(squares)
        for shape in self.shapes:
            total += np.exp(-shape * np.log1p(squares / shape))
        mixture: NDArray[np.float64] = total / len(self.shapes)
        return mixture

    def diagonal(self, x: Points) -> Values:
        return np.ones(len(x))


@dataclass(frozen=True)
class Polynomial(Kernel):
    r"""The polynomial kernel, by default the one of the kernel inception distance (KID).

    .. math:: k(x, y) = \Bigl(\frac{\langle x, y\rangle}{d} + c\Bigr)^p

    Not translation invariant, and blind to differences beyond the p-th moments.

    Reference: Binkowski et al. 2018: p = 3, c = 1 on d Inception features.

    Arguments:
        degree: p, >= 1.
        offset: c, in squared units of the data, >= 0.

    Raises:
        UserError: a degree below 1 or a negative offset.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Polynomial, discrepancy
        >>> x = np.random.default_rng(0).normal(size=(100, 2))
        >>> means_only = Polynomial(degree=1, offset=0)
        >>> discrepancy(x - x.mean(axis=0), 3 * (x - x.mean(axis=0)), means_only).plug_in < 1e-12  # blind to the scale
        True
    """

    degree: int = 3
    offset: float = 1.0

    def __post_init__(self) -> None:
        if self.degree < 1 or int(self.degree) != self.degree:
            raise UserError(f"degree must be a whole number of at least 1; got {self.degree}")
        if not 0 <= self.offset < np.inf:
            raise UserError(f"offset must be finite and at least 0; got {self.offset}")

    def matrix(self, x: Points, y: Points) -> NDArray[np.float64]:
        matrix: NDArray[np.float64] = (x @ y.T / x.shape[1] + self.offset) ** self.degree
        return matrix

    def diagonal(self, x: Points) -> Values:
        values: Values = ((x * x).mean(axis=1) + self.offset) ** self.degree
        return values


@dataclass(frozen=True)
class NegativeDistance(Kernel):
    r"""The kernel of the energy distance, conditionally positive definite: :math:`k(x, y) = -\lVert x - y\rVert_2`.

    Reference: Sejdinovic et al. 2013, "Equivalence of distance-based and RKHS-based statistics in hypothesis
    testing", theorem 22 (there with the factor 1/2).

    Example:
        >>> import numpy as np
        >>> from monge.distance import NegativeDistance
        >>> NegativeDistance().matrix(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist()
        [[-5.0]]
    """

    def matrix(self, x: Points, y: Points) -> NDArray[np.float64]:
        return -distances(x, y)

    def diagonal(self, x: Points) -> Values:
        return np.zeros(len(x))


def median_distance(x: ArrayLike, y: ArrayLike) -> float:
    """The median heuristic: the median of the non-zero distances in two samples (n, d) and (m, d) together.

    Of more than 2,000 points every so many-th is looked at, so only then the order of the samples matters. It is 1 when
    all points coincide, where every length serves. A kernel built with it depends on the samples: comparisons
    between several pairs of samples need one kernel for all.

    Reference: Gretton et al. 2012, section 8.

    Raises:
        UserError: bad shapes or values that are not finite.
    """
    pooled = np.concatenate(paired(x, y))
    lengths = pdist(pooled[:: -(-len(pooled) // PROBED)])
    lengths = lengths[lengths > 0]
    return float(np.median(lengths)) if len(lengths) else 1.0


def paired(x: ArrayLike, y: ArrayLike, least: int = 1) -> tuple[Points, Points]:
    """Two sample sets as float64 arrays (n, d) and (m, d) with at least so many points each.

    Raises:
        UserError: other shapes, fewer points, or values that are not finite; names which of the two.
    """
    x, y = point_sets(x, y)
    for name, points in (("x", x), ("y", y)):
        if len(points) < least:
            raise UserError(f"{name} must have at least {least} points; got {len(points)}")
    return x, y


def _check(name: str, values: tuple[float, ...]) -> None:
    if not values or not all(0 < value < np.inf for value in values):
        raise UserError(f"{name} must contain at least one number, all positive and finite; got {values}")
