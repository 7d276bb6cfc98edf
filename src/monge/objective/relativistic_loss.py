"""A loss of pairs: only how much more real one sample looks than another counts."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from monge.objective.loss import AdversarialLoss, softplus


@dataclass(frozen=True)
class RelativisticPaired(AdversarialLoss):
    r"""Each real sample is to look more real than its generated partner; the generator wants the opposite.

    .. math:: L_D = \mathbb{E} \log\bigl(1 + e^{-(D(x_r) - D(x_g))}\bigr), \qquad
              L_G = \mathbb{E} \log\bigl(1 + e^{-(D(x_g) - D(x_r))}\bigr)

    The i-th real and the i-th generated sample are partners; only differences of D count.

    Reference: Jolicoeur-Martineau 2019, "The relativistic discriminator" (the relativistic standard GAN); Huang et al.
    2024, "The GAN is dead; long live the GAN! A modern GAN baseline", eq. 2.

    Example:
        >>> import torch
        >>> from monge.objective import RelativisticPaired
        >>> real, fake = torch.tensor([[2.0], [1.0]]), torch.tensor([[-1.0], [0.0]])  # critic outputs
        >>> loss = RelativisticPaired()
        >>> bool(torch.isclose(loss.critic(real, fake), loss.critic(real + 5, fake + 5)))  # only differences count
        True
    """

    separable: ClassVar[bool] = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real - fake).mean()
