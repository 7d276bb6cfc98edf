r"""Rows of a table that meet a condition, and rows without combinations that the data do not have.

A condition on levels need not wait until chance brings them: with :math:`p(z)` the probability that the generator gives
allowed levels at latent numbers z, those z are kept with probability :math:`p(z) / \max p`, and their levels are drawn
among the allowed ones. What is kept follows the generator's own conditional distribution, however rare the levels are.
Whatever else a condition says is met by rejection.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.data.table.codec import TableCodec
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

Rows = NDArray[np.float64]
ROUND = 8192
"""Rows generated at a time."""
MOST = 65_536
"""Rows generated at a time, at most, where nothing is asked of them."""
LEAST_TRIES = 200_000
"""Rows generated before a condition is given up, at least."""
TRIES = 500
"""Rows generated for each one that is asked for before a condition is given up, at most."""


def permitted(network: nn.Module, codec: TableCodec, raw: Rows, seed: int) -> NDArray[np.bool_]:
    """Which generated rows (n,) to keep: none that the data's combinations or the table's rule exclude.

    Of the others, so many that the margins are those of the data, if the network knows these (see `nn.margin`).
    """
    random = np.random.default_rng(seed)
    kept = codec.combinations.keep(raw, random)
    if codec.rule is not None:
        kept &= codec.rule.holds(raw)
    if isinstance(network, HeadedGenerator | CopulaGenerator) and len(raw):
        kept &= random.random(len(raw)) < network.margins.chance(codec.encode(raw)).numpy()
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
    return _collected(network, codec, condition, _allowed(codec, condition), n, generator, f"--where {text!r}")


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
            rows, more = _collected(network, codec, one, _allowed(codec, one), count, generator, what)
            parts.append(rows)
            tried += more
    order = torch.randperm(n, generator=generator).numpy()
    return np.concatenate(parts)[order], tried


def _collected(
    network: nn.Module,
    codec: TableCodec,
    condition: Condition,
    allowed: Tensor | None,
    n: int,
    generator: torch.Generator,
    what: str,
) -> tuple[Rows, int]:
    """Rows that meet a condition, (n, d), and how many were tried."""
    found: list[Rows] = []
    have = tried = 0
    for raw, count in _proposed(network, codec, allowed, generator):
        tried += count
        chance = int(torch.randint(2**31, (), generator=generator))
        kept = raw[condition.holds(raw) & permitted(network, codec, raw, chance)] if len(raw) else raw
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
        if allowed is None or not isinstance(network, HeadedGenerator):
            yield generate(network, codec, z), len(z)
            continue
        rows, chance = network.restricted(z, allowed)
        most = most or float(chance.max())  # of the first round: larger ones, which are rare, are cut off there
        kept = torch.rand(len(z), generator=generator) * most < chance
        yield codec.decode(rows[kept]), len(z)


def _allowed(codec: TableCodec, condition: Condition) -> Tensor | None:
    """Which levels of the row's blocks a condition allows, (levels,); None where it asks for none.

    Raises:
        UserError: no training row has any of the levels that it allows.
    """
    asked = condition.levels()
    allowed, start = torch.ones(sum(codec.layout.blocks), dtype=torch.bool), 0
    restricted = False
    for index, code, _, _ in codec.parts():
        if index in asked:
            values = np.array(asked[index], np.float64)
            values[values == len(code.column.levels)] = np.nan
            there = np.isin(values, code.seen) | (np.isnan(values) & code.missing)
            if not there.any():
                raise _impossible(code.column, values)
            if code.levels:
                allowed[start : start + code.levels] = False
                allowed[start + code.level(values[there])] = True
                restricted = True
        start += code.levels
    return allowed if restricted else None


def _impossible(column: Column, values: Rows) -> UserError:
    """The refusal of levels, or of a missing value, that no training row has."""
    if not len(values):
        return UserError(f"--where must allow a level of {column.name}; got conditions that exclude each other")
    names = " or ".join("null" if np.isnan(value) else repr(column.levels[int(value)]) for value in values)
    return UserError(f"--where must allow a level of {column.name} that a training row has; got {names}")
