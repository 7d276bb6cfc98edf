"""The estimate of W1 itself, its range, and where it is called unreliable."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import monge
from monge.distance import bracket
from monge.distance.points import Points
from monge.distance.summary import ERRORS, Draw, Limit, Shape, concentration, heavy_tails, summary
from monge.evaluation.bracket_parts import bracket_parts, depends
from monge.evaluation.table import comparison_text
from monge.evaluation.two_samples import Comparison

pytestmark = pytest.mark.usefixtures("few_relabellings")

LINE = np.arange(12.0)[:, None]
"""A set on a line: all variance is along one direction."""
ROUND = np.concatenate([np.eye(3), -np.eye(3)])
"""A set with a third of its variance along any direction."""
THIN, WIDE = Shape.of(LINE), Shape.of(ROUND)
NUMBERS = st.floats(0.0, 100.0)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_one_draw_gives_the_formula_and_no_range(upper: float, floor: float, spread: float) -> None:
    found = summary([Draw(upper, floor, spread)], Limit(), 10, (THIN, THIN))
    assert found.estimate == pytest.approx(max(upper**2 - floor * spread, 0) ** 0.5)
    assert found.estimate_range is None


def test_equal_draws_have_a_range_without_errors() -> None:
    draws = [Draw(5.0, 3.0, 4.0)] * 3
    on_a_line = summary(draws, Limit(), 10, (THIN, THIN))
    assert on_a_line.estimate == pytest.approx(13**0.5)
    assert on_a_line.estimate_range == pytest.approx((1.5, 5.0))  # from the excess to the upper
    everywhere = summary(draws, Limit(), 10, (WIDE, WIDE))
    assert everywhere.estimate_range == pytest.approx((1.5, (25 - 12 * 2 / 3) ** 0.5))
    # the set with more along one direction decides, and a limit above the excess
    assert summary(draws, Limit(2.0), 10, (THIN, WIDE)).estimate_range == pytest.approx((2.0, 5.0))
    # an estimate is never outside of its range, nor an end below the other
    assert summary([Draw(1.0, 3.0, 3.0)] * 2, Limit(), 10, (WIDE, WIDE)).estimate_range == (
        0.0,
        0.0,
    )


def test_ends_move_by_their_errors() -> None:
    draws = [Draw(5.0, 3.0, 4.0), Draw(6.0, 3.0, 4.0)]
    found = summary(draws, Limit(), 10, (THIN, THIN))
    assert found.estimate_range is not None
    assert found.estimate_range[0] == pytest.approx(2.0 - ERRORS * 0.5)
    assert found.estimate_range[1] == pytest.approx((5.5**2 + ERRORS * 5.5) ** 0.5)
    reused = summary(draws, Limit(), 10, (THIN, THIN), 30)  # draws that share samples
    assert reused.estimate_range is not None
    assert reused.estimate_range[0] == pytest.approx(2.0 - ERRORS * 0.5 * 2**0.5)


def test_concentration() -> None:
    assert concentration(LINE) == 1.0
    assert concentration(ROUND) == pytest.approx(1 / 3)
    assert concentration(1e200 * ROUND) == pytest.approx(1 / 3)
    assert concentration(np.zeros((4, 2))) == 1.0
    x = np.random.default_rng(0).normal(size=(2000, 4)) * [3, 1, 1, 1]
    assert concentration(x[np.argsort(x[:, 0])]) == pytest.approx(9 / 12, abs=0.03)  # also of sorted rows
    assert concentration(x[:4] / [3, 1, 1, 1]) > 1 / 3  # of few rows it comes out larger
    for wide in (
        np.eye(300),
        np.random.default_rng(0).normal(size=(300, 200)),
        np.ones((300, 70)) + np.eye(300)[:, :70],
    ):
        variances = np.linalg.svd(wide - wide.mean(axis=0), compute_uv=False) ** 2
        assert concentration(wide) == pytest.approx(variances[0] / variances.sum(), rel=1e-6)


@pytest.mark.parametrize("dimension", [1, 3, 24])
def test_a_shift_is_in_the_range(dimension: int) -> None:
    x, y = np.random.default_rng(dimension).normal(size=(2, 450, dimension))
    y[:, 0] += 1
    found = bracket(x, y, families=["linear"])
    assert found.estimate_range is not None
    assert found.estimate_range[0] < 1 < found.estimate_range[1]
    assert found.estimate == pytest.approx(1, abs=0.3)
    assert abs(found.estimate - 1) < abs(found.excess - 1)
    said = json.loads(json.dumps(found.as_json()))
    assert (said["estimate_low"], said["estimate_high"]) == found.estimate_range


def two(x: Points, y: Points) -> Comparison:
    return monge.two_samples(x, y, explain=False, families=["linear"])


def test_the_verdict_has_it_only_of_independent_rows() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 60, 2))
    found = two(x, y + 1)
    assert found.bracket.estimate_range is not None
    low, high = found.bracket.estimate_range
    assert f"by estimate {found.bracket.estimate:.4g} (likely {low:.3g} to {high:.3g})" in found.verdict.verdict[0]
    assert depends(found) == ""
    copies = two(random.permutation(np.repeat(x[:20], 3, axis=0)), y + 1)
    assert depends(copies) == "rows repeat earlier ones"
    assert "estimate" not in " ".join(copies.verdict.verdict)
    assert bracket_parts(copies)["estimate"].note == "unreliable: rows repeat earlier ones"
    assert "unreliable: rows repeat earlier ones" in comparison_text(copies)
    drift = two(np.sort(x, axis=0), y + 1)
    assert bracket_parts(drift)["estimate"].note == "unreliable: rows depend on their order"


def test_heavy_tails_make_it_unreliable() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 90, 2))
    x[0] = 1e3
    found = two(x, y + 3)
    assert heavy_tails(found.a.points)
    assert "unreliable" in bracket_parts(found)["estimate"].note
    assert "estimate" not in " ".join(found.verdict.verdict)
