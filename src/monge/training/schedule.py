"""Learning rates over the steps."""

from collections.abc import Callable

from torch import Tensor

from monge.config.schema import Config
from monge.training.state import TrainingState


def linear_decay(rate: float, steps: int, start: float) -> Callable[[int], float]:
    """A learning rate that is constant for the first `start` share of the steps, then falls linearly to zero."""

    def at(step: int) -> float:
        done = step / steps
        return rate if done <= start else rate * (1 - done) / (1 - start)

    return at


def rates(config: Config) -> Callable[[int], tuple[float, float]]:
    """The learning rates of generator and critic at a step.

    Where the generator follows exact transport it takes the critic's rate, as there is no opponent to keep pace with.
    """
    rule = config.training
    own = (rule.learning_rate, rule.critic_learning_rate or rule.learning_rate)
    generator, critic = (linear_decay(rate, config.steps, rule.decay_from) for rate in own)
    begins = transport_begins(config)
    return lambda step: ((generator if begins is None or step < begins else critic)(step), critic(step))


def transport_begins(config: Config) -> int | None:
    """The first step at which the generator follows exact transport; None for never."""
    begins = round(config.training.transport_from * config.steps)
    return begins if begins < config.steps else None


def set_rates(state: TrainingState, rates: tuple[float, float]) -> None:
    """Sets the learning rates of generator and critic, halved for each time that the training went back.

    A rate that is a tensor keeps its place in memory.
    """
    part = 0.5**state.attempt
    for optimiser, rate in zip((state.generator_optimiser, state.critic_optimiser), rates, strict=True):
        for group in optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * part)
            else:
                group["lr"] = rate * part
