"""Numbers and tables as text."""

from collections.abc import Iterable, Sequence


def number(value: float | None) -> str:
    """Four significant digits."""
    return "-" if value is None else f"{value:.4g}"


def error(value: float | None) -> str:
    """A standard error."""
    return "" if value is None else f"± {value:.2g}"


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows of texts in columns, the last one ragged."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
