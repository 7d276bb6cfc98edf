r"""Rows of a table that meet a condition, and rows without combinations that the data do not have.

A condition on levels need not wait until chance brings them: with :math:`p(z)` the probability that the generator gives
allowed levels at latent numbers z, those z are kept with probability :math:`p(z) / \max p`, and their levels are drawn
among the allowed ones. What is kept follows the generator's own conditional distribution, however rare the levels are.
Whatever else a condition says is met by rejection.
"""

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.data.table.codec import TableCodec
from monge.data.table.column import ColumnCode
from monge.data.table.combination import MISSING, PRESENT
from monge.data.table.condition import Condition, parse
from monge.data.table.imputation import quotas
from monge.data.table.predicate import Membership
from monge.data.table.schema import Column
from monge.errors import UserError
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.random import latent
from monge.nn.copula import CopulaGenerator
from monge.nn.level import HeadedGenerator
from monge.nn.margin import Margins

Rows = NDArray[np.float64]
ROUND = 8192
"""Rows generated at a time."""
MOST = 65_536
"""Rows generated at a time, at most, where nothing is asked of them."""
LEAST_TRIES = 200_000
"""Rows generated before a condition is given up, at least."""
TRIES = 1000
"""Rows generated for each one that is asked for before a condition is given up, at most."""


def margins_of(network: nn.Module) -> Margins | None:
    """The margins that a generator's rows are to have; None of a network that knows none."""
    return network.margins if isinstance(network, HeadedGenerator | CopulaGenerator) else None


def permitted(
    network: nn.Module, codec: TableCodec, raw: Rows, seed: int, shares: Mapping[int, float] | None = None
) -> NDArray[np.bool_]:
    """Which generated rows (n,) to keep: none that the data's combinations or the table's rule exclude.

    Of the others, so many that the margins are those of the data, if the network knows these (see `nn.margin`).

    Arguments:
        network: the generator.
        codec: of the rows.
        raw: the rows (n, d).
        seed: of the choice.
        shares: as `Combinations.keep` takes them.
    """
    random = np.random.default_rng(seed)
    kept = codec.combinations.keep(raw, random, shares)
    if codec.rule is not None:
        kept &= codec.rule.holds(raw)
    margins = margins_of(network)
    if margins is not None and margins.multipliers.any() and len(raw):
        kept &= random.random(len(raw)) < margins.chance(codec.encode(raw)).numpy()
    return kept


def permitted_latent(
    network: nn.Module,
    made: Callable[[Tensor], Rows],
    codec: TableCodec,
    n: int,
    size: int,
    generator: torch.Generator,
) -> Tensor:
    """Latent numbers (n, size) of n rows that are permitted.

    Arguments:
        network: the generator.
        made: gives the rows (n, d) of latent numbers (n, size).
        codec: of the rows.
        n: how many.
        size: numbers of each.
        generator: of all chance.

    Raises:
        UserError: next to no row is.
    """
    found, have, tried = [], 0, 0
    while have < n:
        share = have / tried if have else 1.0
        z = latent(min(MOST, max(64, math.ceil(1.1 * (n - have) / share))), size, generator)
        kept = permitted(network, codec, made(z), int(torch.randint(2**31, (), generator=generator)))
        found.append(z[torch.from_numpy(kept)])
        have, tried = have + int(kept.sum()), tried + len(z)
        if tried > max(LEAST_TRIES, TRIES * n):
            raise UserError(f"the rule and the data's combinations exclude all but {have:,} of {tried:,} rows")
    return torch.cat(found)[:n]


def rows_where(
    network: nn.Module, codec: TableCodec, text: str, n: int, generator: torch.Generator
) -> tuple[Rows, int]:
    """n generated rows (n, d) that meet a condition, and how many were tried.

    Raises:
        UserError: the condition cannot be read, no training row has a level that it asks for, or too few rows meet it.
    """
    condition = parse(text, codec.schema)
    return _collected(network, codec, condition, n, generator, f"--where {text!r}")


def rows_balanced(
    network: nn.Module, codec: TableCodec, name: str, n: int, generator: torch.Generator
) -> tuple[Rows, int]:
    """n generated rows (n, d) with the levels of a column that training rows have in equal numbers, shuffled.

    Raises:
        UserError: there is no such column, or it has no levels.
    """
    if name not in codec.schema.names or not codec.schema.kept[codec.schema.position(name)].levelled:
        levelled = [column.name for column in codec.schema if column.levelled]
        raise UserError(f"--balance must be a column with levels ({', '.join(levelled)}); got {name!r}")
    index = codec.schema.position(name)
    seen, parts, tried = codec.codes[index].seen.tolist(), [], 0
    for level, count in zip(seen, quotas(len(seen), n), strict=True):
        one = Condition(Membership(index, (level,)), codec.schema)
        if count:
            what = f"--balance {name}: level {codec.schema.kept[index].levels[level]!r}"
            rows, more = _collected(network, codec, one, count, generator, what)
            parts.append(rows)
            tried += more
    order = torch.randperm(n, generator=generator).numpy()
    return np.concatenate(parts)[order], tried


