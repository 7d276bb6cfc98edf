"""What was read of a generator, figure by figure, each with its standard error and with what real samples show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monge.distance.estimate import Estimate


@dataclass(frozen=True)
class Reading:
    """What was found of one figure.

    Attributes:
        value: an estimate or a number; a mapping or list of these for a figure that has one for each class or side;
            None where it is not defined.
        floor: the same of real samples in the place of generated ones; None where there is none.
        no_floor: why there is no floor, where one is missing.
        counts: how many samples it rests on, by what is counted, where these are not the numbers of the evaluation.
    """

    value: Any
    floor: Any = None
    no_floor: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Ledger:
    """What was read so far, by name; figures of a group are in a mapping of its name.

    Attributes:
        metrics: value of each figure; a mapping for those that have one value for each class or side.
        errors: standard error of those that have one.
        floors: the same figure between training and held-out samples, of those that have one.
        counts: how many samples the figures rest on.
    """

    metrics: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    floors: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def enter(self, name: str, reading: Reading, group: str = "") -> None:
        """Enters a reading under a name, within a group if one is given."""
        _place(self.metrics, group)[name] = _values(reading.value)
        if _estimated(reading.value):
            _place(self.errors, group)[name] = _errors(reading.value)
        if reading.floor is not None:
            _place(self.floors, group)[name] = _values(reading.floor)
        self.counts.update(reading.counts)


def _place(figures: dict[str, Any], group: str) -> dict[str, Any]:
    """Where the figures of a group are kept."""
    within: dict[str, Any] = figures.setdefault(group, {}) if group else figures
    return within


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
