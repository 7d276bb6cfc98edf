"""Whether images show their objects in one place, like centred clothes or digits, or anything anywhere, like photos."""

import numpy as np

from monge.data.dataset import DataSet

LOOKED_AT = 2000
"""Training images that are looked at, at most."""


def alignment(data: DataSet) -> float:
    r"""The share of the pixels' variance that the mean image explains, in [0, 1].

    .. math:: 1 - \frac{\mathbb{E}_p \operatorname{Var}(x_p)}{\operatorname{Var}_p(\mathbb{E} x_p) +
              \mathbb{E}_p \operatorname{Var}(x_p)}

    with pixels p of each channel. It is .48 for digits, .30 for Fashion-MNIST, .02 for CIFAR-10, .001 for tiles of
    rock, and 0 for images that are all of one colour.

    Example:
        >>> from monge.data.builtin import digits
        >>> round(alignment(digits()), 2)
        0.48
    """
    images = data.train.sample(data.train.at_most(LOOKED_AT)).astype(np.float64)
    mean = images.mean(axis=0)
    between = float(mean.var(axis=(0, 1)).mean())
    within = float(images.var(axis=0).mean())
    return between / (between + within) if between > 0 else 0.0
