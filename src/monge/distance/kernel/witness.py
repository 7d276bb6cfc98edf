r"""Integral probability metrics: the largest difference of means that a function of a class can show.

.. math:: \gamma_{\mathcal F}(P, Q) = \sup_{f \in \mathcal F} \bigl|\mathbb{E}_{P} f - \mathbb{E}_{Q} f\bigr|

(Muller 1997; Sriperumbudur et al. 2012). The class names the metric:

===================  =====================================================================  =====================
functions            metric                                                                 the witness is here
===================  =====================================================================  =====================
1-Lipschitz          W1                                                                     any dual potential
unit ball of an RKHS MMD; with the kernel -||x - y|| the energy distance                    `kernel_ipm`
bounded by 1         2 TV                                                                   sign(p - q)
===================  =====================================================================  =====================

The function that attains the supremum, the **witness**, shows where the distributions differ: positive where P has more
mass, negative where Q has. For a kernel it is known in closed form (Gretton et al. 2012, section 2.3),

.. math:: f^*(t) = \frac{\mathbb{E}\,k(t, X) - \mathbb{E}\,k(t, Y)}{D(P, Q)},

of norm one, so that the difference of its means is D(P, Q).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from monge.distance.kernel.discrepancy import blocks
from monge.distance.kernel.kernel import Kernel, Values, paired
from monge.distance.points import Points

PointFunction = Callable[[Points], Values]


@dataclass(frozen=True)
class Ipm:
    """An integral probability metric through its witness.

    Arguments:
        name: of the metric, for pictures and tables.
        witness: a function of the class, from points (n, d) to values (n,): a dual potential of W1, say.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Ipm
        >>> mean_shift = Ipm("mean along the first axis", lambda points: points[:, 0])
        >>> x = np.random.default_rng(0).normal(size=(100, 2))
        >>> round(mean_shift.value(x + [2, 0], x), 6)
        2.0
    """

    name: str
    witness: PointFunction

    def value(self, x: ArrayLike, y: ArrayLike) -> float:
        """The difference of the witness's means on two samples (n, d) and (m, d).

        On the samples that the witness was made from it is the plug-in metric. On fresh ones its expectation is at
        most the metric between the distributions, as for every function of the class.
        """
        at_x, at_y = self._values(x, y)
        return float(at_x.mean() - at_y.mean())

    def error(self, x: ArrayLike, y: ArrayLike) -> float:
        """Standard error of `value` on fresh samples of at least two points, by the central limit theorem."""
        at_x, at_y = self._values(x, y, 2)
        return math.sqrt(at_x.var(ddof=1) / len(at_x) + at_y.var(ddof=1) / len(at_y))

    def _values(self, x: ArrayLike, y: ArrayLike, least: int = 1) -> tuple[Values, Values]:
        x, y = paired(x, y, least)
        return self.witness(x), self.witness(y)


def kernel_ipm(x: ArrayLike, y: ArrayLike, kernel: Kernel, name: str = "MMD") -> Ipm:
    """The plug-in metric of a kernel between two samples (n, d) and (m, d), with its witness of norm one.

    Between equal sample sets the witness is zero.

    Raises:
        UserError: bad shapes or values that are not finite.

    Example:
        >>> import numpy as np
        >>> from monge.distance import Gaussian, kernel_ipm
        >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 1))
        >>> ipm = kernel_ipm(x, y + 3, Gaussian((1.0,)))
        >>> ipm.witness(np.array([[0.0], [3.0]])).round(1).tolist()  # positive where x lies, negative where y + 3 does
        [0.7, -0.7]
    """
    x, y = paired(x, y)

    def difference(points: Points) -> Values:
        values = np.empty(len(points))
        for part in blocks(len(points), max(len(x), len(y))):
            values[part] = kernel.matrix(points[part], x).mean(axis=1) - kernel.matrix(points[part], y).mean(axis=1)
        return values

    at_x, at_y = difference(x), difference(y)
    scale = math.sqrt(max(0.0, float(at_x.mean() - at_y.mean())))

    def witness(points: Points) -> Values:
        points, _ = paired(points, x[:1])
        return difference(points) / scale if scale else np.zeros(len(points))

    return Ipm(name, witness)
