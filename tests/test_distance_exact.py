"""Exact transport: weights, norms, the coupling, extremes of scale, refusals; Gaussians in closed form."""

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.spatial.distance import cdist
from scipy.stats import norm as normal
from scipy.stats import wasserstein_distance

from monge.distance import ground
from monge.distance.closed_form import gaussian
from monge.distance.closed_form.gaussian import GaussianLaw
from monge.distance.transport import exact, memory
from monge.distance.transport.exact import coupling, matching, wasserstein
from monge.errors import MongeError, UserError

few = settings(deadline=None, max_examples=20)
seeds = st.integers(0, 2**31)
counts = st.integers(1, 12)
dimensions = st.integers(1, 4)
norms = st.sampled_from([1.0, 1.5, 2.0, 3.0, np.inf])


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def weights(seed: int, n: int) -> np.ndarray:
    """Some of them zero."""
    draw = np.random.default_rng(seed)
    return draw.exponential(size=n) * (draw.uniform(size=n) < 0.7) + 1e-3 * (np.arange(n) == 0)


def random_covariance(seed: int, d: int) -> np.ndarray:
    root = points(seed, d + 2, d)
    return root.T @ root / d


@few
@given(seeds, counts, counts, dimensions, norms)
def test_equals_pot_for_weights_and_norms(seed: int, n: int, m: int, d: int, norm: float) -> None:
    x, y, a, b = points(seed, n, d), points(seed + 1, m, d), weights(seed, n), weights(seed + 1, m)
    cost = np.array([[np.linalg.norm(p - q, ord=norm) for q in y] for p in x])
    assert wasserstein(x, y, x_weights=a, y_weights=b, norm=norm) == pytest.approx(
        ot.emd2(a / a.sum(), b / b.sum(), cost), rel=1e-6, abs=1e-12
    )


@few
@given(seeds, counts, counts)
def test_on_the_line_weighted_samples_equal_scipy(seed: int, n: int, m: int) -> None:
    x, y, a, b = points(seed, n, 1), points(seed + 1, m, 1), weights(seed, n), weights(seed + 1, m)
    expected = wasserstein_distance(x[:, 0], y[:, 0], a, b)
    assert wasserstein(x, y, x_weights=a, y_weights=b) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@few
@given(seeds, counts, counts, dimensions, norms)
def test_a_coupling_has_the_right_marginals_and_cost(seed: int, n: int, m: int, d: int, norm: float) -> None:
    x, y, a, b = points(seed, n, d), points(seed + 1, m, d), weights(seed, n), weights(seed + 1, m)
    plan = coupling(x, y, x_weights=a, y_weights=b, norm=norm)
    assert np.bincount(plan.source, plan.mass, n) == pytest.approx(a / a.sum(), abs=1e-12)
    assert np.bincount(plan.target, plan.mass, m) == pytest.approx(b / b.sum(), abs=1e-12)
    assert len(plan.mass) <= n + m - 1
    assert (plan.mass > 0).all()
    assert (np.diff(plan.source) >= 0).all()
    moved = np.linalg.norm(x[plan.source] - y[plan.target], ord=norm, axis=1)
    assert plan.cost == pytest.approx(plan.mass @ moved, abs=1e-12)


@few
@given(seeds, counts, dimensions, st.sampled_from([1e-160, 1.0, 1e150]), st.booleans())
def test_a_matching_is_an_optimal_coupling(seed: int, n: int, d: int, scale: float, ties: bool) -> None:
    x, y = points(seed, n, d), points(seed + 1, n, d) + 1
    if ties:
        x, y = x.round(), y.round()
    plan = matching(scale * x, scale * y)
    assert sorted(plan.target) == sorted(plan.source) == list(range(n))
    assert plan.cost == pytest.approx(wasserstein(scale * x, scale * y), rel=1e-9, abs=1e-12 * scale)


def spread_out(seed: int, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    return points(seed, n, d), points(seed + 1, n, d) + 0.3


@few
@given(seeds, st.integers(20, 60), st.integers(12, 30), st.sampled_from([1.0, 2.0, np.inf]))
def test_short_augmenting_paths_give_the_simplex_s_optimum(seed: int, n: int, d: int, norm: float) -> None:
    x, y = spread_out(seed, n, d)
    cost = np.array([[np.linalg.norm(p - q, ord=norm) for q in y] for p in x])
    expected = ot.emd2(np.full(n, 1 / n), np.full(n, 1 / n), cost)
    assert coupling(x, y, norm=norm).cost == pytest.approx(expected, rel=1e-12)


def test_which_solver_is_taken_depends_on_the_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact.ot, "emd", lambda *_, **__: pytest.fail("the simplex was called"))
    x, y = spread_out(0, 60, 20)
    assert len(coupling(x, y).source) == 60
    plane = points(2, 60, 2)
    for first, second, masses in ((x, y[:50], None), (x, y, np.arange(1, 61)), (plane, np.add(plane, [30, 0]), None)):
        with pytest.raises(pytest.fail.Exception, match="simplex"):
            coupling(first, second, x_weights=masses)


