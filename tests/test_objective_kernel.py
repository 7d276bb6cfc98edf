"""Losses of vectors against the measures of `monge.distance`, and what their witnesses are."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from monge.distance.kernel import kernel as measured
from monge.distance.kernel.discrepancy import discrepancy, energy
from monge.distance.kernel.witness import kernel_ipm
from monge.distance.transport.exact import wasserstein
from monge.distance.transport.sinkhorn import sinkhorn_divergence
from monge.errors import UserError
from monge.objective.kernel_loss import (
    LENGTHS,
    SHAPES,
    CriticKernel,
    GaussianKernel,
    KernelDiscrepancy,
    NegativeDistanceKernel,
    RationalQuadraticKernel,
    distances,
)
from monge.objective.loss import AdversarialLoss
from monge.objective.transport_loss import SinkhornDivergence

few = settings(deadline=None, max_examples=20)
PAIRS: list[tuple[CriticKernel, measured.Kernel, int]] = [
    (GaussianKernel(), measured.Gaussian(LENGTHS), len(LENGTHS)),
    (GaussianKernel((0.5,)), measured.Gaussian((0.5,)), 1),
    (RationalQuadraticKernel(), measured.RationalQuadratic(1.0, SHAPES), len(SHAPES)),
    (NegativeDistanceKernel(), measured.NegativeDistance(), 1),
]
every_kernel = pytest.mark.parametrize(("kernel", "other", "members"), PAIRS)
LOSSES: list[AdversarialLoss] = [KernelDiscrepancy(kernel) for kernel, _, _ in PAIRS] + [SinkhornDivergence()]
every_loss = pytest.mark.parametrize("loss", LOSSES)


def sets(n: int = 12, m: int = 9, k: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    draw = np.random.default_rng(seed)
    return torch.from_numpy(draw.normal(size=(n, k))), torch.from_numpy(0.7 * draw.normal(size=(m, k)) + 1)


@every_kernel
def test_kernel_losses_are_unbiased_discrepancies(kernel: CriticKernel, other: measured.Kernel, members: int) -> None:
    real, fake = sets()
    expected = members * discrepancy(real, fake, other).squared
    assert KernelDiscrepancy(kernel).generator(real, fake).item() == pytest.approx(expected, rel=1e-12)
    assert KernelDiscrepancy(kernel).critic(real, fake).item() == pytest.approx(-expected, rel=1e-12)


@every_kernel
def test_kernel_witness_is_that_of_the_metric(kernel: CriticKernel, other: measured.Kernel, members: int) -> None:
    real, fake = sets()
    points = torch.cat(sets(5, 5, seed=1))
    found = KernelDiscrepancy(kernel).witness(points, real, fake)
    plug_in = discrepancy(real, fake, other).plug_in
    expected = kernel_ipm(real, fake, other).witness(points.numpy()) * plug_in**0.5 * members
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@every_kernel
def test_expectation_is_the_discrepancy_of_the_laws(kernel: CriticKernel, other: measured.Kernel, members: int) -> None:
    # all samples of two from laws on two points each: their mean is the expectation, exactly
    p, q = sets(2, 2)
    values = [
        KernelDiscrepancy(kernel).generator(p[[i, j]], q[[a, b]]).item() for i, j, a, b in product(range(2), repeat=4)
    ]
    law = kernel(p, p).mean() + kernel(q, q).mean() - 2 * kernel(p, q).mean()
    assert np.mean(values) == pytest.approx(law.item(), rel=1e-12)
    assert law >= 0
    assert min(values) < law


def test_energy_loss_of_numbers_is_a_distance_of_distribution_functions() -> None:
    real, fake = sets(40, 30, 1)
    grid = np.sort(np.concatenate([real.numpy(), fake.numpy()]).ravel())
    steps = [(np.sort(x.numpy().ravel())[:, None] <= grid[:-1]).mean(axis=0) for x in (real, fake)]
    area = 2 * np.sum((steps[0] - steps[1]) ** 2 * np.diff(grid))
    assert energy(real, fake).plug_in == pytest.approx(area)
    value = KernelDiscrepancy(NegativeDistanceKernel()).generator(real, fake).item()
    assert value == pytest.approx(energy(real, fake).squared)


@every_loss
@few
@given(st.floats(-5, 5), st.integers(0, 1000))
def test_shifts_turns_and_order_do_not_count(loss: AdversarialLoss, shift: float, seed: int) -> None:
    real, fake = sets(seed=seed)
    turn = torch.linalg.qr(sets(3, 3, seed=seed)[0]).Q
    value = loss.generator(real, fake)
    torch.testing.assert_close(loss.generator(fake, real), value, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(loss.generator(real.flip(0) @ turn + shift, fake @ turn + shift), value)


@every_loss
def test_coinciding_points_have_gradients(loss: AdversarialLoss) -> None:
    points = torch.tensor([[0.0, 1.0], [0.0, 1.0], [2.0, 0.0]])
    real, fake = points.clone().requires_grad_(), points.clone().requires_grad_()
    where = points.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss.witness(where, real, fake).sum(), where, create_graph=True)
    total = loss.critic(real, fake) + loss.generator(real, fake) + slope.square().sum()
    for gradient in torch.autograd.grad(total, (real, fake, where), allow_unused=True):
        assert gradient is None or torch.isfinite(gradient).all()


def test_distances() -> None:
    x, y = sets()
    torch.testing.assert_close(distances(x, y), torch.cdist(x, y))
    assert torch.autograd.gradcheck(distances, (x[:3].clone().requires_grad_(), y[:2].clone().requires_grad_()))
    same = x[:2].clone().requires_grad_()
    distances(same, same).sum().backward()
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()


def test_one_output_for_a_batch_is_too_few() -> None:
    one, two = torch.zeros(1, 3), torch.zeros(2, 3)
    with pytest.raises(UserError, match=r"--training\.batch must give this objective at least 2 critic outputs"):
        KernelDiscrepancy(GaussianKernel()).generator(two, one)


@pytest.mark.parametrize("make", [lambda: GaussianKernel((1.0, 0.0)), lambda: RationalQuadraticKernel((-1.0,))])
def test_kernels_refuse_lengths_and_shapes(make: object) -> None:
    assert callable(make)
    with pytest.raises(UserError, match="must be finite and above 0"):
        make()


@pytest.mark.parametrize(("epsilon", "iterations"), [(0.2, 150), (1.0, 60), (30.0, 30), (1e4, 10)])
def test_sinkhorn_loss_converges_to_the_divergence(epsilon: float, iterations: int) -> None:
    real, fake = sets()
    expected = sinkhorn_divergence(real, fake, epsilon=epsilon, tolerance=1e-10)
    loss = SinkhornDivergence(epsilon, iterations)
    assert loss.generator(real, fake).item() == pytest.approx(expected, rel=1e-7)
    assert loss.critic(real, fake).item() == pytest.approx(-expected, rel=1e-7)
    assert loss.generator(real.float(), fake.float()).item() == pytest.approx(expected, rel=1e-5)


def test_sinkhorn_limits() -> None:
    real, fake = sets()
    blurred = SinkhornDivergence(1e6, 10).generator(real, fake).item()
    assert blurred == pytest.approx(energy(real, fake).plug_in / 2, rel=1e-6)
    transport = SinkhornDivergence(2e-3, 4000).generator(real, fake).item()
    assert transport == pytest.approx(wasserstein(real, fake), rel=1e-2)


@pytest.mark.parametrize("iterations", [1, 2, 20])
def test_sinkhorn_loss_of_equal_samples_is_zero(iterations: int) -> None:
    real, _ = sets()
    loss = SinkhornDivergence(0.3, iterations)
    assert abs(loss.generator(real, real).item()) < 1e-14
    fake = real.clone().requires_grad_()
    loss.generator(real, fake).backward()
    assert fake.grad is not None
    assert fake.grad.abs().max() < 1e-12


def test_sinkhorn_witness_is_the_first_variation() -> None:
    loss, copies = SinkhornDivergence(3.0, 30), 60
    real, fake = sets(3, 2, 2)
    points = torch.stack([real[0] + 0.1, fake[0] - 0.2])
    crowds = real.repeat(copies, 1), fake.repeat(copies, 1)

    def moved(point: Tensor) -> float:
        # one sample more among n: the divergence times n has its variation as derivative
        more = [torch.cat([crowd, point[None]]) for crowd in crowds]
        on_real = len(more[0]) * loss.generator(more[0], crowds[1])
        return float(on_real - len(more[1]) * loss.generator(crowds[0], more[1])) / 2

    change = moved(points[0]) - moved(points[1])
    values = loss.witness(points, real, fake)
    assert (values[0] - values[1]).item() == pytest.approx(change, rel=0.02)


def test_sinkhorn_witness_goes_from_transport_to_energy() -> None:
    real, fake = sets(3, 4, 1)
    grid = torch.linspace(-3, 4, 15, dtype=torch.float64)[:, None]
    blurred = SinkhornDivergence(1e6, 10).witness(grid, real, fake)
    limit = KernelDiscrepancy(NegativeDistanceKernel()).witness(grid, real, fake)
    torch.testing.assert_close(blurred - blurred.mean(), limit - limit.mean(), rtol=0, atol=1e-5)
    # between the laws the transport's potential falls by one for each unit, and each self-potential adds a half
    left, right = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[3.0], [4.5]]).double()
    between = torch.tensor([[1.5], [2.0], [2.5]]).double()
    falls = SinkhornDivergence(0.02, 400).witness(between, left, right).diff()
    torch.testing.assert_close(falls, torch.full((2,), -1.0).double(), rtol=0, atol=1e-3)
