"""The configuration of a run, as frozen dataclasses of plain values (no torch here: this must import fast).

A setting is one field with its type, its range or table of names if it has one, and a line that says what it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, is_dataclass
from typing import Annotated, Any, Literal, get_type_hints

from monge.config.registry import CRITICS, GENERATORS, OBJECTIVES, RECIPES
from monge.errors import UserError


@dataclass(frozen=True)
class Range:
    """Numbers that a setting may have, from `low` to `high`."""

    low: float
    high: float

    def __str__(self) -> str:
        # ends that stand for an open interval are shown as what they stop short of
        short = 0 < round(self.high) - self.high < 1e-6
        return f"at least {self.low:g} and below {self.high:.0f}" if short else f"from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Named:
    """Names that a setting may have, most of them with options of their own (`mlp:width=512`)."""

    names: Iterable[str]


@dataclass(frozen=True)
class DataConfig:
    """How the data is read."""

    size: int | str | None = None
    """Side in pixels, or height and width such as 64x96, to which images are resized and cropped; none keeps their
    size, but follows the median for folders of images whose sizes differ."""
    layout: Literal["auto", "nhwc", "nchw"] = "auto"
    """Order of an image array's axes, for shapes that fit both."""
    skip_bad: bool = False
    """Skip unreadable images and table rows without a class instead of rejecting the data."""
    label: str | None = None
    """Column of a table that contains the classes."""
    columns: str | None = None
    """Kinds of columns of a table that are not to be inferred, such as age:integer,zip:category."""
    missing: str | None = None
    """Words for missing values in a table, with commas between, instead of the usual ones (NA, ?, None and others)."""
    rule: str | None = None
    """A condition that all generated rows of a table must meet, such as "low <= high and age >= 18"."""


@dataclass(frozen=True)
class TrainingConfig:
    """The training rule (Algorithm 1): everything that is neither data, network nor objective."""

    batch: Annotated[int, Range(2, 1e6)] = 64
    """Samples per update."""
    n_critic: Annotated[int, Range(1, 1e4)] = 5
    """Critic updates per generator update."""
    critic_boost: bool = False
    """100 critic updates for the first 25 and every 500th generator update (Arjovsky et al. 2017)."""
    optimiser: Literal["adam", "rmsprop"] = "adam"
    """Adam, or RMSProp without momentum."""
    learning_rate: Annotated[float, Range(1e-12, 10)] = 1e-4
    """Learning rate of both networks; of the generator only if critic-learning-rate is set."""
    critic_learning_rate: Annotated[float | None, Range(1e-12, 10)] = None
    """Learning rate of the critic; none uses learning-rate (two time scales: Heusel et al. 2017)."""
    beta1: Annotated[float, Range(0, 0.9999999)] = 0.0
    """Adam's first decay rate; 0 means no momentum."""
    beta2: Annotated[float, Range(0, 0.9999999)] = 0.9
    """Adam's second decay rate."""
    decay_from: Annotated[float, Range(0, 1)] = 1.0
    """Fraction of the run after which the learning rates fall linearly to zero; 1 keeps them constant."""
    transport_from: Annotated[float, Range(0, 1)] = 1.0
    """Fraction of the run after which the critic rests and the generator follows exact transport between batches; 1
    trains both to the end."""
    ema: Annotated[float, Range(0, 0.9999999)] = 0.999
    """Decay of the moving average of the generator's weights; 0 turns averaging off."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Precision of the factors of matrix products; processors with units for bfloat16 multiply three times as fast."""
    conditional: bool = False
    """Train on the data's labels: the generator takes a class, and the critic judges sample and class together."""
    pack: Annotated[int, Range(1, 64)] = 1
    """Samples that the critic judges together (PacGAN, Lin et al. 2018); 1 turns packing off."""
    replay: Annotated[float, Range(0, 0.9)] = 0.0
    """Fraction of the critic's generated samples that are past ones it rated highly; 0 turns replay off."""
    keep_best: bool = False
    """Keep a validation part from training (10 %, at most 2,000) and the checkpoint nearest to it, for
    --weights best."""
    on_divergence: Literal["stop", "rollback"] = "stop"
    """After a number that is not finite or far too large: stop; or go back to the last checkpoint, at most three times,
    with other random numbers and half the learning rates."""


@dataclass(frozen=True)
class ObserveConfig:
    """What is recorded during training, in generator steps; none means about 100 log lines and 20 brackets per run."""

    log: Annotated[int | None, Range(1, 1e9)] = None
    """Steps between log lines."""
    bracket: Annotated[int | None, Range(1, 1e9)] = None
    """Steps between measurements of the bracket, each with a picture of samples."""


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes. Names carry options: `wgan-gp:weight=5`, `mlp:width=512:depth=2`."""

    source: str = "digits"
    recipe: Annotated[str, Named(RECIPES)] = "image"
    """Settings that are known to work."""
    objective: Annotated[str, Named(OBJECTIVES)] = "wgan-gp"
    """What the two networks play for; brings its published training rule."""
    generator: Annotated[str, Named(GENERATORS)] = "mlp"
    """Network from latent codes to samples."""
    critic: Annotated[str, Named(CRITICS)] = "mlp"
    """Network from samples to numbers."""
    model: Literal["gan", "copula", "auto"] = "gan"
    """gan; copula: for tables, a Gaussian copula, which is fitted in seconds; auto: both, and the one nearer to a
    validation part is kept."""
    augment: str = "off"
    """Transforms of real and generated images before the critic sees them: off, auto, or names out of translation,
    colour, cutout and flip with commas between, each of which is then applied to 60 % of the images."""
    steps: Annotated[int, Range(1, 1e9)] = 10_000
    """Generator updates in all; a larger number extends a finished run."""
    seed: Annotated[int, Range(0, 2**63)] = 0
    """Decides everything random."""
    start_from: str | None = None
    """A run, or one of its checkpoints, with whose weights to start: of networks of the same shapes."""
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
                raise UserError(f"{flag} must be {allowed}; got {value}")


def _ranges(config: Any, prefix: str = "--") -> Iterator[tuple[str, float | None, Range]]:
    """Flag, value and range of every setting that has one."""
    for name, hint in get_type_hints(type(config), include_extras=True).items():
        value, flag = getattr(config, name), prefix + name.replace("_", "-")
        if is_dataclass(value):
            yield from _ranges(value, f"{flag}.")
        for note in getattr(hint, "__metadata__", ()):
            if isinstance(note, Range):
                yield flag, value, note
