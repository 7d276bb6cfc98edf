"""An objective: the composition of small parts that each do one thing."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from monge.errors import UserError
from monge.nn.collective import gathered
from monge.nn.layer import batch_norms
from monge.objective.augmentation import Augmentation
from monge.objective.auxiliary import Auxiliary
from monge.objective.batch import Batch
from monge.objective.constraint import Constraint
from monge.objective.loss import AdversarialLoss
from monge.objective.noise import NoiseSchedule
from monge.objective.penalty import Penalty

__all__ = ["Batch", "Objective", "Terms"]


@dataclass(frozen=True)
class Terms:
    """Named scalars that add up to what a network minimises.

    Example:
        >>> import torch
        >>> from monge.objective import Terms
        >>> Terms({"critic_loss": torch.tensor(-0.5), "penalty": torch.tensor(0.25)}).total.item()
        -0.25
    """

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
        augment: transforms of real and generated samples before the critic sees them; the noise comes after them.
        auxiliary: a term of both networks from an extra head of the critic.

    Example:
        >>> import torch
        >>> from monge.objective import Batch, GradientPenalty, Hinge, Objective
        >>> objective = Objective(Hinge(), penalty=GradientPenalty(weight=5.0))  # a combination nobody published
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> terms = objective.critic_loss(torch.nn.Linear(2, 1), batch)
        >>> bool(terms.total == terms.named["critic_loss"] + terms.named["penalty"])
        True
    """

    loss: AdversarialLoss
    penalty: Penalty | None = None
    constraint: Constraint | None = None
    noise: NoiseSchedule | None = None
    augment: Augmentation | None = None
    auxiliary: Auxiliary | None = None

    def check(self, critic: nn.Module, outputs: int = 1) -> None:
        """Refuses critics that this objective cannot train.

        Arguments:
            outputs: how many numbers the critic gives for a sample.

        Raises:
            UserError: a penalty per sample meets a critic with batch norm, a loss of numbers one with vectors, or a
                constraint one that it cannot constrain.
        """
        layers = batch_norms(critic)
        if self.penalty is not None and layers:
            raise UserError(
                f"critic: a penalty per sample does not work with batch norm (layer {layers[0]!r} mixes the batch); "
                "use e.g. --critic dcgan:norm=layer, or norm=none"
            )
        if outputs != 1 and not self.loss.vector:
            raise UserError(
                f"critic: {type(self.loss).__name__} needs one output per sample; this critic has {outputs}; "
                "use outputs=1, or an objective on vectors, e.g. --objective mmd-gan"
            )
        if self.constraint is not None:
            self.constraint.check(critic)

    def critic_loss(self, critic: nn.Module, batch: Batch) -> Terms:
        """The critic's terms: `critic_loss` and, if there are such, `penalty` and the auxiliary one's name."""
        batch = self.seen(batch)
        real, fake = self._both(critic, batch)
        terms = {"critic_loss": self.loss.critic(real, fake)}
        if self.penalty is not None:

            def witness(points: Tensor) -> Tensor:
                return self.loss.witness(judge(critic, points, batch), real, fake)

            terms["penalty"] = self.penalty(witness, batch)
        if self.auxiliary is not None:
            terms[f"critic_{self.auxiliary.name}"] = self.auxiliary.critic(critic, batch)
        return Terms(terms)

    def generator_loss(self, critic: nn.Module, batch: Batch) -> Terms:
        """The generator's terms on a batch whose fake samples carry its graph: `generator_loss` and perhaps another."""
        batch = self.seen(batch)
        fake = self._outputs(critic, batch.fake, batch)
        if self.loss.compares:
            with torch.no_grad():
                real = self._outputs(critic, batch.real, batch)
        else:
            real = fake.new_empty(0, fake.shape[1])
        terms = {"generator_loss": self.loss.generator(real, fake)}
        if self.auxiliary is not None:
            terms[f"generator_{self.auxiliary.name}"] = self.auxiliary.generator(critic, batch)
        return Terms(terms)

    def _both(self, critic: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Critic outputs at real and at generated samples.

        A critic with a penalty judges each sample by itself, so that one pass serves for both: gradients of its weights
        are then computed once, not twice and added.
        """
        if self.penalty is None or len(batch.real) != len(batch.fake):
            return self._outputs(critic, batch.real, batch), self._outputs(critic, batch.fake, batch)
        labels = None if batch.labels is None else batch.labels.repeat(2)
        own = judge(critic, torch.cat([batch.real, batch.fake]), replace(batch, labels=labels))
        real, fake = map(self._shared, own.chunk(2))
        return real, fake

    def _outputs(self, critic: nn.Module, samples: Tensor, batch: Batch) -> Tensor:
        """Critic outputs (n, k)."""
        return self._shared(judge(critic, samples, batch))

    def _shared(self, own: Tensor) -> Tensor:
        """Critic outputs, of all processes where the loss needs them together."""
        return own if self.loss.separable else gathered(own)

    def seen(self, batch: Batch) -> Batch:
        """The batch as the critic sees it: with transformed samples, and noise on them."""
        real, fake = batch.real, batch.fake
        if self.augment is not None:
            if batch.augment is None:
                raise ValueError("this objective transforms samples; the batch has no numbers for it")
            real, fake = (
                self.augment(x, numbers, batch.strength) for x, numbers in zip((real, fake), batch.augment, strict=True)
            )
        if self.noise is not None:
            if batch.noise is None:
                raise ValueError("this objective adds noise; the batch has none")
            std = self.noise(batch.step)
            real, fake = real + std * batch.noise[0], fake + std * batch.noise[1]
        return replace(batch, real=real, fake=fake)


def judge(critic: nn.Module, samples: Tensor, batch: Batch) -> Tensor:
    """Critic outputs (n, k), with the batch's classes where it has some."""
    outputs: Tensor = critic(samples) if batch.labels is None else critic(samples, batch.labels)
    return outputs
