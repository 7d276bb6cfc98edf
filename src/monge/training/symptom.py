"""What goes wrong with a training that still runs: told with its likely cause and a remedy, once it is no chance.

Each symptom is looked for in every measurement. Seen in three in a row it is told once, stands in the log for as long
as it lasts, and is repeated in the report. Nothing of the training depends on it. Copying has two signs of its own, see
`training.copying`; a value that is not finite ends the training, see `training.guard`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monge.evaluation.reference import COLLAPSED
from monge.run.folder import RunFolder
from monge.training.copying import IN_A_ROW
from monge.training.diagnosis import Setup, likely_cause

Entry = Mapping[str, Any]

PATIENCE = 1000
"""Steps for which samples may lack variety: networks that have hardly been trained make nearly equal ones."""
OVERFITTED = 0.5
"""Share of the critic's gap on training samples that is missing on held-out ones, above which it has overfitted."""
GROWN = 1000.0
"""Growth of the critic's slope since the first measurement that no training needs, if the critic's values on the data
differ by as much as well."""
VANISHED = 1e-8
"""Root mean square of the generator's gradient below which the constant in Adam's denominator stops its steps."""


@dataclass(frozen=True)
class Symptom:
    """One way in which a training goes wrong.

    Arguments:
        name: in the log.
        seen: asked with all measurements so far; what the last one shows, in words, or None.
        remedy: likely cause and what to change.
    """

    name: str
    seen: Callable[[Sequence[Entry]], str | None]
    remedy: Callable[[Setup], str]


def collapse(measured: Sequence[Entry]) -> str | None:
    """Samples that differ less than half as much as real ones do."""
    spread, floor = (measured[-1]["bracket"][name] for name in ("spread", "floor"))
    if measured[-1]["step"] < PATIENCE or spread >= COLLAPSED * floor:
        return None
    return f"the generator has collapsed: two sets of its samples are {spread:.3g} apart, two of real ones {floor:.3g}"


def more_varied(setup: Setup) -> str:
    """What helps against a collapse."""
    objective = setup.objective
    if objective.penalty is None and objective.constraint is None:
        return f"the critic of {setup.name} has no penalty to keep it smooth; try --objective wgan-gp"
    rate = setup.config.training.learning_rate
    return (
        f"the critic does not keep up; try a larger --training.n-critic or a lower --training.learning-rate ({rate:g})"
    )


def overfitting(measured: Sequence[Entry]) -> str | None:
    r"""A critic that knows its training samples by heart while the samples become worse.

    .. math:: \frac{E D(x_{train}) - E D(x_{held out})}{E D(x_{train}) - E D(G(z))} > \tfrac12

    by more than two standard errors of the numerator. The ratio alone is no alarm: held-out samples look like generated
    ones to such a critic, but also to any critic of a perfect generator. So the excess must have risen, too, by more
    than two standard errors above its lowest value.
    """
    last = measured[-1]
    train, held_out = last.get("critic_gap_train"), last.get("critic_gap_held_out")
    if (
        train is None
        or held_out is None
        or train <= 0
        or train - held_out <= OVERFITTED * train + 2 * last["critic_gap_error"]
    ):
        return None
    lowest = min(measured, key=lambda entry: float(entry["bracket"]["excess"]))
    excess, best = last["bracket"]["excess"], lowest["bracket"]["excess"]
    if excess - best <= 2 * (last["bracket"].get("excess_error") or 0.0):
        return None
    return (
        f"the critic has overfitted: it sets generated samples {train:.3g} apart from training samples and "
        f"{max(held_out, 0.0):.3g} from held-out ones, and the excess rose to {excess:.3g} from {best:.3g} at step "
        f"{lowest['step']}"
    )


def less_overfitted(setup: Setup) -> str:
    """What helps a critic that has overfitted."""
    count = setup.data.train.size
    few = "the training samples are few" if count is None else f"{count:,} training samples are few for it"
    transforms = setup.data.space.side is not None and setup.objective.augment is None
    return f"{few}; try {'--augment auto' if transforms else 'a smaller --critic'}, more data, or --training.keep-best"


def explosion(measured: Sequence[Entry]) -> str | None:
    """A critic that has become a thousand times as steep as it was."""
    before, slope = measured[0].get("critic_slope"), measured[-1].get("critic_slope")
    if before is None or slope is None or slope * measured[-1]["scatter"] < GROWN or slope < GROWN * before:
        return None
    return f"the critic explodes: its steepest slope grew from {before:.3g} to {slope:.3g}"


def vanishing(measured: Sequence[Entry]) -> str | None:
    """A generator that is told nothing any more."""
    gradient = measured[-1].get("generator_gradient")
    if gradient is None or gradient >= VANISHED:
        return None
    return f"the generator's gradient has vanished: its root mean square is {gradient:.3g}"


def stronger_gradient(setup: Setup) -> str:
    """What helps a generator without a gradient."""
    if setup.objective.constraint is not None:
        return f"the bound of {setup.name} leaves the critic flat; try a larger one, or --objective wgan-gp"
    return f"the critic of {setup.name} is sure of every sample and flat there; try --objective wgan-gp"


SYMPTOMS: Sequence[Symptom] = (
    Symptom("collapse", collapse, more_varied),
    Symptom("critic_overfits", overfitting, less_overfitted),
    Symptom("critic_explodes", explosion, likely_cause),
    Symptom("gradient_vanishes", vanishing, stronger_gradient),
)


class SymptomWatch:
    """Counts in how many measurements in a row each symptom was seen.

    Arguments:
        setup: of the training.
        run: in whose log the measurements before this process are.
    """

    def __init__(self, setup: Setup, run: RunFolder) -> None:
        self._setup = setup
        self._measured: list[Entry] = [entry for entry in run.entries() if "bracket" in entry]
        self._counts: Mapping[str, int] = self._measured[-1].get("in_a_row", {}) if self._measured else {}
        self.told: list[str] = []
        """What the last measurement showed for the first time in three in a row."""

    def __call__(self, step: int, seen: Entry) -> dict[str, Any]:
        """What is to be logged of a measurement.

        Returns:
            `in_a_row`, by the name of each symptom that was seen how often up to this measurement; `symptoms`, of those
            that were seen often enough, what is wrong and what helps. Neither where there is none.
        """
        self._measured.append({"step": step, **seen})
        texts = {one: text for one in SYMPTOMS if (text := one.seen(self._measured)) is not None}
        self._counts = {one.name: self._counts.get(one.name, 0) + 1 for one in texts}
        symptoms = {
            one.name: f"{text}; likely cause: {one.remedy(self._setup)}"
            for one, text in texts.items()
            if self._counts[one.name] >= IN_A_ROW
        }
        self.told = [text for name, text in symptoms.items() if self._counts[name] == IN_A_ROW]
        found = {"in_a_row": self._counts, "symptoms": symptoms}
        return {name: value for name, value in found.items() if value}
