"""In what two sample sets differ, as lines of text."""

from monge.evaluation.explanation import TESTS, Explanation
from monge.evaluation.text import aligned, error, number, percent, probability
from monge.evaluation.verdict import SIGNIFICANT

FEATURES = 10
"""Features that are shown, at most."""
FARTHEST = 5
"""Samples of B that are shown, at most."""
NAMES = 5
"""Features of a group that are named, at most."""
NAME = 30
"""Letters of a name that are shown, at most."""


def explanation_lines(found: Explanation) -> list[str]:
    """The features that differ most clearly, groups of them, classes, and the samples of B farthest from A."""
    return ["", *_features(found), *_groups(found), *_classes(found), *_farthest(found)]


def _features(found: Explanation) -> list[str]:
    errors, p_values, excess = found.split.excess_error, found.p_values, found.split.excess
    count = len(found.features)
    rows: list[tuple[str, ...]] = [("feature", "excess", "", "p", "transport", "alone", "")]
    for j in found.order[:FEATURES]:
        tests = (probability(p) for p in (p_values[j], found.test.p_values[j], found.alone[j]))
        part = number(excess[j]), error(None if errors is None else errors[j])
        rows.append((short(found.features.names[j]), *part, *tests, seen(found, int(j))))
    of = f", {FEATURES} of {count:,}" if count > FEATURES else ""
    n = " and ".join(f"{rows:,}" for rows in found.test.rows)
    parts = f" in {found.test.parts} parts" if found.test.parts > 1 else ""
    alone = " and ".join(
        f"{TESTS[kind]} for {what}" for kind, what in ((0, "numbers"), (1, "levels")) if kind in found.features.levelled
    )
    return [
        f"features that differ most clearly first{of}; the parts of all sum to the excess",
        *aligned(rows),
        f"p: the smaller of the next two, doubled; all are corrected for {count:,} feature{'s' if count > 1 else ''}",
        f"transport: {found.test.draws} relabellings of {n} rows{parts}; alone: {alone}",
    ]


def _groups(found: Explanation) -> list[str]:
    if not found.groups:
        return []
    return [
        "",
        "groups of features; their parts sum to the excess, p is the smallest of their features",
        *aligned(group_rows(found)),
    ]


def group_rows(found: Explanation) -> list[tuple[str, ...]]:
    """Name, part, its error, p and features of each group, under a head."""
    rows: list[tuple[str, ...]] = [("group", "excess", "", "p", "")]
    for part in found.group_parts:
        names = ", ".join(map(short, part.features[:NAMES])) + (", …" if len(part.features) > NAMES else "")
        rows.append((short(part.name), number(part.excess), error(part.error), probability(part.p_value), names))
    return rows


def _classes(found: Explanation) -> list[str]:
    if not found.classes:
        return []
    count = len(found.classes)
    of = f", {FEATURES} of {count:,}" if count > FEATURES else ""
    return ["", f"classes of samples with most of the excess{of}", *aligned(class_rows(found))]


def class_rows(found: Explanation) -> list[tuple[str, ...]]:
    """Name, part, its error and shares of A and B of the first classes, under a head."""
    rows: list[tuple[str, ...]] = [("class", "excess", "", "of A", "of B")]
    for part in found.classes[:FEATURES]:
        rows.append((short(part.name), number(part.excess), error(part.error), *map(percent, part.shares)))
    return rows


def seen(found: Explanation, feature: int) -> str:
    """How a feature differs; nothing where no difference is seen."""
    if found.p_values[feature] > SIGNIFICANT:
        return ""
    return "differs" if found.alone[feature] <= SIGNIFICANT else "differs together with others, not alone"


def _farthest(found: Explanation) -> list[str]:
    if not found.farthest:
        return []
    rows = [("sample of B", "cost", "nearest of A", "")]
    for far in found.farthest[:FARTHEST]:
        places = ["fresh" if row is None else f"row {row + 1:,}" for row in (far.row, far.matched)]
        why = ", ".join(f"{short(name)} {percent(share)}" for name, share in far.features.items())
        rows.append((places[0], number(far.cost), places[1], why))
    return ["", "samples of B farthest from the distribution of A, rows counted from 1", *aligned(rows)]


def short(name: str) -> str:
    """A name that fits into a line."""
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"
