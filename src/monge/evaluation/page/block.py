"""What a page is made of, whatever it is written as: sections of paragraphs, tables, pictures and commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from PIL import Image


@dataclass(frozen=True)
class Text:
    """A paragraph.

    Attributes:
        text: plain.
        tone: "soft" for what only explains, "bar" for what explains bars, which only pages of HTML have,
            "note" for what should not be overlooked; empty else.
    """

    text: str
    tone: str = ""
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Bar:
    """A bar in the cell of a table, all of a column on one scale.

    Attributes:
        spans: beginning, end and tone of each part.
        scale: where the cell begins and ends.
        error: ends of the line of an error, or None.
    """

    spans: Sequence[tuple[float, float, str]]
    scale: tuple[float, float]
    error: tuple[float, float] | None = None

    def place(self, value: float) -> float:
        """Where a value is, in per cent of the cell."""
        low, high = self.scale
        return round(100 * (value - low) / ((high - low) or 1.0), 2)


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: plain; empty where there is a bar.
        tone: "number", "soft", "marked" for what matters, "same" for what does not; empty else.
        bar: which only pages of HTML show.
    """

    text: str = ""
    tone: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Table:
    """A table, whose first column names its rows.

    Attributes:
        head: names of the columns, some of them empty.
        rows: of cells, as many as the head has.
        wide: whether it scrolls sideways on a phone, instead of being folded.
        pairs: whether every second row goes with the one before.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wide: bool = False
    pairs: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Pictures:
    """Pictures side by side, with a text below each.

    Attributes:
        shown: pictures and texts.
        small: whether they are enlarged pixels, many in a row.
    """

    shown: Sequence[tuple[Image.Image, str]]
    small: bool = False
    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        parts: words that stay in one line.
    """

    parts: Sequence[str]
    kind: ClassVar[str] = "command"


Block = Text | Table | Pictures | Command


@dataclass(frozen=True)
class PageSection:
    """A part of a page under a title of its own.

    Attributes:
        title: in a few words.
        blocks: in their order.
        tone: "warn" or "info" of a verdict; empty else.
    """

    title: str
    blocks: Sequence[Block]
    tone: str = ""


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes:
        title: what it is about.
        facts: names and values in short, below the title.
        sections: in their order.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[PageSection]
