"""When a run ends, what it does on the way, and its learning rates."""

from collections.abc import Callable
from dataclasses import dataclass

from monge.training.state import TrainingState


@dataclass(frozen=True)
class Plan:
    """When a run ends and what it does on the way.

    Arguments:
        steps: generator updates in all.
        rates: learning rates of generator and critic as a function of the step.
        log_every: steps between log lines.
        checkpoint_every: steps between checkpoints; none means every `checkpoint_seconds`.
        checkpoint_seconds: seconds between checkpoints.
        watch_threads: measure the thread count again when steps become much slower.
    """

    steps: int
    rates: Callable[[int], tuple[float, float]]
    log_every: int
    checkpoint_every: int | None = None
    checkpoint_seconds: float = 30.0
    watch_threads: bool = False


def linear_decay(rate: float, steps: int, start: float) -> Callable[[int], float]:
    """A learning rate that is constant for the first `start` share of the steps, then falls linearly to zero."""

    def at(step: int) -> float:
        done = step / steps
        return rate if done <= start else rate * (1 - done) / (1 - start)

    return at


def set_rates(state: TrainingState, rates: tuple[float, float]) -> None:
    """Sets the learning rates of generator and critic."""
    for optimiser, rate in zip((state.generator_optimiser, state.critic_optimiser), rates, strict=True):
        for group in optimiser.param_groups:
            group["lr"] = rate
