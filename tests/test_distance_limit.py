"""The certified limit: its theorem where it can be computed exactly, and its coverage where it cannot."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from monge.distance import bracket
from monge.distance.bounds import shares
from monge.distance.dual.limit import Values, Window, differences, grid, lower_limit, wealth, window
from monge.distance.summary import heavy_tails

few = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)
Distribution = Callable[[np.random.Generator, int], Values]

SKEWED: dict[str, Distribution] = {
    "one percent far away": lambda draw, n: np.where(draw.random(n) < 0.01, 100.0, 0.0) + draw.normal(size=n),
    "Pareto 1.5": lambda draw, n: draw.pareto(1.5, n),
    "log-normal": lambda draw, n: np.exp(2 * draw.normal(size=n)),
    "lottery": lambda draw, n: np.where(draw.random(n) < 3e-4, 1e4, 0.0),
}


def judged(real: Values, fake: Values) -> float:
    """The limit from values in random order: the window is learnt from the first, the others are judged."""
    split = [np.split(side, [max(2, len(side) // 4)]) for side in (real, fake)]
    (a, rest_a), (b, rest_b) = split
    return lower_limit(rest_a, rest_b, window(a, b, (len(rest_a), len(rest_b))))


@pytest.mark.parametrize("sizes", [(100, 3000), (3000, 100), (120, 120)])
@pytest.mark.parametrize("name", SKEWED)
def test_equal_skewed_distributions_of_unequal_sizes(name: str, sizes: tuple[int, int]) -> None:
    """The kind on which a normal approximation is wrong in 20 to 67 of 100 data sets."""
    wrong = 0
    for seed in range(100):
        draw = np.random.default_rng([seed, *sizes])
        wrong += judged(SKEWED[name](draw, sizes[0]), SKEWED[name](draw, sizes[1])) > 0
    assert wrong <= binom.ppf(0.999, 100, 0.05)


@pytest.mark.parametrize(("n", "p"), [(8, 0.3), (10, 0.05), (10, 0.5), (12, 0.9)])
def test_wealth_is_a_fair_bet_over_all_outcomes(n: int, p: float) -> None:
    """The theorem, exactly: over all 2^n samples of a coin the mean wealth against its own mean is 1.

    Against a larger mean it is less, and the goal is reached with a probability of at most alpha.
    """
    outcomes = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    chance = np.prod(np.where(outcomes, p, 1 - p), axis=1)
    bounds = Window(0, 1, 0.2, 0.4, 5, 0)
    owned = np.array([wealth(z.astype(float), np.array([p, p + 0.2]), bounds, 20.0) for z in outcomes])
    mean = chance @ owned
    assert mean[0] == pytest.approx(1)
    assert mean[1] <= 1
    assert chance @ (owned[:, 0] >= 20) <= 0.05
    assert (owned >= 0).all()


def test_bets_use_nearly_all_of_the_allowed_error() -> None:
    """A normal shift in the limit's own direction: wrong in up to 5 %, and within reach of Student's limit."""
    limits = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        limits.append(judged(draw.normal(2, 1, 400), draw.normal(0, 1, 400)))
    assert (np.array(limits) > 2).sum() <= binom.ppf(0.999, 200, 0.05)
    error = 1.645 * np.sqrt(2 / 300)
    assert 2 - 1.6 * error < np.mean(limits) < 2 - 0.9 * error


@few
@given(seeds, st.floats(0.01, 100))
def test_limit_scales_with_its_values(seed: int, scale: float) -> None:
    draw = np.random.default_rng(seed)
    real, fake = draw.normal(5, 1, 60), draw.normal(0, 1, 80)
    assert judged(scale * real, scale * fake) == pytest.approx(scale * judged(real, fake), rel=1e-6)


@few
@given(seeds, st.floats(-100, 100))
def test_limit_does_not_depend_on_a_constant(seed: int, shift: float) -> None:
    draw = np.random.default_rng(seed)
    real, fake = draw.normal(5, 1, 60), draw.normal(0, 1, 80)
    assert judged(real + shift, fake + shift) == pytest.approx(judged(real, fake), rel=1e-6)


def test_limit_is_never_negative() -> None:
    draw = np.random.default_rng(0)
    real, fake = draw.normal(0, 1, 60), draw.normal(5, 1, 60)
    assert judged(real, fake) == 0
    assert judged(np.ones(60), np.ones(60)) == 0


def test_limit_falls_with_confidence() -> None:
    draw = np.random.default_rng(0)
    real, fake = draw.normal(5, 1, 60), draw.normal(0, 1, 60)
    bounds = window(real[:20], fake[:20], (40, 40))
    limits = [lower_limit(real[20:], fake[20:], bounds, confidence) for confidence in (0.5, 0.9, 0.99)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] < real[20:].mean() - fake[20:].mean()
    assert limits[-1] > 3


def test_four_pairs_cannot_win_twenty_to_one() -> None:
    """A fair bet at most doubles what is owned, so a limit above 0 takes five pairs."""
    bounds = Window(0, 1, 1, 0.1, 9, 1)
    assert lower_limit(np.ones(4), np.zeros(4), bounds) == 0
    assert lower_limit(np.ones(9), np.zeros(9), bounds) > 0


def test_clipping_finds_a_shift_that_outliers_hide() -> None:
    draw = np.random.default_rng(1)
    real, fake = draw.normal(2, 1, 800), draw.normal(0, 1, 800)
    real[::100] -= 1000
    assert judged(draw.permutation(real), fake) > 1.5


def test_a_window_keeps_far_values_where_they_are_the_difference() -> None:
    draw = np.random.default_rng(2)
    real = np.where(draw.random(2000) < 0.1, 100.0, 0.0)
    assert judged(real, np.zeros(2000)) > 6


@few
@given(st.integers(1, 40), st.integers(1, 40), seeds)
def test_differences_have_the_mean_difference_of_whole_runs(n: int, m: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    real, fake = draw.normal(size=n), draw.normal(size=m)
    z = differences(real, fake)
    assert len(z) == min(n, m)
    if n % m == 0 or m % n == 0:
        assert z.mean() == pytest.approx(real.mean() - fake.mean())


def test_the_grid_rises_from_above_nothing() -> None:
    for bounds in (Window(0, 1, 0.5, 0.2, 30, 0.4), Window(-1, 1, -0.5, 0.2, 30, -1), Window(0, 1, 0, 0, 2, 0)):
        points = grid(bounds, 50)
        assert points[0] > 0
        assert (np.diff(points) > 0).all()


@few
@given(st.integers(3, 100_000))
def test_shares_use_every_sample(n: int) -> None:
    fitted, chosen, rest = shares(n)
    assert fitted + chosen + rest == n
    assert min(fitted, chosen, rest) >= (2 if n >= 6 else 0)
    assert n < 11 or rest >= 3 * chosen


def test_heavy_tails_are_called_so() -> None:
    draw = np.random.default_rng(0)
    normal, pareto = draw.normal(size=(300, 4)), draw.pareto(1.5, (300, 4))
    assert not heavy_tails(normal)
    assert heavy_tails(pareto)
    one = normal.copy()
    one[:, 2:3] = draw.pareto(1.1, (300, 1))
    assert heavy_tails(one)
    assert bracket(normal, pareto, families=("linear",)).heavy_tails
    assert not bracket(normal, normal[::-1] + 1, families=("linear",)).heavy_tails
