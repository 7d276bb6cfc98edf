"""Metrics on sets whose score is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monge.data.toy import grid25
from monge.metric.class_shares import agreement, class_shares, predicted, purity
from monge.metric.frechet import frechet
from monge.metric.memorisation import SEARCHED, nearest, novelty, searchable
from monge.metric.modes import modes
from monge.metric.precision_recall import coverage

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def standardised(seed: int, n: int, d: int) -> np.ndarray:
    """A sample with mean exactly 0 and covariance exactly the identity."""
    x = points(seed, n, d)
    x -= x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x.T).reshape(d, d))
    return x @ vectors / np.sqrt(values)


@few
@given(seeds, st.integers(5, 20), st.integers(1, 3))
def test_coverage_of_equal_sets_is_one(seed: int, n: int, d: int) -> None:
    x = points(seed, n, d)
    scores = coverage(x, x)
    assert (scores["precision"], scores["recall"], scores["coverage"]) == (1, 1, 1)
    # every ball holds its centre and its three nearest neighbours
    assert scores["density"] == pytest.approx(4 / 3)


def test_coverage_of_far_sets_is_zero() -> None:
    scores = coverage(points(0, 10, 2), points(1, 12, 2) + 100)
    assert scores == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_coverage_tells_missing_modes_from_bad_samples() -> None:
    one, other = points(0, 20, 2), points(1, 20, 2) + 100
    both = np.concatenate([one, other])
    dropped, invented = coverage(both, one), coverage(one, both)
    assert (dropped["precision"], dropped["recall"], dropped["coverage"]) == (1, 0.5, 0.5)
    assert (invented["precision"], invented["recall"], invented["coverage"]) == (0.5, 1, 1)


def test_coverage_by_hand() -> None:
    real, fake = np.array([[0.0], [1.0], [3.0]]), np.array([[0.5], [9.0]])
    # nearest neighbours: real balls [-1, 1], [0, 2], [1, 5]; fake balls reach 8.5
    scores = coverage(real, fake, k=1)
    assert scores == {"precision": 0.5, "recall": 1, "density": 1.0, "coverage": pytest.approx(2 / 3)}


@few
@given(seeds, st.integers(1, 5))
def test_frechet_of_commuting_gaussians(seed: int, d: int) -> None:
    x, draw = standardised(seed, 30, d), np.random.default_rng(seed + 1)
    shift, a, b = draw.normal(size=d), draw.uniform(0.1, 3, d), draw.uniform(0.1, 3, d)
    turn, _ = np.linalg.qr(draw.normal(size=(d, d)))
    # covariances with the same axes: |m|^2 + sum (a - b)^2
    value = frechet(x * a @ turn, x * b @ turn + shift)
    assert value == pytest.approx(shift @ shift + ((a - b) ** 2).sum())


@few
@given(seeds, st.integers(1, 5))
def test_frechet_to_the_standard_gaussian(seed: int, d: int) -> None:
    x, root = standardised(seed, 30, d), points(seed + 1, d, d)
    sigma = root.T @ root
    # against the identity: tr S + d - 2 tr S^(1/2), and S^(1/2) has the singular values of the root
    expected = np.trace(sigma) + d - 2 * np.linalg.svd(root, compute_uv=False).sum()
    assert frechet(x, x @ root) == pytest.approx(expected)
    assert frechet(x @ root, x) == pytest.approx(expected)


@pytest.mark.parametrize("d", [1, 4])
def test_frechet_of_equal_and_of_degenerate_sets(d: int) -> None:
    x = points(0, 30, d)
    assert frechet(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet(np.zeros((5, d)), np.ones((5, d))) == pytest.approx(d)


def test_modes_of_a_perfect_grid() -> None:
    data = grid25()
    assert data.info.centres is not None
    assert data.info.deviation is not None
    assert modes(data.info.centres, data.info.centres, data.info.deviation) == {"modes": 25, "high_quality": 1}
    scores = modes(data.held_out.sample(2500), data.info.centres, data.info.deviation)
    assert scores["modes"] == 25
    assert scores["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.01)


def test_modes_counts_only_samples_of_high_quality() -> None:
    centres = np.array([[0.0, 0.0], [10.0, 0.0]])
    fake = np.array([[0.0, 0.0], [0.29, 0.0], [0.31, 0.0], [9.0, 0.0]])
    assert modes(fake, centres, 0.1) == {"modes": 1, "high_quality": 0.5}
    assert modes(fake[2:], centres, 0.1) == {"modes": 0, "high_quality": 0}


def test_nearest_by_hand() -> None:
    index, distance = nearest(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[3.0, 3.0], [0.0, 2.0]]))
    assert index.tolist() == [1, 0]
    assert distance.tolist() == [2, 1]


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_nearest_finds_copies_of_large_values(offset: float) -> None:
    train = points(0, 300, 2) + offset
    index, distance = nearest(train[::-1], train)
    assert index.tolist() == list(range(300))[::-1]
    assert distance.max() == 0
    labels = (train[:, 0] > offset).astype(np.int64)
    assert (predicted(train, labels, train) == labels).mean() > 0.95


def test_novelty() -> None:
    train, held_out = points(0, 30, 2), points(1, 10, 2)
    assert novelty(train[:7], train, held_out) == 0
    assert novelty(held_out, train, held_out) == 1
    # where even held-out samples are copies, nothing is divided by zero
    assert novelty(train, train, train) is None


def test_class_shares() -> None:
    labels = np.repeat([0, 1, 2], 30)
    real = points(0, 90, 2) + 20 * labels[:, None]
    found = np.unique(labels)
    classes = predicted(real, labels, real[:75])
    assert class_shares(classes, found) == {"0": 0.4, "1": 0.4, "2": 0.2}
    assert class_shares(classes[:30], found) == {"0": 1, "1": 0, "2": 0}
    assert class_shares(classes[:30], found, ["cat", "dog", "owl"]) == {"cat": 1, "dog": 0, "owl": 0}
    assert (predicted(real[:30], labels[:30], real) == 0).all()
    assert agreement(classes, labels[:75]) == 1
    assert agreement(classes, np.ones(75, np.int64)) == 0.4


def test_purity_by_hand() -> None:
    classes = np.array([0, 0, 1, 1, 2, 2])
    assert purity(classes, np.array([3, 3, 1, 1, 0, 0])) == 1
    assert purity(classes, np.array([0, 1, 0, 1, 0, 1])) == pytest.approx(1 / 3)
    assert purity(classes, np.zeros(6, np.int64)) == pytest.approx(1 / 3)
    assert purity(classes, np.array([0, 0, 0, 1, 1, 1])) == pytest.approx(4 / 6)


def test_searchable() -> None:
    assert searchable(1300, (1, 8, 8)) == 1300
    assert searchable(10**6, (3, 64, 64)) == SEARCHED // (3 * 64 * 64)
    assert searchable(5, (SEARCHED + 1,)) == 1
