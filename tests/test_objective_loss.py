"""Losses: laws, and their values at the best critic of two known Gaussians."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm
from torch import Tensor

from monge.distance.closed_form import gaussian
from monge.distance.closed_form.gaussian import GaussianLaw
from monge.objective.loss import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Wasserstein,
    softplus,
)
from monge.objective.relativistic_loss import RelativisticPaired

few = settings(deadline=None, max_examples=25)
numbers = st.lists(st.floats(-50, 50), min_size=4, max_size=4)
Side = Callable[[Tensor, Tensor], Tensor]


def column(values: list[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def test_wasserstein_loss_is_a_difference_of_means() -> None:
    real, fake = torch.tensor([[1.0], [3.0]]), torch.tensor([[-2.0], [6.0], [-1.0]])
    assert Wasserstein().critic(real, fake).item() == 1.0 - 2.0
    assert Wasserstein().generator(real, fake).item() == -1.0


@few
@given(numbers, numbers, st.floats(-50, 50))
def test_only_differences_count(real: list[float], fake: list[float], shift: float) -> None:
    r, f = column(real), column(fake)
    for side in (Wasserstein().critic, RelativisticPaired().critic, RelativisticPaired().generator):
        torch.testing.assert_close(side(r + shift, f + shift), side(r, f), rtol=0, atol=1e-11)


@few
@given(numbers, numbers)
def test_the_two_networks_of_zero_sum_games(real: list[float], fake: list[float]) -> None:
    r, f = column(real), column(fake)
    # up to what does not depend on the generator
    for loss in (Wasserstein(), Minimax()):
        sums = [(loss.critic(r, fake) + loss.generator(r, fake)).item() for fake in (f, f.flip(0) / 2 - 1)]
        assert sums[0] == pytest.approx(sums[1], abs=1e-11)
    assert RelativisticPaired().generator(r, f) == RelativisticPaired().critic(f, r)


@few
@given(numbers)
def test_equal_outputs(values: list[float]) -> None:
    x = column(values)
    assert Wasserstein().critic(x, x) == 0
    assert RelativisticPaired().critic(x, x).item() == pytest.approx(math.log(2))
    assert Minimax().critic(x, x) >= 2 * math.log(2) - 1e-12
    assert Hinge().critic(x, x) >= 2 - 1e-12  # means round
    assert LeastSquares().critic(x, x) >= 0.25 - 1e-12


def test_values_at_undecided_critics() -> None:
    zero, half = torch.zeros(3, 1), torch.full((3, 1), 0.5)
    assert Minimax().critic(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert Minimax().generator(zero, zero).item() == pytest.approx(-math.log(2))
    assert NonSaturating().generator(zero, zero).item() == pytest.approx(math.log(2))
    assert Hinge().critic(zero, zero).item() == 2
    assert LeastSquares().critic(half, half).item() == 0.25


def test_softplus_keeps_small_terms() -> None:
    x = torch.tensor([-1e4, -30.0, 0.0, 25.0, 1e4], dtype=torch.float64)
    expected = np.logaddexp(0, x.numpy())
    np.testing.assert_allclose(softplus(x).numpy(), expected, rtol=1e-14, atol=1e-300)
    assert softplus(x)[3] > 25


REAL, FAKE = GaussianLaw(0.0, 1.0), GaussianLaw(0.7, 1.69)
SHIFT, SPREAD = 0.7, 1.3
NORMAL = norm(0, 1), norm(SHIFT, SPREAD)


def log_ratio(x: Tensor) -> Tensor:
    """log p_r / p_g, the logits of the best discriminator."""
    return ((x - SHIFT) / SPREAD).square() / 2 - x.square() / 2 + math.log(SPREAD)


def nodes() -> tuple[Tensor, Tensor]:
    """Gauss-Legendre nodes of a standard normal number z and weights that sum to one.

    Pieces end where the densities cross at x = z or at x = shift + spread z, where a best critic may jump.
    """
    crossings = np.roots([1 - SPREAD**2, -2 * SHIFT, SHIFT**2 + 2 * SPREAD**2 * math.log(SPREAD)])
    borders = sorted([-12.0, 12.0, *crossings, *((crossings - SHIFT) / SPREAD)])
    unit, weight = np.polynomial.legendre.leggauss(60)
    z = np.concatenate([(b - a) / 2 * unit + (a + b) / 2 for a, b in pairwise(borders)])
    w = np.concatenate([(b - a) / 2 * weight for a, b in pairwise(borders)])
    return torch.from_numpy(z), torch.from_numpy(w * norm.pdf(z))


def expected(side: Side, best: Callable[[Tensor], Tensor], shift: Tensor | float = SHIFT) -> Tensor:
    """The expectation of a loss whose batch is one pair, over a quadrature of x_r = z and x_g = shift + spread z.

    A loss that is a mean over real samples plus one over generated samples has it as its value for whole laws.
    """
    z, weights = nodes()
    real, fake = best(z), best(shift + SPREAD * z)
    values = torch.vmap(lambda r, f: side(r.view(1, 1), f.view(1, 1)))(real, fake)
    return weights @ values


def integral(f: Callable[[float], float]) -> float:
    return float(sum(quad(f, a, b, epsabs=1e-12, limit=200)[0] for a, b in pairwise([-16, -2, 0, 0.7, 3, 16])))


def mean_log_best() -> float:
    """E log D* under the real law."""
    p, q = NORMAL
    return integral(lambda x: p.pdf(x) * -np.logaddexp(0, q.logpdf(x) - p.logpdf(x)))


def test_quadrature() -> None:
    z, weights = nodes()
    assert weights.sum().item() == pytest.approx(1, abs=1e-13)
    assert (weights @ z.square()).item() == pytest.approx(1, abs=1e-12)


def test_minimax_at_the_best_discriminator() -> None:
    js = gaussian.js(REAL, FAKE)
    assert expected(Minimax().critic, log_ratio).item() == pytest.approx(2 * math.log(2) - 2 * js, abs=1e-9)
    # eq. 5: eq. 2 and a term of real samples, E log D = -softplus(-logit)
    value = expected(Minimax().generator, log_ratio).item() + mean_log_best()
    assert value == pytest.approx(2 * js - 2 * math.log(2), abs=1e-9)


def test_non_saturating_at_the_best_discriminator() -> None:
    js, kl = gaussian.js(REAL, FAKE), gaussian.kl(FAKE, REAL)
    value = expected(NonSaturating().generator, log_ratio).item()
    assert value == pytest.approx(kl - 2 * js + 2 * math.log(2) + mean_log_best(), abs=1e-9)


def slope_of(value: Callable[[GaussianLaw], float], step: float = 1e-3) -> float:
    """The derivative by the generated law's mean, by central differences of fourth order."""
    at = [value(GaussianLaw(SHIFT + k * step, SPREAD**2)) for k in (-2, -1, 1, 2)]
    return (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * step)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        (Minimax(), lambda law: 2 * gaussian.js(REAL, law)),
        (NonSaturating(), lambda law: gaussian.kl(law, REAL) - 2 * gaussian.js(REAL, law)),
    ],
)
def test_generator_gradient_with_the_best_discriminator_held(
    loss: AdversarialLoss, value: Callable[[GaussianLaw], float]
) -> None:
    mean = torch.tensor(SHIFT, dtype=torch.float64, requires_grad=True)
    expected(loss.generator, log_ratio, mean).backward()
    assert mean.grad is not None
    assert mean.grad.item() == pytest.approx(slope_of(value), abs=1e-7)