def _collected(
    network: nn.Module,
    codec: TableCodec,
    condition: Condition,
    n: int,
    generator: torch.Generator,
    what: str,
) -> tuple[Rows, int]:
    """Rows that meet a condition, (n, d), and how many were tried."""
    found: list[Rows] = []
    have = tried = 0
    allowed, shares = _allowed(codec, condition)
    if not isinstance(network, HeadedGenerator):  # which cannot be asked for levels
        allowed, shares = None, {}
    for raw, count in _proposed(network, codec, allowed, generator):
        tried += count
        chance = int(torch.randint(2**31, (), generator=generator))
        kept = raw[condition.holds(raw) & permitted(network, codec, raw, chance, shares)] if len(raw) else raw
        found.append(kept)
        have += len(kept)
        if have >= n:
            break
        if tried > max(LEAST_TRIES, TRIES * n):
            raise UserError(f"{what}: only {have:,} of {tried:,} generated rows meet it; ask for as many or for less")
    return np.concatenate(found)[:n], tried


@torch.no_grad()
def _proposed(
    network: nn.Module, codec: TableCodec, allowed: Tensor | None, generator: torch.Generator
) -> Iterator[tuple[Rows, int]]:
    """Generated rows, with allowed levels only where the generator can be asked for them, and how many were tried."""
    size, most = latent_size(network), 0.0
    while True:
        z = latent(ROUND, size, generator)
        if allowed is None:
            yield generate(network, codec, z), len(z)
            continue
        assert isinstance(network, HeadedGenerator)
        rows, chance = network.restricted(z, allowed)
        most = most or float(chance.max())  # of the first round: larger ones, which are rare, are cut off there
        kept = torch.rand(len(z), generator=generator) * most < chance
        yield codec.decode(rows[kept]), len(z)


def _allowed(codec: TableCodec, condition: Condition) -> tuple[Tensor | None, Mapping[int, float]]:
    """Which levels of the row's blocks a condition allows, (levels,), and how frequent they are, by column.

    None where it asks for none. Levels that no permitted row has beside those asked for are not allowed either.

    Raises:
        UserError: no training row has any of the levels that it allows.
    """
    asked = condition.levels()
    blocks: dict[int, Tensor] = {}
    shares: dict[int, float] = {}
    for index, code, _, _ in codec.parts():
        blocks[index] = torch.ones(code.levels, dtype=torch.bool)
        if index in asked:
            values = np.array(asked[index], np.float64)
            values[values == len(code.column.levels)] = np.nan
            there = np.isin(values, code.seen) | (np.isnan(values) & code.missing)
            if not there.any():
                raise _impossible(code.column, values)
            if code.levels:
                levels = code.level(values[there])
                blocks[index] = torch.zeros(code.levels, dtype=torch.bool).index_fill(0, torch.from_numpy(levels), True)
                shares[index] = float(code.shares[levels].sum())
    if not shares:
        return None, shares
    _exclude(codec, blocks)
    return torch.cat([blocks[index] for index, _, _, _ in codec.parts()]), shares


def _exclude(codec: TableCodec, blocks: dict[int, Tensor]) -> None:
    """Takes levels out of blocks, by column, that are impossible beside all that another block has left."""
    codes = {index: code for index, code, _, _ in codec.parts()}
    for one in codec.combinations.found:
        if not one.impossible or not blocks.keys() >= set(one.columns):
            continue
        these = [_having(codes[column], value) for column, value in zip(one.columns, one.values, strict=True)]
        for (column, other), (its, others) in zip((one.columns, one.columns[::-1]), (these, these[::-1]), strict=True):
            left = blocks[other] & ~others
            if not (blocks[column] & ~its).any() and left.any():
                blocks[other] = left


def _having(code: ColumnCode, value: int) -> Tensor:
    """Which levels of a column's block have a value of a `Combination`, (levels,)."""
    found = torch.zeros(code.levels, dtype=torch.bool)
    if value == PRESENT:
        found[: code.levels - code.missing] = True
    elif value == MISSING:
        found[code.levels - code.missing :] = True
    else:
        found[code.level(np.array([float(value)]))] = True
    return found


def _impossible(column: Column, values: Rows) -> UserError:
    """The refusal of levels, or of a missing value, that no training row has."""
    if not len(values):
        return UserError(f"--where must allow a level of {column.name}; got conditions that exclude each other")
    names = " or ".join("null" if np.isnan(value) else repr(column.levels[int(value)]) for value in values)
    return UserError(f"--where must allow a level of {column.name} that a training row has; got {names}")
