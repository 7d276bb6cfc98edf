"""Instance noise: Gaussian noise on real and generated samples alike before the critic sees them.

With noise both laws have densities on all of space, and equal noised laws are still equal laws. It also keeps a critic
from learning few training samples by heart.

Reference: Arjovsky, Bottou 2017, "Towards Principled Methods for Training Generative Adversarial Networks", section 3;
source 003, part two.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass


class NoiseSchedule(ABC):
    """The noise's standard deviation as a function of the step."""

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Standard deviation in model scale: images in [-1, 1], vectors standardised."""


@dataclass(frozen=True)
class ConstantNoise(NoiseSchedule):
    """The same noise at every step.

    Arguments:
        std: standard deviation in model scale, >= 0.
    """

    std: float

    def __call__(self, step: int) -> float:
        return self.std
