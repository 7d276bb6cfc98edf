"""The critic distance matrix, its cluster version and its weights, on outputs whose matrix is known."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monge.errors import UserError
from monge.metric.critic_matrix import (
    calibrated,
    cluster_matrix,
    cluster_weights,
    distance_matrix,
    real_probability,
    sample_weights,
)

few = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**31)


def outputs(seed: int, n: int, k: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, k))


def test_distances_by_hand() -> None:
    real, fake = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [0.0, 4.0], [3.0, 0.0]])
    np.testing.assert_allclose(distance_matrix(real, fake), [[0, 5], [4, 3], [3, 4]])


# real outputs in two heaps at 0 and 10, generated ones in three at 1, 2 and 12
REAL = np.array([0.0, 0.0, 0.0, 10.0])[:, None]
FAKE = np.array([12.0, 1.0, 1.0, 2.0, 2.0, 12.0])[:, None]


def test_clusters_by_hand() -> None:
    seen = cluster_matrix(REAL, FAKE, clusters=3)
    raw = np.array([[1.0, 9.0], [2.0, 8.0], [12.0, 2.0]])
    assert seen.mean == pytest.approx(34 / 6)
    np.testing.assert_allclose(seen.matrix, raw - 34 / 6)
    np.testing.assert_allclose(seen.real_centres, [[0], [10]])
    np.testing.assert_allclose(seen.fake_centres, [[1], [2], [12]])
    np.testing.assert_allclose(seen.real_shares, [0.75, 0.25])
    np.testing.assert_allclose(seen.fake_shares, [1 / 3] * 3)
    # sigma^2 is the variance of the ten outputs together: the mean of 0 0 0 10 12 1 1 2 2 12 is 4
    variance = (3 * 16 + 36 + 2 * 64 + 2 * 9 + 2 * 4) / 10
    kernel = np.exp(-(raw**2) / (2 * variance))
    np.testing.assert_allclose(seen.weights, kernel / kernel.sum(axis=1, keepdims=True))
    assert seen.weighted_distance == pytest.approx((seen.weights * raw).sum() / 3)


def test_a_cluster_mean_is_over_pairs_not_of_centres() -> None:
    # the centres coincide, the mean distance between pairs is 1
    seen = cluster_matrix([[-1.0], [1.0]], [[0.0], [0.0]], clusters=1)
    assert (seen.mean, seen.matrix.item()) == (1, 0)
    assert seen.real_centres.item() == seen.fake_centres.item() == 0


@few
@given(seeds, st.integers(1, 6), st.integers(1, 3))
def test_the_elements_sum_to_zero_and_weights_to_one(seed: int, clusters: int, k: int) -> None:
    seen = cluster_matrix(outputs(seed, 20, k), outputs(seed + 1, 15, k), clusters)
    assert seen.matrix.shape == (clusters, clusters)
    assert seen.matrix.sum() == pytest.approx(0, abs=1e-9)
    assert (seen.matrix + seen.mean).min() >= 0
    np.testing.assert_allclose(seen.weights.sum(axis=1), 1)
    assert seen.real_shares.sum() == pytest.approx(1)
    assert seen.fake_shares.sum() == pytest.approx(1)
    assert (np.diff(seen.real_centres[:, 0]) >= 0).all()
    assert (np.diff(seen.fake_centres[:, 0]) >= 0).all()


@few
@given(seeds, st.floats(0.1, 50), st.floats(-5, 5))
def test_scale_and_offset_of_the_critic(seed: int, scale: float, offset: float) -> None:
    # well apart, so that k-means finds the same clusters at every scale
    real = outputs(seed, 12) * 0.01 + np.repeat([0.0, 5.0, 9.0], 4)[:, None]
    fake = outputs(seed + 1, 12) * 0.01 + np.repeat([1.0, 4.0, 11.0], 4)[:, None]
    first = cluster_matrix(real, fake, 3)
    second = cluster_matrix(scale * real + offset, scale * fake + offset, 3)
    np.testing.assert_allclose(second.matrix, scale * first.matrix, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(second.weights, first.weights, rtol=1e-6)


def test_clusters_are_deterministic_and_agree_with_the_whole_matrix() -> None:
    real, fake = outputs(0, 60, 2), outputs(1, 50, 2) + 1
    one, same = (cluster_matrix(real, fake, 5, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.matrix, same.matrix)
    np.testing.assert_array_equal(one.weights, same.weights)
    # the clusters' means, each with the number of its pairs, make up the mean of all pairs
    shares = np.outer(one.fake_shares, one.real_shares)
    assert (shares * (one.matrix + one.mean)).sum() == pytest.approx(distance_matrix(real, fake).mean())


def test_fewer_distinct_outputs_than_clusters() -> None:
    seen = cluster_matrix(np.ones((5, 1)), np.array([[1.0], [1.0], [3.0], [3.0], [3.0]]), clusters=4)
    np.testing.assert_allclose(seen.matrix + seen.mean, [[0], [2]])
    np.testing.assert_allclose(seen.weights, [[1], [1]])
    constant = cluster_matrix(np.ones((5, 1)), np.ones((5, 1)), clusters=2)
    assert (constant.matrix.item(), constant.weights.item()) == (0, 1)


def test_weights_without_and_with_little_width() -> None:
    real, fake = [[0.0], [2.0], [1e9]], [[1.0], [1.9]]
    np.testing.assert_allclose(cluster_weights(real, fake, 0.0), [[0.5, 0.5, 0], [0, 1, 0]])
    # no kernel value is above zero here, but the ratios are defined
    np.testing.assert_allclose(cluster_weights(real, fake, 1e-3), [[0.5, 0.5, 0], [0, 1, 0]])
    np.testing.assert_allclose(cluster_weights(real, fake, 1e20), 1 / 3)


def test_probabilities_of_equal_and_of_separate_outputs() -> None:
    x = outputs(0, 500)
    for p in real_probability(x, x):
        np.testing.assert_allclose(p, 0.5, atol=1e-6)
    real, fake = real_probability(x + 100, x)
    assert real.min() > 0.9
    assert fake.max() < 0.1
    # sides far apart and one output beyond all others: at its log-ratio the logistic function rounds to 1
    far = np.append(1 + x / 100, [[20.0]], axis=0), -1 + x / 100
    assert calibrated(*far)(far[0]).max() > 40
    assert np.isfinite(sample_weights(*real_probability(*far))).all()
    for p in real_probability(np.ones((3, 1)), np.ones((7, 1))):
        np.testing.assert_allclose(p, 0.5, atol=1e-6)


def test_probabilities_are_calibrated() -> None:
    # N(1, 1) against N(0, 1): p / (p + q) = 1 / (1 + exp(1/2 - t)), whatever the sizes and the unit
    x, y = outputs(0, 8000) + 1, outputs(1, 4000)
    for points, seen in zip((x, y), real_probability(3 * x - 5, 3 * y - 5), strict=True):
        np.testing.assert_allclose(seen, 1 / (1 + np.exp(0.5 - points[:, 0])), atol=0.03)


def test_sample_weights_by_hand() -> None:
    weights = sample_weights(np.array([0.5, 0.75]), np.array([0.2, 0.9, 1.0]))
    np.testing.assert_allclose(weights, [[1.6, 3.2], [0.2, 0.4], [0, 0]])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: distance_matrix([[0.0]], [[0.0, 1.0]]), r"\(1, 1\) and \(1, 2\)"),
        (lambda: distance_matrix([[0.0]], [[np.nan]]), "y must be finite"),
        (lambda: cluster_matrix(REAL, FAKE, 0), "clusters must be from 1 to 4, .*; got 0"),
        (lambda: cluster_matrix(REAL, FAKE, 5), "clusters must be from 1 to 4, .*; got 5"),
        (lambda: cluster_weights(REAL, FAKE, -1.0), "deviation must be finite and at least 0; got -1.0"),
        (
            lambda: sample_weights(np.array([1.0]), np.array([0.5])),
            r"real must contain probabilities in \[0, 1\); got 1.0",
        ),
        (
            lambda: sample_weights(np.array([0.5]), np.array([1.5])),
            r"fake must contain probabilities in \[0, 1\]; got 1.5",
        ),
    ],
)
def test_errors(call: Callable[[], object], text: str) -> None:
    with pytest.raises(UserError, match=text):
        call()
