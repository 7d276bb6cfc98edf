r"""Instance noise: Gaussian noise on real and generated samples alike before the critic sees them.

With noise both distributions have densities on all of space, and equal noised distributions are still equal
distributions. It also keeps a critic from learning few training samples by heart.

At the best discriminator of noised distributions its loss is :math:`2 \log 2 - 2\,\mathrm{JS}(p_{r+\epsilon} \|
p_{g+\epsilon})` (Zheng 2017, part two, the negative of its eq. 9), which now says how far they are apart; but the value
depends on the noise, so while the noise is annealed, values of different steps cannot be compared.

References: Arjovsky, Bottou 2017, "Towards Principled Methods for Training Generative Adversarial Networks", section 3
(no schedule is given there); Zheng 2017, part two.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from monge.objective.option import above_zero

WITHOUT = "to train without noise, leave it out or choose another objective"


class NoiseSchedule(ABC):
    """The noise's standard deviation as a function of the step.

    Example:
        >>> from dataclasses import dataclass
        >>> from monge.objective import NoiseSchedule
        >>> @dataclass(frozen=True)
        ... class Steps(NoiseSchedule):
        ...     # halves every thousand steps
        ...     def __call__(self, step):
        ...         return 0.5 ** (step // 1000)
        >>> [Steps()(step) for step in (0, 999, 1000, 5000)]
        [1.0, 1.0, 0.5, 0.03125]
    """

    @abstractmethod
    def __call__(self, step: int) -> float:
        """Standard deviation in model scale: images in [-1, 1], vectors standardised."""


@dataclass(frozen=True)
class ConstantNoise(NoiseSchedule):
    """The same noise at every step.

    Arguments:
        std: standard deviation in model scale, > 0.

    Example:
        >>> from monge.objective import ConstantNoise
        >>> noise = ConstantNoise(0.1)
        >>> noise(0), noise(10_000)
        (0.1, 0.1)
    """

    std: float

    def __post_init__(self) -> None:
        above_zero("std", self.std, WITHOUT)

    def __call__(self, step: int) -> float:
        return self.std


@dataclass(frozen=True)
class LinearNoise(NoiseSchedule):
    r"""Noise that falls along a line and is gone from some step on, :math:`\sigma\,\max(0, 1 - t / T)`.

    Reference: Sonderby et al. 2017, "Amortised MAP inference for image super-resolution" (the name instance noise).

    Arguments:
        std: standard deviation at step 0, in model scale, > 0.
        steps: T, generator updates until it is gone, >= 1.

    Example:
        >>> from monge.objective import LinearNoise
        >>> noise = LinearNoise(std=1.0, steps=1000)
        >>> [noise(step) for step in (0, 250, 1000, 2000)]
        [1.0, 0.75, 0.0, 0.0]
    """

    std: float
    steps: int

    def __post_init__(self) -> None:
        above_zero("std", self.std, WITHOUT)
        above_zero("steps", self.steps)

    def __call__(self, step: int) -> float:
        return self.std * max(0.0, 1 - step / self.steps)


@dataclass(frozen=True)
class ExponentialNoise(NoiseSchedule):
    r"""Noise that falls by halves and is never gone, :math:`\sigma\,2^{-t / T}`.

    Arguments:
        std: standard deviation at step 0, in model scale, > 0.
        steps: T, generator updates in which it halves, >= 1.

    Example:
        >>> from monge.objective import ExponentialNoise
        >>> noise = ExponentialNoise(std=1.0, steps=1000)
        >>> [noise(step) for step in (0, 1000, 2000)]
        [1.0, 0.5, 0.25]
    """

    std: float
    steps: int

    def __post_init__(self) -> None:
        above_zero("std", self.std, WITHOUT)
        above_zero("steps", self.steps)

    def __call__(self, step: int) -> float:
        return float(self.std * 2.0 ** (-step / self.steps))
