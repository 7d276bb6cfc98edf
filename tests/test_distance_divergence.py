"""KL, JS, TV and Hellinger: discrete, on a grid, Gaussian, from samples; the discriminator; the parallel lines."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy, multivariate_normal, norm

from monge.distance.closed_form import gaussian, parallel_lines
from monge.distance.closed_form.gaussian import GaussianLaw
from monge.distance.divergence import discrete, neighbour
from monge.distance.divergence.discrete import grid_masses, hellinger, js, kl, tv
from monge.distance.divergence.discriminator import discriminator_bound, js_lower_bound, optimal_discriminator
from monge.distance.divergence.neighbour import neighbour_kl
from monge.distance.transport.exact import wasserstein
from monge.errors import UserError

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)
counts = st.integers(2, 12)
METRICS = {"tv": tv, "hellinger": hellinger, "root of js": lambda p, q: math.sqrt(js(p, q))}
metrics = pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
divergences = pytest.mark.parametrize("of", [kl, js, tv, hellinger])


def law(seed: int, n: int, zeros: bool = True) -> np.ndarray:
    draw = np.random.default_rng(seed)
    masses = draw.exponential(size=n) ** 2 * (draw.uniform(size=n) < (0.7 if zeros else 1)) + 1e-3 * (np.arange(n) == 0)
    return masses / masses.sum()


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


# Discrete laws


def test_discrete_closed_forms() -> None:
    p, q = [0.5, 0.5, 0.0], [0.25, 0.25, 0.5]
    assert kl(p, q) == pytest.approx(math.log(2), abs=1e-12)
    assert kl(q, p) == math.inf
    assert tv(p, q) == pytest.approx(0.5, abs=1e-12)
    assert hellinger(p, q) == pytest.approx(math.sqrt(1 - math.sqrt(0.5)), abs=1e-12)
    middle = 0.5 * math.log(4 / 3) + 0.5 * (0.5 * math.log(2 / 3) + 0.5 * math.log(2))
    assert js(p, q) == pytest.approx(middle, abs=1e-12)


def test_laws_that_do_not_overlap_are_at_the_ceilings() -> None:
    p, q = [0.3, 0.7, 0, 0], [0, 0, 0.6, 0.4]
    assert (kl(p, q), js(p, q), tv(p, q)) == (math.inf, math.log(2), 1)
    assert hellinger(p, q) == pytest.approx(1, abs=1e-15)


@few
@given(seeds, counts)
def test_discrete_divergences_equal_scipy(seed: int, n: int) -> None:
    p, q = law(seed, n), law(seed + 1, n)
    assert kl(p, q) == pytest.approx(entropy(p, q), rel=1e-6, abs=1e-12)
    assert js(p, q) == pytest.approx(jensenshannon(p, q) ** 2, rel=1e-6, abs=1e-12)
    # on the points 0, 1, ... with the discrete metric, transport costs the total variation
    vertices = np.eye(n) / 2  # all 1 apart in the city-block norm
    assert tv(p, q) == pytest.approx(wasserstein(vertices, vertices, x_weights=p, y_weights=q, norm=1), abs=1e-10)


@metrics
@few
@given(seeds, counts)
def test_metric(metric, seed: int, n: int) -> None:
    p, q, r = (law(seed + i, n) for i in range(3))
    assert 0 <= metric(p, q) <= 1
    assert metric(p, q) == metric(q, p)
    assert metric(p, r) <= metric(p, q) + metric(q, r) + 1e-12
    assert metric(p, p) == 0
    assert (metric(p, q) > 0) == (p != q).any()


@few
@given(seeds, counts)
def test_kl_is_positive_and_zero_for_equal_laws_only(seed: int, n: int) -> None:
    p, q = law(seed, n), law(seed + 1, n)
    assert kl(p, p) == 0
    assert (kl(p, q) > 0) == (p != q).any()


def test_kl_and_js_are_no_metrics() -> None:
    p, q, r = [0.9, 0.1], [0.5, 0.5], [0.1, 0.9]
    assert abs(kl(p, q) - kl(q, p)) > 0.1
    assert kl(p, r) > kl(p, q) + kl(q, r) + 0.1
    assert js(p, r) > js(p, q) + js(q, r) + 0.1


@divergences
@few
@given(seeds, counts)
def test_order_of_the_points_does_not_matter(of, seed: int, n: int) -> None:
    p, q, order = law(seed, n), law(seed + 1, n), np.random.default_rng(seed).permutation(n)
    assert of(p[order], q[order]) == pytest.approx(of(p, q), rel=1e-10, abs=1e-14)


@few
@given(seeds, counts)
def test_inequalities_between_divergences(seed: int, n: int) -> None:
    p, q = law(seed, n, zeros=False), law(seed + 1, n, zeros=False)
    assert tv(p, q) <= math.sqrt(kl(p, q) / 2) + 1e-12  # Pinsker
    assert hellinger(p, q) ** 2 <= tv(p, q) + 1e-12 <= math.sqrt(2) * hellinger(p, q) + 2e-12
    assert js(p, q) <= math.log(2) * tv(p, q) + 1e-12


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([0.5, 0.6], [0.5, 0.5], r"p must sum to 1; got 1.1"),
        ([0.5, 0.5], [1.5, -0.5], r"q must contain at least one mass, all finite and >= 0; got -0.5"),
        ([np.nan, 1], [0.5, 0.5], r"p must contain at least one mass, all finite and >= 0; got nan"),
        ([], [], r"p must contain at least one mass, all finite and >= 0; got shape \(0,\)"),
        ([0.5, 0.5], [0.2, 0.3, 0.5], r"p and q must have the same shape; got \(2,\) and \(3,\)"),
    ],
)
@divergences
def test_what_is_no_law_is_refused(of, p: list[float], q: list[float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        of(p, q)


def test_float32_masses_serve() -> None:
    p, q = (law(seed, 1000).astype(np.float32) for seed in range(2))
    assert tv(p, q) == pytest.approx(tv(law(0, 1000), law(1, 1000)), rel=1e-5)


# Densities on a grid


@pytest.mark.parametrize(("mean", "sd"), [(1.0, 1.0), (0.5, 2.0), (-2.0, 0.7)])
def test_densities_on_a_grid_tend_to_the_gaussian_closed_forms(mean: float, sd: float) -> None:
    edges = np.linspace(-16, 16, 4001)
    p = grid_masses(lambda x: norm.pdf(x[:, 0]), edges)
    q = grid_masses(lambda x: norm.pdf(x[:, 0], mean, sd), edges)
    laws = GaussianLaw(0, 1), GaussianLaw(mean, sd**2)
    for of in ("kl", "js", "hellinger"):
        assert getattr(discrete, of)(p, q) == pytest.approx(getattr(gaussian, of)(*laws), rel=1e-8)
    assert tv(p, q) == pytest.approx(gaussian.tv(*laws), abs=1e-5)  # has kinks, so the midpoint rule is of second order


def test_a_grid_in_the_plane_with_cells_of_any_size() -> None:
    laws = [GaussianLaw([0, 0], np.eye(2)), GaussianLaw([0.5, -0.5], [[1.5, 0.4], [0.4, 0.8]])]
    edges = [np.linspace(-9, 9, 181), np.sinh(np.linspace(-2.9, 2.9, 200))]
    p, q = (grid_masses(multivariate_normal(law.mean, law.covariance).pdf, *edges) for law in laws)
    assert p.shape == (180, 199)
    assert kl(p, q) == pytest.approx(gaussian.kl(*laws), rel=1e-3)


def test_bad_grids_are_refused() -> None:
    with pytest.raises(UserError, match=r"density must have mass 1 on the grid; got 0\.682"):
        grid_masses(lambda x: norm.pdf(x[:, 0]), np.linspace(-1, 1, 1001))
    with pytest.raises(UserError, match="edges must be increasing cell borders"):
        grid_masses(lambda x: norm.pdf(x[:, 0]), [0, 1, 1])
    with pytest.raises(UserError, match="density must return 10 finite values >= 0"):
        grid_masses(lambda x: -norm.pdf(x[:, 0]), np.linspace(-5, 5, 11))


# Gaussians

PAIRS = [(0.0, 1.0, 1.0, 1.0), (0.0, 1.0, 3.0, 1.0), (0.0, 1.0, 0.5, 2.0), (1.0, 0.5, -2.0, 3.0), (0.0, 1.0, 0.1, 0.01)]


@pytest.mark.parametrize(("m", "s", "n", "t"), PAIRS)
def test_gaussians_on_a_line_by_quadrature(m: float, s: float, n: float, t: float) -> None:
    laws = GaussianLaw(m, s**2), GaussianLaw(n, t**2)

    def integral(term) -> float:
        ends = sorted([m - 12 * s, m + 12 * s, n - 12 * t, n + 12 * t, m, n, *np.linspace(n - 4 * t, n + 4 * t, 9)])
        return sum(
            quad(lambda x: term(norm.logpdf(x, m, s), norm.logpdf(x, n, t)), *piece, limit=400, epsabs=1e-12)[0]
            for piece in pairwise(ends)
        )

    def middle(a: float, b: float) -> float:
        return np.logaddexp(a, b) - math.log(2)

    expected = {
        "kl": integral(lambda a, b: math.exp(a) * (a - b)),
        "tv": integral(lambda a, b: abs(math.exp(a) - math.exp(b)) / 2),
        "js": integral(lambda a, b: (math.exp(a) * (a - middle(a, b)) + math.exp(b) * (b - middle(a, b))) / 2),
        "hellinger": math.sqrt(integral(lambda a, b: (math.exp(a / 2) - math.exp(b / 2)) ** 2 / 2)),
    }
    for of, value in expected.items():
        assert getattr(gaussian, of)(*laws) == pytest.approx(value, rel=1e-8), of


def test_known_values_of_gaussians() -> None:
    p, q = GaussianLaw(0, 1), GaussianLaw(2, 1)
    assert gaussian.kl(p, q) == pytest.approx(2, rel=1e-12)
    assert gaussian.tv(p, q) == pytest.approx(math.erf(1 / math.sqrt(2)), rel=1e-12)
    assert gaussian.hellinger(p, q) == pytest.approx(math.sqrt(1 - math.exp(-0.5)), rel=1e-12)
    for of in (gaussian.kl, gaussian.js, gaussian.tv, gaussian.hellinger):
        assert of(p, p) == 0
    far = GaussianLaw(1000, 1e-6)
    assert gaussian.js(p, far) == pytest.approx(math.log(2), rel=1e-12)
    assert (gaussian.tv(p, far), gaussian.hellinger(p, far)) == (1, 1)


@few
@given(seeds, st.integers(1, 4), st.floats(0.01, 100))
def test_gaussian_divergences_do_not_depend_on_scale_and_place(seed: int, d: int, scale: float) -> None:
    roots = [points(seed + i, d + 2, d) for i in range(2)]
    p, q = (GaussianLaw(root[0], root.T @ root) for root in roots)
    moved_p, moved_q = (GaussianLaw(scale * root[0] + 3, scale**2 * root.T @ root) for root in roots)
    for of in (gaussian.kl, gaussian.hellinger, *((gaussian.js, gaussian.tv) if d == 1 else ())):
        assert of(moved_p, moved_q) == pytest.approx(of(p, q), rel=1e-6, abs=1e-9)


@few
@given(seeds, st.integers(1, 4))
def test_gaussian_kl_equals_torch(seed: int, d: int) -> None:
    roots = [points(seed + i, d + 2, d) for i in range(2)]
    covariances = [root.T @ root + np.eye(d) for root in roots]
    laws = [
        torch.distributions.MultivariateNormal(torch.from_numpy(root[0]), torch.from_numpy(covariance))
        for root, covariance in zip(roots, covariances, strict=True)
    ]
    ours = [GaussianLaw(root[0], covariance) for root, covariance in zip(roots, covariances, strict=True)]
    assert gaussian.kl(*ours) == pytest.approx(float(torch.distributions.kl_divergence(*laws)), rel=1e-8)
    assert gaussian.kl(ours[0], ours[0]) == pytest.approx(0, abs=1e-12)


@few
@given(st.tuples(*[st.tuples(st.floats(-3, 3), st.floats(0.1, 3))] * 3))
def test_gaussian_metrics(parameters: tuple) -> None:
    p, q, r = (GaussianLaw(mean, sd**2) for mean, sd in parameters)
    for of in (gaussian.tv, gaussian.hellinger, lambda a, b: math.sqrt(gaussian.js(a, b)), gaussian.wasserstein1):
        assert of(p, r) <= of(p, q) + of(q, r) + 1e-6
        assert of(p, q) == pytest.approx(of(q, p), abs=1e-6)


def test_gaussians_without_a_density_are_refused() -> None:
    point, line, plane = GaussianLaw(0, 0), GaussianLaw(0, 1), GaussianLaw([0, 0], np.eye(2))
    for of in (gaussian.kl, gaussian.hellinger):
        with pytest.raises(UserError, match="q must have a density; got a singular covariance"):
            of(line, point)
        with pytest.raises(UserError, match="the same dimension; got 1 and 2"):
            of(line, plane)
    for of in (gaussian.tv, gaussian.js):
        with pytest.raises(UserError, match="must have densities; got a variance of 0"):
            of(line, point)
        with pytest.raises(UserError, match="distributions on a line; got dimensions 2 and 2"):
            of(plane, plane)


# From samples


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("d", "shift"), [(1, 1.0), (2, 0.0), (2, 1.0), (4, 0.5)])
def test_neighbours_estimate_the_kl_of_gaussians(d: int, shift: float, k: int) -> None:
    truth = d * shift**2 / 2
    seen = [neighbour_kl(points(i, 400, d), points(i + 50, 500, d) + shift, neighbours=k) for i in range(6)]
    error = np.std(seen, ddof=1) / math.sqrt(len(seen))
    assert np.mean(seen) == pytest.approx(truth, abs=4 * error + 0.25 * truth)


def plain_neighbour_kl(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """Wang, Kulkarni, Verdu 2009, eq. 25, in plain loops."""
    harmonic = [0.0, *np.cumsum(1 / np.arange(1, 500))]  # differences of the digamma function
    total = 0.0
    for i, point in enumerate(x):
        to_x = sorted(float(np.linalg.norm(point - other)) for j, other in enumerate(x) if j != i)
        to_y = sorted(float(np.linalg.norm(point - other)) for other in y)
        reach = max(to_x[k - 1], to_y[k - 1])
        in_x, in_y = [[r for r in to if r <= reach] for to in (to_x, to_y)]
        total += x.shape[1] * math.log(in_y[-1] / in_x[-1]) + harmonic[len(in_x) - 1] - harmonic[len(in_y) - 1]
    return total / len(x) + math.log(len(y) / (len(x) - 1))


@few
@given(seeds, st.integers(4, 30), st.integers(3, 30), st.integers(1, 4), st.integers(1, 3))
def test_neighbour_kl_equals_plain_loops(seed: int, n: int, m: int, d: int, k: int) -> None:
    x, y = points(seed, n, d), points(seed + 1, m, d) + 0.3
    assert neighbour_kl(x, y, neighbours=k) == pytest.approx(plain_neighbour_kl(x, y, k), rel=1e-6, abs=1e-9)


def test_neighbour_kl_does_not_depend_on_scale_place_and_order() -> None:
    x, y = points(0, 100, 3), points(1, 80, 3)
    seen = neighbour_kl(x, y)
    assert neighbour_kl(7 * x[::-1] + 2, 7 * y[::-1] + 2) == pytest.approx(seen, rel=1e-6)
    assert neighbour_kl(y, x) != pytest.approx(seen, rel=1e-3)
    assert min(neighbour_kl(points(i, 50, 2), points(i + 20, 50, 2)) for i in range(10)) < 0


def test_neighbour_kl_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = points(0, 50, 3), points(1, 40, 3)
    seen = neighbour_kl(x, y)
    monkeypatch.setattr(neighbour, "BLOCK", 7 * 90)
    assert neighbour_kl(x, y) == pytest.approx(seen, rel=1e-12)


def test_copies_and_ties_leave_neighbour_kl_finite() -> None:
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.5, 0.3, 0.2])
    draw = np.random.default_rng(0)
    atoms = [draw.choice(3, size=(1000, 1), p=masses).astype(float) for masses in (p, q)]
    assert neighbour_kl(*atoms) == pytest.approx(kl(p, q), abs=0.1)
    x, y = points(0, 500, 2), points(1, 500, 2)
    rounded = neighbour_kl(x.round(1), y.round(1), neighbours=5)
    assert rounded == pytest.approx(neighbour_kl(x, y, neighbours=5), abs=0.15)
    some = np.vstack([x, x[:20], x[:20]])  # three copies of some points
    assert neighbour_kl(some, y, neighbours=5) == pytest.approx(neighbour_kl(x, y, neighbours=5), abs=0.15)


def test_neighbour_kl_refuses() -> None:
    x = points(0, 5, 2)
    with pytest.raises(UserError, match=r"neighbours must be from 1 to min\(n - 1, m\) = 4; got 5"):
        neighbour_kl(x, x, neighbours=5)
    with pytest.raises(UserError, match="= 0; got 1"):
        neighbour_kl(x[:1], x)
    with pytest.raises(UserError, match="at least two different points"):
        neighbour_kl(np.ones((5, 2)), x)
    many = np.broadcast_to(np.zeros((1, 2)), (1_000_000, 2))
    with pytest.raises(UserError, match=r"at most 1e\+10 pairs; got 2.0e\+12 from .*; subsample"):
        neighbour_kl(many, many)


# The optimal discriminator


def test_the_optimal_discriminator() -> None:
    seen = optimal_discriminator([1.0, 0.0, 3.0, 1e308, 5e-324, 0.0], [1.0, 2.0, 1.0, 1e308, 0.0, 0.0])
    assert seen[:5] == pytest.approx([0.5, 0, 0.75, 0.5, 1], abs=1e-15)
    assert np.isnan(seen[5])
    with pytest.raises(UserError, match="generated must contain finite densities >= 0"):
        optimal_discriminator([1.0], [-1.0])
    with pytest.raises(UserError, match=r"the same shape; got \(1,\) and \(2,\)"):
        optimal_discriminator([1.0], [1.0, 2.0])


@few
@given(seeds, counts)
def test_the_optimal_discriminator_attains_js_and_no_other_exceeds_it(seed: int, n: int) -> None:
    p, q = law(seed, n), law(seed + 1, n)
    some = np.random.default_rng(seed).uniform(0.01, 0.99, n)

    def bound(d: np.ndarray) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(p > 0, p * np.log(d), 0) + np.where(q > 0, q * np.log(1 - d), 0)
        return math.log(2) + terms.sum() / 2

    assert bound(optimal_discriminator(p, q)) == pytest.approx(js(p, q), abs=1e-12)
    assert bound(some) <= js(p, q) + 1e-12


def test_the_bound_with_the_true_densities_is_js() -> None:
    x, y = points(0, 40_000, 1)[:, 0], points(1, 40_000, 1)[:, 0] + 1
    on_x, on_y = (optimal_discriminator(norm.pdf(z), norm.pdf(z, 1)) for z in (x, y))
    seen = discriminator_bound(on_x, on_y)
    truth = gaussian.js(GaussianLaw(0, 1), GaussianLaw(1, 1))
    assert seen.value == pytest.approx(truth, abs=4 * seen.standard_error)
    assert seen.standard_error < 0.003


def test_the_bound_is_clipped() -> None:
    assert discriminator_bound([0.1, 0.2], [0.9, 0.8]).value == 0
    assert discriminator_bound([1, 1, 1], [0, 0]).value == pytest.approx(math.log(2), abs=2e-6)
    assert discriminator_bound([0.5, 0.5], [0.5, 0.5]).value == pytest.approx(0, abs=1e-15)
    assert math.isfinite(discriminator_bound([0, 1], [0, 1]).value)
    with pytest.raises(UserError, match=r"on_generated must contain at least 2 probabilities, \(n,\) in \[0, 1\]"):
        discriminator_bound([0.5, 0.5], [0.5, 1.5])


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0, 8.0])
def test_the_held_out_bound_is_near_js_and_not_above(shift: float) -> None:
    truth = gaussian.js(GaussianLaw(0, 1), GaussianLaw(shift, 1))
    x, y = points(0, 3000, 2), points(1, 2000, 2) + np.array([shift, 0])
    seen = js_lower_bound(x, y)
    assert 0 <= seen.value <= min(truth + 3 * seen.standard_error, math.log(2))
    assert seen.value >= 0.85 * truth - 3 * seen.standard_error


def test_the_held_out_bound_sees_what_no_line_separates() -> None:
    x, y = points(0, 2000, 2), 3 * points(1, 2000, 2)
    assert js_lower_bound(x, y).value > 0.1


def test_the_held_out_bound_keeps_to_its_seed_and_refuses_few_points() -> None:
    x, y = points(0, 40, 2), points(1, 60, 2) + 1
    assert js_lower_bound(x, y, seed=3) == js_lower_bound(x, y, seed=3) != js_lower_bound(x, y, seed=4)
    with pytest.raises(UserError, match="x and y must have at least 8 points each; got 7 and 60"):
        js_lower_bound(x[:7], y)
    assert 0 <= js_lower_bound(x[:8], y[:8]).value <= math.log(2)


# Parallel lines


def test_parallel_lines() -> None:
    theta = np.array([-2.0, 0.0, 0.5])
    for curve, value, slope in (
        (parallel_lines.wasserstein(theta), [2, 0, 0.5], [-1, np.nan, 1]),
        (parallel_lines.kl(theta), [np.inf, 0, np.inf], [np.nan] * 3),
        (parallel_lines.js(theta), [math.log(2), 0, math.log(2)], [0, np.nan, 0]),
        (parallel_lines.tv(theta), [1, 0, 1], [0, np.nan, 0]),
        (parallel_lines.hellinger(theta), [1, 0, 1], [0, np.nan, 0]),
    ):
        assert np.array_equal(curve.value, value)
        assert np.array_equal(curve.gradient, slope, equal_nan=True)
    with pytest.raises(UserError, match="theta must be finite; got nan"):
        parallel_lines.js([0.0, np.nan])


@pytest.mark.parametrize("theta", [-0.7, 0.0, 1e-3, 2.0])
def test_parallel_lines_are_what_the_distances_see(theta: float) -> None:
    heights = (np.arange(50) + 0.5) / 50
    left, right = (np.stack([np.full(50, at), heights], axis=1) for at in (0, theta))
    assert wasserstein(left, right) == pytest.approx(float(parallel_lines.wasserstein(theta).value), abs=1e-8)
    cells = np.unique(np.concatenate([left, right]), axis=0)
    p, q = ((cells[:, None] == segment).all(axis=2).mean(axis=1) for segment in (left, right))
    for of in ("kl", "js", "tv", "hellinger"):
        expected = float(getattr(parallel_lines, of)(theta).value)
        assert getattr(discrete, of)(p, q) == pytest.approx(expected, abs=1e-8)


def test_gradients_of_the_parallel_lines_are_differences_of_their_values() -> None:
    theta, step = np.array([-2.0, -0.3, 0.4, 5.0]), 1e-6
    for of in (parallel_lines.wasserstein, parallel_lines.js, parallel_lines.tv, parallel_lines.hellinger):
        slope = (of(theta + step).value - of(theta - step).value) / (2 * step)
        assert of(theta).gradient == pytest.approx(slope, abs=1e-8)
