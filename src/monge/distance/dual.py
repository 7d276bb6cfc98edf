r"""The dual side of W1: what a 1-Lipschitz function proves about the distance from below.

For every f with Lipschitz constant K,

.. math:: W_1(P, Q) \ge \frac{1}{K} \bigl(\mathbb{E}_{P} f - \mathbb{E}_{Q} f\bigr)

(Kantorovich-Rubinstein; source 001, eq. 6). On samples that f was not fitted to, the difference of means is
unbiased and the central limit theorem gives a one-sided confidence limit.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

Potential = Callable[[Tensor], Tensor]


def measured_lipschitz(potential: Potential, real: Tensor, fake: Tensor, segment: Tensor) -> float:
    """The largest gradient norm of a potential seen at real, at fake and at points on segments between them.

    A lower limit of the true Lipschitz constant, so a bound divided by it is `measured`, not certified.

    Arguments:
        potential: maps (n, d) to (n, 1).
        real, fake: two sets of shape (n, d).
        segment: (n, 1) positions in [0, 1] on the segments.
    """
    points = torch.cat([real, fake, segment * real + (1 - segment) * fake]).requires_grad_()
    (gradient,) = torch.autograd.grad(potential(points).sum(), points)
    return float(gradient.flatten(1).norm(dim=1).max())


def lower_limit(
    real: NDArray[np.float64], fake: NDArray[np.float64], lipschitz: float, confidence: float = 0.95
) -> float:
    r"""One-sided lower confidence limit of W1 from a potential's values on two held-out samples.

    .. math:: \frac{1}{K}\Bigl(\bar f_r - \bar f_g - z_{c} \sqrt{s_r^2/n_r + s_g^2/n_g}\Bigr)

    never below zero, which always is a valid limit.

    Arguments:
        real, fake: values f(x) of shape (n,) on either sample.
        lipschitz: Lipschitz constant K of f, > 0.
        confidence: probability c with which the limit is below E_P f - E_Q f.
    """
    if not lipschitz > 0:
        return 0.0
    error = math.sqrt(real.var(ddof=1) / len(real) + fake.var(ddof=1) / len(fake))
    return max(0.0, float(real.mean() - fake.mean() - norm.ppf(confidence) * error) / lipschitz)
