"""Penalties on the critic's slopes: functions of the critic and a batch that add to the critic's loss."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from monge.objective.batch import Batch


class Penalty(ABC):
    """A differentiable scalar that the critic's loss gains; evaluated for each sample apart, then averaged."""

    @abstractmethod
    def __call__(self, critic: nn.Module, batch: Batch) -> Tensor:
        """The weighted penalty."""


@dataclass(frozen=True)
class GradientPenalty(Penalty):
    r"""Penalises critic slopes that differ from the target on segments between real and generated points.

    .. math:: \lambda\, \mathbb{E}_{\hat x}\bigl[(\lVert\nabla_{\hat x} D(\hat x)\rVert_2 - K)^2\bigr], \qquad
              \hat x = t x_r + (1 - t) x_f, \quad t \sim U(0, 1) \text{ for each sample}

    The norm is that of one sample's gradient; a norm over the whole batch is a different, wrong penalty.

    Reference: Gulrajani et al. 2017, eq. 3 and Algorithm 1; source 001, eq. 10-12.

    Arguments:
        weight: penalty weight lambda (dimensionless, >= 0).
        target: slope K that costs nothing (critic units per data unit).
    """

    weight: float = 10.0
    target: float = 1.0

    def __call__(self, critic: nn.Module, batch: Batch) -> Tensor:
        position = batch.segment.view(-1, *[1] * (batch.real.dim() - 1))
        points = torch.lerp(batch.fake, batch.real, position).requires_grad_()
        (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        return self.weight * (slope(gradient) - self.target).square().mean()


def slope(gradient: Tensor) -> Tensor:
    """Euclidean norm of each sample's gradient, (n, ...) -> (n,); its own gradient at zero is zero, not NaN."""
    norm: Tensor = gradient.flatten(1).norm(dim=1)
    return norm