def test_only_equally_many_points_are_matched() -> None:
    with pytest.raises(UserError, match="equally many points to be matched; got 2 and 3"):
        matching(np.zeros((2, 2)), np.zeros((3, 2)))


def test_an_integer_weight_is_that_many_copies() -> None:
    x, y, copies = points(0, 5, 3), points(1, 7, 3), np.array([1, 3, 0, 2, 1])
    assert wasserstein(x, y, x_weights=copies) == pytest.approx(wasserstein(np.repeat(x, copies, axis=0), y), rel=1e-10)


@few
@given(seeds, st.tuples(counts, counts, counts), dimensions, norms)
def test_it_is_a_metric_for_every_norm(seed: int, sizes: tuple[int, int, int], d: int, norm: float) -> None:
    x, y, z = (points(seed + i, n, d) for i, n in enumerate(sizes))
    a, b, c = (weights(seed + i, n) for i, n in enumerate(sizes))
    there = wasserstein(x, y, x_weights=a, y_weights=b, norm=norm)
    assert there == pytest.approx(wasserstein(y, x, x_weights=b, y_weights=a, norm=norm), rel=1e-9)
    assert there >= 0
    onwards = wasserstein(y, z, x_weights=b, y_weights=c, norm=norm)
    assert wasserstein(x, z, x_weights=a, y_weights=c, norm=norm) <= there + onwards + 1e-9


@few
@given(seeds, counts, dimensions, norms)
def test_zero_for_equal_laws_only(seed: int, n: int, d: int, norm: float) -> None:
    x = points(seed, n, d)
    assert wasserstein(x, x[::-1], norm=norm) == 0
    moved = x.copy()
    moved[0, 0] += 1e-6
    assert wasserstein(x, moved, norm=norm) == pytest.approx(1e-6 / n, rel=1e-6)


@few
@given(seeds, counts, counts, dimensions, norms)
def test_a_common_translation_changes_nothing(seed: int, n: int, m: int, d: int, norm: float) -> None:
    x, y, shift = points(seed, n, d), points(seed + 1, m, d), points(seed + 2, 1, d)
    assert wasserstein(x + shift, y + shift, norm=norm) == pytest.approx(wasserstein(x, y, norm=norm), rel=1e-9)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-14, 1e14, 1e150, 1e300])
@pytest.mark.parametrize("d", [1, 3])
def test_extreme_scales(scale: float, d: int) -> None:
    # POT alone takes everything below 1e-12 for zero, and squares leave float64 beyond 1e154
    x, y = points(0, 40, d), points(1, 30, d)
    assert wasserstein(scale * x, scale * y) / scale == pytest.approx(wasserstein(x, y), rel=1e-8)


@pytest.mark.parametrize("size", [1e-9, 1e-13])
def test_a_small_cloud_far_from_the_origin(size: float) -> None:
    x, y = 1 + size * points(0, 60, 3), 1 + size * points(1, 60, 3)
    # the subtraction is exact; unscaled, POT is off by 1e-3 at 1e-13
    assert wasserstein(x, y) == pytest.approx(wasserstein(x - 1, y - 1), rel=1e-8, abs=0)


def test_a_common_outlier_does_not_hide_a_small_distance() -> None:
    x, y, far = points(0, 40, 2), points(1, 40, 2), np.full((1, 2), 1e6)
    near = wasserstein(1e-3 * x, 1e-3 * y) * 40 / 41
    assert wasserstein(np.vstack([1e-3 * x, far]), np.vstack([1e-3 * y, far])) == pytest.approx(near, rel=1e-6)


def test_the_plug_in_over_estimates_in_expectation() -> None:
    # equal laws: the truth is 0, and the mean over draws is far above
    assert np.mean([wasserstein(points(i, 20, 2), points(100 + i, 20, 2)) for i in range(10)]) > 0.2


