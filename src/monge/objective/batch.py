"""What one critic update sees."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Real and generated samples of one critic update, in model scale, with the seeded draws that penalties need.

    Attributes:
        real, fake: samples of shape (n, ...); `fake` carries no graph of the generator.
        segment: (n,) uniform positions on the segments between fake (0) and real (1).
        step: number of generator updates done; anything that anneals is a function of it.
        noise: standard normal numbers (2, n, ...) for an objective that adds noise to real and fake, or None.
    """

    real: Tensor
    fake: Tensor
    segment: Tensor
    step: int
    noise: Tensor | None = None
