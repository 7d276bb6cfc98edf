"""The configuration of a run, as frozen dataclasses of plain values (no torch here: this must import fast)."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_type_hints

from monge.errors import UserError, unknown_name

C = TypeVar("C")


@dataclass(frozen=True)
class DataConfig:
    """How the data is read."""

    size: int | None = None
    """Side in pixels to which images are resized and cropped; none keeps theirs."""
    layout: Literal["auto", "nhwc", "nchw"] = "auto"
    """Axes of an image array whose shape fits both."""
    skip_bad: bool = False
    """Leave out images that cannot be read, or rows of a table with missing values, instead of refusing the data."""
    label: str | None = None
    """Column of a table that holds the classes."""


@dataclass(frozen=True)
class TrainingConfig:
    """The training rule (Algorithm 1): everything that is neither data, network nor objective."""

    batch: int = 64
    """Samples of one update."""
    n_critic: int = 5
    """Critic updates for each generator update."""
    critic_boost: bool = False
    """100 critic updates for the first 25 and for every 500th generator update, as the WGAN authors do."""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    """Adam, or RMSProp without momentum."""
    learning_rate: float = 1e-4
    """Learning rate of both networks, or of the generator alone."""
    critic_learning_rate: float | None = None
    """Learning rate of the critic, if it is to be another (two time-scales, Heusel et al. 2017)."""
    beta1: float = 0.0
    """Adam's first decay rate; 0 is no momentum."""
    beta2: float = 0.9
    """Adam's second decay rate."""
    decay_from: float = 1.0
    """Share of the run after which the learning rates fall linearly to zero; 1 keeps them."""
    ema: float = 0.999
    """Decay of the generator's moving average; 0 averages nothing."""
    conditional: bool = False
    """Train on the data's labels: the generator is asked for a class, and the critic judges sample and class."""
    pack: int = 1
    """Samples that the critic judges together (PacGAN); 1 is none."""
    replay: float = 0.0
    """Share of the critic's generated samples that are kept ones of the past, those it liked; 0 is none."""


@dataclass(frozen=True)
class ObserveConfig:
    """What is recorded during training, in generator steps; none means a hundredth, a twentieth of the run."""

    log: int | None = None
    """Steps between two log lines."""
    bracket: int | None = None
    """Steps between two measurements of the bracket and two sample pictures."""


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes. Names carry options: `wgan-gp:weight=5`, `mlp:width=512:depth=2`."""

    source: str = "digits"
    recipe: str = "image"
    objective: str = "wgan-gp"
    generator: str = "mlp"
    critic: str = "mlp"
    steps: int = 10_000
    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    observe: ObserveConfig = field(default_factory=ObserveConfig)

    def check(self) -> None:
        """Refuses values outside their range.

        Raises:
            UserError: names the flag, the value and what is allowed.
        """
        rule = self.training
        ranges: list[tuple[str, float | None, float, float]] = [
            ("--steps", self.steps, 1, 1e9),
            ("--seed", self.seed, 0, 2**63),
            ("--training.batch", rule.batch, 2, 1e6),
            ("--training.n-critic", rule.n_critic, 1, 1e4),
            ("--training.learning-rate", rule.learning_rate, 1e-12, 10),
            ("--training.critic-learning-rate", rule.critic_learning_rate, 1e-12, 10),
            ("--training.beta1", rule.beta1, 0, 0.9999999),
            ("--training.beta2", rule.beta2, 0, 0.9999999),
            ("--training.decay-from", rule.decay_from, 0, 1),
            ("--training.ema", rule.ema, 0, 0.9999999),
            ("--training.pack", rule.pack, 1, 64),
            ("--training.replay", rule.replay, 0, 0.9),
            ("--observe.log", self.observe.log, 1, 1e9),
            ("--observe.bracket", self.observe.bracket, 1, 1e9),
        ]
        for flag, value, low, high in ranges:
            if value is not None and not low <= value <= high:
                most = f"below {high:.0f}" if 0 < round(high) - high < 1e-6 else f"{high:g}"
                raise UserError(f"{flag} {value} is out of range: {low:g} to {most} is allowed")


def flatten(config: Any) -> dict[str, Any]:
    """A config as a flat mapping with dotted keys."""
    flat: dict[str, Any] = {}
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            flat |= {f"{item.name}.{key}": inner for key, inner in flatten(value).items()}
        else:
            flat[item.name] = value
    return flat


def overlay(config: C, values: Mapping[str, Any], where: str) -> C:
    """A config with some values replaced, as read from TOML or JSON (nested mappings).

    Arguments:
        config: a dataclass instance.
        values: new values by field name, `-` and `_` alike.
        where: what to call the source of the values in an error.

    Raises:
        UserError: a key is unknown or a value has the wrong type.
    """
    hints = get_type_hints(type(config))
    changes: dict[str, Any] = {}
    for raw, value in values.items():
        key = raw.replace("-", "_")
        if key not in hints:
            raise unknown_name(f"{where}: key", raw, hints)
        old = getattr(config, key)
        if dataclasses.is_dataclass(old):
            if not isinstance(value, Mapping):
                raise UserError(f"{where}: {raw} must be a table of settings, not {value!r}")
            changes[key] = overlay(old, value, f"{where}: {raw}")
        else:
            changes[key] = _typed(value, hints[key], f"{where}: {raw}")
    return dataclasses.replace(config, **changes)  # type: ignore[type-var]


def _typed(value: Any, hint: Any, what: str) -> Any:
    if typing.get_origin(hint) is Literal:
        if value not in typing.get_args(hint):
            raise unknown_name(what, str(value), typing.get_args(hint))
        return value
    kinds = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    if float in kinds and type(value) is int:
        return float(value)
    if type(value) not in kinds:
        names = " or ".join("none" if kind is type(None) else kind.__name__ for kind in kinds)
        raise UserError(f"{what} = {value!r} must be of type {names}")
    return value


def differing(new: Config, old: Config) -> list[str]:
    """Lines `key: old -> new` for every key in which two configs differ."""
    before, after = flatten(old), flatten(new)
    return [f"{key}: {before[key]} -> {after[key]}" for key in after if before[key] != after[key]]
