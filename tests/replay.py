"""A generator without weights, for tests of what is done with a good one."""

import torch
from torch import Tensor, nn


class Replay(nn.Module):
    """Gives encoded rows of a table at random."""

    latent = 1

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = nn.Buffer(rows)

    def forward(self, z: Tensor) -> Tensor:
        return self.rows[(torch.special.ndtr(z[:, 0].double()) * len(self.rows)).long().clamp_max(len(self.rows) - 1)]
