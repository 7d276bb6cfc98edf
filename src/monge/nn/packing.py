"""Packing: a critic that judges several samples together, and so sees when they are too alike.

Reference: Lin, Khetan, Fanti, Oh 2018, "PacGAN: the power of two samples in generative adversarial networks",
section 3.
"""

from typing import cast

from torch import Tensor, nn


def packed_shape(shape: tuple[int, ...], size: int) -> tuple[int, ...]:
    """The shape of `size` samples side by side in their first axis (channels, or features)."""
    return (size * shape[0], *shape[1:])


class PackedCritic(nn.Module):
    """Joins samples along their first axis, `size` at a time, before a critic sees them: (n, ...) -> (n / size, k).

    Arguments:
        critic: takes samples of `packed_shape`.
        size: samples that it judges together; in evaluation, samples too few for a whole pack are left out.
    """

    def __init__(self, critic: nn.Module, size: int) -> None:
        super().__init__()
        self.critic, self.size = critic, size

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            x = x[: len(x) // self.size * self.size]
        return cast(Tensor, self.critic(x.reshape(-1, self.size * x.shape[1], *x.shape[2:])))
