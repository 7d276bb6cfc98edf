"""The figures of an evaluation and of a comparison as rows of texts: for a terminal, or for a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from textwrap import wrap
from typing import Any

from monge.evaluation.battery_text import battery_lines
from monge.evaluation.bracket_parts import bracket_parts
from monge.evaluation.estimates import ESTIMATES, Figure
from monge.evaluation.explanation_text import explanation_lines
from monge.evaluation.figures import FIGURES, TRANSPORT
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.scales import NAMED, Scales
from monge.evaluation.table_text import HEAD as TABLE_HEAD
from monge.evaluation.table_text import table_rows
from monge.evaluation.text import aligned, certainty, error, likely, listed, number
from monge.evaluation.two_samples import Comparison, identifiers
from monge.evaluation.units import scale, usual

HEAD = ("figure", "value", "error", "real floor", "")
"""Columns of an evaluation; the last has a note, or why the figure is unreliable."""
INDENT = "  "
WIDTH = 100
"""Letters of a line of sentences, at most."""

Row = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """Rows of a table under a title of their own.

    Attributes:
        title: what the rows are of.
        rows: of texts, all of one length.
    """

    title: str
    rows: Sequence[Row]


def evaluation_sections(document: Mapping[str, Any]) -> list[Section]:
    """The figures of an evaluation, in columns as in `HEAD`: the bracket, then the rest.

    Arguments:
        document: an `Evaluation` as JSON.
    """
    bracket, counts, metrics = document["bracket"], document["counts"], document["metrics"]
    notes = {entry.name: entry.meaning for entry in FIGURES}
    notes["lower"] = limit_note(notes["lower"], bracket)
    if bracket.get("estimate_low") is not None:
        notes["estimate"] += f"; {likely((bracket['estimate_low'], bracket['estimate_high']))}"
    if statistics := document.get("statistics"):
        notes["worst_gap"] += f": {statistics['worst']}"
    notes |= {name: f"unreliable: {reason}" for name, reason in document["unreliable"].items()}
    known = bracket | metrics
    first = {entry.name: known[entry.name] for entry in TRANSPORT if entry.name in known}
    others = {name: value for name, value in metrics.items() if name not in first}
    transport = f"W1 between {counts['bracket']:,} generated and {counts['bracket']:,} held-out samples"
    compared = (
        f"{counts['manifold_real']:,} training against {counts['manifold_generated']:,} generated samples "
        f"(floor: {counts['held_out']:,} held-out ones), {document['features']} features"
    )
    return [
        Section(title, list(_rows(figures, document["errors"], document["floors"], notes)))
        for title, figures in ((transport, first), (compared, others))
    ]


def limit_note(meaning: str, bracket: Mapping[str, Any]) -> str:
    """What the lower limit of a bracket is, how sure and how well proved; or why there is none."""
    if "no_lower_limit" in bracket:
        return str(bracket["no_lower_limit"])
    return f"{meaning}; {certainty(bracket['confidence'], bracket['lipschitz'])}"


def evaluation_text(document: Mapping[str, Any]) -> str:
    """The figures of an evaluation for people; its argument is that of `evaluation_sections`."""
    sections = evaluation_sections(document)
    lines = iter(aligned([HEAD, *(row for section in sections for row in section.rows)]))
    shown = [next(lines)]
    for section in sections:
        shown += [section.title, *islice(lines, len(section.rows))]
    if (table := document.get("table")) is not None:
        rows = [TABLE_HEAD, *((INDENT + name, *rest) for name, *rest in table_rows(table))]
        shown += ["", f"the table: {table['rows']:,} rows of each kind", *aligned(rows)]
    if (found := document["scales"]) is not None:
        shown.append(f"Warning: {Scales(**found).warning}")
    return "\n".join(shown)


def comparison_sections(result: Comparison) -> list[Section]:
    """The bracket of two sample sets and the other measures: name, value, error and note of every figure."""
    bracket = [_row(name, part, "") for name, part in bracket_parts(result).items()]
    found = {entry.shown: result.figures[entry.name] for entry in ESTIMATES if entry.name in result.figures}
    beside = [_row(name, figure, f"n {figure.n[0]:,}, {figure.n[1]:,}; ") for name, figure in found.items()]
    title = "W1 between the distributions of A and B"
    return [Section(title, bracket), Section("other measures", beside)]


def side_rows(result: Comparison) -> list[Row]:
    """Letter, name, number of samples and kind of either set."""
    return [(letter, side.name, counted(side), side.space.form) for letter, side in (("A", result.a), ("B", result.b))]


def counted(side: SampleSet) -> str:
    """How many samples, of how many."""
    of = "fresh" if side.available is None else f"of {side.available:,}"
    return f"{len(side.points):,} {of} samples"


def comparison_text(result: Comparison) -> str:
    """What was measured of two sample sets, and the outcome in a sentence or two, for people."""
    sections = comparison_sections(result)
    lines = iter(aligned(row for section in sections for row in section.rows))
    shown = [units_line(result), *aligned(side_rows(result))]
    if left_out := identifiers(result.a.space):
        named = listed(left_out) if len(left_out) <= NAMED else f"{len(left_out)} columns"
        shown.append(f"Left out as identifiers of rows: {named}.")
    for section in sections:
        shown += ["", section.title, *islice(lines, len(section.rows))]
    shown += battery_lines(result.battery)
    if result.explanation is not None:
        shown += explanation_lines(result.explanation)
    return "\n".join([*shown, "", *(line for text in result.verdict.lines for line in wrap(text, WIDTH))])


def units_line(result: Comparison) -> str:
    """In what distances are taken, and the option that says so."""
    return f"Euclidean distances {scale(result.a)} (--standardise {result.a.standardise or usual(result.a.space)})"


def _row(name: str, figure: Figure, before: str) -> Row:
    return name, number(figure.value), error(figure.error), before + figure.note


def _rows(
    figures: Mapping[str, Any], errors: Any, floors: Any, notes: Mapping[str, str], indent: str = INDENT
) -> Iterator[Row]:
    """One row for each figure; those with several values have a row of their own above them."""
    for name, value in figures.items():
        own = [found.get(name) if isinstance(found, Mapping) else None for found in (errors, floors)]
        note = notes.get(name, "")
        if isinstance(value, Mapping):
            yield indent + name, "", "", "", note
            yield from _rows(value, own[0], own[1], {}, indent + INDENT)
        elif isinstance(value, list):
            yield indent + name, "", "", "", note
            yield from _rows({str(i): part for i, part in enumerate(value)}, None, None, {}, indent + INDENT)
        elif isinstance(value, str):
            yield indent + name, "", "", "", value
        else:
            yield indent + name, number(value), error(own[0]), "" if own[1] is None else number(own[1]), note
