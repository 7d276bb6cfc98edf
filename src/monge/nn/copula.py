"""A Gaussian copula as a generator: what is known of each column and of all pairs, and nothing else."""

import math

import torch
from torch import Tensor, nn

from monge.nn.margin import Layout, Margins

GRID = 2048
"""Quantiles that stand for a column."""


class CopulaGenerator(nn.Module):
    r"""Rows whose columns have the data's marginal distributions, joined by correlated normal numbers.

    A latent z gives :math:`c = R z` with :math:`R R^T` the correlation of the columns' normal scores, and column j is
    its quantile at :math:`\Phi(c_j)`. Nothing is trained; `monge.model.copula.fit` finds R and the quantiles.

    Reference: Xue-Kun Song 2000, "Multivariate dispersion models generated from Gaussian copula", section 2.

    Arguments:
        layout: of a row in model scale.
        columns: how many columns a row has, d.
    """

    def __init__(self, layout: Layout, columns: int) -> None:
        super().__init__()
        self.layout, self.latent = layout, columns
        self.root = nn.Buffer(torch.eye(columns))
        self.numbers = nn.Buffer(torch.zeros(columns, GRID))
        self.places = nn.Buffer(torch.full((columns,), -1))
        self.levels = nn.Buffer(torch.full((columns, GRID), -1))
        self.margins = Margins(layout)
        self.register_load_state_dict_pre_hook(_without_margins)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_check)  # type: ignore[no-untyped-call]

    def forward(self, z: Tensor) -> Tensor:
        """Rows (n, width) of latent numbers (n, columns).

        A column's number goes to its place in the row, if it has one (`places`), and the level that its quantile has
        is switched on (`levels`, positions in the row); -1 stands for none.
        """
        at = torch.erfc(z @ self.root.T / -math.sqrt(2)).mul(GRID / 2).sub(0.5).clamp(0, GRID - 1)
        low, high, near = at.floor().long(), at.ceil().long(), at.round().long()
        level, behind = _read(self.levels, near), self.layout.width  # where goes what has no place
        out = z.new_zeros(z.shape[0], behind + 1)
        out = out.scatter_add(1, torch.where(level < 0, behind, level), torch.ones_like(at))
        between = torch.lerp(_read(self.numbers, low), _read(self.numbers, high), at - low)
        alike = _read(self.levels, low) == _read(self.levels, high)
        numbers = torch.where(alike, between, _read(self.numbers, near))
        places = torch.where(self.places < 0, behind, self.places).expand(z.shape[0], -1)
        return out.scatter(1, places, numbers)[:, :behind]


def _without_margins(module: nn.Module, weights: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Gives the weights of an older version, whose rows were all kept, multipliers of which all are."""
    assert isinstance(module, CopulaGenerator)
    for name, buffer in module.margins.named_buffers():
        if name in ("multipliers", "cut"):
            weights.setdefault(f"{prefix}margins.{name}", torch.zeros(buffer.shape))


def _check(module: nn.Module, _: object) -> None:
    """Refuses weights of rows of another layout, which have places in a row that this one does not have."""
    assert isinstance(module, CopulaGenerator)
    for places in (module.places, module.levels):
        if not places.is_meta and places.numel() and int(places.max()) >= module.layout.width:
            raise ValueError(f"it has places up to {int(places.max())} in a row of {module.layout.width} numbers")


def _read(table: Tensor, at: Tensor) -> Tensor:
    """The entries (n, columns) of a table (columns, GRID) at positions (n, columns)."""
    return table.gather(1, at.T).T
