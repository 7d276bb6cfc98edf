"""What is noted of a training at each update, inside of its steps: the critic's loss, and an optimiser's angles."""

from typing import Any

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector
from torch.optim import Optimizer

from monge.objective.loss import AdversarialLoss


class Recorded(AdversarialLoss):
    """A loss that notes each value of the critic's.

    Arguments:
        loss: the one that both networks minimise.

    Attributes:
        values: of the critic's loss, in order.
    """

    def __init__(self, loss: AdversarialLoss) -> None:
        self._loss = loss
        self.values: list[float] = []

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        value = self._loss.critic(real, fake)
        self.values.append(float(value.detach()))
        return value

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self._loss.generator(real, fake)


def cosines(optimiser: Optimizer) -> list[float]:
    """A list to which every step of an optimiser adds the cosine between it and the negative gradient."""
    parameters: list[Tensor] = [p for group in optimiser.param_groups for p in group["params"]]
    found: list[float] = []
    before: list[Tensor] = []

    def remember(*_: Any) -> None:
        before[:] = [parameters_to_vector(parameters).detach()]

    def compare(*_: Any) -> None:
        update = (parameters_to_vector(parameters).detach() - before[0]).double()
        gradient = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).double()
        length = float(update.norm() * gradient.norm())
        found.append(-float(update @ gradient) / length if length else 0.0)

    optimiser.register_step_pre_hook(remember)
    optimiser.register_step_post_hook(compare)
    return found
