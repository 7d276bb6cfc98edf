"""Constraints: changes in place of the critic's parameters after each of its updates."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import nn


class Constraint(ABC):
    """Projects the critic back onto an admissible set after its update."""

    @abstractmethod
    def __call__(self, critic: nn.Module) -> None:
        """Changes the critic's parameters in place."""


@dataclass(frozen=True)
class ClipWeights(Constraint):
    """Clips every parameter to [-bound, bound]; the critic is then K-Lipschitz for some unknown K.

    Reference: Arjovsky, Chintala, Bottou 2017, Algorithm 1, line 7; the third of source 003's four changes.

    Arguments:
        bound: clipping constant c > 0.
    """

    bound: float = 0.01

    @torch.no_grad()
    def __call__(self, critic: nn.Module) -> None:
        for parameter in critic.parameters():
            parameter.clamp_(-self.bound, self.bound)
