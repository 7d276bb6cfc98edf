"""What the figures of two sample sets say, in plain words, by fixed rules."""

from monge.evaluation.text import number
from monge.evaluation.two_samples import Comparison

SIGNIFICANT = 0.05
"""p-value above which no difference is said to be seen."""


def verdict(result: Comparison) -> list[str]:
    """The outcome in a sentence or two."""
    p, lower, shared = result.figures["p_value"].value, result.bracket.lower, result.shared
    assert p is not None
    if p > SIGNIFICANT:
        lines = [f"No difference between A and B is seen at this sample size (p = {p:.3g})."]
    elif lower > 0:
        lines = [f"A and B differ (p = {p:.3g}); W1 is at least {number(lower)}."]
    else:
        lines = [f"A and B differ (p = {p:.3g}), by less than these samples prove in W1."]
    if shared:
        lines.append(
            f"{shared:,} points are in both: where these are the same samples, A and B look closer than they are."
        )
    for name, count in zip("AB", result.repeated, strict=True):
        if count:
            lines.append(
                f"{count:,} samples of {name} equal another of it: where these are copies of one sample, "
                "the limit and all errors promise too much."
            )
    return lines
