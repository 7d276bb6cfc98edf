"""The configuration of a run, as frozen dataclasses of plain values (no torch here: this must import fast).

A setting is one field with its type, its range if it has one, and a line that says what it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

from monge.errors import UserError


@dataclass(frozen=True)
class Range:
    """Numbers that a setting may have, from `low` to `high`."""

    low: float
    high: float

    def __str__(self) -> str:
        # ends that stand for an open interval are shown as what they stop short of
        short = 0 < round(self.high) - self.high < 1e-6
        return f"{self.low:g} to " + (f"below {self.high:.0f}" if short else f"{self.high:g}")


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

    batch: Annotated[int, Range(2, 1e6)] = 64
    """Samples of one update."""
    n_critic: Annotated[int, Range(1, 1e4)] = 5
    """Critic updates for each generator update."""
    critic_boost: bool = False
    """100 critic updates for the first 25 and for every 500th generator update, as the WGAN authors do."""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    """Adam, or RMSProp without momentum."""
    learning_rate: Annotated[float, Range(1e-12, 10)] = 1e-4
    """Learning rate of both networks, or of the generator alone."""
    critic_learning_rate: Annotated[float | None, Range(1e-12, 10)] = None
    """Learning rate of the critic, if it is to be another (two time-scales, Heusel et al. 2017)."""
    beta1: Annotated[float, Range(0, 0.9999999)] = 0.0
    """Adam's first decay rate; 0 is no momentum."""
    beta2: Annotated[float, Range(0, 0.9999999)] = 0.9
    """Adam's second decay rate."""
    decay_from: Annotated[float, Range(0, 1)] = 1.0
    """Share of the run after which the learning rates fall linearly to zero; 1 keeps them."""
    ema: Annotated[float, Range(0, 0.9999999)] = 0.999
    """Decay of the generator's moving average; 0 averages nothing."""
    conditional: bool = False
    """Train on the data's labels: the generator is asked for a class, and the critic judges sample and class."""
    pack: Annotated[int, Range(1, 64)] = 1
    """Samples that the critic judges together (PacGAN); 1 is none."""
    replay: Annotated[float, Range(0, 0.9)] = 0.0
    """Share of the critic's generated samples that are kept ones of the past, those it liked; 0 is none."""


@dataclass(frozen=True)
class ObserveConfig:
    """What is recorded during training, in generator steps; none means a hundredth, a twentieth of the run."""

    log: Annotated[int | None, Range(1, 1e9)] = None
    """Steps between two log lines."""
    bracket: Annotated[int | None, Range(1, 1e9)] = None
    """Steps between two measurements of the bracket and two sample pictures."""


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes. Names carry options: `wgan-gp:weight=5`, `mlp:width=512:depth=2`."""

    source: str = "digits"
    recipe: str = "image"
    objective: str = "wgan-gp"
    generator: str = "mlp"
    critic: str = "mlp"
    steps: Annotated[int, Range(1, 1e9)] = 10_000
    seed: Annotated[int, Range(0, 2**63)] = 0
    data: DataConfig = field(default_factory=DataConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    observe: ObserveConfig = field(default_factory=ObserveConfig)

    def check(self) -> None:
        """Refuses values outside their range.

        Raises:
            UserError: names the flag, the value and what is allowed.
        """
        for flag, value, allowed in _ranges(self):
            if value is not None and not allowed.low <= value <= allowed.high:
                raise UserError(f"{flag} {value} is out of range: {allowed} is allowed")


def _ranges(config: Any, prefix: str = "--") -> Iterator[tuple[str, float | None, Range]]:
    """Flag, value and range of every setting that has one."""
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        value, flag = getattr(config, name), prefix + name.replace("_", "-")
        if is_dataclass(value):
            yield from _ranges(value, f"{flag}.")
        for note in getattr(hint, "__metadata__", ()):
            if isinstance(note, Range):
                yield flag, value, note
