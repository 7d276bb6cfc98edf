r"""Generators that are pulled straight to real samples, by exact transport: no critic is learned.

To minimise W1 against n real samples :math:`y_j`, every generated sample x moves towards one of them. Which one is said

- by an optimal assignment to a batch of real samples, whose cost is W1 of two batches and over-estimates that of
    distributions;
- or by the potential of the semi-dual, one height for each of all real samples,

.. math:: W_1(p_g, p_r) = \max_b \; \mathbb{E}_{x \sim p_g} \min_j \bigl(\lVert x - y_j \rVert + b_j\bigr)
                          - \frac1n \sum_j b_j,

which is concave in b and is climbed by stochastic gradients: its derivative in :math:`b_j` is the share of generated
samples that j gets, less 1/n.

References: Genevay, Cuturi, Peyre, Bach 2016, "Stochastic optimization for large-scale optimal transport", section 4
(semi-dual); Mallasto et al. 2019, Stanczuk et al. 2021 (batches).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.experiment import trial
from monge.model.build import latent_size
from monge.model.random import Purpose, stream
from monge.objective import Objective
from monge.training.sampler import StepInputs
from monge.training.state import TrainingState

BATCH = 256
"""Samples of an update."""
CLIMBS = 2
"""Updates of the heights for each of the generator."""
HEIGHT_RATE = 0.01
"""In data units, for shares in units of 1/n."""


class Assignment(Protocol):
    """Says which real sample each generated one moves to."""

    def learn(self, fake: Tensor, rate: float) -> None:
        """Learns from generated samples (m, d), at a rate from 1 to 0."""

    def targets(self, fake: Tensor, draw: torch.Generator) -> Tensor:
        """A real sample for each of generated ones (m, d), (m, d)."""

    def estimate(self, fake: Tensor, draw: torch.Generator) -> float:
        """W1 between the real samples and generated ones (m, d), as it is minimised."""


class BatchTransport:
    """Optimal assignments to random batches of real samples.

    Arguments:
        real: all training samples, (n, d).
    """

    def __init__(self, real: Tensor) -> None:
        self._real = real

    def learn(self, fake: Tensor, rate: float) -> None:
        """Nothing is to be learned."""

    def targets(self, fake: Tensor, draw: torch.Generator) -> Tensor:
        """The partners of generated samples (m, d) in a batch of as many different real ones, (m, d)."""
        batch = self._real[torch.randperm(len(self._real), generator=draw)[: len(fake)]]
        return batch[torch.from_numpy(linear_sum_assignment(torch.cdist(fake, batch).numpy())[1])]

    def estimate(self, fake: Tensor, draw: torch.Generator) -> float:
        """The mean cost of assignments of whole batches."""
        parts = [part for part in fake.split(BATCH) if len(part) == min(BATCH, len(fake))]
        return float(torch.cat([(part - self.targets(part, draw)).norm(dim=1) for part in parts]).mean())


class SemiDual:
    """The nearest real sample, after a height is added to the distance of each.

    Arguments:
        real: all training samples, (n, d).
    """

    def __init__(self, real: Tensor) -> None:
        self._real = real
        self.heights = torch.zeros(len(real))

    def learn(self, fake: Tensor, rate: float) -> None:
        """Climbs by the share of each real sample in generated ones (m, d)."""
        shares = torch.bincount(self._chosen(fake), minlength=len(self._real)) / len(fake)
        self.heights += rate * HEIGHT_RATE * (shares * len(self._real) - 1)

    def targets(self, fake: Tensor, draw: torch.Generator) -> Tensor:
        """The real samples that are nearest by distance and height, (m, d)."""
        return self._real[self._chosen(fake)]

    def estimate(self, fake: Tensor, draw: torch.Generator) -> float:
        """The semi-dual's value, which is W1 at the best heights and below it at all others."""
        lowest = (torch.cdist(fake, self._real) + self.heights).min(dim=1).values
        return float(lowest.mean() - self.heights.mean())

    def _chosen(self, fake: Tensor) -> Tensor:
        return (torch.cdist(fake, self._real) + self.heights).argmin(dim=1)


ASSIGNMENTS: Mapping[str, Callable[[Tensor], Assignment]] = {"batches": BatchTransport, "all digits": SemiDual}
SETTINGS = (BATCH, CLIMBS, HEIGHT_RATE)


def train_by_assignment(config: Config, data: DataSet, assignment: Assignment) -> TrainingState:
    """The state whose generator has taken a config's steps towards real samples; its critic is left as it was.

    Arguments:
        config: of generator, steps, learning rate and average; its objective has no part in this.
    """

    def step(state: TrainingState, objective: Objective, draw: StepInputs) -> dict[str, Tensor]:
        size = latent_size(state.generator)
        rate = state.generator_optimiser.param_groups[0]["lr"] / config.training.learning_rate
        codes = stream(config.seed, Purpose.LATENT, state.step)
        for _ in range(CLIMBS):
            with torch.no_grad():
                fake = state.generator(torch.randn(BATCH, size, generator=codes)).flatten(1)
            assignment.learn(fake, rate)
        fake = state.generator(torch.randn(BATCH, size, generator=codes)).flatten(1)
        offset = fake - assignment.targets(fake.detach(), codes)
        # a sample on its target has no gradient; the clamp makes it zero instead of NaN
        distance = offset.square().sum(dim=1).clamp_min(1e-12).sqrt().mean()
        state.generator_optimiser.zero_grad()
        distance.backward()
        state.generator_optimiser.step()
        state.average.update(state.generator)
        state.step += 1
        return {"distance": distance.detach()}

    return trial.train(config, data, step=step)
