"""Numbers and tables as text."""

import math
from collections.abc import Iterable, Sequence


def number(value: float | None) -> str:
    """Four significant digits."""
    return "-" if value is None else f"{value:.4g}"


def probability(p: float) -> str:
    """A p-value, in two digits unless it is tiny."""
    return f"{p:.2g}" if p >= 1e-4 else "<0.0001"


def error(value: float | None) -> str:
    """A standard error."""
    return "" if value is None else f"± {value:.2g}"


def percent(share: float) -> str:
    """A share in percent, rounded towards zero, so that 100 % is all."""
    return f"{math.floor(1000 * share) / 10:.3g} %"


def listed(names: Sequence[str]) -> str:
    """Names in a row: a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def certainty(confidence: float | None, lipschitz: str) -> str:
    """How sure a lower limit is: only a potential whose slope is certified gives it a confidence."""
    if lipschitz == "certified" and confidence is not None:
        return f"{percent(confidence)} confidence"
    return "no potential, so no limit" if lipschitz == "none" else "no confidence, as the slope was only measured"


def likely(span: Sequence[float]) -> str:
    """Where a number is likely to be."""
    low, high = span
    return f"likely {low:.3g} to {high:.3g}"


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of texts in columns, the last one ragged."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
