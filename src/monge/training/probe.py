"""The draws of a look at whether the critic has overfitted."""

from dataclasses import dataclass

import torch
from torch import Tensor

from monge.data.dataset import ArrayData
from monge.model.random import latent

EVERY = 32
"""Steps between two looks."""
PROBED = 256
"""Samples of each kind that are looked at."""


@dataclass(frozen=True)
class Probe:
    """What one look at the critic takes from the data and from chance.

    Attributes:
        real: (2, n, ...) training and validation samples in model scale.
        latent: (n, z) latent codes of generated ones.
        augment: (3, n, m) uniform numbers for the transforms of training, validation and generated samples.
    """

    real: Tensor
    latent: Tensor
    augment: Tensor

    @classmethod
    def draw(
        cls, train: ArrayData, validation: ArrayData, codes: int, numbers: int, random: torch.Generator
    ) -> "Probe":
        """The draws of a step.

        Arguments:
            train, validation: data whose training parts are those that the critic has seen and has not.
            codes: number of latent dimensions.
            numbers: uniform numbers that the transforms of a sample take.
            random: of the step.
        """
        real = torch.stack([data.batch(PROBED, random) for data in (train, validation)])
        return cls(real, latent(PROBED, codes, random), torch.rand(3, PROBED, numbers, generator=random))

    def to(self, device: torch.device) -> "Probe":
        """The same numbers on another device."""
        return Probe(self.real.to(device), self.latent.to(device), self.augment.to(device))
