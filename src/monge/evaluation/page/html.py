"""Templates of pages, with the filters that they use."""

import math
import re
from collections.abc import Sequence

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from monge.errors import legible
from monge.evaluation.page.block import Bar, Page, PageSection, Table, Text
from monge.evaluation.text import percent
from monge.plot.embedded import embed

PACKAGE = "monge.evaluation.page"


def with_error(value: float, error: float | None) -> str:
    """A value and its standard error to two digits, both to the same place."""
    if error is None:
        return f"{value:.3g}"
    if not (1e-6 < error < 1e6 and abs(value) < 1e6):
        return f"{value:.3g} ± {error:.2g}"
    places = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{places}f} ± {error:.{places}f}"


def breakable(value: object) -> Markup:
    """A setting as text whose lines may break after its separators."""
    return Markup(re.sub(r"([:/])", r"\1<wbr>", str(escape(value))))


def duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds, the two largest that matter."""
    hours, minutes, rest = int(seconds) // 3600, int(seconds) // 60 % 60, int(seconds) % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"


def whole_flags(text: str) -> Markup:
    """A text whose lines do not break within the name of a flag."""
    return Markup(re.sub(r"(--[a-z.-]+)", r'<span class="whole">\1</span>', str(escape(text))))


def environment(package: str = PACKAGE) -> Environment:
    """Templates of a package and, as the style sheet that all share, of this one, with the filters that they use."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name, ".") for name in dict.fromkeys((package, PACKAGE))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda value: f"{value:.3g}", "with_error": with_error}
    environment.filters |= {
        "bar_svg": bar_svg,
        "duration": duration,
        "embed": embed,
        "legible": legible,
        "percent": percent,
        "breakable": breakable,
        "whole_flags": whole_flags,
    }
    return environment


def page_html(page: Page) -> str:
    """A page as one file of HTML that needs nothing else."""
    return environment().get_template("page.html").render(page=page)


def sections_html(sections: Sequence[PageSection]) -> str:
    """Texts and tables of sections for a notebook, which styles them itself."""
    parts = []
    for section in sections:
        parts.append(Markup("<h4>{}</h4>").format(legible(section.title)))
        for block in section.blocks:
            if isinstance(block, Text) and block.tone != "bar":
                parts.append(Markup("<p>{}</p>").format(legible(block.text)))
            elif isinstance(block, Table):
                parts.append(_plain_table(block))
    return str(Markup("\n").join(parts))


def _plain_table(table: Table) -> Markup:
    """A table without its bars."""
    kept = [index for index in range(len(table.head)) if not any(row[index].bar for row in table.rows)]
    rows = [[("th", table.head[index]) for index in kept]] if any(table.head) else []
    rows += [[("th" if index == 0 else "td", row[index].text) for index in kept] for row in table.rows]
    lines = []
    for row in rows:
        cells = (Markup('<{0} style="text-align: left">{1}</{0}>').format(tag, legible(text)) for tag, text in row)
        lines.append(Markup("<tr>{}</tr>").format(Markup("").join(cells)))
    return Markup("<table>{}</table>").format(Markup("").join(lines))


def bar_svg(bar: Bar) -> Markup:
    """A bar as an `<svg>` element as wide as its cell; lines keep their width whatever that is."""
    parts = []
    for start, end, tone in bar.spans:
        left, right = sorted((bar.place(start), bar.place(end)))
        parts.append(Markup('<rect class="{}" x="{}" y="3" width="{}" height="10"/>').format(tone, left, right - left))
    if bar.error is not None:
        low, high = (min(max(bar.place(end), 0.0), 100.0) for end in bar.error)
        path = f"M{low} 8H{high}M{low} 5V11M{high} 5V11"
        parts.append(Markup('<path class="whisker" d="{}"/>').format(path))
    zero = bar.place(0.0)
    parts.append(Markup('<path class="zero" d="M{0} 0V16"/>').format(zero))
    return Markup('<svg viewBox="-1 0 102 16" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(
        Markup("").join(parts)
    )
