"""Kernel discrepancies against closed forms, plain loops, scipy and torchmetrics; their laws; their standard error."""

import importlib
import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import energy_distance

from monge.distance.kernel.discrepancy import Discrepancy, discrepancy, energy, kid, mmd
from monge.distance.kernel.kernel import (
    Gaussian,
    Kernel,
    NegativeDistance,
    Polynomial,
    RationalQuadratic,
    median_distance,
)
from monge.distance.kernel.witness import kernel_ipm
from monge.errors import UserError

# the package itself has the function by this name
module = importlib.import_module("monge.distance.kernel.discrepancy")

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)
counts = st.integers(4, 12)
dimensions = st.integers(1, 4)
KERNELS: dict[str, Kernel] = {
    "gaussian": Gaussian((0.5, 1.0, 2.0)),
    "rational-quadratic": RationalQuadratic(),
    "polynomial": Polynomial(),
    "energy": NegativeDistance(),
}
kernels = st.sampled_from(list(KERNELS.values()))
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
# what a kernel is, written for two points by hand
PLAIN: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "gaussian": lambda x, y: sum(math.exp(-sum((x - y) ** 2) / (2 * s**2)) for s in (0.5, 1.0, 2.0)) / 3,
    "rational-quadratic": lambda x, y: (
        sum((1 + sum((x - y) ** 2) / (2 * a)) ** -a for a in (0.2, 0.5, 1.0, 2.0, 5.0)) / 5
    ),
    "polynomial": lambda x, y: (sum(x * y) / len(x) + 1) ** 3,
    "energy": lambda x, y: -math.sqrt(sum((x - y) ** 2)),
}


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def gaussian_mmd(shift: np.ndarray, x_deviation: float, y_deviation: float, length: float) -> float:
    """Squared MMD between two isotropic Gaussians: Gaussian integrals of a Gaussian kernel."""

    def mean(offset: float, variance: float) -> float:
        wide = length**2 + variance
        return (length**2 / wide) ** (len(shift) / 2) * math.exp(-offset / (2 * wide))

    between = mean(float(shift @ shift), x_deviation**2 + y_deviation**2)
    return mean(0, 2 * x_deviation**2) + mean(0, 2 * y_deviation**2) - 2 * between


@pytest.mark.parametrize("name", KERNELS)
def test_equals_plain_loops(name: str) -> None:
    x, y, k = points(0, 7, 3), points(1, 5, 3) + 0.5, PLAIN[name]
    inside = sum(k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j) / (7 * 6)
    inside += sum(k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j) / (5 * 4)
    full = sum(k(a, b) for a in x for b in x) / 49 + sum(k(a, b) for a in y for b in y) / 25
    cross = 2 * sum(k(a, b) for a in x for b in y) / 35
    seen = discrepancy(x, y, KERNELS[name])
    assert seen.squared == pytest.approx(inside - cross, rel=1e-9)
    assert seen.plug_in == pytest.approx(full - cross, rel=1e-9)
    assert seen.distance == pytest.approx(math.sqrt(full - cross), rel=1e-9)


@every_kernel
def test_point_masses(kernel: Kernel) -> None:
    x, y = np.tile([[0.3, -0.2]], (4, 1)), np.tile([[1.5, 0.7]], (6, 1))
    truth = float(kernel.matrix(x, x)[0, 0] + kernel.matrix(y, y)[0, 0] - 2 * kernel.matrix(x, y)[0, 0])
    seen = discrepancy(x, y, kernel)
    assert (seen.squared, seen.plug_in) == (pytest.approx(truth, abs=1e-8), pytest.approx(truth, abs=1e-8))
    assert seen.error == pytest.approx(0, abs=1e-6)


def test_closed_forms_of_point_masses() -> None:
    x, y = np.zeros((4, 2)), np.tile([[3.0, 4.0]], (4, 1))
    assert energy(x, y).squared == pytest.approx(2 * 5, abs=1e-8)
    assert mmd(x, y, Gaussian((5.0,))).squared == pytest.approx(2 - 2 * math.exp(-0.5), abs=1e-8)
    # (0 + 1)^3 + (25/2 + 1)^3 - 2 (0 + 1)^3
    assert kid(x, y).squared == pytest.approx(13.5**3 - 1, abs=1e-8)
    # the median of the distances that are not zero is 5
    assert mmd(x, y) == mmd(x, y, Gaussian((1.25, 2.5, 5.0, 10.0, 20.0)))
    assert RationalQuadratic.median(x, y) == RationalQuadratic(5.0)


