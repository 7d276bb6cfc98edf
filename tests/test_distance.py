"""W1 against closed forms and its laws; the bracket's arithmetic; the coverage of its lower limit."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from torch import Tensor

from monge.distance import Bracket, wasserstein
from monge.distance.bracket import measure
from monge.distance.dual import lower_limit, measured_lipschitz
from monge.errors import UserError

few = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**31)
counts = st.integers(1, 12)
dimensions = st.integers(1, 4)


def points(seed: int, n: int, d: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


@few
@given(seeds, counts, dimensions)
def test_a_shift_costs_its_length(seed: int, n: int, d: int) -> None:
    x, shift = points(seed, n, d), points(seed + 1, 1, d)
    assert wasserstein(x, x + shift) == pytest.approx(np.linalg.norm(shift))


@few
@given(seeds, counts, counts)
def test_on_the_line_it_equals_scipy(seed: int, n: int, m: int) -> None:
    x, y = points(seed, n, 1), points(seed + 1, m, 1)
    assert wasserstein(x, y) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]))


@few
@given(seeds, counts)
def test_on_the_line_the_closed_form_equals_the_linear_programme(seed: int, n: int) -> None:
    x, y = points(seed, n, 1), points(seed + 1, n, 1)
    # a constant second coordinate leaves the distances alone, but takes the general path
    flat = np.zeros((n, 1))
    assert wasserstein(x, y) == pytest.approx(wasserstein(np.hstack([x, flat]), np.hstack([y, flat])))


@few
@given(seeds, counts, counts, dimensions, st.floats(0, 100))
def test_scaling_and_symmetry(seed: int, n: int, m: int, d: int, scale: float) -> None:
    x, y = points(seed, n, d), points(seed + 1, m, d)
    assert wasserstein(scale * x, scale * y) == pytest.approx(scale * wasserstein(y, x))


@few
@given(seeds, st.tuples(counts, counts, counts), dimensions)
def test_triangle_inequality(seed: int, sizes: tuple[int, int, int], d: int) -> None:
    x, y, z = (points(seed + i, n, d) for i, n in enumerate(sizes))
    assert wasserstein(x, z) <= wasserstein(x, y) + wasserstein(y, z) + 1e-9


@few
@given(seeds, counts, counts, dimensions)
def test_order_of_the_samples_does_not_matter(seed: int, n: int, m: int, d: int) -> None:
    x, y = points(seed, n, d), points(seed + 1, m, d)
    shuffle = np.random.default_rng(seed).permutation
    assert wasserstein(x[shuffle(n)], y[shuffle(m)]) == pytest.approx(wasserstein(x, y))


def test_sets_of_different_size() -> None:
    # half of the mass moves by 3, half by 4
    assert wasserstein(np.zeros((1, 2)), np.array([[3.0, 0.0], [0.0, 4.0]])) == pytest.approx(3.5)


@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 2), (3, 1)), ((0, 2), (3, 2)), ((3, 2), (0, 2))])
def test_bad_shapes_are_refused(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    x, y = map(np.zeros, shapes)
    with pytest.raises(UserError, match=r"non-empty \(n, d\) and \(m, d\)") as caught:
        wasserstein(x, y)
    assert f"{x.shape} and {y.shape}" in str(caught.value)


def test_bracket_arithmetic() -> None:
    held_out = points(0, 20, 3)
    generated, again = held_out + np.array([2.0, 0, 0]), held_out + np.array([2.0, 0.5, 0])
    seen = measure(generated, again, held_out, floor=0.3, lower=1.5, lipschitz="certified")
    assert (seen.upper, seen.spread) == (pytest.approx(2), pytest.approx(0.5))
    assert seen.excess == pytest.approx(2 - (0.3 + 0.5) / 2)
    assert (seen.lower, seen.floor, seen.lipschitz, seen.confidence) == (1.5, 0.3, "certified", 0.95)


def test_bracket_without_a_potential_claims_nothing() -> None:
    x = points(0, 5, 2)
    seen = measure(x, x, x, floor=0.0)
    assert (seen.lower, seen.lipschitz) == (0.0, "none")


def test_bracket_survives_json() -> None:
    seen = Bracket(0.1, 0.5, 0.2, 0.2, 0.3)
    assert Bracket(**json.loads(json.dumps(seen.as_json()))) == seen
    assert str(seen) == "excess 0.300 (lower 0.100 measured, upper 0.500, floor 0.200, spread 0.200)"


def test_lower_limit_covers_the_truth() -> None:
    # f(x) = x along the shift is an optimal potential: the truth is the shift, and a 95 % limit may exceed it 1 in 20
    shift, exceeded = 2.0, 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        limit = lower_limit(draw.normal(shift, 1, 300), draw.normal(0, 1, 200), lipschitz=1.0)
        assert limit > shift - 0.6
        exceeded += limit > shift
    assert 1 <= exceeded <= 20


@few
@given(seeds, st.floats(0.1, 10))
def test_lower_limit_does_not_depend_on_the_potentials_scale(seed: int, scale: float) -> None:
    real, fake = points(seed, 30, 1)[:, 0] + 5, points(seed + 1, 40, 1)[:, 0]
    assert lower_limit(scale * real, scale * fake, scale) == pytest.approx(lower_limit(real, fake, 1.0))


def test_lower_limit_is_never_negative() -> None:
    real, fake = points(0, 30, 1)[:, 0], points(1, 30, 1)[:, 0] + 5
    assert lower_limit(real, fake, 1.0) == 0
    assert lower_limit(fake, real, 0.0) == 0


def test_lower_limit_falls_with_confidence() -> None:
    real, fake = points(0, 30, 1)[:, 0] + 5, points(1, 30, 1)[:, 0]
    limits = [lower_limit(real, fake, 1.0, confidence) for confidence in (0.5, 0.9, 0.99)]
    assert limits[0] == pytest.approx(real.mean() - fake.mean())
    assert limits == sorted(limits, reverse=True)


@few
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=5))
def test_measured_lipschitz_of_a_linear_map_is_its_norm(weights: list[float]) -> None:
    w = torch.tensor(weights, dtype=torch.float64)
    sets = [torch.randn(6, len(w), dtype=torch.float64) for _ in range(2)]
    measured = measured_lipschitz(lambda x: x @ w[:, None], *sets, torch.rand(6, 1, dtype=torch.float64))
    assert measured == pytest.approx(np.linalg.norm(weights))


@pytest.mark.parametrize("steepest", ["real", "fake", "between"])
def test_measured_lipschitz_looks_at_both_sets_and_between(steepest: str) -> None:
    real, fake = torch.full((1, 1), 1.0), torch.full((1, 1), -1.0)
    centre = {"real": 1.0, "fake": -1.0, "between": 0.0}[steepest]

    def potential(x: Tensor) -> Tensor:
        return torch.tanh((x - centre) * 4)

    assert measured_lipschitz(potential, real, fake, torch.full((1, 1), 0.5)) == pytest.approx(4)
