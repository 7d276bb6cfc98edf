"""What a line of the log may contain: all that reads the log can rely on it."""

from collections.abc import Callable, Mapping
from typing import Any

Wrong = Callable[[Any], str | None]
"""What is wrong with a value, in words; None where nothing is."""

FARTHEST = 1e100
"""A number beyond is damage: no training gets there, and its square must stay finite."""
MOST_STEPS = 10**9
"""As `steps` of a config."""


def wrong_entry(entry: Mapping[str, Any]) -> str | None:
    """What is wrong with an entry of the log, in words; None where nothing is.

    It must have a step. All else is a finite number, unless `KNOWN` says of what kind it is.
    """
    if "step" not in entry:
        return "it has no step"
    for name, value in entry.items():
        if (found := KNOWN.get(name, number)(value)) is not None:
            return f"{name} {found}"
    return None


def number(value: Any) -> str | None:
    """Whether it is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST:
        return f"must be a finite number; got {_short(value)}"
    return None


def distance(value: Any) -> str | None:
    """Whether it is a finite number of at least 0."""
    return number(value) or (None if value >= 0 else f"must be at least 0; got {_short(value)}")


def count(value: Any) -> str | None:
    """Whether it is a number of steps."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_STEPS:
        return f"must be a whole number from 0 to 1e9; got {_short(value)}"
    return None


def of(kind: type, *kinds: type) -> Wrong:
    """Whether a value is of one of these types."""
    kinds = (kind, *kinds)

    def wrong(value: Any) -> str | None:
        names = " or ".join("none" if one is type(None) else one.__name__ for one in kinds)
        return None if isinstance(value, kinds) else f"must be of type {names}; got {_short(value)}"

    return wrong


def maybe(wrong: Wrong) -> Wrong:
    """As another check, or null."""
    return lambda value: None if value is None else wrong(value)


def mapping(needed: Mapping[str, Wrong], others: Mapping[str, Wrong] | None = None) -> Wrong:
    """Whether a value is a mapping that has what is needed, and whose parts are right as far as they are known."""
    known = {**needed, **(others or {})}

    def wrong(value: Any) -> str | None:
        if not isinstance(value, dict):
            return f"must be a mapping; got {_short(value)}"
        for name in needed:
            if name not in value:
                return f"must have {name}"
        for name, part in value.items():
            if name in known and (found := known[name](part)) is not None:
                return f"{name} {found}"
        return None

    return wrong


def values(wrong: Wrong) -> Wrong:
    """Whether a value is a mapping all of whose values are right."""

    def found(value: Any) -> str | None:
        return mapping(dict.fromkeys(value, wrong))(value) if isinstance(value, dict) else mapping({})(value)

    return found


def copying(value: Any) -> str | None:
    """Whether it is a measurement of copying, see `training.copying`, which says since when where there is any."""
    needed: dict[str, Wrong] = {"rank": number, "attraction": number, "in_a_row": count, "alarm": of(bool)}
    signs: dict[str, Wrong] = {"since": count, "checkpoint": maybe(count)}
    found = mapping(needed, signs)(value)
    if found is None and value["in_a_row"]:
        return mapping(signs)(value)
    return found


def bracket(value: Any) -> str | None:
    """Whether it is a bracket, see `distance.bounds`."""
    needed: dict[str, Wrong] = dict.fromkeys(("lower", "upper", "floor", "spread"), distance)
    needed |= {"excess": number, "excess_error": maybe(number), "confidence": maybe(number), "family": maybe(of(str))}
    optional: dict[str, Wrong] = {"n": count, "spread_error": maybe(number)} | dict.fromkeys(
        ("estimate", "estimate_low", "estimate_high"), maybe(distance)
    )
    return mapping(needed | {"lipschitz": lipschitz}, optional)(value)


def lipschitz(value: Any) -> str | None:
    """Whether it says how the slope of a potential is known."""
    return None if value in ("certified", "measured", "none") else f"must be certified, measured or none; got {value!r}"


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits
        return type(value).__name__
    return text if len(text) <= 40 else f"{text[:40]}..."


KNOWN: Mapping[str, Wrong] = {
    "step": count,
    "threads": count,
    "attempt": count,
    "note": of(str),
    "scatter": distance,
    "bracket": bracket,
    "copying": copying,
    "in_a_row": values(count),
    "symptoms": values(of(str)),
}
"""Check of each part of an entry that is no plain number."""
