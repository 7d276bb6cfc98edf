"""The settings of a training: those of a recipe, those that an objective was published with, and those given."""

import warnings
from collections.abc import Sequence
from dataclasses import replace

from monge.config import registry, spec
from monge.config.overlay import Given, last_given, merged
from monge.config.recipe import default_for
from monge.config.schema import Config, DataConfig, TrainingConfig
from monge.data.alignment import alignment
from monge.data.dataset import DataSet
from monge.data.source import MEMORY


def resolved(data: DataSet, given: Sequence[Given]) -> Config:
    """The settings of a training on some data: the recipe's, overridden by what was given; later places win.

    Raises:
        UserError: a key, recipe or objective is unknown, or a value has the wrong type.
    """
    merged(Config(), given)  # names and types, before they are looked up
    recipe, objective = last_given(given, "recipe"), last_given(given, "objective")
    base = recommended(data, recipe, objective, own_batch=last_given(given, "training", "batch") is not None)
    rate, critics = (last_given(given, "training", name) for name in ("learning_rate", "critic_learning_rate"))
    if rate is not None and critics is None:  # a rate that is given alone is that of both networks
        base = replace(base, training=replace(base.training, critic_learning_rate=None))
    place = data.info.source or f"{MEMORY}{data.info.name}"
    return replace(merged(base, given), source=place, data=DataConfig(**(data.info.how or {})))


def default_recipe(data: DataSet) -> str:
    """The name of the recipe for some data."""
    aligned = 0.0 if data.space.side is None else alignment(data)
    return default_for(data.info.name, data.space, data.train.size, aligned)


def choice(data: DataSet, recipe: str) -> str | None:
    """In words, why a recipe was chosen for images by looking at them; None for one that was not chosen so."""
    if recipe not in ("image", "photo"):
        return None
    share = f"the mean image explains {alignment(data):.0%} of the variance"
    if recipe == "image":
        return f"recipe image: objects are in one place ({share}); --recipe photo is for others"
    return f"recipe photo: anything can be anywhere ({share}); --recipe image is for objects in one place"


def recommended(
    data: DataSet, recipe: str | None = None, objective: str | None = None, *, own_batch: bool = False
) -> Config:
    """The recipe's config for some data; with another objective than the recipe's, that objective's published rule.

    Warns when the recipe's batch is larger than the data and had to be reduced.

    Arguments:
        own_batch: the batch will be replaced, so that the recipe's does not matter.

    Raises:
        UserError: unknown recipe or objective.
    """
    entry = registry.lookup(registry.RECIPES, "--recipe", recipe or default_recipe(data))
    config: Config = entry.load()(data.info.name, data.space)
    if objective is not None:
        name = objective.split(":")[0]
        entry = registry.lookup(registry.OBJECTIVES, "--objective", name)
        if name != config.objective.split(":")[0]:
            critic = spec.with_options(registry.CRITICS, "--critic", config.critic, entry.critic)
            config = replace(config, critic=critic, training=_ruled(config.training, entry))
        config = replace(config, objective=objective)
    if data.train.size is not None and config.training.batch > data.train.size and not own_batch:
        sizes = f"{config.training.batch} to {data.train.size}"
        text = f"batch reduced from the recipe's {sizes}, the number of training samples"
        warnings.warn(text, stacklevel=2)
        config = replace(config, training=replace(config.training, batch=data.train.size))
    return config


def published(
    data: DataSet, recipe: str | None, objective: str, generator: str | None = None, critic: str | None = None
) -> Config:
    """The recipe's config with an objective's published rule, even where the recipe has another for this objective.

    Raises:
        UserError: an unknown name.
    """
    config = recommended(data, recipe, own_batch=True)
    entry = registry.lookup(registry.OBJECTIVES, "--objectives", objective.split(":")[0])
    judge = spec.with_options(registry.CRITICS, "--critic", critic or config.critic, entry.critic)
    rule = _ruled(config.training, entry)
    return replace(config, objective=objective, generator=generator or config.generator, critic=judge, training=rule)


def _ruled(training: TrainingConfig, entry: registry.Entry) -> TrainingConfig:
    """A recipe's training with an objective's published rule, whose rate is that of both networks, to the end."""
    return replace(training, critic_learning_rate=None, transport_from=1.0, **entry.rule)