def test_one_point_and_a_million_on_the_line() -> None:
    assert wasserstein(np.zeros((1, 2)), np.array([[3.0, 4.0]])) == pytest.approx(5, abs=1e-12)
    many = np.arange(1e6)[:, None]
    assert wasserstein(many, many[::-1] + 2.5) == pytest.approx(2.5, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_any_real_type_is_taken_in_float64(dtype: type) -> None:
    x, y = (np.abs(points(i, 9, 3) * 3).astype(dtype) for i in range(2))
    assert wasserstein(x, y) == wasserstein(x.astype(float), y.astype(float))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(value: float) -> None:
    x = points(0, 4, 2)
    x[2, 1] = value
    with pytest.raises(UserError, match=rf"y must be finite; y\[2, 1\] is {value} \(1 in all\)"):
        wasserstein(points(1, 3, 2), x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"norm": 0.5}, r"norm must be a number from 1 to inf; got 0.5"),
        ({"norm": np.nan}, r"norm must be a number from 1 to inf; got nan"),
        ({"x_weights": [1, 1]}, r"x_weights must have shape \(3,\), one weight per point; got \(2,\)"),
        ({"y_weights": [1, 1, -1, 1]}, r"y_weights must be >= 0 and not all zero; got -1 to 1"),
        ({"x_weights": [0, 0, 0]}, r"x_weights must be >= 0 and not all zero"),
        ({"x_weights": [1, np.nan, 1]}, r"x_weights must be finite; x_weights\[1\] is nan"),
    ],
)
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        wasserstein(points(0, 3, 2), points(1, 4, 2), **options)


def test_vectors_and_text_are_refused() -> None:
    with pytest.raises(UserError, match=r"got \(3,\) and \(3,\); x\[:, None\] turns n values into n points on a line"):
        wasserstein(np.zeros(3), np.zeros(3))
    with pytest.raises(UserError, match="x must contain real numbers; got an array of type <U1"):
        wasserstein([["a"]], [["b"]])


def test_what_does_not_fit_into_memory_is_refused_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available_memory", lambda: 10 * 2**30)
    big = np.broadcast_to(np.zeros((1, 2)), (20_000, 2))
    with pytest.raises(UserError) as caught:
        wasserstein(big, big)
    assert str(caught.value) == (
        "x with 20000 and y with 20000 points: exact transport needs 15.6 GiB of memory, and only "
        "10.0 GiB are available; use the sliced distance, or subsamples of at most 15989 points"
    )


def test_the_available_memory_is_less_than_all(monkeypatch: pytest.MonkeyPatch) -> None:
    there = memory.available_memory()
    assert there > 2**20
    monkeypatch.setattr(memory.Path, "read_text", lambda _: "no such line")
    assert there < memory.available_memory()  # the fall-back: all of the physical memory


def test_a_solver_that_stops_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "PIVOTS", 3)
    with pytest.raises(MongeError, match=r"between 50 and 40 points failed: numItermax reached"):
        wasserstein(points(0, 50, 2), points(1, 40, 2))


def folded_mean(mean: float, sd: float) -> float:
    """E|mean + sd Z| by quadrature, apart from the closed form."""
    inside = [-mean / sd] if abs(mean / sd) < 12 else None
    return quad(lambda z: abs(mean + sd * z) * normal.pdf(z), -12, 12, points=inside, epsabs=1e-12)[0]


@pytest.mark.parametrize(("mean", "sd"), [(0, 2), (1, 2), (-1, 0.5), (3, 1.1), (-20, 3)])
def test_w1_between_gaussians_on_a_line(mean: float, sd: float) -> None:
    p, q = GaussianLaw(0, 1), GaussianLaw(mean, sd**2)
    assert gaussian.wasserstein1(p, q) == pytest.approx(folded_mean(mean, sd - 1), rel=1e-8)
    assert gaussian.wasserstein1(q, p) == gaussian.wasserstein1(p, q)


def test_w1_between_gaussians_of_one_width_or_none_is_the_shift() -> None:
    assert gaussian.wasserstein1(GaussianLaw(1, 4), GaussianLaw(-2, 4)) == 3
    assert gaussian.wasserstein1(GaussianLaw(1, 0), GaussianLaw(-2, 0)) == 3
    assert gaussian.wasserstein1(GaussianLaw(0, 1), GaussianLaw(1e6, 1.1)) == pytest.approx(1e6, rel=1e-12)


