"""Fully connected generator with residual blocks, for rows of tables and other vectors."""

import math

import torch
from torch import Tensor, nn


class ResidualGenerator(nn.Module):
    r"""Fully connected generator z -> x: :math:`h \leftarrow h + W\,\mathrm{relu}(\mathrm{norm}(h))`, several times.

    Reference: He, Zhang, Ren, Sun 2016, "Identity mappings in deep residual networks", eq. 3.

    Arguments:
        shape: shape of one sample.
        latent: number of latent dimensions.
        width: units of each hidden layer.
        depth: number of residual blocks.
        last: what ends it; if not given, tanh for the shape of an image, and nothing for that of a vector.
    """

    def __init__(
        self, shape: tuple[int, ...], latent: int = 128, width: int = 256, depth: int = 3, last: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.shape, self.latent = shape, latent
        self.first = nn.Linear(latent, width)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) for _ in range(depth + 1))
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.output = nn.Linear(width, math.prod(shape))
        self.last = last or (nn.Tanh() if len(shape) == 3 else nn.Identity())

    def forward(self, z: Tensor) -> Tensor:
        h: Tensor = self.first(z)
        *norms, end = self.norms
        for norm, block in zip(norms, self.blocks, strict=True):
            h = h + block(torch.relu(norm(h)))
        out: Tensor = self.last(self.output(torch.relu(end(h))))
        return out.view(-1, *self.shape)
