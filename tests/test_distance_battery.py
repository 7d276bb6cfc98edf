"""The battery of tests: valid at every size, blind to no kind of difference, and honest about what it could miss."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp

from monge import UserError
from monge.distance import battery, energy, missed
from monge.distance.points import Points
from monge.distance.two_sample.battery import relabelled
from monge.distance.two_sample.missed import lattice
from monge.distance.two_sample.pooled import Pooled, between
from monge.distance.two_sample.statistic import STATISTICS, signs

RANDOM = np.random.default_rng(5)
X, Y = RANDOM.normal(size=(2, 40, 3))


def labels(x: Points, y: Points) -> np.ndarray:
    return relabelled(len(x), len(y), 0, RANDOM)


def statistic(name: str, x: Points, y: Points) -> np.ndarray:
    found = STATISTICS[name](Pooled(np.concatenate([x, y])), labels(x, y))
    return np.asarray(found[:, 0])


def test_statistics_are_those_of_their_names() -> None:
    x, y = X, Y[:25] + 0.5
    assert statistic("energy", x, y)[0] == pytest.approx(energy(x, y).plug_in, rel=1e-5)
    on_a_line = statistic("sliced KS", x[:, :1], y[:, :1])
    assert on_a_line[0] == pytest.approx(ks_2samp(x[:, 0], y[:, 0]).statistic, rel=1e-6)
    apart = statistic("sliced W1", x[:, :1] * 0, x[:25, :1] * 0 + 3)
    assert apart[0] == pytest.approx(3, rel=1e-6)
    # a neighbourhood of 10 of 65 rows that all are of y, a share of 25 / 65
    far = np.concatenate([y[:15], y[15:] + 100])
    share = 25 / 65
    assert statistic("neighbourhoods", x, far)[0] == pytest.approx(10 * (1 - share) / (10 * share * (1 - share)) ** 0.5)


def test_distances_are_those_of_the_rows() -> None:
    x = np.concatenate([X, X[:5]]) * 1e3
    np.testing.assert_allclose(between(x, x), cdist(x, x), rtol=1e-5)
    assert (np.diag(between(x, x)) == 0).all()


def test_signs_are_those_of_a_difference_of_means() -> None:
    marks = relabelled(40, 25, 3, RANDOM)
    values = RANDOM.normal(size=65)
    for column, weights in zip(marks.T, signs(marks).T, strict=True):
        difference = values[column == 1].mean() - values[column == 0].mean()
        assert values @ weights == pytest.approx(difference, rel=1e-5)
        assert column.sum() == 40


@pytest.mark.parametrize("name", STATISTICS)
def test_every_statistic_is_one_of_rows_without_order_and_of_many_labels_at_once(name: str) -> None:
    x, y = X, Y[:30] * 1.5
    pooled, many = Pooled(np.concatenate([x, y])), relabelled(40, 30, 7, np.random.default_rng(1))
    together = STATISTICS[name](pooled, many)
    one_by_one = np.concatenate([STATISTICS[name](pooled, many[:, i : i + 1]) for i in range(8)], axis=1)
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4, atol=1e-6)
    # a label of the other sample is as good
    np.testing.assert_allclose(STATISTICS[name](pooled, 1 - many), together, rtol=1e-4, atol=1e-6)


def kinds(name: str, random: np.random.Generator) -> tuple[Points, Points]:
    x, y = random.normal(size=(2, 200, 6))
    if name == "correlation":
        y[:, 1] = 0.8 * y[:, 0] + 0.6 * y[:, 1]
    elif name == "one mean of six":
        y[:, 3] += 0.6
    elif name == "one variance of six":
        y[:, 2] *= 1.7
    elif name == "rare mode":
        y[:40] = 2 + 0.2 * y[:40]
    elif name == "tails":
        y = random.standard_t(2.5, size=(200, 6))
    return x, y


@pytest.mark.parametrize(
    ("kind", "seen_by"),
    [
        ("correlation", "moments"),
        ("one mean of six", "sliced KS"),
        ("one variance of six", "moments"),
        ("rare mode", "neighbourhoods"),
        ("tails", "MMD"),
    ],
)
def test_each_kind_of_difference_is_seen_by_the_test_made_for_it(kind: str, seen_by: str) -> None:
    found = battery(*kinds(kind, np.random.default_rng(0)), draws=99)
    assert found.p_value == 0.01
    assert {test.name: test.p_value for test in found.tests}[seen_by] == 0.01
    assert found.p_value == min(test.corrected for test in found.tests)
    assert all(test.p_value <= test.corrected for test in found.tests)


def test_ties_do_not_favour_the_labels_as_they_are() -> None:
    p = []
    for i in range(200):
        x, y = (np.random.default_rng([i, side]).integers(2, size=(40, 3)).astype(float) for side in (0, 1))
        p.append(battery(x, y, draws=19, seed=i).p_value)
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 2.6 * (0.05 * 0.95 / 200) ** 0.5
    assert np.mean(p) > 0.5


def test_p_values_of_equal_laws_are_uniform_where_sizes_and_tails_are_not() -> None:
    p = []
    for i in range(300):
        random = np.random.default_rng(i)
        p.append(battery(random.standard_cauchy((14, 2)), random.standard_cauchy((31, 2)), draws=19, seed=i).p_value)
    # 2.6 standard deviations
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.033)
    assert np.mean(p) == pytest.approx(0.525, abs=0.05)


def test_rows_that_repeat_or_never_vary_show_nothing() -> None:
    assert battery(np.ones((20, 3)), np.ones((9, 3)), draws=19).p_value == 1
    twice = np.repeat(np.eye(3), 12, axis=0)
    assert battery(twice, twice, draws=99).p_value == 1
    assert battery(twice, twice[:20], draws=99).p_value < 0.5


def test_equal_seeds_give_equal_answers_and_bad_arguments_are_named() -> None:
    first, again, other = (battery(X, Y, draws=49, seed=seed) for seed in (0, 0, 1))
    assert first.as_json() == again.as_json() != other.as_json()
    assert first.as_json()["relabellings"] == 49
    with pytest.raises(UserError, match="draws must be at least 1; got 0"):
        battery(X, Y, draws=0)
    with pytest.raises(UserError, match=r"x and y must be non-empty \(n, d\) and \(m, d\)"):
        battery(X, Y[:, :2])


def test_what_is_said_to_be_seen_is_seen() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 100, 4))
    least = missed(x, y, battery(x, y, draws=199))
    assert least.shift is not None
    assert least.share is not None
    crowd, seen = round(least.share * 100), np.zeros((24, 2), np.bool_)
    for i in range(24):
        random = np.random.default_rng([i, 1])
        x, y = random.normal(size=(2, 100, 4))
        shifted, crowded = y.copy(), y.copy()
        shifted[:, random.integers(4)] += least.shift
        crowded[:crowd] = x[0] + 0.1 * y[:crowd]
        seen[i] = [battery(x, side, draws=99, seed=i).p_value <= 0.05 for side in (shifted, crowded)]
    # at least 80 %, less 2.5 standard deviations; and half of the shift is not seen as often
    assert seen.mean(axis=0).min() >= 0.59
    half = np.array([0, 0, 0, least.shift / 2])
    p = [battery(x, y + half, draws=99).p_value for x, y in random.normal(size=(24, 2, 100, 4))]
    assert np.mean(np.array(p) <= 0.05) < 0.75


def test_what_cannot_be_shifted_or_seen_is_left_open() -> None:
    x, y = np.eye(2)[RANDOM.integers(2, size=(2, 30))]
    found = missed(x, y, battery(x, y, draws=99), np.array([], np.intp))
    assert found.shift is None
    assert found.rows == (30, 30)
    same = np.ones((10, 2))
    assert missed(same, same, battery(same, same, draws=19)).shift is None


def test_numbers_on_a_lattice_are_not_seen_by_any_shift_at_all() -> None:
    x, y = np.round(2 * np.random.default_rng(0).normal(size=(2, 200, 3)))
    found = missed(x, y, battery(x, y, draws=99)).shift
    assert found is not None
    assert 0.2 < found < 1  # as of numbers that are not rounded
    assert (lattice(x[:, 0]), lattice(np.arange(9.0)), lattice(np.ones(9))) == (1.0, 0.0, 0.0)
