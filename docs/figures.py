"""Writes figures.md from the tables of figures: `python docs/figures.py`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from monge.evaluation.entry import Entry
from monge.evaluation.estimates import ESTIMATES, PARTS
from monge.evaluation.figures import FIGURES
from monge.report.verdict import CLEAR, LARGE, SLIGHT

HERE = Path(__file__).parent
HEAD = """# Figures

The figures of `monge evaluate` and `monge distance`, by their names in the JSON documents; a figure of a group is
written `group.name`. A *distance* is Euclidean: between images in [-1, 1], between vectors in the data's own units, and
between features in theirs. Figures that do not apply to the data, such as modes that are not known, are left out.
[bracket.md](bracket.md) explains the bracket.

`python docs/figures.py` writes this page from the tables in `src/monge/evaluation/`.
"""
LEVELS = f"""## The verdict of a report

| level | excess, or certified lower limit, as a share of the mean distance between two real samples |
| --- | --- |
| none found | the excess is within chance and no certified limit is above 0 |
| slight | up to {SLIGHT} |
| clear | up to {CLEAR} |
| large | up to {LARGE} |
| unlike | more |

Samples that lack variety, look averaged, copy training data or have a low precision or recall are on a lower level than
their distance; the report says what decided. Only samples without a difference in distance, precision and recall are
called good. The levels of 15 runs of known quality are in `benchmarks/verdicts`.
"""
VERDICT = """The JSON document of `monge distance` also has the verdict and what it rests on:

| name | what it is |
| --- | --- |
| `differ` | whether a difference was shown |
| `shown_by` | what showed it: `tests` (p <= .05), `lower limit` (certified, > 0) |
| `tests` | each test with its p, and one corrected for all; `accuracy` of the classifier; `rows`, `relabellings` |
| `missed` | the smallest differences shown in 80 % of cases: `shift`, `share`; of so many `rows` |
| `verdict` | the outcome in sentences |
| `warnings` | why the outcome or the figures should be taken with care, in sentences |
| `dependence` | of the rows of A, of B, on their order in the file: rank correlation, drift; null where none is seen |
| `scales` | columns that hardly count beside others, and those others; null if none; also in `monge evaluate` |
| `repeated` | for A and for B: how many samples repeat an earlier one of the same set |
| `standardise`, `units` | in what numbers are counted, by its name and in words |
| `left_out` | columns of a table that are not compared, because they identify rows |
| `explanation` | without `--no-explain`: `features`, `relabelled` and `farthest`, see [distance.md](distance.md) |
| `failed` | with a limit: the figures beyond it, each with `value`, `limit` and `side` |
| `shared` | how many different points are in both sets |
"""
COLUMNS = ("figure", "what it is", "unit", "better", "unreliable")


def row(entry: Entry[Any, Any]) -> list[str]:
    """What the page says of one figure."""
    name = f"`{entry.group}.{entry.name}`" if entry.group else f"`{entry.name}`"
    shown = f"{name}, {entry.label}" if entry.label else name
    doubt = entry.unreliable.when if entry.unreliable else ""
    return [shown, entry.meaning, entry.unit, entry.direction, doubt]


def table(entries: Iterable[Entry[Any, Any]]) -> str:
    """Figures in the order of their table, in markdown."""
    rows = [[cell.replace("|", r"\|") for cell in row(entry)] for entry in entries]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows))


def page() -> str:
    """The whole page."""
    sections = {"monge evaluate RUN": FIGURES, "monge distance A B": (*PARTS, *ESTIMATES)}
    return "\n".join(
        [HEAD, *(f"## {title}\n\n{table(entries)}" for title, entries in sections.items()), VERDICT, LEVELS]
    )


if __name__ == "__main__":
    (HERE / "figures.md").write_text(page())
    print(f"{HERE / 'figures.md'}: {len(FIGURES) + len(PARTS) + len(ESTIMATES)} figures", file=sys.stderr)
