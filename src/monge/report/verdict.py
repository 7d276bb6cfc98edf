"""What the numbers of a log say, in plain words, by fixed rules.

All distances are Euclidean, in the units of the bracket. Every rule reads measurements, entries with a bracket
(see `distance.bounds`), and states its thresholds; none looks at the training loss.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Entry = Mapping[str, Any]

NEAR = 0.1
"""Excess over floor up to which the generator is near the data."""
FAR = 0.3
"""Excess over floor beyond which it is clearly apart."""
CHANCE = 0.02
"""Differences over floor that are taken for chance."""
COLLAPSED = 0.5
"""Spread over floor below which the samples have collapsed."""
NARROW = 0.8
"""Spread over floor below which they lack variety."""
LEAST = 3
"""Measurements below which nothing is said."""


@dataclass(frozen=True)
class Finding:
    """One statement about a run.

    Arguments:
        kind: good, warn (look at it), bad, or info (neither).
        title: the statement in a few words.
        text: the numbers behind it and what can be done.
    """

    kind: Literal["good", "warn", "bad", "info"]
    title: str
    text: str


def verdict(entries: Sequence[Entry], status: str, steps: int) -> list[Finding]:
    """What can be said of a run, the most important first.

    A run that did not finish is said to be so first. With fewer than three measurements only that is said;
    otherwise distance, trend, variety, averaging (if seen) and the critic's overfitting follow.

    Arguments:
        entries: of the log.
        status: of `run.json`: running, finished, interrupted or failed.
        steps: generator updates that were asked for.
    """
    done = max((entry["step"] for entry in entries), default=0)
    measured = [entry for entry in entries if "bracket" in entry]
    findings = [ending(status, done, steps)] if status != "finished" else []
    if len(measured) < LEAST:
        seen = f"{len(measured)} measurement" + ("" if len(measured) == 1 else "s")
        text = f"A judgement needs at least {LEAST} measurements of the distance to the data."
        return [*findings, Finding("info", f"Too early to say: {seen}", text)]
    rules = (distance(measured), trend(measured), variety(measured), averaging(measured), overfitting(measured))
    return findings + [finding for finding in rules if finding is not None]


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


def distance(measured: Sequence[Entry]) -> Finding:
    """How far the generator is from the data, by the last excess over the floor, or a certified limit above it.

    At most 0.1: near the data; at most 0.3: close, a difference remains; above: clearly apart. None of this is said
    while no difference is shown: by a certified limit above 0, or an excess beyond chance, which is two standard errors
    and at least 2 % of the floor. In many dimensions the floor is so large that pictures which no eye confuses are
    near.
    """
    last = measured[-1]["bracket"]
    certified = last["lipschitz"] == "certified"
    known = max(last["excess"], last["lower"]) if certified else last["excess"]
    share = known / last["floor"] if last["floor"] > 0 else float("inf")
    proof = "certified" if certified else "measured, not certified"
    text = (
        f"The excess is {last['excess']:.3g} (Euclidean distance): what remains of the transport distance after the "
        f"sampling noise, here {last['floor']:.3g}, is taken off; a perfect generator shows about 0. "
        f"The lower limit is {last['lower']:.3g} at {last['confidence']:.0%} confidence ({proof})."
    )
    if last["lower"] > last["excess"]:
        text += " The limit is above the excess, "
        text += (
            "which is often smaller than the distance itself, most of all in many dimensions; the limit is proved."
            if certified
            else "so the excess is too small, or the slope was underestimated."
        )
    chance = max(2 * excess_error(measured), CHANCE * last["floor"])
    if last["excess"] <= chance and not (certified and last["lower"] > 0):
        if share > NEAR:
            text += f" Up to {chance:.3g} may be chance: `monge evaluate` takes more draws."
        return Finding(
            "good" if share <= NEAR else "info", "No difference from the data is shown at this sample size", text
        )
    if share <= NEAR:
        text += " Transport is blunt where the noise is large beside the excess: look at the samples as well."
        return Finding("info", "Near the data, and yet a difference is shown", text)
    if share <= FAR:
        return Finding("warn", "Close to the data, but a difference remains", text)
    return Finding("bad", "The samples are clearly apart from the data", text)


def excess_error(measured: Sequence[Entry]) -> float:
    """Standard error of an excess, pooled over the last third of the measurements, as each has but two draws."""
    errors = [entry["bracket"].get("excess_error") or 0.0 for entry in tail(measured)]
    return float(np.sqrt(np.mean(np.square(errors))))


def tail(measured: Sequence[Entry]) -> Sequence[Entry]:
    """The last third of the measurements, but at least three."""
    return measured[-max(LEAST, len(measured) // 3) :]


def trend(measured: Sequence[Entry]) -> Finding:
    """Whether training still helped at the end, by a straight line through the last third of the excesses.

    At least three measurements are used. The change along the line counts when it is larger than twice the scatter
    around it and than 1 % of the floor. Falling is information, rising a warning, flat is good near the data and a
    warning elsewhere.
    """
    last = tail(measured)
    step = np.array([entry["step"] for entry in last], float)
    excess = np.array([entry["bracket"]["excess"] for entry in last])
    line = np.polyval(np.polyfit((step - step[0]) / max(step[-1] - step[0], 1), excess, 1), [0, 1])
    scatter = float(np.std(excess - np.interp(step, step[[0, -1]], line)))
    change, floor = float(line[1] - line[0]), measured[-1]["bracket"]["floor"]
    span = f"over the last {len(last)} measurements (steps {int(step[0]):,} to {int(step[-1]):,})"
    if abs(change) <= max(2 * scatter, 0.01 * floor):
        text = f"The excess stayed at about {excess.mean():.3g} {span}. "
        if excess[-1] <= NEAR * floor:
            advice = "A longer run, whose learning rate falls later, can still come nearer."
            return Finding("good", "The excess has settled", text + advice)
        advice = "More steps at this learning rate will hardly help; a longer schedule or larger networks might."
        return Finding("warn", "Training has stopped improving", text + advice)
    if change < 0:
        text = f"The excess fell by {-change:.3g} {span}. A larger --steps continues the run."
        return Finding("info", "Still improving", text)
    best = min(measured, key=lambda entry: float(entry["bracket"]["excess"]))
    text = f"The excess rose by {change:.3g} {span}. Its lowest value, {best['bracket']['excess']:.3g}, "
    return Finding("warn", "The samples got worse towards the end", text + f"was at step {best['step']:,}.")


def variety(measured: Sequence[Entry]) -> Finding:
    """Mode collapse, by the last spread over the floor: below 0.5 collapsed, below 0.8 less varied than the data."""
    last = measured[-1]["bracket"]
    share = last["spread"] / last["floor"] if last["floor"] > 0 else 1.0
    text = (
        f"Two sets of samples are {last['spread']:.3g} apart, two sets of real data {last['floor']:.3g} "
        f"(Euclidean distance; ratio {share:.2f})."
    )
    if share < COLLAPSED:
        return Finding("bad", "The generator has collapsed to few kinds of samples", text)
    if share < NARROW:
        return Finding("warn", "The samples vary less than the data", text)
    return Finding("good", "The samples vary as much as the data", text + " No sign of collapse.")


def averaging(measured: Sequence[Entry]) -> Finding | None:
    """Blur: the upper estimate is below the floor although the excess is above 5 % of the floor."""
    last = measured[-1]["bracket"]
    if last["upper"] >= last["floor"] or last["excess"] <= 0.05 * last["floor"]:
        return None
    text = (
        f"The samples are nearer to the data ({last['upper']:.3g}) than real data are to each other "
        f"({last['floor']:.3g}), which only averaged samples can be; the excess of {last['excess']:.3g} shows it."
    )
    return Finding("warn", "The samples look averaged", text)


def overfitting(measured: Sequence[Entry]) -> Finding | None:
    """Whether the critic knows its training samples by heart, by its last gaps on training and held-out data.

    A warning when the training gap is above 1.5 times the held-out gap, information when it is above 1.2 times;
    differences up to two standard errors, or to 2 % of the floor, are chance.
    """
    last = measured[-1]
    if "critic_gap_train" not in last:
        return None
    train, held_out, floor = last["critic_gap_train"], last["critic_gap_held_out"], last["bracket"]["floor"]
    text = (
        f"It sets generated samples {train:.3g} apart from training data and {held_out:.3g} from held-out data "
        "(Euclidean distance, after division by its steepest slope)."
    )
    chance = train - held_out <= max(2 * last["critic_gap_error"], CHANCE * floor)
    if not chance and train > 1.5 * held_out:
        return Finding("warn", "The critic has overfitted its training data", text + " More data would help.")
    if not chance and train > 1.2 * held_out:
        return Finding("info", "The critic favours its training data a little", text)
    return Finding("good", "The critic judges new data like its training data", text)
