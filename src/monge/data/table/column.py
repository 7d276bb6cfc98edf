"""One column of a table in the three scales: raw, a normal number and a level for networks, metric coordinates."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.quantile import NumberCode
from monge.data.table.schema import Column

Values = NDArray[np.float64]
DAY = 86400
STEPS = (DAY, 3600, 60, 1)
"""Seconds of which all times of a column may be multiples."""


@dataclass(frozen=True, eq=False)
class ColumnCode:
    """How one column is encoded.

    Arguments:
        column: which one.
        missing: whether a training row lacks it, which then is its last level.
        mean, deviation: of its numbers; 0 and 1 for levels, a deviation of 1 for numbers that do not vary.
        number: the code of its numbers, or None.
        seen: levels that occur in the training rows, by their positions in the column's levels (k,).
        shares: of its block's levels in the training rows, (levels,).
    """

    column: Column
    missing: bool
    mean: float = 0.0
    deviation: float = 1.0
    number: NumberCode | None = None
    seen: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    shares: Values = field(default_factory=lambda: np.empty(0))

    @classmethod
    def fit(cls, column: Column, values: Values) -> "ColumnCode":
        """The code of a column with the given training values (n,)."""
        known = values[~np.isnan(values)]
        missing = len(known) < len(values)
        if not column.numeric:
            return cls(column, missing, seen=np.unique(known).astype(np.int64))._counted(values)
        varies = len(known) > 0 and bool(known.min() < known.max())
        mean, deviation = (float(known.mean()), float(known.std())) if len(known) else (0.0, 1.0)
        deviation = deviation if varies and deviation > 0 else 1.0
        return cls(column, missing, mean, deviation, NumberCode.fit(known, step_of(column, known)))._counted(values)

    def _counted(self, values: Values) -> "ColumnCode":
        """The same with the shares of its levels among the training values (n,)."""
        if not self.levels:
            return self
        return replace(self, shares=np.bincount(self.level(values), minlength=self.levels) / len(values))

    @property
    def plain(self) -> bool:
        """Whether it has a normal number."""
        return self.number is not None and self.number.plain

    @property
    def levels(self) -> int:
        """Size of its block of levels; 0 for none."""
        # a number that may be missing has the levels known and missing
        known = len(self.seen) if self.number is None else self.number.levels or int(self.missing)
        size = known + self.missing
        return size if size > 1 else 0

    @property
    def gate(self) -> int | None:
        """The level that turns its normal number on; None where there is no number, or it always is on."""
        return None if not self.plain or not self.levels else self.levels - 1 - self.missing

    @property
    def width(self) -> int:
        """Coordinates in metric scale: a number and whether it is missing, or levels, an unknown one and missing."""
        return 2 if self.column.numeric else len(self.column.levels) + 2

    def level(self, values: Values) -> NDArray[np.int64]:
        """The position in its block of each value (n,); -1 for a level that no training row has."""
        known = ~np.isnan(values)
        out = np.full(len(values), self.levels - 1 if self.missing else -1, np.int64)
        if self.number is not None:
            out[known] = self.number.level(values[known])
            return out
        place = np.full(len(self.column.levels) + 1, -1, np.int64)
        place[self.seen] = np.arange(len(self.seen))
        out[known] = place[values[known].astype(np.int64)]
        return out

    def value(self, level: NDArray[np.int64], z: Values) -> Values:
        """The raw values (n,) of levels (n,) and normal numbers (n,)."""
        if self.number is None:
            kept = np.append(self.seen, np.nan) if self.missing else self.seen.astype(np.float64)
            return kept[level] if len(kept) else np.full(len(level), np.nan)
        table = np.append(self.number.spikes, [0.0] * self.plain) if len(self.number.spikes) else np.zeros(1)
        table = np.append(table, np.nan) if self.missing else table
        out: Values = table[level]
        if self.plain:
            between = np.ones(len(level), np.bool_) if self.gate is None else level == self.gate
            out[between] = self.number.value(z[between])
        return out

    def metric(self, values: Values) -> Values:
        """Values (n,) in metric scale, (n, width)."""
        unknown = np.isnan(values)
        if self.column.numeric:
            scaled = np.where(unknown, self.mean, values) / self.deviation
            return np.stack([scaled, unknown], 1)
        out = np.zeros((len(values), self.width))
        place = np.where(unknown, self.width - 1, np.nan_to_num(values)).astype(np.int64)
        out[np.arange(len(values)), place] = np.sqrt(0.5)
        return out

    def raw(self, metric: Values) -> Values:
        """The inverse of `metric`."""
        if self.column.numeric:
            found = metric[:, 0] * self.deviation
            if self.number is not None and self.number.step:
                found = self.number.rounded(found)
            return np.where(metric[:, 1] > 0.5, np.nan, found)
        place = metric.argmax(1).astype(np.float64)
        return np.where(place == self.width - 1, np.nan, place)

    def state(self) -> dict[str, Any]:
        """The code as plain values, without the column."""
        state = {"missing": self.missing, "mean": self.mean, "deviation": self.deviation, "seen": self.seen.tolist()}
        return state | {"shares": self.shares.tolist(), "number": None if self.number is None else self.number.state()}

    @classmethod
    def from_state(cls, column: Column, state: Mapping[str, Any]) -> "ColumnCode":
        """The code of a column whose `state` this is.

        Raises:
            ValueError: it cannot be one, as of a damaged file.
        """
        if not isinstance(state["missing"], bool):  # it counts as a level
            raise ValueError(f"whether a column has missing values must be true or false; got {state['missing']!r}")
        number = None if state["number"] is None else NumberCode.from_state(state["number"])
        seen, shares = np.asarray(state["seen"], np.int64), np.asarray(state["shares"], np.float64)
        return cls(column, state["missing"], state["mean"], state["deviation"], number, seen, shares)


def step_of(column: Column, values: Values) -> float:
    """The step to which a column's values (n,) are written; 0 for none."""
    if column.kind in ("integer", "date"):
        return 1.0
    if column.kind == "datetime":
        return float(next((step for step in STEPS if not (values % step).any()), 0))
    return 0.0 if column.decimals is None else 10.0**-column.decimals
