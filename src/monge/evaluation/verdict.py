"""What the figures of two sample sets say together, in plain words, by fixed rules.

Three parts can show a difference: the certified lower limit of W1, the permutation test of the energy distance, and a
classifier that recognises samples it was not fitted to. One of them is enough, and the verdict names it. For equal
distributions limit and test are wrong in at most 5 % of cases each, the classifier far less often (in none of 325 pairs
of 20 to 1,000 normal or Pareto samples in 2 to 20 dimensions).
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monge.distance.serial import SerialDependence
from monge.evaluation.scales import Scales
from monge.evaluation.text import certainty, error, number, percent

if TYPE_CHECKING:
    from monge.evaluation.two_samples import Comparison

SIGNIFICANT = 0.05
"""Largest p-value that shows a difference."""
SURE = 3
"""Standard errors above 0 from which a classifier's lower bound of JS shows a difference."""
CEILING = 0.95 * float(np.log(2))
"""JS from which nearly every sample is recognised: it cannot exceed log 2."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a comparison.

    Attributes:
        differ: whether a difference was shown.
        shown_by: what showed it: "lower limit", "energy test", "classifier".
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
    p, js, bracket = result.figures["p_value"].value, result.figures["js"], result.bracket
    assert p is not None
    assert js.value is not None
    limit = bracket.lipschitz == "certified" and bracket.lower > 0
    told_apart = js.value > SURE * (js.error or 0)
    showing = {"lower limit": limit, "energy test": p <= SIGNIFICANT, "classifier": told_apart}
    shown_by = [name for name, shows in showing.items() if shows]
    sentences = difference(result, p, shown_by) if shown_by else [no_difference(p, result.scales)]
    return Verdict(bool(shown_by), shown_by, sentences, list(warnings(result, bool(shown_by))))


def difference(result: "Comparison", p: float, shown_by: Sequence[str]) -> list[str]:
    """That the sets differ, by what, and how much it proves."""
    test = f"energy test, p = {p:.3g}"
    js, bracket = result.figures["js"], result.bracket
    recognised = "nearly every sample" if (js.value or 0) >= CEILING else "samples it has not seen"
    proof = f"W1 is at least {number(bracket.lower)} ({certainty(bracket.confidence, bracket.lipschitz)})"
    differ = "A and B differ" + (" if their rows are independent" if any(result.dependence) else "")
    if "energy test" in shown_by:
        lines = [f"{differ} ({test})" + (f"; {proof}." if "lower limit" in shown_by else ".")]
        if "lower limit" not in shown_by:
            lines.append("These samples prove no lower limit of W1 above 0.")
        return lines
    found = [proof] if "lower limit" in shown_by else []
    if "classifier" in shown_by:
        found.append(
            f"a classifier recognises {recognised} (JS {number(js.value)} {error(js.error)} of at most {np.log(2):.3f})"
        )
    return [f"{differ}: {', and '.join(found)}.", f"The energy test alone does not show it (p = {p:.3g})."]


def no_difference(p: float, found: Scales | None) -> str:
    """That no difference was detected, or that most columns were not tested."""
    text = f"No overall difference detected (energy test, p = {p:.3g})"
    if found is None:
        return f"{text} at this sample size."
    were = "was" if len(found.barely_tested) == 1 else "were"
    return f"{text}, but {found.dominance}, so {found.others} {were} barely tested. Repeat with --standardise std."


def warnings(result: "Comparison", differ: bool) -> Iterator[str]:
    """Why the verdict, or the figures, should be taken with care."""
    if result.scales is not None and differ:
        yield result.scales.warning
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
