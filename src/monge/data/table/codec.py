"""Rows of tables in the three scales."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise, starmap
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from monge.data.scale import Codec
from monge.data.space import TableSpace
from monge.data.table import combination, dependence
from monge.data.table.combination import Combinations
from monge.data.table.condition import Condition, parse
from monge.data.table.derived import Derivation, from_json, restore
from monge.data.table.quantile import NumberCode
from monge.data.table.schema import Column, Schema
from monge.errors import UserError
from monge.nn.level import Layout

Values = NDArray[np.float64]
DAY = 86400
NOTHING = Combinations(())
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
        """The code of a column whose `state` this is."""
        number = None if state["number"] is None else NumberCode.from_state(state["number"])
        seen, shares = np.asarray(state["seen"], np.int64), np.asarray(state["shares"], np.float64)
        return cls(column, state["missing"], state["mean"], state["deviation"], number, seen, shares)


@dataclass(frozen=True, eq=False)
class TableCodec(Codec):
    """Rows of a table: normal numbers and one-hot levels for networks; standard deviations and levels for distances.

    Columns that are exact functions of others are not modelled, but computed when rows are decoded.

    Arguments:
        schema: the columns.
        codes: one for each column of a row.
        derivations: how columns follow from others.
        combinations: of values that no row has, or hardly any.
        rule: that generated rows must follow, or None.
        rows: how many training rows it was fitted to.
    """

    schema: Schema
    codes: tuple[ColumnCode, ...]
    derivations: tuple[Derivation, ...] = ()
    combinations: Combinations = NOTHING
    rule: Condition | None = None
    rows: int = 0

    @classmethod
    def fit(cls, schema: Schema, raw: Values, rule: str | None = None) -> "TableCodec":
        """The codec of training rows (n, d).

        Raises:
            UserError: the rule cannot be read, or training rows break it.
        """
        derivations = dependence.find(schema, raw)
        without = {derivation.column for derivation in derivations}
        codes = tuple(ColumnCode.fit(column, raw[:, i]) for i, column in enumerate(schema))
        followed = None if rule is None else parse(rule, schema, "--data.rule")
        if followed is not None and (broken := int((~followed.holds(raw)).sum())):
            text = f"{broken:,} of {len(raw):,} training rows break it"
            raise UserError(
                f"--data.rule must hold in the data; {text}: {rule}; allow for them, as in 'a <= b or a is null'"
            )
        return cls(schema, codes, derivations, combination.find(schema, raw, without), followed, len(raw))

    @cached_property
    def space(self) -> TableSpace:  # type: ignore[override]
        """Rows of these columns."""
        shares = [share for _, code in self.modelled for share in code.shares.tolist()]
        return TableSpace(self.schema, self.layout, tuple(shares), self.rows)

    @cached_property
    def layout(self) -> Layout:
        """Of a row in model scale: the normal numbers, then the blocks, in the order of the columns."""
        numbers = sum(code.plain for _, code in self.modelled)
        start, number, gates, blocks = numbers, 0, [], []
        for _, code in self.modelled:
            if code.gate is not None:
                gates.append((number, start + code.gate))
            if code.levels:
                blocks.append(code.levels)
            number, start = number + code.plain, start + code.levels
        return Layout(numbers, tuple(blocks), tuple(gates))

    @cached_property
    def modelled(self) -> list[tuple[int, ColumnCode]]:
        """Positions and codes of the columns that do not follow from others."""
        derived = {derivation.column for derivation in self.derivations}
        return [(index, code) for index, code in enumerate(self.codes) if index not in derived]

    def parts(self) -> Iterator[tuple[int, ColumnCode, int, int]]:
        """Of each column that is modelled: position, code, position of its normal number, and of its block."""
        number = block = 0
        for index, code in self.modelled:
            yield index, code, number, block
            number, block = number + code.plain, block + bool(code.levels)

    @cached_property
    def groups(self) -> list[slice]:
        """The coordinates of each column in metric scale."""
        ends = np.cumsum([0] + [code.width for code in self.codes]).tolist()
        return list(starmap(slice, pairwise(ends)))

    def prepare(self, raw: Values) -> Tensor:
        """Rows (n, d) as the ends of intervals of their normal numbers, and their levels, (n, 2 numbers + blocks)."""
        numbers = self.layout.numbers
        out = np.zeros((len(raw), 2 * numbers + len(self.layout.blocks)), np.float32)
        for index, code, number, block in self.parts():
            values = raw[:, index]
            if code.plain and code.number is not None:
                low, high = code.number.interval(np.where(np.isnan(values), code.mean, values))
                out[:, number], out[:, numbers + number] = low, high
            if code.levels:
                out[:, 2 * numbers + block] = code.level(values)
        return torch.from_numpy(out)

    def finish(self, prepared: Tensor, generator: torch.Generator) -> Tensor:
        """Prepared rows in model scale, each number uniform over its interval."""
        share = torch.rand(len(prepared), self.layout.numbers, generator=generator)
        return self._expanded(prepared, share)

    def _expanded(self, prepared: Tensor, share: Tensor | float) -> Tensor:
        low, high, levels = prepared.split([self.layout.numbers, self.layout.numbers, len(self.layout.blocks)], 1)
        z, index = low + share * (high - low), levels.long()
        out = torch.zeros(len(prepared), self.layout.width)
        if len(self.layout.blocks):
            starts = torch.tensor((self.layout.numbers, *self.layout.blocks[:-1])).cumsum(0)
            out.scatter_(1, (index + starts).clamp_min(0), (index >= 0).float())
        for number, gate in self.layout.gates:
            z[:, number] *= out[:, gate]
        out[:, : self.layout.numbers] = z
        return out

    def encode(self, raw: Values) -> Tensor:
        """Rows (n, d) in model scale (n, width), each number in the middle of its interval."""
        return self._expanded(self.prepare(raw), 0.5)

    def decode(self, model: Tensor) -> Values:
        """Rows (n, d) of numbers and levels (n, width): of each block, the largest counts."""
        x = model.detach().cpu().double()
        z, blocks = x[:, : self.layout.numbers].numpy(), x[:, self.layout.numbers :].split(self.layout.blocks, 1)
        levels = [block.argmax(1).numpy() for block in blocks]
        none, zero, out = np.zeros(len(x), np.int64), np.zeros(len(x)), np.zeros((len(x), len(self.codes)))
        for index, code, number, block in self.parts():
            out[:, index] = code.value(levels[block] if code.levels else none, z[:, number] if code.plain else zero)
        return restore(self.derivations, out)

    def metric(self, raw: Values) -> Values:
        return np.concatenate([code.metric(raw[:, index]) for index, code in enumerate(self.codes)], 1)

    def raw(self, metric: Values) -> Values:
        """Rows (n, d) of points in metric scale."""
        parts = zip(self.codes, self.groups, strict=True)
        return np.stack([code.raw(metric[:, group]) for code, group in parts], 1)

    def from_metric(self, metric: Tensor) -> Tensor:
        """Points in metric scale in model scale; which spike a number is, or none, has no gradient."""
        numbers, blocks = [], []
        for index, code, _, _ in self.parts():
            part = metric[:, self.groups[index]]
            if not code.column.numeric:
                if code.levels:
                    kept = [*code.seen.tolist(), code.width - 1] if code.missing else code.seen.tolist()
                    blocks.append(part[:, kept] * math.sqrt(2))
                continue
            values = code.raw(part.detach().cpu().double().numpy())
            level = torch.from_numpy(code.level(values)).to(metric.device)
            if code.levels:
                blocks.append(F.one_hot(level, code.levels).to(metric.dtype))
            if code.plain and code.number is not None:
                z = code.number.normal(part[:, 0] * code.deviation)
                numbers.append(z if code.gate is None else z * (level == code.gate))
        return torch.cat([torch.stack(numbers, 1) if numbers else metric[:, :0], *blocks], 1)

    def state(self) -> dict[str, object]:
        """`{"kind": "table", "columns": [...], "codes": [...], "derivations": [...], "combinations": {...}}`."""
        return {
            "kind": TableSpace.name,
            "columns": self.schema.as_json(),
            "codes": [code.state() for code in self.codes],
            "derivations": [derivation.as_json() for derivation in self.derivations],
            "combinations": self.combinations.as_json(),
            "rows": self.rows,
            "rule": None if self.rule is None else str(self.rule),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "TableCodec":
        """The codec whose `state` this is."""
        schema = Schema.from_json(state["columns"])
        pairs = zip(schema, state["codes"], strict=True)
        codes = tuple(ColumnCode.from_state(column, code) for column, code in pairs)
        derivations = tuple(from_json(derivation) for derivation in state["derivations"])
        rule = None if state["rule"] is None else parse(state["rule"], schema, "--rule")
        return cls(schema, codes, derivations, Combinations.from_json(state["combinations"]), rule, state["rows"])


def step_of(column: Column, values: Values) -> float:
    """The step to which a column's values (n,) are written; 0 for none."""
    if column.kind in ("integer", "date"):
        return 1.0
    if column.kind == "datetime":
        return float(next((step for step in STEPS if not (values % step).any()), 0))
    return 0.0 if column.decimals is None else 10.0**-column.decimals
