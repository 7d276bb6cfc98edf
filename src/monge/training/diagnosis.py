"""Why a training broke: rules that are asked in order. The first that applies names the cause.

Each compares what was set with what is published for the objective and recommended by the recipe, and gives a remedy.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from monge.config import registry, spec
from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.space import VectorSpace
from monge.objective import Objective
from monge.training.settings import default_recipe

FAR = 10.0
"""Factor from which a setting is far from what is recommended."""
MOMENTUM = 0.9
"""Adam's first decay rate from which an objective that was published with less is unsteady."""
OUTLYING = 100.0
"""Standard deviations from the mean beyond which a value dominates every batch that it is in."""


@dataclass(frozen=True)
class Setup:
    """What a training was set up with.

    Arguments:
        config: the run's config.
        data: its data.
        objective: that of the config.
    """

    config: Config
    data: DataSet
    objective: Objective

    @property
    def name(self) -> str:
        """The objective's name."""
        return self.config.objective.split(":")[0]

    @property
    def recipe(self) -> Config:
        """The settings that are recommended for this kind of data."""
        entry = registry.RECIPES[default_recipe(self.data)]
        recipe: Config = entry.load()(self.data.info.name, self.data.space)
        return recipe

    @property
    def published(self) -> TrainingConfig:
        """The training rule that the objective was published with."""
        return TrainingConfig(**registry.OBJECTIVES[self.name].rule)


Rule = Callable[[Setup], str | None]


def likely_cause(setup: Setup) -> str:
    """The likely cause of a term that is not finite or has diverged, and what to change."""
    return next(cause for rule in RULES if (cause := rule(setup)) is not None)


def learning_rate(setup: Setup) -> str | None:
    """A learning rate far above the objective's published one and the recipe's."""
    rule, known = setup.config.training, max(setup.published.learning_rate, setup.recipe.training.learning_rate)
    rates = {"learning-rate": rule.learning_rate, "critic-learning-rate": rule.critic_learning_rate or 0.0}
    name, rate = max(rates.items(), key=lambda item: item[1])
    if rate < FAR * known:
        return None
    return (
        f"the learning rate {rate:g} is {rate / known:,.0f} times the recommended one; try --training.{name} {known:g}"
    )


def option(setup: Setup) -> str | None:
    """An option of the objective, such as a penalty's weight or a clipping bound, far from where it works."""
    for name, value, known in _options(setup):
        least, most = min(map(abs, known)), max(1.0, *map(abs, known))
        if abs(value) >= FAR * most or abs(value) <= least / FAR < least:
            advice = f"try --objective {setup.name}:{name}={known[0]:g}"
            return f"{name}={value:g} of {setup.name} is far from the recommended {known[0]:g}; {advice}"
    return None


def _options(setup: Setup) -> Iterator[tuple[str, float, list[float]]]:
    """The numbers among the objective's options: name, value, and the published and the recipe's values."""
    specs, table = [setup.config.objective, setup.name, setup.recipe.objective], registry.OBJECTIVES
    same = [text for text in specs if text.split(":")[0] == setup.name]
    for name, default in spec.options(table[setup.name]).items():
        if not isinstance(default, bool | str):
            value, *known = (float(spec.option(table, "--objective", text, name)) for text in same)
            yield name, value, known


def outlier(setup: Setup) -> str | None:
    """Training samples that lie so far out that they dominate their batch."""
    data = setup.data
    if not isinstance(data.space, VectorSpace):
        return None
    seen = np.max([data.codec.encode(rows).abs().amax(0).numpy() for rows in data.train.chunks()], axis=0)
    column, most = int(seen.argmax()), float(np.max(seen))
    if most < OUTLYING:
        return None
    name = repr(data.info.columns[column]) if data.info.columns else str(column + 1)
    what = f"column {name} has a value {most:,.0f} standard deviations from its mean"
    return f"{what}; leave out such samples, or take the logarithm of the column"


def momentum(setup: Setup) -> str | None:
    """Momentum in an objective that was published with less."""
    beta1, known = setup.config.training.beta1, setup.published.beta1
    if setup.config.training.optimiser != "adam" or not beta1 >= MOMENTUM > known:
        return None
    return f"beta1={beta1:g} is much momentum for {setup.name}; try --training.beta1 {known:g}"


def unbounded(setup: Setup) -> str | None:
    """A critic that neither the objective nor its own layers keep from growing steep."""
    objective, critic = setup.objective, setup.config.critic
    if objective.penalty is not None or objective.constraint is not None:
        return None
    if critic.startswith("sngan") or ":layer=" in critic:
        return None
    return f"nothing keeps the critic of {setup.name} from growing steep; try --objective wgan-gp, whose penalty does"


def nothing_else(setup: Setup) -> str:
    """What to try where no setting stands out."""
    rate = setup.config.training.learning_rate
    return f"no setting stands out; try a lower rate than --training.learning-rate {rate:g}"


RULES: Sequence[Rule] = (learning_rate, option, outlier, momentum, unbounded, nothing_else)