def test_w1_of_samples_tends_to_that_of_the_gaussians() -> None:
    levels = (np.arange(20_000) + 0.5) / 20_000  # quantiles instead of draws: no chance in the test
    x, y = normal.ppf(levels)[:, None], normal.ppf(levels, 0.5, 2)[:, None]
    assert wasserstein(x, y) == pytest.approx(gaussian.wasserstein1(GaussianLaw(0, 1), GaussianLaw(0.5, 4)), rel=1e-3)


@few
@given(seeds, dimensions)
def test_w2_between_gaussians(seed: int, d: int) -> None:
    p, q = (GaussianLaw(points(i, 1, d)[0], random_covariance(i, d)) for i in (seed, seed + 1))
    values, vectors = np.linalg.eigh(p.covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ q.covariance @ root).clip(0)).sum()
    squared = ((p.mean - q.mean) ** 2).sum() + np.trace(p.covariance + q.covariance) - 2 * cross
    assert gaussian.wasserstein2(p, q) ** 2 == pytest.approx(squared, rel=1e-8)
    assert gaussian.wasserstein2(p, q) == pytest.approx(
        ot.gaussian.bures_wasserstein_distance(p.mean, q.mean, p.covariance, q.covariance), rel=1e-6
    )
    assert gaussian.wasserstein2(p, p) == pytest.approx(0, abs=1e-12)
    z = GaussianLaw(np.zeros(d), np.zeros((d, d)))  # a point: the distance is the root of the second moment
    assert gaussian.wasserstein2(p, z) ** 2 == pytest.approx(p.mean @ p.mean + np.trace(p.covariance), rel=1e-8)
    assert gaussian.wasserstein2(p, q) <= gaussian.wasserstein2(p, z) + gaussian.wasserstein2(z, q) + 1e-12


def test_w2_of_commuting_and_singular_covariances() -> None:
    p, q = GaussianLaw([0, 0], np.diag([4.0, 0.0])), GaussianLaw([3, 0], np.diag([1.0, 9.0]))
    assert gaussian.wasserstein2(p, q) == pytest.approx(np.sqrt(9 + 1 + 9), rel=1e-8)
    line = [GaussianLaw(0, 1), GaussianLaw(2, 9)]
    assert gaussian.wasserstein2(*line) == pytest.approx(np.sqrt(8), rel=1e-12)


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        ([0, 0], 1, r"must be \(d,\) and \(d, d\); got \(2,\) and \(1, 1\)"),
        (np.nan, 1, "must be finite"),
        (0, -1, "got smallest eigenvalue -1"),
        ([0, 0], [[1, 2], [2, 1]], "got smallest eigenvalue -1"),
        ([0, 0], [[1, 0.5], [0, 1]], "must be symmetric"),
    ],
)
def test_what_is_no_gaussian_is_refused(mean: object, covariance: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        GaussianLaw(mean, covariance)


def test_closed_forms_are_refused_where_they_do_not_hold() -> None:
    plane, line = GaussianLaw([0, 0], np.eye(2)), GaussianLaw(0, 1)
    with pytest.raises(UserError, match="distributions on a line; got dimensions 2 and 1"):
        gaussian.wasserstein1(plane, line)
    with pytest.raises(UserError, match="the same dimension; got 2 and 1"):
        gaussian.wasserstein2(plane, line)


def test_the_matrix_of_distances_is_what_pot_gets() -> None:
    x, y = points(0, 60, 5), points(1, 45, 5)
    assert wasserstein(x, y) == pytest.approx(ot.emd2([], [], cdist(x, y)), rel=1e-10)


@pytest.mark.parametrize("d", [2, ground.MANY_DIMENSIONS, 200])
def test_distances_by_products_keep_every_digit(d: int) -> None:
    draw = np.random.default_rng(d)
    x, y = draw.normal(size=(60, d)) + 100, draw.normal(size=(70, d)) + 100
    y[:10], y[10:20] = x[:10], x[10:20] + 1e-9 * draw.normal(size=(10, d))
    np.testing.assert_allclose(ground._by_products(x, y), cdist(x, y), rtol=1e-12, atol=1e-12)
    far = np.zeros((3, d))
    np.testing.assert_array_equal(ground._by_products(far, far), 0)


def test_many_dimensions_take_the_products(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = points(0, 20, ground.MANY_DIMENSIONS), points(1, 20, ground.MANY_DIMENSIONS)
    cost = wasserstein(x, y)
    monkeypatch.setattr(ground, "MANY_DIMENSIONS", ground.MANY_DIMENSIONS + 1)
    assert wasserstein(x, y) == pytest.approx(cost, rel=1e-12)
