r"""Latent codes that mean something: classes and coordinates that a generator is asked for.

All of them are functions of standard normal numbers, so that whoever draws a latent vector need not know of them.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from monge.errors import UserError


@dataclass(frozen=True)
class Codes:
    """Codes of a generator: one-hot classes, numbers from U(-1, 1), standard normal numbers.

    Arguments:
        categories: classes of each categorical code.
        categorical, uniform, normal: number of codes of each kind.
    """

    categories: int = 10
    categorical: int = 1
    uniform: int = 0
    normal: int = 0

    @property
    def count(self) -> int:
        """Latent dimensions that they are functions of."""
        return self.categorical + self.uniform + self.normal

    @property
    def width(self) -> int:
        """Inputs of the network that they take, and outputs of a head that guesses them."""
        return self.categorical * self.categories + self.uniform + self.normal

    def check(self, index: int, value: float) -> None:
        """Refuses a value that a code does not take.

        Raises:
            UserError: names the code, the value and what is allowed.
        """
        if not 0 <= index < self.count:
            raise UserError(f"--code {index}={value:g}: the index must be from 0 to {self.count - 1}; got {index}")
        if index < self.categorical and value not in range(self.categories):
            raise UserError(f"--code {index} must be a class from 0 to {self.categories - 1}; got {value:g}")
        if self.categorical <= index < self.categorical + self.uniform and not -1 <= value <= 1:
            raise UserError(f"--code {index} must be from -1 to 1; got {value:g}")

    def of(self, z: Tensor) -> Tensor:
        """Codes (n, count) of latent numbers (n, >= count): indices of classes, then uniform, then normal ones."""
        cells = (probability(z[:, : self.categorical]) * self.categories).floor().clamp(0, self.categories - 1)
        flat = 2 * probability(z[:, self.categorical : self.categorical + self.uniform]) - 1
        return torch.cat([cells, flat, z[:, self.categorical + self.uniform : self.count]], dim=1)

    def inputs(self, codes: Tensor) -> Tensor:
        """Codes (n, count) as the network takes them, (n, width)."""
        # not one_hot, which looks at the values
        cells = codes[:, : self.categorical, None] == torch.arange(self.categories, device=codes.device)
        return torch.cat([cells.flatten(1).to(codes.dtype), codes[:, self.categorical :]], dim=1)

    def surprise(self, guess: Tensor, codes: Tensor) -> Tensor:
        """Mean of -log Q(c | x) over samples, in nats, up to a constant, for a head's outputs (n, width)."""
        cells, numbers = guess.split([self.width - self.uniform - self.normal, self.uniform + self.normal], dim=1)
        classes = codes[:, : self.categorical].long()
        logits = cells.unflatten(1, (self.categorical, self.categories)) if self.categorical else cells
        total = F.cross_entropy(logits.flatten(0, 1), classes.flatten()) * self.categorical if self.categorical else 0
        value: Tensor = total + (numbers - codes[:, self.categorical :]).square().sum(dim=1).mean() / 2
        return value


def probability(z: Tensor) -> Tensor:
    """The normal distribution function: uniform numbers in [0, 1] from standard normal ones."""
    return 0.5 * (1 + torch.erf(z / math.sqrt(2)))


class CodedGenerator(nn.Module):
    """A generator whose first inputs are codes.

    Arguments:
        generator: takes `codes.width` inputs more than there are further latent dimensions.
        codes: which codes.
    """

    def __init__(self, generator: nn.Module, codes: Codes) -> None:
        super().__init__()
        self.generator, self.codes = generator, codes
        inputs = generator.latent
        assert isinstance(inputs, int)
        if inputs < codes.width:
            raise UserError(f"generator: the latent size must be at least {codes.width}, for the codes; got {inputs}")
        self.latent = inputs - codes.width + codes.count

    def forward(self, z: Tensor, codes: Tensor | None = None) -> Tensor:
        """Samples of latent numbers (n, latent); codes (n, count) replace those that follow from them."""
        chosen = self.codes.of(z) if codes is None else codes
        samples: Tensor = self.generator(torch.cat([self.codes.inputs(chosen), z[:, self.codes.count :]], dim=1))
        return samples
