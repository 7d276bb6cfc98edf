"""What single measurements of a run say of its samples, each by a rule that states its thresholds.

A bad finding limits the verdict: however small the distance is, samples that lack variety are not called close.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Literal

import numpy as np

from monge.evaluation.reference import COLLAPSED

Entry = Mapping[str, Any]

CHANCE = 0.02
"""Differences over floor that are taken for chance."""
FEW_KINDS = 0.25
"""Spread over floor below which next to nothing but copies of a few samples is generated."""
NARROW = 0.8
"""Spread over floor below which they lack variety."""
WIDE = 1.25
"""Spread over floor above which they vary more than the data."""
AVERAGED = 0.05
"""Excess over floor above which an upper estimate below the floor shows averaging."""
STRANGE, HALF, MOST = 0.3, 0.7, 0.9
"""Precision and recall over those of real samples below which the difference is large, clear and slight."""
NONE = 0.1
"""The same, below which hardly any sample is like the data."""
LIKE = {"precision": "Few samples are like real ones", "recall": "Few real samples are like generated ones"}
"""What is said where one of the two is far below that of real samples."""
COPIED = 0.5
"""Distance to the training samples over that of held-out ones below which the generator copies."""
AWAY, FAR_AWAY = 1.3, 2.0
"""The same, above which the difference is clear and large."""
BLUNT = 0.3
"""Floor over the distance of two real samples above which the dimensions are many."""
TAIL = 3
"""Fewest measurements that show a trend."""


class Level(IntEnum):
    """How much the samples differ from the data: the higher the better."""

    UNLIKE = 1
    LARGE = 2
    CLEAR = 3
    SLIGHT = 4
    NOT_FOUND = 5

    @property
    def word(self) -> str:
        """The level in a word or two."""
        return "none found" if self is Level.NOT_FOUND else self.name.lower()

    @property
    def title(self) -> str:
        """The level as a sentence."""
        return {
            Level.UNLIKE: "The samples are unlike the data",
            Level.LARGE: "Large difference: the samples resemble the data only roughly",
            Level.CLEAR: "Clear difference between the samples and the data",
            Level.SLIGHT: "Slight difference between the samples and the data",
            Level.NOT_FOUND: "No difference from the data was found",
        }[self]


@dataclass(frozen=True)
class Finding:
    """One statement about a run.

    Arguments:
        kind: good, warn (look at it), bad, or info (neither).
        title: the statement in a few words.
        text: the numbers behind it and what can be done.
        limit: the best level that is possible for samples of which this is true.
    """

    kind: Literal["good", "warn", "bad", "info"]
    title: str
    text: str
    limit: Level = Level.NOT_FOUND


@dataclass(frozen=True)
class Seen:
    """What is known of a run's samples.

    Arguments:
        bracket: to be judged: of the evaluation or else of the last entry, with a floor above 0.
        scatter: mean distance between two real samples, which does not depend on how many there are.
        chance: excess that equal distributions can have.
        measured: entries with a bracket.
        figures: of the last step, named as in the JSON of an evaluation: all of them, some, or none.
    """

    bracket: Entry
    scatter: float
    chance: float
    measured: Sequence[Entry]
    figures: Entry

    @property
    def metrics(self) -> Entry:
        """The metrics of the figures."""
        found: Entry = self.figures.get("metrics", {})
        return found

    @property
    def blunt(self) -> bool:
        """Whether the dimensions are so many that much of a transport distance is noise, of nearly one size."""
        return bool(self.bracket["floor"] > BLUNT * self.scatter)


def findings(seen: Seen) -> list[Finding]:
    """All findings beside the distance, those that limit the level most first."""
    rules = (variety, averaging, fidelity, originality, copying, trend, overfitting, symptoms)
    found = [finding for finding in (rule(seen) for rule in rules) if finding is not None]
    return sorted(found, key=lambda finding: finding.limit)


def variety(seen: Seen) -> Finding:
    """Mode collapse, by spread over floor: below .5 collapsed, below .8 less, above 1.25 more varied than the data.

    The last two only in many dimensions: in few, the ratio of two real sets varies as much by chance.
    """
    spread, floor = seen.bracket["spread"], seen.bracket["floor"]
    share = spread / floor
    text = (
        f"Two sets of samples are {spread:.3g} apart, two sets of real data {floor:.3g} "
        f"(Euclidean distance; ratio {share:.2f})."
    )
    if share < COLLAPSED:
        limit = Level.UNLIKE if share < FEW_KINDS else Level.LARGE
        return Finding("bad", "The generator has collapsed to few kinds of samples", text, limit)
    if seen.blunt and share < NARROW:
        return Finding("warn", "The samples vary less than the data", text, Level.CLEAR)
    if seen.blunt and share > WIDE:
        return Finding("warn", "The samples vary more than the data", text, Level.CLEAR)
    return Finding("good", "The samples vary as much as the data", text)


def averaging(seen: Seen) -> Finding | None:
    """Blur: the upper estimate is below the floor although the excess is beyond chance and above 5 % of the floor."""
    last = seen.bracket
    if last["upper"] >= last["floor"] or last["excess"] <= max(AVERAGED * last["floor"], seen.chance):
        return None
    text = (
        f"The samples are nearer to the data ({last['upper']:.3g}) than real data are to each other "
        f"({last['floor']:.3g}), which only averaged samples can be; the excess of {last['excess']:.3g} shows it."
    )
    return Finding("warn", "The samples look averaged", text, Level.CLEAR)


def fidelity(seen: Seen) -> Finding | None:
    """Precision and recall over those of held-out samples: below .9, .7, .3 a slight, clear, large difference.

    Both below .1: unlike the data. Only what is below by more than two standard errors counts.
    """
    shares = relative(seen)
    if not shares:
        return None
    worst = min(shares, key=shares.__getitem__)
    values, floors = seen.metrics, seen.figures["floors"]
    text = "; ".join(f"{name} {values[name]:.2f}, of real samples {floors[name]:.2f}" for name in shares)
    text = f"{text[0].upper()}{text[1:]} ({seen.figures['features']} features)."
    if shares[worst] < STRANGE:
        return Finding("bad", LIKE[worst], text, Level.UNLIKE if max(shares.values()) < NONE else Level.LARGE)
    if shares[worst] < MOST:
        limit = Level.CLEAR if shares[worst] < HALF else Level.SLIGHT
        return Finding("warn", f"The {worst} is below that of real samples", text, limit)
    return Finding("good", "Precision and recall are like those of real samples", text)


def relative(seen: Seen) -> dict[str, float]:
    """Precision and recall plus two errors, over those of real samples; none where one is unknown or unreliable."""
    figures, values = seen.figures, seen.metrics
    floors, errors, doubts = (figures.get(name, {}) for name in ("floors", "errors", "unreliable"))
    if any(name not in values or name in doubts or not floors.get(name) for name in LIKE):
        return {}
    return {name: (values[name] + 2 * (errors.get(name) or 0)) / floors[name] for name in LIKE}


def originality(seen: Seen) -> Finding | None:
    """Distance to the nearest training sample over that of held-out ones: copies below .5, strange above 1.3 and 2."""
    novelty = seen.metrics.get("novelty")
    if novelty is None or COPIED <= novelty <= AWAY:
        return None
    text = f"A sample is on average {novelty:.2f} times as far from its nearest training sample as real new data are."
    if novelty < COPIED:
        return Finding("bad", "The samples copy training data", text, Level.CLEAR)
    limit = Level.LARGE if novelty > FAR_AWAY else Level.CLEAR
    return Finding("warn", "The samples are farther from the training data than real ones", text, limit)


def copying(seen: Seen) -> Finding | None:
    """Whether the alarm for copies of training samples was raised while training, and whether it still stands."""
    alarms = [entry for entry in seen.measured if entry.get("copying", {}).get("alarm")]
    if not alarms:
        return None
    last, standing = alarms[-1]["copying"], alarms[-1] is seen.measured[-1]
    until = "to the end" if standing else f"to step {alarms[-1]['step']:,}"
    kept = "" if last["checkpoint"] is None or not standing else f" Checkpoint {last['checkpoint']:,} is from before."
    text = (
        f"From step {last['since']:,} {until}, samples were nearer to training data than held-out data are "
        f"(z = {last['rank']:.1f}), and fewer were near to held-out data (z = {last['attraction']:.1f}).{kept} "
    )
    if standing:
        return Finding("bad", "Copying was noticed while training", text + "More data would help.", Level.CLEAR)
    return Finding("warn", "Copying was noticed while training, but not at the end", text)


def trend(seen: Seen) -> Finding | None:
    """Whether training still helped at the end, by a straight line through the last third of the excesses.

    At least three measurements are needed. The change along the line counts when it is larger than twice the scatter
    around it and than 1 % of the floor.
    """
    measured = seen.measured
    if len(measured) < TAIL:
        return None
    last = tail(measured)
    step = np.array([entry["step"] for entry in last], float)
    excess = np.array([entry["bracket"]["excess"] for entry in last])
    line = np.polyval(np.polyfit((step - step[0]) / max(step[-1] - step[0], 1), excess, 1), [0, 1])
    around = float(np.std(excess - np.interp(step, step[[0, -1]], line)))
    change, floor = float(line[1] - line[0]), measured[-1]["bracket"]["floor"]
    span = f"over the last {len(last)} measurements (steps {int(step[0]):,} to {int(step[-1]):,})"
    if abs(change) <= max(2 * around, 0.01 * floor):
        text = f"The excess stayed at about {excess.mean():.3g} {span}. More steps at this learning rate will hardly "
        return Finding("info", "Training has settled", text + "help; a longer schedule or larger networks might.")
    if change < 0:
        text = f"The excess fell by {-change:.3g} {span}. A larger --steps continues the run."
        return Finding("info", "Still improving", text)
    best = min(measured, key=lambda entry: float(entry["bracket"]["excess"]))
    text = f"The excess rose by {change:.3g} {span}. Its lowest value, {best['bracket']['excess']:.3g}, "
    return Finding(
        "warn",
        "The samples got worse towards the end",
        text + f"was at step {best['step']:,}; `--training.keep-best` keeps such a checkpoint.",
    )


def tail(measured: Sequence[Entry]) -> Sequence[Entry]:
    """The last third of the measurements, but at least three."""
    return measured[-max(TAIL, len(measured) // 3) :]


def overfitting(seen: Seen) -> Finding | None:
    """Whether the critic knows its training samples by heart, by its last gaps on training and held-out data.

    A warning when the training gap is above 1.5 times the held-out gap, information when it is above 1.2 times;
    differences up to two standard errors, or to 2 % of the floor, are chance.
    """
    if not seen.measured or "critic_gap_train" not in seen.measured[-1]:
        return None
    last = seen.measured[-1]
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


def symptoms(seen: Seen) -> Finding | None:
    """What was told while training, with its likely cause and a remedy, if it still stands."""
    texts = seen.measured[-1].get("symptoms", {}).values() if seen.measured else ()
    if not texts:
        return None
    return Finding("warn", "Noticed while training", " ".join(f"{text[0].upper()}{text[1:]}." for text in texts))
