"""What the numbers of a run say, in plain words, by fixed rules.

The verdict is one of five levels of difference between samples and data. Distances decide it, as shares of the mean
distance between two real samples, which unlike the floor does not shrink with the number of samples; what else is seen
of the samples can lower it. All distances are Euclidean, in the units of the bracket. Rules read measurements, which
are entries with a bracket (see `distance.bounds`), and the figures of `monge evaluate` where they are of the same step;
none looks at the training loss. The bounds were set by runs from untrained to finished (`benchmarks/verdicts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from monge.evaluation.reference import QUICK_DRAWS
from monge.evaluation.text import certainty, percent
from monge.report.finding import CHANCE, TAIL, Entry, Finding, Level, Seen, findings, relative, tail
from monge.report.table_finding import leaks, tells

SLIGHT = 0.04
"""Distance over that of two real samples up to which a difference is slight."""
CLEAR = 0.12
"""The same up to which it is clear."""
LARGE = 0.5
"""The same up to which it is large; beyond, the samples are unlike the data."""
KINDS: dict[Level, Literal["good", "warn", "bad", "info"]] = {
    Level.UNLIKE: "bad",
    Level.LARGE: "bad",
    Level.CLEAR: "warn",
    Level.SLIGHT: "info",
    Level.NOT_FOUND: "good",
}


@dataclass(frozen=True)
class Verdict:
    """What can be said of a run.

    Arguments:
        level: of difference between samples and data; None where there is no telling.
        headline: the level in words and what decided it, or how a run ended that did not finish.
        findings: what else there is to say, the most important first.
    """

    level: Level | None
    headline: Finding
    findings: list[Finding]


def verdict(entries: Sequence[Entry], status: str, steps: int, figures: Entry | None = None) -> Verdict:
    """The verdict on a run.

    Of a run that did not finish, this is the headline, and the level the first finding. Fewer than three measurements
    are judged only with the bracket of an evaluation.

    Arguments:
        entries: of the log.
        status: of `run.json`: running, finished, interrupted or failed.
        steps: generator updates that were asked for.
        figures: of the last step, named as in the JSON of an evaluation (`metrics.json`); all, some or none. A bracket
            among them takes the place of the log's last.
    """
    done = max((entry["step"] for entry in entries), default=0)
    found = judge([entry for entry in entries if "bracket" in entry], figures or {})
    if status == "finished":
        return found
    return Verdict(found.level, ending(status, done, steps), [found.headline, *found.findings])


def judge(measured: Sequence[Entry], figures: Entry) -> Verdict:
    """The verdict on the samples, whatever became of the run."""
    if "bracket" not in figures and len(measured) < TAIL:
        count = f"{len(measured)} measurement" + ("" if len(measured) == 1 else "s")
        text = f"A verdict needs at least {TAIL} measurements of the distance to the data."
        return Verdict(None, Finding("info", f"Too early to say: {count}", text), [])
    last = figures["bracket"] if "bracket" in figures else measured[-1]["bracket"]
    scatter = next((entry["scatter"] for entry in reversed(measured) if "scatter" in entry), last["floor"])
    if not last["floor"] > 0:
        return Verdict(None, alike(last, scatter), [])
    seen = Seen(last, scatter, noise(last, scatter, measured, figures), measured, figures)
    of_table = [finding for finding in (tells(seen), leaks(seen)) if finding is not None]
    others, by_distance = sorted([*findings(seen), *of_table], key=lambda one: one.limit), distance(seen)
    level = min(by_distance, others[0].limit)
    calm = [replace(finding, kind="info") if finding.kind == "good" else finding for finding in others]
    if level is Level.NOT_FOUND:
        known, headline = without_difference(seen)
        return Verdict(known, headline, others if headline.kind == "good" else calm)
    reason = f"What decides: {others[0].title[0].lower()}{others[0].title[1:]}. " if level < by_distance else ""
    return Verdict(level, Finding(KINDS[level], level.title, reason + numbers(seen), level), calm)


def without_difference(seen: Seen) -> tuple[Level | None, Finding]:
    """The level and the headline where no difference is found: by all figures, by distance alone, or by few samples."""
    text = numbers(seen)
    if seen.chance > SLIGHT * seen.scatter:
        more = "" if "bracket" in seen.figures else ": `monge evaluate` takes more draws"
        text += f" Up to {seen.chance:.3g} may be chance{more}."
        return None, Finding("info", "Too few samples to tell", text)
    if not relative(seen):
        text += " Distances alone see little: precision and recall of enough samples (`monge evaluate`) would say more."
        return Level.NOT_FOUND, Finding("info", "No difference from the data was found by distance alone", text)
    return Level.NOT_FOUND, Finding("good", Level.NOT_FOUND.title, text)


def ending(status: str, done: int, steps: int) -> Finding:
    """How a run ended that has not finished: failed is bad, interrupted a warning, running plain information."""
    where = f"It got to step {done:,} of {steps:,}. "
    if status == "failed":
        return Finding("bad", "The training failed", where + "Everything below describes the run up to there.")
    if status == "interrupted":
        again = "The same command continues it as if it had never stopped."
        return Finding("warn", "The training was stopped before its end", where + again)
    text = where + "The page shows what was known then; if the process is gone, the same command continues the run."
    return Finding("info", "The training had not ended when this page was written", text)


def alike(last: Entry, scatter: float) -> Finding:
    """That nothing can be judged, as there is no floor: real samples are equal, or copies of each other."""
    title = "Held-out samples are copies of training samples" if scatter > 0 else "All real samples are equal"
    found = f"The generated samples are {last['upper']:.3g} from them (Euclidean distance)."
    return Finding(
        "warn", title, f"{found} The real samples show no noise level to compare with, so there is no verdict."
    )


def distance(seen: Seen) -> Level:
    """The level by distance: the excess, or a certified limit above it, as a share of that between two real samples.

    At most .04: slight; at most .12: clear; at most .5: large; beyond: unlike the data. No difference is found where
    the excess is within chance and no certified limit is above 0.
    """
    last = seen.bracket
    limit = last["lower"] if last["lipschitz"] == "certified" else 0.0
    if last["excess"] <= seen.chance and limit == 0:
        return Level.NOT_FOUND
    share = max(last["excess"], limit) / seen.scatter
    bounds = {SLIGHT: Level.SLIGHT, CLEAR: Level.CLEAR, LARGE: Level.LARGE}
    return next((level for bound, level in bounds.items() if share <= bound), Level.UNLIKE)


def numbers(seen: Seen) -> str:
    """The distances behind the verdict, in words."""
    last = seen.bracket
    share = percent(max(last["excess"], 0.0) / seen.scatter)
    text = (
        f"The excess is {last['excess']:.3g}, {share} of the mean distance between two real samples. It is what "
        f"remains after sampling noise of {last['floor']:.3g} is taken off; a perfect generator shows about 0. "
    )
    limit = f"The lower limit is {last['lower']:.3g} ({certainty(last['confidence'], last['lipschitz'])})"
    if last["lipschitz"] != "certified" or not last["lower"] > 0:
        return f"{text}{limit}."
    return f"{text}{limit}: it proves a difference."


def noise(last: Entry, scatter: float, measured: Sequence[Entry], figures: Entry) -> float:
    r"""Excess that may be chance: two moderated standard errors, and at least 2 % of the floor.

    Two draws say little of their own deviation, and pooling the entries of a log does not help, as all of them share
    the real samples. So the squared error, of R - 1 degrees of freedom, is averaged with one degree of
    :math:`\sigma^2 / 4 n R`, where sigma is the scatter: of equal distributions in one and two dimensions (toys, normal
    and log-normal samples) the excess of a draw had a deviation of .35 to .54 :math:`\sigma / \sqrt n`, in more
    dimensions less.

    Reference: Smyth 2004, "Linear models and empirical Bayes methods for assessing differential expression".
    """
    brackets = [entry["bracket"] for entry in tail(measured)] if "bracket" not in figures else [last]
    draws = figures.get("counts", {}).get("bracket_draws", QUICK_DRAWS)
    squared = float(np.mean([(bracket.get("excess_error") or 0.0) ** 2 for bracket in brackets]))
    prior = scatter**2 / (4 * max(last.get("n", 0), 1) * draws)
    error: float = ((prior + (draws - 1) * squared) / draws) ** 0.5
    return max(2 * error, CHANCE * float(last["floor"]))
