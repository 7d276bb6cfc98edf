r"""A loss by transport: the Sinkhorn divergence of the critic's vectors of real and of generated samples.

`monge.distance.transport.sinkhorn` has the theory and iterates until it converges; here the number of iterations is
fixed, and gradients are taken through all of them.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from monge.objective.kernel_loss import distances
from monge.objective.loss import AdversarialLoss
from monge.objective.option import above_zero

HALVINGS = 30
"""Steps in which epsilon falls, at most: from a billion times its value."""


@dataclass(frozen=True)
class SinkhornDivergence(AdversarialLoss):
    r"""Entropic transport between the critic's vectors, less what the entropy does to equal distributions; the critic
    maximises.

    .. math:: L_G = -L_D = \mathrm{OT}_\varepsilon(h_r, h_g) - \tfrac12 \mathrm{OT}_\varepsilon(h_r, h_r)
              - \tfrac12 \mathrm{OT}_\varepsilon(h_g, h_g)
              = \mathbb{E}_{h_r} (f - f_r) + \mathbb{E}_{h_g} (g - f_g)

    with the Euclidean distance of vectors as cost, the potentials f and g between the two samples, and f_r, f_g those
    of each with itself. It goes from W1 (epsilon -> 0) to half the energy distance (epsilon -> infinity), and is zero
    for equal samples after any number of iterations, because all potentials take the same averaged steps
    :math:`f \leftarrow \frac12 (f + T(g))` in the log domain. During the first half of them (at most 30) epsilon falls
    by halves, then it stays; what is left to converge grows with the cost over epsilon.

    The **witness** :math:`\frac12 (f - f_r) - \frac12 (g - f_g)` is half the divergence's first variation towards more
    real and less generated mass; the potentials are continued to all points by their own equations. For epsilon ->
    infinity it is that of the energy distance, for epsilon -> 0 the Kantorovich potential where both distributions have
    mass.

    References: Genevay, Peyre, Cuturi 2018, "Learning generative models with Sinkhorn divergences", section 3 (there
    twice as large, and of OT the transport part alone); Feydy et al. 2019, "Interpolating between optimal transport and
    MMD using Sinkhorn divergences", eq. 3 and theorem 1.

    Arguments:
        epsilon: strength of the entropy term, in units of the critic's outputs, > 0.
        iterations: steps for each of the three problems, >= 1.

    Example:
        >>> import torch
        >>> from monge.objective import SinkhornDivergence
        >>> x = torch.randn(32, 2, generator=torch.Generator().manual_seed(0))  # critic outputs, two a sample
        >>> loss = SinkhornDivergence(epsilon=0.1)
        >>> abs(loss.generator(x, x).item()) < 1e-6, loss.generator(x, x + 3).item() > 3
        (True, True)
    """

    epsilon: float = 1.0
    iterations: int = 10
    vector: ClassVar[bool] = True

    def __post_init__(self) -> None:
        above_zero(
            "epsilon",
            self.epsilon,
            "to train without an entropy term, choose another objective, e.g. --objective wgan-gp",
        )
        above_zero("iterations", self.iterations)

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return -self.generator(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        f, g, own_real, own_fake = self._potentials(real, fake)
        return (f - own_real).mean() + (g - own_fake).mean()

    def witness(self, outputs: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        f, g, own_real, own_fake = self._potentials(real, fake)
        to_real, to_fake = distances(outputs, real), distances(outputs, fake)
        towards = _step(to_fake, g, self.epsilon) - _step(to_real, own_real, self.epsilon)
        away = _step(to_real, f, self.epsilon) - _step(to_fake, own_fake, self.epsilon)
        return (towards - away) / 2

    def _potentials(self, real: Tensor, fake: Tensor) -> list[Tensor]:
        """The potentials f, g, f_r and f_g at the vectors (n, k) and (m, k)."""
        cross = distances(real, fake)
        costs = (cross, cross.T, distances(real, real), distances(fake, fake))
        potentials = [cross.new_zeros(len(x)) for x in (real, fake, real, fake)]

        def step(epsilon: float) -> list[Tensor]:
            f, g, own_real, own_fake = potentials
            return [_step(cost, p, epsilon) for cost, p in zip(costs, (g, f, own_real, own_fake), strict=True)]

        halvings = min(self.iterations // 2, HALVINGS)
        for done in range(self.iterations):
            new = step(self.epsilon * 2.0 ** max(0, halvings - done))
            potentials = [(one + other) / 2 for one, other in zip(potentials, new, strict=True)]
        return step(self.epsilon)


def _step(cost: Tensor, g: Tensor, epsilon: float) -> Tensor:
    """T(g) for costs (n, m): what f must be for the plan's first marginal to be right.

    From differences to the largest exponent by expm1, so that nothing cancels where epsilon is far above the cost.
    """
    values = g - cost
    largest = values.detach().amax(dim=1)
    rest = torch.expm1((values - largest[:, None]) / epsilon).mean(dim=1)
    return -largest - epsilon * torch.log1p(rest)
