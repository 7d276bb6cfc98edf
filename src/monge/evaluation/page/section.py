"""The sections of the page of a comparison. A new one is a function and its line in `SECTIONS`."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from monge import __version__, plot
from monge.evaluation.battery_text import battery_table
from monge.evaluation.bracket_parts import bracket_parts
from monge.evaluation.explanation_text import class_rows, group_rows, seen
from monge.evaluation.page.block import Bar, Block, Cell, Command, Page, PageSection, Pictures, Table, Text
from monge.evaluation.page.far import far_blocks
from monge.evaluation.picture import drawn_sides, pixel_pictures
from monge.evaluation.table import comparison_sections, counted, units_line
from monge.evaluation.text import error, listed, number, probability
from monge.evaluation.two_samples import Comparison, identifiers
from monge.evaluation.verdict import SIGNIFICANT

FEATURES = 20
"""Features of a table, at most."""
PIXELS = 5
"""Pixels of a table, at most, beside their heat map."""
TONES = {
    "lower": "bound",
    "upper": "excess",
    "floor": "floor",
    "spread": "spread",
    "excess": "excess",
    "estimate": "excess",
}
"""Of the bars of the bracket."""


def comparison_page(result: Comparison, command: Sequence[str] = (), *, pictures: bool = True) -> Page:
    """The page of a comparison.

    Arguments:
        command: the words that made it; none were there for one that was made in Python.
        pictures: whether pictures are drawn, which takes seconds.
    """
    names = [Path(side.name).name for side in (result.a, result.b)]
    facts = [(letter, counted(side)) for letter, side in (("A", result.a), ("B", result.b))]
    made = [section(result) for section in SECTIONS if pictures or section is not drawn]
    sections = [section for section in made if section is not None]
    return Page(" and ".join(names), [*facts, ("seed", str(result.seed))], [*sections, again(result, command)])


def comparison_summary(result: Comparison) -> list[PageSection]:
    """What a notebook shows of a comparison."""
    found = (section(result) for section in (verdict, bracket, tests, features, measures))
    return [section for section in found if section is not None]


def verdict(result: Comparison) -> PageSection:
    """The verdict, and why it should be taken with care."""
    found = result.verdict
    first, *texts = found.verdict
    blocks = [*map(Text, texts), *(Text(text, "note") for text in found.warnings)]
    return PageSection(first.removesuffix("."), blocks, "warn" if found.differ else "info")


def bracket(result: Comparison) -> PageSection:
    """How far apart: the bracket, with bars."""
    found = result.bracket
    chance = (found.floor + found.spread) / 2
    reach = 2 * (found.excess_error or 0)
    highest = max(found.upper, found.floor, found.spread, found.excess + reach, *(found.estimate_range or ()))
    ends = (min(0.0, found.excess - reach), highest)
    rows = []
    for name, figure in bracket_parts(result).items():
        if figure.value is None:
            continue
        spans = [(0.0, figure.value, TONES[name])]
        if name == "upper":
            spans = [(0.0, min(chance, figure.value), "floor"), (min(chance, figure.value), figure.value, "excess")]
        line = None if figure.error is None else (figure.value - 2 * figure.error, figure.value + 2 * figure.error)
        line = found.estimate_range if name == "estimate" else line
        value = f"{number(figure.value)} {error(figure.error)}".strip()
        row = [Cell(name), Cell(bar=Bar(spans, ends, line)), Cell(value, "number"), Cell(figure.note, "soft")]
        rows.append(row)
    blocks: list[Block] = [
        Text(f"{units_line(result)}.", "soft"),
        Table(("", "", "", ""), rows),
        Text(
            "Two finite sets of samples of one distribution are never 0 apart. So the bar of the upper estimate has "
            "two parts: what equal distributions would show, (floor + spread) / 2, and the excess. A line on a bar is "
            "two standard errors either way; on that of the estimate, its likely range.",
            "bar",
        ),
    ]
    return PageSection("How far apart", blocks)


def tests(result: Comparison) -> PageSection:
    """Whether it is chance: every test by itself, and all together."""
    head, rows = battery_table(result.battery)
    cells = [[Cell(name), Cell(p, "number"), Cell(meaning, "soft")] for name, p, meaning in rows]
    return PageSection("Is it chance?", [Text(f"{head[0].upper()}{head[1:]}.", "soft"), Table(("", "p", ""), cells)])


def features(result: Comparison) -> PageSection | None:
    """In which features they differ."""
    found = result.explanation
    if found is None:
        return None
    most = FEATURES if found.features.picture is None else PIXELS
    order, excess, errors = found.order[:most], found.split.excess, found.split.excess_error
    reach = np.zeros(len(excess)) if errors is None else 2 * errors
    ends = (min(0.0, float((excess - reach)[order].min())), max(0.0, float((excess + reach)[order].max())))
    rows = []
    for j in order:
        part, p = float(excess[j]), float(found.p_values[j])
        bar = Bar([(0.0, part, "excess" if p <= SIGNIFICANT else "floor")], ends, (part - reach[j], part + reach[j]))
        value = f"{number(part)} {error(None if errors is None else float(errors[j]))}".strip()
        tests = [Cell(probability(value), "number") for value in (p, found.test.p_values[j], found.alone[j])]
        row = [Cell(found.features.names[j]), Cell(bar=bar), Cell(value, "number"), *tests]
        rows.append([*row, Cell(seen(found, int(j)), "soft")])
    count = len(found.features)
    of = f"{len(order)} of {count:,} features, those" if count > len(order) else "Features"
    head = ("feature", "", "excess", "p", "transport", "alone", "")
    blocks: list[Block] = [
        Text(f"{of} that differ most clearly first. The parts of all features sum to the excess.", "soft"),
        Table(head, rows),
        Text(
            "p is the smaller of the next two, doubled; all are corrected for all features. Transport: is the part "
            "larger than relabelled rows give it? Alone: does the feature by itself differ?",
            "soft",
        ),
    ]
    if found.features.picture is not None:
        texts = ("The mean of A.", "The mean of B.", "The part of the excess of each pixel.")
        blocks.insert(1, Pictures(list(zip(pixel_pictures(result), texts, strict=True))))
    return PageSection("In which features", blocks)


def groups(result: Comparison) -> PageSection | None:
    """By groups of features."""
    if result.explanation is None or not result.explanation.groups:
        return None
    text = "The parts of all groups sum to the excess; p is the smallest of a group's features, corrected for all."
    return PageSection("In which groups of features", [Text(text, "soft"), plain(group_rows(result.explanation))])


def classes(result: Comparison) -> PageSection | None:
    """By classes of samples."""
    if result.explanation is None or not result.explanation.classes:
        return None
    text = (
        "What the samples of a class in B have of the excess: they are far from all of A, or there are more of them. "
        "The parts of all classes sum to the excess between smaller samples."
    )
    return PageSection("In which classes", [Text(text, "soft"), plain(class_rows(result.explanation))])


def plain(rows: Sequence[Sequence[str]]) -> Table:
    """Rows of texts, with a head, a name and figures."""
    head, *body = rows
    return Table(tuple(head), [[Cell(first), *(Cell(text, "number") for text in rest)] for first, *rest in body])


def farthest(result: Comparison) -> PageSection | None:
    """The samples of B that are farthest from A, beside those of A that they are matched with."""
    if result.explanation is None or not result.explanation.farthest:
        return None
    text = "Below each is what most of it moves to in an optimal coupling with A; the cost is the mean distance."
    return PageSection("Samples of B farthest from A", [Text(text, "soft"), *far_blocks(result)])


def drawn(result: Comparison) -> PageSection | None:
    """The panels of the picture."""
    images = plot.single_panels(drawn_sides(result))
    texts = ["Both sets, on the axes that show most of their difference."]
    if result.bracket.potential is not None:
        texts += ["The function that proves the lower limit: high on A, low on B, and nowhere steeper than 1."]
    texts += ["Which samples of A and of B an optimal transport matches."]
    return PageSection("The pictures", [Pictures(list(zip(images, texts, strict=True)))])


def measures(result: Comparison) -> PageSection:
    """The other measures."""
    section = comparison_sections(result)[1]
    rows = [
        [Cell(name), Cell(f"{value} {spread}".strip(), "number"), Cell(note, "soft")]
        for name, value, spread, note in section.rows
    ]
    return PageSection("Other measures", [Table(("", "", ""), rows)])


def compared(result: Comparison) -> PageSection:
    """What was compared: sizes, units, and what was left out."""
    rows = [
        [Cell(letter), Cell(side.name), Cell(counted(side)), Cell(side.space.form)]
        for letter, side in (("A", result.a), ("B", result.b))
    ]
    blocks: list[Block] = [Table(("", "data", "used", "samples"), rows), Text(f"{units_line(result)}.")]
    if names := identifiers(result.a.space):
        blocks.append(Text(f"Left out as identifiers of rows: {listed(names)}."))
    for letter, side in (("A", result.a), ("B", result.b)):
        blocks += [Text(f"{letter}: {remark}.") for remark in side.remarks]
    sizes = [f"transport {result.bracket.n:,} against {result.bracket.n:,}"]
    if result.explanation is not None:
        n, m = result.explanation.test.rows
        sizes.append(f"test of features {n:,} against {m:,}")
    blocks.append(Text(f"Samples of A against samples of B: {'; '.join(sizes)}; other measures as their notes say."))
    return PageSection("What was compared", blocks)


def again(result: Comparison, command: Sequence[str]) -> PageSection:
    """The command that made the page."""
    text = f"monge {__version__}, seed {result.seed}: equal data, versions and options give an equal page."
    if not command:
        return PageSection("To repeat it", [Text(f"Made in Python by monge.two_samples. {text}")])
    parts: list[list[str]] = [[]]
    for word in command:
        if word.startswith("--"):
            parts.append([])
        parts[-1].append(word)
    return PageSection("To repeat it", [Command([shlex.join(part) for part in parts if part]), Text(text, "soft")])


SECTIONS: tuple[Callable[[Comparison], PageSection | None], ...] = (
    verdict,
    bracket,
    tests,
    features,
    groups,
    classes,
    farthest,
    drawn,
    measures,
    compared,
)
"""The sections of a page in their order; the command that made it comes last."""
