"""What is known of a figure besides its value: one line of a table, which everything that shows figures loops over."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Context = TypeVar("Context")
Found = TypeVar("Found")

Better = Literal["higher", "lower", "real", "neither"] | float
"""Which values are better: "real" means the nearer to what real samples show, a number the nearer to that number."""


@dataclass(frozen=True)
class Doubt(Generic[Context, Found]):
    """When a figure says little.

    Arguments:
        when: in words, before there is a value.
        reason: in numbers, of what was measured and what was found; None where nothing speaks against the figure.
    """

    when: str
    reason: Callable[[Context, Found], str | None]

    def __or__(self, other: "Doubt[Context, Found]") -> "Doubt[Context, Found]":
        """Either of two doubts; where both apply, the first gives the reason."""
        return Doubt(
            f"{self.when}; {other.when}",
            lambda context, found: self.reason(context, found) or other.reason(context, found),
        )


@dataclass(frozen=True)
class Entry(Generic[Context, Found]):
    """One figure.

    Arguments:
        name: in documents; no other figure of the table has it.
        function: from what was measured to what was found; None where the figure does not apply.
        meaning: what it is, in one line shown next to the value.
        unit: of the value, in words.
        better: which values are.
        unreliable: when it says little, if ever.
        label: name for people; without one the name itself is shown.
        group: name of the mapping that contains it in documents, if any.
    """

    name: str
    function: Callable[[Context], Found | None]
    meaning: str
    unit: str
    better: Better
    unreliable: Doubt[Context, Found] | None = None
    label: str = ""
    group: str = ""

    @property
    def shown(self) -> str:
        """The name for people."""
        return self.label or self.name

    @property
    def direction(self) -> str:
        """Which values are better, in words."""
        if isinstance(self.better, str):
            return "nearest to that of real samples" if self.better == "real" else self.better
        return f"nearest to {self.better:g}"

    def doubt(self, context: Context, found: Found) -> str | None:
        """Why what was found says little, if it does."""
        return None if self.unreliable is None else self.unreliable.reason(context, found)
