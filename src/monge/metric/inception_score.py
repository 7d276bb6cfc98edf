"""The inception-style score: how sure a classifier is of each sample, and how varied its answers are."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy

from monge.distance.estimate import Estimate
from monge.errors import UserError


def class_score(probabilities: ArrayLike) -> Estimate:
    r"""The score of generated samples by any classifier's probabilities.

    .. math:: \exp \mathbb{E}_x\, \mathrm{KL}\bigl(p(y \mid x) \,\|\, p(y)\bigr), \qquad
              p(y) = \mathbb{E}_x\, p(y \mid x)

    From 1 (all samples look alike to the classifier) to the number of classes (each sample is surely of one class, all
    classes equally often). It never looks at real samples: compare it with the score of those. The derivative of the
    exponent with respect to the distribution of x is the divergence of x, so the error is the score times the standard
    error of their mean.

    Reference: Salimans et al. 2016, "Improved techniques for training GANs", section 4, there with the Inception
    network and ten splits.

    Arguments:
        probabilities: p(y | x), (n, c), rows summing to one.

    Raises:
        UserError: other shapes, negative numbers, or rows that do not sum to one.
    """
    given = np.asarray(probabilities, np.float64)
    if given.ndim != 2 or not given.size:
        raise UserError(f"probabilities must be non-empty (n, c); got {given.shape}")
    sums = given.sum(axis=1)
    if not (given >= 0).all() or not np.allclose(sums, 1, rtol=0, atol=1e-6):
        raise UserError(
            f"probabilities must be >= 0 with rows that sum to 1; got a minimum of {given.min():g} and sums from "
            f"{sums.min():g} to {sums.max():g}"
        )
    mean = given.mean(axis=0)
    logs = np.log(np.where(mean > 0, mean, 1))  # where the mean is zero, so are all
    divergences = (xlogy(given, given) - given * logs).sum(axis=1)
    score = float(np.exp(divergences.mean()))
    return Estimate(score, score * float(divergences.std() / np.sqrt(len(given))))
