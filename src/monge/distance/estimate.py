"""A number from random draws, with the size of its chance error beside it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """An estimate and its standard error, both in the same units."""

    value: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.value:.4g} ± {self.standard_error:.2g}"
