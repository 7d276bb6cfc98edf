"""Figures by name, each with its standard error and with what real samples show in its place."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from monge.distance.estimate import Estimate


@dataclass(frozen=True)
class Ledger:
    """What was found so far.

    Attributes:
        metrics: value of each figure; a mapping for those that have one value for each class or side.
        errors: standard error of those that have one.
        floors: the same figure between training and held-out samples, of those that have one.
        estimates: value and error of single numbers together.
    """

    metrics: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    floors: dict[str, Any] = field(default_factory=dict)
    estimates: dict[str, Estimate] = field(default_factory=dict)

    def add(self, found: Mapping[str, Any], floors: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Enters figures, as estimates, mappings of estimates or anything else, and the floors that there are of them.

        A floor that is None is none.
        """
        for name, figure in found.items():
            self.metrics[name] = _values(figure)
            if isinstance(figure, Estimate):
                self.estimates[name] = figure
            if _estimated(figure):
                self.errors[name] = _errors(figure)
            if floors.get(name) is not None:
                self.floors[name] = _values(floors[name])


def share(value: float, n: int) -> Estimate:
    """A share among n samples with its binomial standard error."""
    return Estimate(value, math.sqrt(value * (1 - value) / n))


def _estimated(figure: Any) -> bool:
    parts = figure.values() if isinstance(figure, Mapping) else (figure,)
    return all(isinstance(part, Estimate) for part in parts)


def _values(figure: Any) -> Any:
    if isinstance(figure, Mapping):
        return {name: _values(part) for name, part in figure.items()}
    return figure.value if isinstance(figure, Estimate) else figure


def _errors(figure: Any) -> Any:
    if isinstance(figure, Mapping):
        return {name: part.standard_error for name, part in figure.items()}
    return figure.standard_error
