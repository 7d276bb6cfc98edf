"""The parts of the bracket between two sample sets as figures, with what is known of their rows."""

from dataclasses import replace
from typing import TYPE_CHECKING

from monge.evaluation.estimates import PARTS, Figure, annotated

if TYPE_CHECKING:
    from monge.evaluation.two_samples import Comparison

COPIES = 0.05
"""Share of a set that may repeat earlier rows: of rows that all occurred four times, no range had W1."""


def bracket_parts(result: "Comparison") -> dict[str, Figure]:
    """The parts of the bracket by name, in the order in which they are shown."""
    found = {entry.name: annotated(entry, result.bracket) for entry in PARTS}
    parts = {name: figure for name, figure in found.items() if figure is not None}
    if why := depends(result):
        parts["estimate"] = replace(parts["estimate"], note=f"unreliable: {why}")
    return parts


def depends(result: "Comparison") -> str:
    """Why the rows of one set can hardly be taken to be independent; empty where nothing is seen."""
    if any(result.dependence):
        return "rows depend on their order"
    sizes = len(result.a.points), len(result.b.points)
    many = any(count > COPIES * size for count, size in zip(result.repeated, sizes, strict=True))
    return "rows repeat earlier ones" if many else ""
