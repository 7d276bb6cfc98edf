"""Adversarial losses on critic outputs of shape (n, 1). Stateless; both networks minimise."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor


class AdversarialLoss(ABC):
    """A pair of losses, one for each network, of critic outputs on real and generated samples."""

    @abstractmethod
    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the critic minimises, a scalar; `real` and `fake` are critic outputs of shape (n, 1)."""

    @abstractmethod
    def generator(self, fake: Tensor) -> Tensor:
        """What the generator minimises, a scalar."""


@dataclass(frozen=True)
class Wasserstein(AdversarialLoss):
    r"""The Kantorovich-Rubinstein dual: no sigmoid, no logarithm.

    .. math:: L_D = \mathbb{E}_{x \sim p_g} D(x) - \mathbb{E}_{x \sim p_r} D(x), \qquad
              L_G = -\mathbb{E}_{x \sim p_g} D(x)

    Reference: Arjovsky, Chintala, Bottou 2017, eq. 3; source 001, eq. 9 and 14; source 003, part four.
    """

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor) -> Tensor:
        return -fake.mean()
