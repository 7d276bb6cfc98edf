r"""Augmentation whose strength follows how far the critic has learnt the training images by heart.

.. math:: r = \frac{\mathbb{E} D(x_{train}) - \mathbb{E} D(x_{validation})}
                 {\mathbb{E} D(x_{train}) - \mathbb{E} D(G(z))}

is 0 for a critic that cannot tell training images from images of the same distribution that it never saw, and 1 for
one that takes those for generated ones. It depends neither on the critic's scale nor on its offset, which a Wasserstein
critic is free to choose; for that reason the sign of D, which Karras et al. look at, does not serve here.

Reference: Karras et al. 2020, "Training generative adversarial networks with limited data", section 3 and eq. 1 (there
with the difference of validation and generated images in the numerator's place, :math:`1 - r`).
"""

import torch
from torch import Tensor

from monge.nn.collective import alone
from monge.objective import Augmentation
from monge.training.probe import EVERY, Probe
from monge.training.state import TrainingState

TARGET = 0.5
"""What r is kept at."""
FULL = 100_000
"""Images that the critic sees while the strength goes from 0 to 1."""


def overfitting(state: TrainingState, augment: Augmentation, probe: Probe) -> Tensor:
    """The ratio r on transformed samples, as the critic sees them; 0 where it sets nothing apart."""
    with torch.no_grad(), alone():  # the samples are few enough for each of several processes to look at all
        samples = [*probe.real, state.generator(probe.latent)]
        train, validation, fake = (
            state.critic(augment(x, uniform, state.strength)).mean()
            for x, uniform in zip(samples, probe.augment, strict=True)
        )
        apart = train - fake
        return torch.where(apart > 0, (train - validation) / apart, torch.zeros_like(apart))


def steer(state: TrainingState, augment: Augmentation, probe: Probe, batch: int) -> None:
    """Makes the transforms a little more likely where the critic has overfitted, else a little less.

    Arguments:
        batch: images of an update.
    """
    move = EVERY * batch / FULL
    up = overfitting(state, augment, probe) > TARGET
    state.strength = (state.strength + torch.where(up, move, -move)).clamp(0, 1)
