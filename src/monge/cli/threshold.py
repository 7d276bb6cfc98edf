"""Limits of figures beyond which a command leaves with exit status 3."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from monge.errors import UserError, unknown_name

FAILED = 3
"""Exit status of a command whose figure is beyond its limit."""
FIGURES = ("excess", "estimate", "lower", "upper", "floor", "spread")


@dataclass(frozen=True)
class Failure:
    """A figure beyond its limit.

    Attributes:
        figure: its name.
        value: it.
        limit: which it is above, or below.
        side: "above" or "below".
    """

    figure: str
    value: float
    limit: float
    side: str

    def __str__(self) -> str:
        return f"Failed: {self.figure} {self.value:.4g} is {self.side} {self.limit:g}."

    def as_json(self) -> dict[str, Any]:
        """The failure as a plain mapping."""
        return asdict(self)


def limits(option: str, texts: Sequence[str]) -> dict[str, float]:
    """The limits of figures of the bracket, written `excess=0.1`.

    Raises:
        UserError: a text is no figure and number.
    """
    found = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in FIGURES:
            raise unknown_name(option, name, FIGURES)
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = math.nan
        if not math.isfinite(found[name]):
            raise UserError(f"{option} must be FIGURE=NUMBER, such as {name}=0.1; got {text!r}")
    return found


def failures(
    bracket: Mapping[str, Any], p_value: float | None, above: Mapping[str, float], below_p: float | None
) -> list[Failure]:
    """The figures beyond their limits.

    Arguments:
        bracket: figures by name.
        p_value: of the comparison.
        above: limits of figures of the bracket.
        below_p: the smallest p-value allowed, or None.
    """
    found = [
        Failure(name, float(bracket[name]), limit, "above") for name, limit in above.items() if bracket[name] > limit
    ]
    if below_p is not None and p_value is not None and p_value < below_p:
        found.append(Failure("p_value", p_value, below_p, "below"))
    return found
