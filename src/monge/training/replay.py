"""Past samples that the critic liked, shown to it again.

Zen n.d., section 2.3: a generated sample that the critic rates highly is kept and mixed with all kept before, for
later training. Here the critic alone sees them again; what a generator learns from must carry its graph.
"""

import torch
from torch import Tensor, nn

from monge.nn.collective import gathered

BATCHES = 16
"""Batches in the pool."""


class ReplayPool:
    """The most liked generated samples of past steps, the oldest of which give way to new ones.

    Arguments:
        batch: samples of an update; of each batch the quarter that the critic rates highest is kept.
        shape: of one sample, in model scale.
        device: where the samples live.
    """

    def __init__(self, batch: int, shape: tuple[int, ...], device: torch.device) -> None:
        self.each = max(1, batch // 4)
        self.samples = torch.zeros(BATCHES * batch // self.each, self.each, *shape, device=device)
        self.filled = 0

    def keep(self, fake: Tensor, critic: nn.Module, step: int) -> None:
        """Takes in the samples (n, ...) of a step that the critic rates highest."""
        with torch.no_grad():
            order = gathered(critic(fake).flatten()).argsort(descending=True, stable=True)
            fake = gathered(fake)
        self.samples[step % len(self.samples)] = fake[order[: self.each]]
        self.filled = min(step + 1, len(self.samples))


def mixed(fake: Tensor, pool: ReplayPool, positions: Tensor) -> Tensor:
    """A batch (n, ...) whose first m samples are replaced by those of a pool at m positions in [0, 1)."""
    known = pool.samples[: pool.filled].flatten(0, 1)
    if not len(known):
        return fake
    return torch.cat([known[(positions * len(known)).long()], fake[len(positions) :]])
