"""What the figures of two sample sets say together, in plain words, by fixed rules.

Two parts can show a difference: the battery of tests, and the certified lower limit of W1. One of them is enough, and
the verdict names it. For equal distributions either is wrong in at most 5 % of cases, and the limit so rarely that both
together hardly exceed it. Where nothing is shown, the verdict says what would have been.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from monge.distance.serial import SerialDependence
from monge.distance.two_sample.pooled import MOST_AXES
from monge.evaluation.bracket_parts import depends
from monge.evaluation.text import certainty, likely, listed, number, percent
from monge.evaluation.units import usual

if TYPE_CHECKING:
    from monge.evaluation.explanation import Explanation
    from monge.evaluation.two_samples import Comparison

SIGNIFICANT = 0.05
"""Largest p-value that shows a difference."""
NAMED = 3
"""Features that are named, at most."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison.

    Attributes:
        differ: whether a difference was shown.
        shown_by: what showed it: "tests", "lower limit".
        verdict: the outcome in a sentence or two.
        warnings: why it, or the figures, should be taken with care, a sentence each.
    """

    differ: bool
    shown_by: list[str]
    verdict: list[str]
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """The verdict as a plain mapping."""
        return asdict(self)

    @property
    def lines(self) -> list[str]:
        """Everything that people should read."""
        return [" ".join(self.verdict), *(f"Warning: {text}" for text in self.warnings)]


def judge(result: "Comparison") -> Verdict:
    """The verdict on two sample sets."""
    bracket = result.bracket
    limit = bracket.lipschitz == "certified" and bracket.lower > 0
    showing = {"tests": result.p_value <= SIGNIFICANT, "lower limit": limit}
    shown_by = [name for name, shows in showing.items() if shows]
    sentences = difference(result, shown_by) if shown_by else [no_difference(result), overlooked(result)]
    return Verdict(bool(shown_by), shown_by, list(filter(None, sentences)), list(warnings(result)))


def difference(result: "Comparison", shown_by: Sequence[str]) -> list[str]:
    """That the sets differ, by what, how much it proves, and in which features."""
    bracket, together = result.bracket, tests_together(result)
    proof = f"W1 is at least {number(bracket.lower)} ({certainty(bracket.confidence, bracket.lipschitz)})"
    estimate = ""
    if bracket.estimate_range and not bracket.heavy_tails and not depends(result):
        estimate = f", by estimate {number(bracket.estimate)} ({likely(bracket.estimate_range)})"
    differ = "A and B differ" + (" if their rows are independent" if any(result.dependence) else "")
    if "tests" not in shown_by:
        return [f"{differ}: {proof}{estimate}.", f"The tests do not show it ({together})."]
    clearest = f"{differ} ({together}; clearest: {clearest_test(result)})"
    if "lower limit" in shown_by:
        lines = [f"{clearest}; {proof}{estimate}."]
    else:
        lines = [f"{clearest}.", f"These samples prove no lower limit of W1 above 0{estimate and ';'}{estimate[1:]}."]
    return [*lines, *([] if result.explanation is None else where(result.explanation))]


def where(found: "Explanation") -> list[str]:
    """The features that differ."""
    names = [found.features.names[j] for j in found.order if found.p_values[j] <= SIGNIFICANT]
    if not names or found.features.picture is not None:
        return []
    more = f", and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return [f"They differ in {listed(names) if not more else ', '.join(names[:NAMED])}{more}."]


def no_difference(result: "Comparison") -> str:
    """That no difference was detected."""
    return f"No difference detected ({tests_together(result)})."


def tests_together(result: "Comparison") -> str:
    """The p-value of all tests together."""
    p = "p < 0.0001" if result.p_value < 1e-4 else f"p = {result.p_value:.3g}"
    columns = "" if result.whole is None else " and columns of all rows"
    return f"{p}, {len(result.battery.tests)} tests{columns} together"


def clearest_test(result: "Comparison") -> str:
    """The test with the smallest p."""
    columns = 1.0 if result.whole is None else float(result.whole.columns.min())
    return result.battery.tests[0].name if result.battery.p_value <= columns else "single columns"


def overlooked(result: "Comparison") -> str:
    """The smallest differences that would have been shown."""
    found = result.missed
    what = "one number" if result.a.points.shape[1] <= MOST_AXES else "one principal direction"
    shown = [
        "" if found.shift is None else f"a shift of {what} by {found.shift:.2g} standard deviations",
        "" if found.share is None else f"{percent(found.share)} of the rows of B around one place",
    ]
    if not any(shown):
        return ""
    return f"In 4 of 5 cases, samples of these sizes would have shown {' or '.join(filter(None, shown))}."


def warnings(result: "Comparison") -> Iterator[str]:
    """Why the verdict, or the figures, should be taken with care."""
    if result.scales is not None:
        raw = (result.a.standardise or usual(result.a.space)) == "none"
        yield result.scales.warning + (" --standardise std counts all alike." if raw else "")
    names = result.a.columns or result.b.columns
    for side, found in zip("AB", result.dependence, strict=True):
        if found is not None:
            yield dependence(side, found, names)
    if result.shared:
        yield f"{result.shared:,} points are in both sets: if these are the same samples, A and B look too similar."
    sizes = len(result.a.points), len(result.b.points)
    for side, count, points in zip("AB", result.repeated, sizes, strict=True):
        if count == points - 1:
            yield f"All {points:,} samples of {side} are equal."
        elif count:
            yield (
                f"{count:,} samples of {side} repeat an earlier one: if these are copies of one sample, "
                "the p-value, the limit and all errors promise too much."
            )


def dependence(side: str, found: SerialDependence, columns: Sequence[str] | None) -> str:
    """That rows depend on their order."""
    place = ""
    if found.column is not None:
        place = f" in {columns[found.column] if columns else f'column {found.column + 1}'}"
    if found.correlation >= found.drift:
        measured = f"rank correlation {found.correlation:.2f} at lag {found.lag}{place}"
        seen = f"Rows of {side} resemble those before them ({measured})"
    else:
        measured = f"{percent(found.drift)} of the variance{place} is between its tenths"
        seen = f"Rows of {side} drift along the file ({measured})"
    return f"{seen}: unless they were merely sorted, the p-value, the limit and all errors promise too much."