@few
@given(seeds, counts, counts)
def test_energy_on_the_line(seed: int, n: int, m: int) -> None:
    x, y = points(seed, n, 1), points(seed + 1, m, 1)
    # 2 * integral of (F - G)^2, both constant between neighbouring points
    grid = np.sort(np.concatenate([x, y])[:, 0])
    distribution = [np.searchsorted(np.sort(z[:, 0]), grid[:-1], side="right") / len(z) for z in (x, y)]
    integral = 2 * ((distribution[0] - distribution[1]) ** 2 @ np.diff(grid))
    seen = energy(x, y)
    assert seen.plug_in == pytest.approx(integral, abs=1e-8)
    # scipy returns the root
    assert seen.distance == pytest.approx(energy_distance(x[:, 0], y[:, 0]), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(
    ("n", "d", "published"), [(60, 7, 0.4748020739737675), (150, 32, 0.30784833407178347)], ids=["60x7", "150x32"]
)
def test_equals_torchmetrics(n: int, d: int, published: float) -> None:
    # KernelInceptionDistance of torchmetrics 1.9.0 in float64 on these arrays: feature = the identity, subsets = 1,
    # subset_size = n; computed once outside of the repository
    random = np.random.default_rng(20)
    x = random.normal(size=(n, d))
    y = 1.3 * random.normal(size=(n, d)) + 0.2
    assert kid(x, y).squared == pytest.approx(published, rel=1e-6)


@few
@given(seeds, st.tuples(counts, counts, counts), dimensions, kernels)
def test_the_root_of_the_plug_in_is_a_metric(seed: int, sizes: tuple[int, int, int], d: int, kernel: Kernel) -> None:
    x, y, z = (points(seed + i, n, d) + 0.3 * i for i, n in enumerate(sizes))
    xy, yz, xz = (discrepancy(*pair, kernel).distance for pair in ((x, y), (y, z), (x, z)))
    assert xz <= xy + yz + 1e-9
    assert discrepancy(y, x, kernel).distance == pytest.approx(xy)
    assert xy > 0
    assert discrepancy(x, x, kernel).distance == pytest.approx(0, abs=1e-6)


def test_the_unbiased_estimate_may_be_negative() -> None:
    # equal sets: the plug-in is zero, so the U-statistic is what the n pairs of a point with itself added
    x = np.array([[0.0], [1.0], [2.0], [3.0]])
    seen = energy(x, x)
    assert seen.plug_in == pytest.approx(0, abs=1e-12)
    # mean distance 20/16 with the pairs of a point with itself, 20/12 without
    assert seen.squared == pytest.approx(2 * 20 / 16 - 2 * 20 / 12)
    negative = [mmd(points(i, 20, 2), points(i + 1000, 20, 2)).squared < 0 for i in range(60)]
    assert 15 < sum(negative) < 50


@few
@given(seeds, counts, counts, dimensions, st.floats(0.1, 10))
def test_scaling(seed: int, n: int, m: int, d: int, scale: float) -> None:
    x, y = points(seed, n, d), points(seed + 1, m, d)
    first, second = energy(x, y), energy(scale * x, scale * y)
    # absolute bounds where sums cancel
    for name in ("squared", "error", "plug_in"):
        assert getattr(second, name) == pytest.approx(scale * getattr(first, name), rel=1e-6, abs=1e-9)
    # the median heuristic follows the unit, so MMD does not depend on it
    assert mmd(scale * x, scale * y).squared == pytest.approx(mmd(x, y).squared, abs=1e-9)


@few
@given(seeds, counts, counts, dimensions, st.sampled_from(["gaussian", "rational-quadratic", "energy"]))
def test_translation_and_order(seed: int, n: int, m: int, d: int, name: str) -> None:
    x, y, kernel = points(seed, n, d), points(seed + 1, m, d), KERNELS[name]
    shift, shuffle = points(seed + 2, 1, d), np.random.default_rng(seed).permutation
    seen = discrepancy(x, y, kernel)
    for other in (discrepancy(x + shift, y + shift, kernel), discrepancy(x[shuffle(n)], y[shuffle(m)], kernel)):
        assert other.squared == pytest.approx(seen.squared, abs=1e-9)
        assert other.plug_in == pytest.approx(seen.plug_in, abs=1e-9)
        assert other.error == pytest.approx(seen.error, rel=1e-5, abs=1e-7)


def test_a_polynomial_kernel_sees_three_moments_only() -> None:
    # two laws on the line with equal moments 1 to 3: fourth moments 1 and 2
    x = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    y = np.array([[-math.sqrt(2)], [0.0], [0.0], [math.sqrt(2)]])
    assert kid(x, y).plug_in == pytest.approx(0, abs=1e-12)
    assert mmd(x, y).plug_in > 0.01
    assert energy(x, y).plug_in > 0.01


def test_gaussians_in_closed_form() -> None:
    shift, length = np.array([0.6, 0.0, -0.3]), 1.2
    truth = gaussian_mmd(shift, 1.0, 1.5, length)
    seen = []
    for seed in range(400):
        draw = np.random.default_rng(seed)
        seen.append(mmd(draw.normal(size=(40, 3)) + shift, 1.5 * draw.normal(size=(25, 3)), Gaussian((length,))))
    squared = np.array([one.squared for one in seen])
    assert abs(squared.mean() - truth) < 3 * squared.std() / 20
    # the plug-in is too large by the pairs of a point with itself
    assert np.mean([one.plug_in for one in seen]) > truth + 10 * squared.std() / 20


@every_kernel
def test_the_variance_is_estimated_without_bias(kernel: Kernel) -> None:
    # every outcome of 5 draws of X, 1 (probability .4) or -.5, and of 4 draws of Y, 1.4 (probability .7) or .4
    squared, variance, chance = [], [], []
    for outcome in itertools.product([0, 1], repeat=9):
        first, second = np.array(outcome[:5])[:, None], np.array(outcome[5:])[:, None]
        x, y = np.where(first, 1.0, -0.5), np.where(second, 1.4, 0.4)
        chance.append(np.where(first, 0.4, 0.6).prod() * np.where(second, 0.7, 0.3).prod())
        squared.append(discrepancy(x, y, kernel).squared)
        sums = module.within(x, kernel), module.within(y, kernel), module.between(x, y, kernel)
        variance.append(sum(module.variance_terms(*sums)))
    weights, values = np.array(chance), np.array(squared)
    assert weights.sum() == pytest.approx(1)
    truth = weights @ values**2 - (weights @ values) ** 2
    assert weights @ np.array(variance) == pytest.approx(truth, rel=1e-8)


@pytest.mark.parametrize("shift", [0.0, 0.4, 1.5])
@every_kernel
def test_standard_error(kernel: Kernel, shift: float) -> None:
    seen = []
    for seed in range(600):
        draw = np.random.default_rng(seed)
        seen.append(discrepancy(draw.normal(size=(40, 2)) + shift, draw.normal(size=(25, 2)), kernel))
    spread = np.std([one.squared for one in seen])
    # near equal laws the estimate is rounded up to what the second-order terms alone give
    assert np.median([one.error for one in seen]) == pytest.approx(spread, rel=0.25)
    assert 0.85 < math.sqrt(np.mean([one.error**2 for one in seen])) / spread < 1.4


def test_error_covers_the_truth() -> None:
    truth, inside = gaussian_mmd(np.array([1.0, 0.0]), 1.0, 1.0, 1.0), 0
    for seed in range(300):
        draw = np.random.default_rng(seed)
        x, y = draw.normal(size=(60, 2)) + np.array([1.0, 0.0]), draw.normal(size=(60, 2))
        seen = mmd(x, y, Gaussian((1.0,)))
        inside += abs(seen.squared - truth) < 1.96 * seen.error
    assert 270 <= inside <= 297


@every_kernel
def test_blocks_do_not_change_the_result(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = points(0, 23, 3), points(1, 17, 3)
    whole, shown = discrepancy(x, y, kernel), kernel_ipm(x, y, kernel).witness(y)
    monkeypatch.setattr(module, "BLOCK", 60)
    assert [part.stop - part.start for part in module.blocks(7, 20)] == [3, 3, 1]
    assert [part.stop - part.start for part in module.blocks(2, 200)] == [1, 1]
    parts = discrepancy(x, y, kernel)
    for name in ("squared", "error", "plug_in"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=1e-9)
    np.testing.assert_allclose(kernel_ipm(x, y, kernel).witness(y), shown, atol=1e-12)


def test_median_distance() -> None:
    assert median_distance([[0.0], [1.0]], [[3.0]]) == 2
    assert median_distance([[0.0], [0.0]], [[0.0], [3.0]]) == 3
    assert median_distance([[1.0]], [[1.0]]) == 1
    # sqrt(2 d) (1 - 1/(4 d)) or so between standard normal points
    assert median_distance(points(0, 3000, 50), points(1, 3000, 50)) == pytest.approx(10, rel=0.02)


def test_integers_and_lists_serve() -> None:
    assert energy([[0], [0], [0], [0]], np.full((4, 1), 2, np.uint8)) == Discrepancy(4.0, 0.0, 4.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: energy(np.zeros((3, 1)), np.zeros((4, 1))), r"x must have at least 4 points; got 3"),
        (lambda: energy(np.zeros((4, 1)), np.zeros((1, 1))), r"y must have at least 4 points; got 1"),
        (lambda: kid(np.zeros(4), np.zeros(4)), r"\(n, d\) and \(m, d\)"),
        (lambda: mmd(np.zeros((4, 2)), np.zeros((4, 3))), r"\(4, 2\) and \(4, 3\)"),
        (lambda: energy(np.zeros((4, 1)), np.full((4, 1), np.nan)), r"y must be finite"),
        (lambda: Gaussian(()), r"lengths must contain at least one number, all positive and finite; got \(\)"),
        (lambda: Gaussian((1.0, 0.0)), r"lengths .*; got \(1.0, 0.0\)"),
        (lambda: RationalQuadratic(-1.0), r"length .*; got \(-1.0,\)"),
        (lambda: RationalQuadratic(1.0, (math.inf,)), r"shapes .*; got \(inf,\)"),
        (lambda: Polynomial(0), r"degree must be a whole number of at least 1; got 0"),
        (lambda: Polynomial(3, -1.0), r"offset must be finite and at least 0; got -1.0"),
    ],
)
def test_errors(call: Callable[[], object], text: str) -> None:
    with pytest.raises(UserError, match=text):
        call()
