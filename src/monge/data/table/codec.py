"""Rows of tables in the three scales."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, starmap
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.scale import Codec
from monge.data.space import TableSpace
from monge.data.table import combination, dependence, offset
from monge.data.table.column import ColumnCode
from monge.data.table.combination import Combinations
from monge.data.table.condition import Condition, parse
from monge.data.table.derived import Derivation, from_json, restore
from monge.data.table.offset import Offset
from monge.data.table.schema import Schema
from monge.errors import UserError
from monge.nn.margin import Layout

Values = NDArray[np.float64]
NOTHING = Combinations(())


@dataclass(frozen=True, eq=False)
class TableCodec(Codec):
    """Rows of a table: normal numbers and one-hot levels for networks; standard deviations and levels for distances.

    Columns that are exact functions of others are not modelled, but computed when rows are decoded. Of columns that
    keep close to another, the difference is modelled.

    Arguments:
        schema: the columns.
        codes: one for each column of a row.
        derivations: how columns follow from others.
        combinations: of values that no row has, or hardly any.
        rule: that generated rows must follow, or None.
        rows: how many training rows it was fitted to.
        offsets: columns that are modelled by their difference to another.
    """

    schema: Schema
    codes: tuple[ColumnCode, ...]
    derivations: tuple[Derivation, ...] = ()
    combinations: Combinations = NOTHING
    rule: Condition | None = None
    rows: int = 0
    offsets: tuple[Offset, ...] = ()

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
        found = combination.find(schema, raw, without)
        offsets = offset.find(schema, raw, without, {one.columns for one in found.orders})
        return cls(schema, codes, derivations, found, followed, len(raw), offsets)

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
        """Positions of the columns that do not follow from others, and the codes of what is modelled of them."""
        derived = {derivation.column for derivation in self.derivations}
        codes = dict(enumerate(self.codes)) | {found.column: found.code for found in self.offsets}
        return [(index, code) for index, code in codes.items() if index not in derived]

    @property
    def restored(self) -> tuple[Offset | Derivation, ...]:
        """What is computed when rows are decoded, in this order."""
        return (*self.offsets, *self.derivations)

    def differences(self, raw: Values) -> Values:
        """Rows (n, d) with differences in place of the columns that are modelled by them; what `modelled` encodes."""
        out = raw.copy() if self.offsets else raw
        for found in self.offsets:
            out[:, found.column] = found.difference(raw)
        return out

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
        out, raw = np.zeros((len(raw), 2 * numbers + len(self.layout.blocks)), np.float32), self.differences(raw)
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
            # a level that no training row has must not switch off one of the block before
            out.scatter_add_(1, (index + starts).clamp_min(0), (index >= 0).float())
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
        return restore(self.restored, out)

    def metric(self, raw: Values) -> Values:
        return np.concatenate([code.metric(raw[:, index]) for index, code in enumerate(self.codes)], 1)

    def raw(self, metric: Values) -> Values:
        """Rows (n, d) of points in metric scale."""
        parts = zip(self.codes, self.groups, strict=True)
        return np.stack([code.raw(metric[:, group]) for code, group in parts], 1)

    def from_metric(self, metric: Tensor) -> Tensor:
        """Points in metric scale in model scale; which spike a number is, or none, has no gradient."""
        numbers, blocks, bases = [], [], {found.column: found.base for found in self.offsets}
        raw = self.differences(self.raw(metric.detach().cpu().double().numpy()))
        for index, code, _, _ in self.parts():
            part = metric[:, self.groups[index]]
            if not code.column.numeric:
                if code.levels:
                    kept = [*code.seen.tolist(), code.width - 1] if code.missing else code.seen.tolist()
                    blocks.append(part[:, kept] * math.sqrt(2))
                continue
            level = torch.from_numpy(code.level(raw[:, index])).to(metric.device)
            if code.levels:
                blocks.append((level[:, None] == torch.arange(code.levels, device=level.device)).to(metric.dtype))
            if code.plain and code.number is not None:
                value = self._number(metric, index)
                z = code.number.normal(value - self._number(metric, bases[index]) if index in bases else value)
                numbers.append(z if code.gate is None else z * (level == code.gate))
        return torch.cat([torch.stack(numbers, 1) if numbers else metric[:, :0], *blocks], 1)

    def _number(self, metric: Tensor, index: int) -> Tensor:
        """The values (n,) of a column of numbers, differentiable."""
        return metric[:, self.groups[index].start] * self.codes[index].deviation

    def state(self) -> dict[str, object]:
        """`{"kind": "table", "columns": [...], "codes": [...], "derivations": [...], "combinations": {...}}`."""
        return {
            "kind": TableSpace.name,
            "columns": self.schema.as_json(),
            "codes": [code.state() for code in self.codes],
            "derivations": [derivation.as_json() for derivation in self.derivations],
            "combinations": self.combinations.as_json(),
            "rows": self.rows,
            "offsets": [found.state() for found in self.offsets],
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
        offsets = tuple(Offset.from_state(schema, found) for found in state.get("offsets", ()))
        combinations = Combinations.from_json(state["combinations"])
        return cls(schema, codes, derivations, combinations, rule, state["rows"], offsets)
