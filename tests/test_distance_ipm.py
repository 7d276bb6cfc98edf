"""Witnesses of integral probability metrics, and the permutation test."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from monge.distance.kernel.discrepancy import discrepancy
from monge.distance.kernel.kernel import Gaussian, Kernel, NegativeDistance, Polynomial, RationalQuadratic
from monge.distance.kernel.permutation import LARGEST, permutation_test
from monge.distance.kernel.witness import Ipm, kernel_ipm
from monge.errors import UserError

KERNELS = [Gaussian((0.5, 1.0, 2.0)), RationalQuadratic(), Polynomial(), NegativeDistance()]
every_kernel = pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@every_kernel
def test_the_witness_attains_the_plug_in(kernel: Kernel) -> None:
    x, y = points(0, 9, 2) + 1, points(1, 6, 2)
    ipm = kernel_ipm(x, y, kernel)
    assert ipm.value(x, y) == pytest.approx(discrepancy(x, y, kernel).distance)
    assert ipm.witness(x + 100).shape == (9,)


def test_the_witness_in_closed_form() -> None:
    x, y = np.zeros((1, 1)), np.ones((1, 1))
    where = np.array([[-1.0], [0.0], [0.5], [1.0], [3.0]])
    # k(t, 0) - k(t, 1) = |t - 1| - |t|, over the root of 2
    np.testing.assert_allclose(
        kernel_ipm(x, y, NegativeDistance()).witness(where), np.array([1, 1, 0, -1, -1]) / math.sqrt(2), atol=1e-12
    )
    np.testing.assert_array_equal(kernel_ipm(x, x, NegativeDistance()).witness(where), np.zeros(5))


def test_no_unit_function_beats_the_witness() -> None:
    # functions sum_i a_i k(t, z_i) with a' K a = 1 are in the unit ball
    x, y, kernel = points(0, 9, 2) + 0.5, points(1, 6, 2), Gaussian((1.0,))
    best, random = kernel_ipm(x, y, kernel).value(x, y), np.random.default_rng(2)
    gram = kernel.matrix(pooled := np.concatenate([x, y]), pooled)
    for _ in range(100):
        a = random.normal(size=15)
        values = gram @ a / math.sqrt(a @ gram @ a)
        assert abs(values[:9].mean() - values[9:].mean()) <= best


def test_any_function_serves_as_witness() -> None:
    # a shift along the first axis: f(x) = x_1 is a dual potential of W1
    y = points(0, 50, 3)
    ipm = Ipm("W1", lambda z: z[:, 0])
    assert ipm.value(y + np.array([2.0, 0, 0]), y) == pytest.approx(2)
    # variances 2 and 8, two points each
    assert ipm.error([[0.0], [2.0]], [[0.0], [4.0]]) == pytest.approx(math.sqrt(2 / 2 + 8 / 2))
    draws = [ipm.value(points(i, 50, 3), points(i + 5000, 40, 3)) for i in range(300)]
    assert ipm.error(points(0, 50, 3), points(5000, 40, 3)) == pytest.approx(np.std(draws), rel=0.25)


def test_fresh_samples_do_not_flatter_the_witness() -> None:
    # Gaussian integrals: E k = exp(-|shift|^2 / 6) / 3 in the plane, and 1 / 3 without a shift
    truth, kernel = math.sqrt(2 / 3 * (1 - math.exp(-(0.5**2) / 6))), Gaussian((1.0,))

    def value(seed: int) -> float:
        x, y, new_x, new_y = (points(10 * seed + i, 100, 2) + np.array([0.5 * (i % 2 == 0), 0]) for i in range(4))
        return kernel_ipm(x, y, kernel).value(new_x, new_y)

    values = np.array([value(seed) for seed in range(60)])
    assert values.mean() < truth + 2 * values.std() / math.sqrt(60)


@every_kernel
def test_the_permutation_statistic_is_the_unbiased_estimate(kernel: Kernel) -> None:
    x, y = points(0, 9, 2), points(1, 6, 2)
    seen = permutation_test(x, y, kernel, draws=5)
    assert seen.squared == pytest.approx(discrepancy(x, y, kernel).squared)
    assert seen.draws == 5


def test_permutation_p_values_are_uniform_for_equal_laws() -> None:
    p = np.array([permutation_test(points(i, 12, 2), points(i + 999, 8, 2), draws=99).p_value for i in range(400)])
    assert set(np.round(100 * p).astype(int)) <= set(range(1, 101))
    for level in (0.05, 0.25, 0.5, 0.9):
        # four standard deviations of a binomial
        assert abs((p <= level + 1e-9).mean() - level) < 4 * math.sqrt(level * (1 - level) / 400)


def test_permutation_by_enumeration() -> None:
    # two clusters far apart: of the 70 divisions of 8 points only the true one and its mirror reach the statistic
    x, y = points(0, 4, 1), points(1, 4, 1) + 100
    assert permutation_test(x, y, draws=6999).p_value == pytest.approx(2 / 70, abs=0.008)


def test_permutation_seeds_ties_and_power() -> None:
    x, y = points(0, 40, 3), points(1, 30, 3)
    first, again, other = (permutation_test(x, y, draws=200, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert permutation_test(x, y + 1, draws=300).p_value == pytest.approx(1 / 301)
    assert permutation_test(np.ones((20, 2)), np.ones((9, 2)), draws=30).p_value == 1
    outlier = x.copy()
    outlier[0] = 1e10
    assert permutation_test(outlier, y + 3, draws=300).p_value == pytest.approx(1 / 301)
    swap = np.array([[0.1], [0.1], [0.7], [0.7]])
    assert permutation_test(swap, swap, Gaussian((0.3,)), draws=50).p_value == 1


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: permutation_test(np.zeros((4, 1)), np.zeros((4, 1)), draws=0), r"draws must be at least 1; got 0"),
        (
            lambda: permutation_test(np.zeros((LARGEST, 1)), np.zeros((4, 1))),
            r"at most 8,192 samples together; got 8,196",
        ),
        (lambda: kernel_ipm(np.zeros((1, 2)), np.zeros((1, 3)), NegativeDistance()), r"\(1, 2\) and \(1, 3\)"),
        (lambda: Ipm("f", lambda z: z[:, 0]).error([[0.0]], [[1.0]]), r"x must have at least 2 points; got 1"),
    ],
)
def test_errors(call: Callable[[], object], text: str) -> None:
    with pytest.raises(UserError, match=text):
        call()
