"""A page as Markdown, with tables as on GitHub."""

import re
from collections.abc import Iterator

from monge.errors import legible
from monge.evaluation.page.block import Block, Cell, Command, Page, Pictures, Table, Text


def markdown(page: Page, picture: str | None = None) -> str:
    """A page without its pictures, but with a link to one, if there is one.

    Arguments:
        page: what is written.
        picture: path of a picture file, from where the page is.
    """
    lines = [f"# {plain(page.title)}", "", " · ".join(f"{plain(name)}: {plain(value)}" for name, value in page.facts)]
    if picture is not None:
        lines += ["", f"![{plain(page.title)}](<{picture}>)"]
    for section in page.sections:
        found = [line for block in section.blocks for line in _lines(block)]
        if found or section.tone:
            lines += ["", f"## {plain(section.title)}", *found]
    return "\n".join(lines) + "\n"


def plain(text: str) -> str:
    """A text without anything that Markdown or HTML would take for a mark.

    Example:
        >>> plain("<b>*a*|b</b>")
        '&lt;b&gt;\\\\*a\\\\*\\\\|b&lt;/b&gt;'
    """
    text = legible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|~#])", r"\\\1", text)


def _lines(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        if block.tone == "bar":
            return
        yield from ("", f"> **Warning:** {plain(block.text)}" if block.tone == "note" else plain(block.text))
    elif isinstance(block, Command):
        yield from ("", f"    {legible(' '.join(block.parts))}")
    elif isinstance(block, Table):
        yield from _table(block)
    elif isinstance(block, Pictures) and block.small:  # their texts; larger ones are in files of their own
        yield from ("", *(f"- {plain(text)}" for _, text in block.shown))


def _table(table: Table) -> Iterator[str]:
    """Its columns but those of bars, numbers to the right."""
    kept = [index for index in range(len(table.head)) if not any(row[index].bar for row in table.rows)]
    right = [any(row[index].tone == "number" for row in table.rows) for index in kept]
    yield ""
    yield f"| {' | '.join(plain(table.head[index]) for index in kept)} |"
    yield f"|{'|'.join('---:' if one else '---' for one in right)}|"
    for row in table.rows:
        yield f"| {' | '.join(_cell(row[index]) for index in kept)} |"


def _cell(cell: Cell) -> str:
    return f"**{plain(cell.text)}**" if cell.tone == "marked" and cell.text else plain(cell.text)
