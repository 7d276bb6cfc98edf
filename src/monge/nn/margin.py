r"""Weights under which generated rows have the margins of the data: the last touch on a generator of tables.

What training leaves of single columns to chance, such as a rate of missing values that is a point too high, is easily
seen in a table. Rows are weighted by :math:`w(x) = \exp \sum_m \lambda_m [x \in m]` over the margins m, the levels of
each column and ten ranges of each number, and kept with probability :math:`\min(1, w / c)`. Of all laws with the
data's margins this is the one that is nearest, in Kullback-Leibler divergence, to the generator's own; iterative
scaling finds the multipliers, and how columns go together stays as the generator has it.

Reference: Deming, Stephan 1940, "On a least squares adjustment of a sampled frequency table", section 5; Csiszar 1975,
"I-divergence geometry of probability distributions and minimization problems", theorem 3.1.
"""

from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

RANGES = 10
"""Ranges of a number, of which each has as many training rows."""
ROUNDS = 30
"""Of scaling each column's margins in turn."""
MOST = 1.5
"""Size of a multiplier, at most: what is farther off is not mended by choosing among rows."""
CUT = 0.002
"""Share of the rows' weight that lies beyond c, and is cut off."""
LEAST = 0.1
"""Share of the rows that are kept, at least, however much is cut off: of a generator that has hardly been trained."""


class Layout(NamedTuple):
    """What the numbers of one row in model scale are.

    Arguments:
        numbers: how many plain numbers come first.
        blocks: sizes of the blocks of levels behind them.
        gates: for each number that has a block, its position, and the position (in the row) of the level that turns
            it on; with any other level the number is 0.
    """

    numbers: int
    blocks: tuple[int, ...] = ()
    gates: tuple[tuple[int, int], ...] = ()

    @property
    def width(self) -> int:
        """Numbers of a row."""
        return self.numbers + sum(self.blocks)


class Margins(nn.Module):
    """The margins of rows in model scale, and the weights that they give to rows.

    Arguments:
        layout: of a row.
    """

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        ranges = [RANGES] * layout.numbers
        self.ends = [0, *accumulate([*ranges, *layout.blocks])]
        self.multipliers = nn.Buffer(torch.zeros(self.ends[-1]))
        self.cut = nn.Buffer(torch.zeros(()))
        inner = torch.arange(1, RANGES) / RANGES
        self.edges = nn.Buffer(torch.special.ndtri(inner), persistent=False)

    def of(self, x: Tensor) -> Tensor:
        """Which margins rows (n, width) are in, 0 or 1, (n, margins); a number that is not on is in none."""
        numbers = x[:, : self.layout.numbers].contiguous()
        place = torch.bucketize(numbers, self.edges)
        ranges = nn.functional.one_hot(place, RANGES).to(x.dtype)
        for number, gate in self.layout.gates:
            ranges[:, number] *= x[:, gate, None]
        return torch.cat([ranges.flatten(1), x[:, self.layout.numbers :]], 1)

    def chance(self, x: Tensor) -> Tensor:
        """The probability (n,) of rows (n, width) of being kept."""
        return (self.of(x) @ self.multipliers - self.cut).clamp_max(0).exp()

    @torch.no_grad()
    def fit(self, x: Tensor, shares: Tensor) -> None:
        """Finds the multipliers under which rows (n, width) have the given shares (margins,)."""
        inside, weight = self.of(x), torch.ones(len(x), device=x.device)
        found = torch.zeros_like(self.multipliers)
        for _ in range(ROUNDS):
            for start, end in pairwise(self.ends):
                part = inside[:, start:end]
                now = weight @ part / weight.sum()
                known = (now > 0) & (shares[start:end] > 0)
                step = torch.where(known, shares[start:end].clamp_min(1e-9).log() - now.clamp_min(1e-9).log(), 0.0)
                step = (found[start:end] + step).clamp(-MOST, MOST) - found[start:end]
                found[start:end] += step
                weight *= (part @ step).exp()
        self.multipliers.copy_(found)
        self.cut.copy_(cut_of((inside @ found).double().exp()).log())


def cut_of(weight: Tensor) -> Tensor:
    r"""The c beyond which :math:`\sum \max(0, w - c)` is the share `CUT` of all weights (n,), or just less.

    It is smaller if :math:`\min(1, w / c)` would be less than `LEAST` on average.
    """
    falling = weight.sort(descending=True).values
    count, mass = torch.arange(1, len(falling) + 1, device=weight.device), falling.cumsum(0)
    first = (mass - count * falling <= CUT * mass[-1]).sum() - 1
    kept = (count + (mass[-1] - mass) / falling) / len(falling)
    return falling[max(int(first), int((kept < LEAST).sum()))]
