"""What is read of a training critic: gaps on training and on held-out data."""

import numpy as np
import pytest
import torch
from torch import nn

from monge.data.source import in_memory
from monge.evaluation.critic_gap import CriticReading
from monge.evaluation.reference import ReferenceSamples
from monge.objective.kernel_loss import KernelDiscrepancy, NegativeDistanceKernel, RationalQuadraticKernel
from monge.objective.loss import AdversarialLoss, Wasserstein
from monge.objective.transport_loss import SinkhornDivergence

LOSSES: dict[str, tuple[AdversarialLoss, int]] = {
    "wasserstein": (Wasserstein(), 1),
    "mmd": (KernelDiscrepancy(RationalQuadraticKernel()), 8),
    "energy": (KernelDiscrepancy(NegativeDistanceKernel()), 8),
    "sinkhorn": (SinkhornDivergence(), 8),
}


def reading(name: str, seed: int, n: int = 750) -> CriticReading:
    """Of a critic that was never trained, beside a perfect generator."""
    random = np.random.default_rng(seed)
    data = in_memory(random.normal(size=(n, 8)))
    real = ReferenceSamples(data, draws=1, trained=False)
    torch.manual_seed(seed)
    loss, outputs = LOSSES[name]
    fake = data.codec.metric(random.normal(size=(real.fakes, 8)))
    return CriticReading(nn.Linear(8, outputs), loss, data.codec, real, fake)


@pytest.mark.parametrize("name", LOSSES)
def test_a_critic_that_learned_nothing_favours_no_side(name: str) -> None:
    """Its gaps differ by chance alone, and as much as their standard error says."""
    found = [reading(name, seed) for seed in range(24)]
    shares = np.array([(one.train_gap - one.held_out_gap) / one.gap_error for one in found])
    assert abs(shares.mean()) < 4 / len(shares) ** 0.5
    assert 0.5 < shares.std() < 1.6


def test_a_critic_that_knows_its_training_data_is_seen() -> None:
    """It says 1 at training samples, and 0 elsewhere."""
    random = np.random.default_rng(0)
    data = in_memory(random.normal(size=(100, 2)))
    real = ReferenceSamples(data, draws=1, trained=False)

    class Memory(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.known = nn.Parameter(data.codec.from_metric(torch.from_numpy(real.train[0])).float())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (-10 * torch.cdist(x, self.known).amin(dim=1, keepdim=True)).exp()

    fake = data.codec.metric(random.normal(size=(real.fakes, 2)))
    seen = CriticReading(Memory(), Wasserstein(), data.codec, real, fake)
    assert seen.train_gap > 3 * abs(seen.held_out_gap)
    assert seen.train_gap - seen.held_out_gap > 5 * seen.gap_error
