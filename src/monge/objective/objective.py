"""An objective: the composition of small parts that each do one thing."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.layer import batch_norms
from monge.objective.batch import Batch
from monge.objective.constraint import Constraint
from monge.objective.loss import AdversarialLoss
from monge.objective.noise import NoiseSchedule
from monge.objective.penalty import Penalty

__all__ = ["Batch", "Objective", "Terms"]


@dataclass(frozen=True)
class Terms:
    """Named scalars that add up to what a network minimises."""

    named: dict[str, Tensor]

    @property
    def total(self) -> Tensor:
        """The sum of all terms."""
        return torch.stack(list(self.named.values())).sum()


@dataclass(frozen=True)
class Objective:
    """What critic and generator minimise. Stateless: the same inputs give the same value.

    Arguments:
        loss: adversarial loss on critic outputs.
        penalty: added to the critic's loss; refused on a critic with batch norm.
        constraint: applied to the critic in place after each of its updates.
        noise: added to real and generated samples alike before the critic sees them.
    """

    loss: AdversarialLoss
    penalty: Penalty | None = None
    constraint: Constraint | None = None
    noise: NoiseSchedule | None = None

    def check(self, critic: nn.Module) -> None:
        """Refuses critics that this objective cannot train.

        Raises:
            UserError: a penalty per sample meets a critic with batch norm.
        """
        layers = batch_norms(critic)
        if self.penalty is not None and layers:
            raise UserError(
                f"critic: a penalty per sample cannot be used with batch norm (layer {layers[0]!r} mixes the batch); "
                "use layer norm instead, e.g. --critic dcgan:norm=layer, or norm=none"
            )

    def critic_loss(self, critic: nn.Module, batch: Batch) -> Terms:
        """The critic's terms: `critic_loss` and, if there is one, `penalty`."""
        if self.noise is not None:
            real, fake = torch.stack([batch.real, batch.fake]) + self.noise(batch.step) * drawn(batch.noise)
            batch = replace(batch, real=real, fake=fake)
        terms = {"critic_loss": self.loss.critic(critic(batch.real), critic(batch.fake))}
        if self.penalty is not None:
            terms["penalty"] = self.penalty(critic, batch)
        return Terms(terms)

    def generator_loss(self, critic: nn.Module, fake: Tensor, step: int = 0, noise: Tensor | None = None) -> Terms:
        """The generator's terms on samples (n, ...) that carry its graph: `generator_loss`.

        Arguments:
            step: number of generator updates done.
            noise: standard normal numbers like `fake`, for an objective that adds noise.
        """
        if self.noise is not None:
            fake = fake + self.noise(step) * drawn(noise)
        return Terms({"generator_loss": self.loss.generator(critic(fake))})


def drawn(noise: Tensor | None) -> Tensor:
    """The noise that came with a batch; an objective that adds noise draws none of its own."""
    if noise is None:
        raise ValueError("this objective adds noise, and the batch brings none")
    return noise