@pytest.mark.parametrize(("a", "b", "c"), [(-1.0, 1.0, 0.0), (0.0, 2.0, 1.0)])
def test_least_squares_is_pearsons_chi_squared(a: float, b: float, c: float) -> None:
    loss = LeastSquares(a, b, c)

    def best(x: Tensor) -> Tensor:
        return a + (b - a) * torch.sigmoid(log_ratio(x))

    # 2 C(G): the generator's loss on generated samples and the same on real ones
    def both(real: Tensor, fake: Tensor) -> Tensor:
        return 2 * (loss.generator(real, fake) + loss.generator(fake, real))

    p, q = (law.pdf for law in NORMAL)
    chi = integral(lambda x: (q(x) - p(x)) ** 2 / (p(x) + q(x)))
    assert expected(both, best).item() == pytest.approx(chi, abs=1e-9)


def test_the_best_least_squares_critic_is_a_minimum() -> None:
    def best(x: Tensor) -> Tensor:
        return torch.sigmoid(log_ratio(x))

    lowest = expected(LeastSquares().critic, best).item()
    for other in (lambda x: best(x) + 0.01, lambda x: best(x) + 0.01 * torch.sin(3 * x)):
        assert expected(LeastSquares().critic, other).item() > lowest


def test_hinge_at_the_best_critic_is_total_variation() -> None:
    tv = gaussian.tv(REAL, FAKE)

    def best(x: Tensor) -> Tensor:
        return log_ratio(x).sign()

    assert expected(Hinge().critic, best).item() == pytest.approx(2 - 2 * tv, abs=1e-9)

    def gap(real: Tensor, fake: Tensor) -> Tensor:
        return Hinge().generator(real, fake) - Hinge().generator(fake, real)

    assert expected(gap, best).item() == pytest.approx(2 * tv, abs=1e-9)


@few
@given(st.floats(-3, 3), st.floats(0.2, 3))
def test_no_discriminator_beats_the_best(shift: float, scale: float) -> None:
    def other(x: Tensor) -> Tensor:
        return scale * log_ratio(x) + shift

    assert expected(Minimax().critic, other).item() >= 2 * math.log(2) - 2 * gaussian.js(REAL, FAKE) - 1e-9
