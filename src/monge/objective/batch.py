"""What one update of a network sees."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Real and generated samples of one update, in model scale, with all that was drawn for it.

    Attributes:
        real, fake: samples of shape (n, ...); in a critic's update `fake` carries no graph of the generator.
        segment: (n,) uniform positions on the segments between fake (0) and real (1).
        step: number of generator updates done; anything that anneals is a function of it.
        noise: standard normal numbers (2, n, ...) for an objective that adds noise to real and fake, or None.
        perturbation: standard normal numbers (m, n, ...) for a penalty that moves real samples, or None.
        labels: classes (n,) of the real samples, and those asked of the generator for the fake ones, or None.
        augment: uniform numbers (2, n, m) for the transforms of real and fake samples, or None.
        strength: probability of each of these transforms.
        codes: targets (n, c) that were drawn with the fake samples' latent codes and can be guessed, or None.

    Example:
        >>> import torch
        >>> from monge.objective import Batch, wgan_gp
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> critic = torch.nn.Linear(2, 1)
        >>> sorted(wgan_gp().critic_loss(critic, batch).named)
        ['critic_loss', 'penalty']
    """

    real: Tensor
    fake: Tensor
    segment: Tensor
    step: int
    noise: Tensor | None = None
    perturbation: Tensor | None = None
    labels: Tensor | None = None
    augment: Tensor | None = None
    strength: float | Tensor = 1.0
    codes: Tensor | None = None
