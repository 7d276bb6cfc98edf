"""The Sinkhorn divergence against closed forms, its two limits, POT, and its laws."""

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from monge.distance.transport import memory
from monge.distance.transport.exact import wasserstein
from monge.distance.transport.sinkhorn import sinkhorn_divergence
from monge.errors import UserError

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**31)
counts = st.integers(1, 10)
dimensions = st.integers(1, 4)


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@pytest.mark.parametrize("epsilon", [0.01, 1.0, 100.0])
@pytest.mark.parametrize(("cost", "expected"), [("euclidean", 5), ("sqeuclidean", 25)])
def test_between_two_points_it_is_their_cost(epsilon: float, cost: str, expected: float) -> None:
    there = sinkhorn_divergence([[0.0, 0.0]], [[3.0, 4.0]], epsilon=epsilon, cost=cost)
    assert there == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("epsilon", [0.5, 5.0, 500.0])
def test_a_shift_at_squared_cost_is_its_square_for_every_epsilon(epsilon: float) -> None:
    # |x - y - s|^2 = |x - y|^2 - 2 s (x - y) + |s|^2, and every plan between x and x has E(x - y) = 0
    x, shift = points(0, 40, 3), np.array([1.0, -2.0, 0.5])
    seen = sinkhorn_divergence(x, x + shift, epsilon=epsilon, cost="sqeuclidean", tolerance=1e-9)
    assert seen == pytest.approx(shift @ shift, rel=1e-8)


def test_a_small_epsilon_gives_w1() -> None:
    x, y = points(0, 30, 2), points(1, 25, 2) + 1
    assert sinkhorn_divergence(x, y, epsilon=2e-3) == pytest.approx(wasserstein(x, y), rel=0.02)


def test_a_large_epsilon_gives_half_the_energy_distance() -> None:
    x, y = points(0, 30, 2), points(1, 25, 2) + 1
    energy = 2 * cdist(x, y).mean() - cdist(x, x).mean() - cdist(y, y).mean()
    assert sinkhorn_divergence(x, y, epsilon=1e6) == pytest.approx(energy / 2, rel=1e-5)


@pytest.mark.parametrize(("n", "m", "d"), [(1, 5, 2), (8, 5, 1), (12, 12, 4)])
@pytest.mark.parametrize("cost", ["euclidean", "sqeuclidean"])
def test_equals_pot(n: int, m: int, d: int, cost: str) -> None:
    x, y = points(0, n, d) / 2, points(1, m, d) / 2

    def entropic(p: np.ndarray, q: np.ndarray) -> float:
        a, b, c = np.full(len(p), 1 / len(p)), np.full(len(q), 1 / len(q)), cdist(p, q, cost)
        plan = ot.sinkhorn(a, b, c, 1.0, method="sinkhorn_log", stopThr=1e-10, numItermax=2_000)
        return (plan * c).sum() + (plan * np.log(plan / np.outer(a, b))).sum()

    expected = entropic(x, y) - entropic(x, x) / 2 - entropic(y, y) / 2
    seen = sinkhorn_divergence(x, y, epsilon=1.0, cost=cost, tolerance=1e-9)
    assert seen == pytest.approx(expected, rel=1e-6, abs=1e-9)


@few
@given(seeds, counts, counts, dimensions)
def test_laws(seed: int, n: int, m: int, d: int) -> None:
    x, y, shift = points(seed, n, d), points(seed + 1, m, d), points(seed + 2, 1, d)
    seen = sinkhorn_divergence(x, y, epsilon=0.3)
    assert seen > 0
    assert seen == pytest.approx(sinkhorn_divergence(y, x, epsilon=0.3), rel=1e-6, abs=1e-8)
    assert seen == pytest.approx(sinkhorn_divergence(x[::-1], y[::-1], epsilon=0.3), rel=1e-6, abs=1e-8)
    moved = sinkhorn_divergence(5 * x + shift, 5 * y + shift, epsilon=1.5)
    assert moved == pytest.approx(5 * seen, rel=1e-6, abs=1e-8)
    assert sinkhorn_divergence(x, x[::-1], epsilon=0.3) == pytest.approx(0, abs=1e-8)


def test_it_is_no_metric() -> None:
    x, y, z = np.array([[0.0]]), np.array([[0.0], [1.0]]), np.array([[1.0]])
    xy, yz, xz = (sinkhorn_divergence(*pair, epsilon=100.0) for pair in ((x, y), (y, z), (x, z)))
    assert xz > xy + yz + 0.4


def test_the_default_epsilon_is_a_fraction_of_the_mean_cost() -> None:
    x, y = points(0, 30, 2), points(1, 25, 2) + 1
    expected = sinkhorn_divergence(x, y, epsilon=0.05 * cdist(x, y).mean())
    assert sinkhorn_divergence(x, y) == pytest.approx(expected, rel=1e-12)
    assert sinkhorn_divergence(100 * x, 100 * y) == pytest.approx(100 * expected, rel=1e-6)


def test_weights_are_copies_and_zeros_are_absent() -> None:
    x, y, copies = points(0, 5, 3), points(1, 7, 3), np.array([1, 3, 0, 2, 1])
    seen = sinkhorn_divergence(x, y, x_weights=copies, epsilon=0.5)
    expected = sinkhorn_divergence(np.repeat(x, copies, axis=0), y, epsilon=0.5)
    assert seen == pytest.approx(expected, rel=1e-6)


def test_one_and_the_same_point() -> None:
    assert sinkhorn_divergence(np.ones((3, 2)), np.ones((1, 2))) == 0


def test_an_iteration_that_does_not_converge_is_an_error() -> None:
    x, y = points(0, 40, 2), points(1, 40, 2)
    with pytest.raises(UserError, match=r"tolerance 1e-12 was not reached in 3 iterations at epsilon 0.01: .*increase"):
        sinkhorn_divergence(x, y, epsilon=0.01, tolerance=1e-12, iterations=3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilon": 0.0}, "epsilon must be positive and finite, in the units of the cost; got 0.0"),
        ({"epsilon": np.nan}, "epsilon must be positive and finite"),
        ({"epsilon": 1e9}, "a million times the mean cost; got 1000000000.0"),
        ({"cost": "cosine"}, "cost must be 'euclidean' or 'sqeuclidean'; got 'cosine'"),
        ({"tolerance": 0.0}, "tolerance must be > 0 and iterations >= 1; got 0.0 and 10000"),
        ({"iterations": 0}, "tolerance must be > 0 and iterations >= 1; got 1e-05 and 0"),
        ({"x_weights": [1, 2]}, r"x_weights must have shape \(3,\)"),
    ],
)
def test_bad_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        sinkhorn_divergence(points(0, 3, 2), points(1, 4, 2), **options)


def test_bad_points_and_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = points(0, 4, 2)
    with pytest.raises(UserError, match=r"got \(4, 2\) and \(4, 1\)"):
        sinkhorn_divergence(x, x[:, :1])
    with pytest.raises(UserError, match=r"x must be finite; x\[0, 0\] is nan"):
        sinkhorn_divergence(x * np.nan, x)
    monkeypatch.setattr(memory, "available_memory", lambda: 300)
    with pytest.raises(UserError, match="the Sinkhorn divergence needs"):
        sinkhorn_divergence(x, x)
