"""What an address asks for, checked: numbers in their ranges, and pairs of an index and a value."""

import math
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from monge.errors import UserError
from monge.model.trained_model import Request

MOST_SEED = 10**15
"""Seeds beyond are no whole numbers in a browser."""
FARTHEST = 10.0
"""Of a truncation, and of a step along a direction."""
LONGEST = 2000
"""Letters of a condition, at most."""


@dataclass(frozen=True)
class Drawing:
    """Which samples are asked for.

    Arguments:
        n: how many.
        seed: of their latent numbers, as of `monge sample`.
        label: the class; None for all.
        codes: index and value of codes that are not drawn.
        truncation: bound of latent numbers; None for none.
        directions: index of directions, and how far along each.
    """

    n: int
    seed: int = 0
    label: str | None = None
    codes: tuple[tuple[int, float], ...] = ()
    truncation: float | None = None
    directions: tuple[tuple[int, float], ...] = ()

    @property
    def request(self) -> Request:
        """What a model is asked for."""
        return Request(self.label, dict(self.codes))


def drawing(query: QueryParams, usual: int, most: int) -> Drawing:
    """The samples that an address asks for.

    Arguments:
        query: of the address.
        usual, most: how many where it does not say, and at most.

    Raises:
        UserError: names the parameter, the value and what is allowed.
    """
    truncation = real(query, "truncation", None, 0.01, FARTHEST)
    return Drawing(
        n=whole(query, "n", usual, 1, most),
        seed=whole(query, "seed", 0, 0, MOST_SEED),
        label=query.get("class") or None,
        codes=pairs(query, "code", 1000.0),
        truncation=truncation,
        directions=pairs(query, "direction", FARTHEST),
    )


def whole(query: QueryParams, name: str, usual: int, low: int, high: int) -> int:
    """A whole number in a range.

    Raises:
        UserError: it is none.
    """
    text = query.get(name) or ""
    if not text:
        return usual
    try:
        found = int(text) if text.isascii() and len(text) < 20 else None
    except ValueError:
        found = None
    if found is None or not low <= found <= high:
        raise UserError(f"{name} must be a whole number from {low} to {high:,}; got {text!r}")
    return found


def real(query: QueryParams, name: str, usual: float | None, low: float, high: float) -> float | None:
    """A number in a range.

    Raises:
        UserError: it is none.
    """
    text = query.get(name) or ""
    return usual if not text else number(name, text, low, high)


def number(name: str, text: str, low: float, high: float) -> float:
    """A text as a number in a range.

    Raises:
        UserError: it is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not low <= found <= high:
        raise UserError(f"{name} must be a number from {low:g} to {high:g}; got {text!r}")
    return found


def pairs(query: QueryParams, name: str, reach: float) -> tuple[tuple[int, float], ...]:
    """Indices and values, each given as INDEX=VALUE; the last value of an index counts.

    Raises:
        UserError: one is no such pair.
    """
    found: dict[int, float] = {}
    for text in query.getlist(name):
        index, _, value = text.partition("=")
        if not (index.isascii() and index.isdigit() and len(index) < 4):
            raise UserError(f"{name} must be INDEX=VALUE, as in {name}=0=3; got {text!r}")
        found[int(index)] = number(f"{name} {index}", value, -reach, reach)
    return tuple(sorted(found.items()))


def condition(query: QueryParams) -> str | None:
    """The condition on rows; None for none.

    Raises:
        UserError: it is too long.
    """
    text = (query.get("where") or "").strip()
    if len(text) > LONGEST:
        raise UserError(f"where must have at most {LONGEST:,} letters; got {len(text):,}")
    return text or None
