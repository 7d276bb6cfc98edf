"""The configuration of a run, as frozen dataclasses of plain values (no torch here: this must import fast)."""

from dataclasses import dataclass, field
from typing import Literal

from monge.errors import UserError


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
