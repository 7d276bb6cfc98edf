"""W1 against closed forms and its laws; the bracket's arithmetic; the coverage of its lower limit."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance
from torch import Tensor

from monge.distance.bounds import bracket, parts
from monge.distance.dual.family import FAMILIES
from monge.distance.dual.potential import measured_lipschitz
from monge.distance.summary import Bracket, Draw, Limit, Shape, summary
from monge.distance.transport.exact import wasserstein
from monge.errors import UserError
from monge.evaluation.reference import QUICK

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
    draws = [Draw(upper=2.0, floor=0.3, spread=0.5), Draw(upper=2.2, floor=0.3, spread=0.7)]
    seen = summary(draws, Limit(1.5), 20, (Shape.of(points(0, 9, 2)), Shape.of(points(1, 9, 2))))
    assert (seen.upper, seen.floor, seen.spread) == pytest.approx((2.1, 0.3, 0.6))
    assert seen.excess == pytest.approx(2.1 - (0.3 + 0.6) / 2)
    assert (seen.lower, seen.lipschitz, seen.confidence, seen.n) == (1.5, "none", 0.95, 20)
    # excess 1.6 and 1.7, spread 0.5 and 0.7: the standard error of a mean of two is half of their difference
    assert (seen.excess_error, seen.spread_error) == pytest.approx((0.05, 0.1))
    # samples that the draws share: the variance of one draw counts once more
    shared = summary(draws, Limit(), 20, (Shape.of(points(0, 9, 2)), Shape.of(points(1, 9, 2))), available=60)
    assert shared.excess_error == pytest.approx(0.05 * (1 + 2 * 20 / 40) ** 0.5)
    # of the spread either draw takes two sets
    assert shared.spread_error == pytest.approx(0.1 * (1 + 2 * 40 / 20) ** 0.5)


def test_values_too_large_for_a_potential_prove_nothing() -> None:
    seen = bracket(1e200 * points(0, 30, 2), 1e200 * points(1, 30, 2), families=QUICK)
    assert seen.lower == 0
    assert np.isfinite(seen.upper)


def test_a_single_draw_has_no_error() -> None:
    seen = bracket(points(0, 9, 2), points(1, 9, 2), draws=1, families=QUICK)
    assert (seen.excess_error, seen.spread_error, seen.n) == (None, None, 3)


def test_too_few_samples_for_a_potential_claim_nothing() -> None:
    seen = bracket(points(0, 5, 2), points(1, 5, 2) + 9)
    assert (seen.lower, seen.lipschitz, seen.family, seen.potential) == (0.0, "none", None, None)


def test_bracket_of_a_shift() -> None:
    x, y = points(0, 600, 3), points(1, 600, 3) + np.array([2.0, 0, 0])
    seen = bracket(x, y, families=QUICK)
    assert 1.7 < seen.lower < 2 < seen.upper
    assert (seen.lipschitz, seen.family) == ("certified", "linear")
    assert seen.excess_error is not None
    assert seen.potential is not None
    assert seen.potential(x).mean() - seen.potential(y).mean() == pytest.approx(2, abs=0.2)
    assert bracket(x, y, families=QUICK) == seen


@pytest.mark.parametrize("law", range(3))
def test_bracket_of_equal_laws(law: int) -> None:
    seen = bracket(points(2 * law, 400, 2), points(2 * law + 1, 400, 2), families=QUICK)
    assert seen.excess_error is not None
    assert abs(seen.excess) < 4 * seen.excess_error
    assert seen.lower < 0.1


def test_errors_cover_the_excess_of_equal_laws() -> None:
    """Draws share the data and the error allows for it: a little too much where the laws are equal, because
    the first-order part that it stands for vanishes there."""
    scores = []
    for seed in range(40):
        seen = bracket(points(seed, 40, 2), points(seed + 1000, 40, 2), draws=12, families=("linear",))
        assert seen.excess_error is not None
        scores.append(seen.excess / seen.excess_error)
    assert 0.4 < np.sqrt(np.mean(np.square(scores))) < 1.2


def test_certified_families_come_first() -> None:
    x, y = points(0, 60, 1), points(1, 60, 1) + 2
    quick = replace(FAMILIES["gp"], steps=3)
    assert bracket(x, y, families=(quick, "linear")).family == "linear"
    measured = bracket(x, y, families=(quick,))
    assert (measured.lipschitz, measured.confidence) == ("measured", None)


def test_bad_brackets_are_refused() -> None:
    with pytest.raises(UserError, match="family 'cone' is not known; did you mean 'cones'"):
        bracket(points(0, 9, 2), points(1, 9, 2), families=("cone",))
    with pytest.raises(UserError, match="at least 3 samples on each side; got 2 and 5"):
        bracket(points(0, 2, 2), points(1, 5, 2))
    with pytest.raises(UserError, match="draws must be at least 1; got 0"):
        bracket(points(0, 5, 2), points(1, 5, 2), draws=0)


def test_parts_are_disjoint() -> None:
    split = parts(np.arange(10.0)[:, None], [3, 3, 4], 7)
    assert sorted(np.concatenate(split)[:, 0]) == list(range(10))
    assert [len(part) for part in split] == [3, 3, 4]


def test_bracket_survives_json() -> None:
    seen = bracket(points(0, 60, 2), points(1, 60, 2), families=("linear",))
    again = Bracket(**json.loads(json.dumps(seen.as_json())))
    assert again == seen
    assert "potential" not in seen.as_json()
    assert (
        str(Bracket(0.1, 0.5, 0.2, 0.2, 0.3, 0.4))
        == "excess 0.300 (lower 0.100 none, upper 0.500, floor 0.200, spread 0.200)"
    )


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
