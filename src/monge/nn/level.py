"""The end of a generator of table rows: numbers beside blocks of levels, of which exactly one is on."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from monge.nn.margin import Layout, Margins

LARGEST = 15.0
"""Where logits are cut off, so that no level is ruled out, or in, for good."""
TEMPERATURE = 0.5
LEAST = 1e-6
"""Share of a level, at least."""


class LevelHead(nn.Module):
    r"""Draws one level of each block from its logits, by Gumbel noise, with a gradient straight through.

    With logits l and independent standard Gumbel numbers g, the level :math:`\arg\max(l + g)` is distributed by the
    softmax of l. Its one-hot vector goes forwards; backwards goes the Jacobian of the softmax of
    :math:`(l + g) / \tau` at :math:`\tau = 0.5`. The noise is made of standard normal numbers n, as
    :math:`g = -\log(-\log \Phi(n))`, so that a generator stays a function of its latent numbers.

    Reference: Jang, Gu, Poole 2017, "Categorical reparameterization with Gumbel-softmax", section 2.2.

    Arguments:
        layout: of a row.
        shares: of all levels of the blocks, in the data: what the levels' shares are where logits are 0.
    """

    def __init__(self, layout: Layout, shares: Sequence[float]) -> None:
        super().__init__()
        self.offset = nn.Buffer(torch.tensor(shares).clamp_min(LEAST).log(), persistent=False)
        self.margins = Margins(layout)
        self.layout = layout
        self.noise = sum(layout.blocks)
        sizes = torch.tensor(layout.blocks, dtype=torch.long)
        self.block = nn.Buffer(
            torch.repeat_interleave(torch.arange(len(sizes)), sizes, output_size=self.noise), persistent=False
        )
        gated, gate = zip(*layout.gates, strict=True) if layout.gates else ((), ())
        self.gated = nn.Buffer(torch.tensor(gated, dtype=torch.long), persistent=False)
        self.gate = nn.Buffer(torch.tensor(gate, dtype=torch.long) - layout.numbers, persistent=False)

    def forward(self, x: Tensor, noise: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Rows (n, width) from numbers and logits (n, width) and standard normal noise (n, levels).

        Arguments:
            allowed: levels that may be drawn, (levels,), at least one of each block; none means all.
        """
        numbers = x[:, : self.layout.numbers]
        if not self.layout.blocks:
            return numbers
        score = self.logits(x) + gumbel(noise)
        levels = self.drawn(score if allowed is None else score.masked_fill(~allowed, -math.inf))
        if len(self.gate):
            numbers = numbers.index_copy(1, self.gated, numbers[:, self.gated] * levels[:, self.gate])
        return torch.cat([numbers, levels], 1)

    def logits(self, x: Tensor) -> Tensor:
        """Of the levels of all blocks, (n, levels), from numbers and logits (n, width)."""
        return x[:, self.layout.numbers :].clamp(-LARGEST, LARGEST) + self.offset

    def chance(self, x: Tensor, allowed: Tensor) -> Tensor:
        """The probability (n,) that allowed levels, a mask (levels,), are drawn from numbers and logits (n, width)."""
        weight = self.logits(x).double().exp()
        both = torch.stack([weight * allowed, weight])
        mass = both.new_zeros(2, len(x), len(self.layout.blocks)).index_add(2, self.block, both)
        return (mass[0] / mass[1]).prod(1)

    def drawn(self, score: Tensor) -> Tensor:
        """One-hot vectors of the largest score (n, levels) of each block, with the gradient of a softmax."""
        index = self.block.expand_as(score)
        largest = score.new_full((score.shape[0], len(self.layout.blocks)), -math.inf)
        largest = largest.scatter_reduce(1, index, score.detach(), "amax")[:, self.block]
        hard = (score.detach() == largest).to(score.dtype)
        if not torch.is_grad_enabled():
            return hard
        weight = ((score - largest) / TEMPERATURE).exp()
        total = weight.new_zeros(len(score), len(self.layout.blocks)).index_add(1, self.block, weight)
        soft = weight / total[:, self.block]
        return soft + (hard - soft).detach()


class HeadedGenerator(nn.Module):
    """A generator that ends in a `LevelHead`, which takes its noise from the latent numbers behind the generator's own.

    Arguments:
        generator: from latent numbers to numbers and logits.
        head: ends it.
        tail: inputs of the generator that whoever wraps this one puts last, behind the noise: the vector of a class.
    """

    def __init__(self, generator: nn.Module, head: LevelHead, tail: int = 0) -> None:
        super().__init__()
        self.generator, self.head = generator, head
        inputs = generator.latent
        assert isinstance(inputs, int)
        self.parts = [inputs - tail, head.noise, tail]
        self.latent = sum(self.parts)

    def forward(self, z: Tensor) -> Tensor:
        """Rows (n, width) of latent numbers (n, latent)."""
        own, noise, tail = z.split(self.parts, 1)
        return cast(Tensor, self.head(self.generator(torch.cat([own, tail], 1)), noise))

    @property
    def margins(self) -> Margins:
        """Those that its rows are to have."""
        return self.head.margins

    def restricted(self, z: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """Rows (n, width) with allowed levels, a mask (levels,), only, and how probable those were, (n,)."""
        own, noise, tail = z.split(self.parts, 1)
        x = self.generator(torch.cat([own, tail], 1))
        return self.head(x, noise, allowed), self.head.chance(x, allowed)


def gumbel(normal: Tensor) -> Tensor:
    """Standard Gumbel numbers made of standard normal ones of the same shape."""
    # of the upper tail, which is where levels are decided: log(cdf) is as exact, and takes ten times as long
    beyond = (torch.erfc(normal / math.sqrt(2)) / 2).clamp_max(1 - 2**-23)
    return -(-torch.log1p(-beyond)).log()
