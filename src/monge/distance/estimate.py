"""A number from random draws, with the size of its chance error beside it."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An estimate and its standard error, both in the same units.

    Example:
        >>> from monge.distance import Estimate
        >>> print(Estimate(0.40718, 0.00742))
        0.4072 ± 0.0074
    """

    value: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.value:.4g} ± {self.standard_error:.2g}"


def share(value: float, n: int) -> Estimate:
    """A share among n samples with its binomial standard error."""
    return Estimate(value, math.sqrt(value * (1 - value) / n))
