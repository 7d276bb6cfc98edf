"""Figures of synthetic tables: closed forms, laws, and what they find in copies and in independent draws."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score

from monge.data.table.schema import Column, Schema
from monge.errors import UserError
from monge.evaluation.table_quality import TableQuality
from monge.metric.auc import auc, aucs
from monge.metric.table.association import association
from monge.metric.table.baseline import independent_columns
from monge.metric.table.efficacy import efficacy, every_efficacy
from monge.metric.table.pair import correlations, pair_mean, pair_trends, strict_pairs
from monge.metric.table.privacy import privacy
from monge.metric.table.shape import column_shapes, missing_shares
from monge.metric.table.two_sample import interval, two_sample_test
from monge.plot.table import association_maps, column_panels, pair_panels
from monge.plot.tick import number_ticks

Rows = NDArray[np.float64]
NAN = math.nan
SCHEMA = Schema(
    (
        Column("x", "number"),
        Column("y", "number"),
        Column("day", "date", "date32[day]"),
        Column("colour", "category", "string", ("red", "green", "blue")),
        Column("large", "boolean", "bool", ("false", "true")),
    )
)


def rows(n: int, seed: int) -> Rows:
    """y follows x, `large` says whether x > 0, a fifth of the dates and some colours are missing."""
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    day = np.where(random.random(n) < 0.2, NAN, np.round(15_000 + 300 * random.normal(size=n)))
    colour = random.choice([0.0, 1, 2, NAN], n, p=[0.5, 0.3, 0.1, 0.1])
    return np.stack([x, x + 0.3 * random.normal(size=n), day, colour, (x > 0).astype(float)], axis=1)


def metric(table: Rows) -> Rows:
    """Deviations of numbers are about 1, 1 and 300; levels are one-hot / sqrt 2, and a missing value is a level."""
    numbers = np.nan_to_num(table[:, :3] - [0, 0, 15_000]) / [1, 1, 300]
    gone = np.isnan(table[:, 2:3]) / math.sqrt(2)
    levels = [np.eye(4)[np.nan_to_num(table[:, index], nan=3).astype(int)] / math.sqrt(2) for index in (3, 4)]
    return np.concatenate([numbers, gone, *levels], axis=1)


# column shapes and pair trends


def test_shapes_are_total_variation_and_kolmogorov_smirnov() -> None:
    real, fake = rows(400, 0), rows(300, 1)
    found = column_shapes(SCHEMA, real, fake)
    assert found[0] == pytest.approx(1 - ks_2samp(real[:, 0], fake[:, 0]).statistic)
    shares = [np.bincount(np.nan_to_num(side[:, 3], nan=3).astype(int)) / len(side) for side in (real, fake)]
    assert found[3] == pytest.approx(1 - np.abs(shares[0] - shares[1]).sum() / 2)
    assert column_shapes(SCHEMA, real, real).tolist() == [1] * 5


def test_shape_of_a_number_counts_missing_values_as_rows() -> None:
    schema = Schema((Column("x", "number"),))
    tenth, none = np.r_[np.zeros(10), np.full(90, NAN)][:, None], np.full((50, 1), NAN)
    assert column_shapes(schema, tenth, none) == pytest.approx([0.9])
    assert column_shapes(schema, tenth, tenth + 1) == pytest.approx([0.9])  # all that is there is wrong
    assert column_shapes(schema, none, none).tolist() == [1]
    assert missing_shares(tenth).tolist() == [0.9]


def test_pair_trends_see_a_lost_correlation_and_strict_pairs_a_nonlinear_one() -> None:
    real = rows(4000, 0)
    alone = independent_columns(real, len(real))
    found = pair_trends(SCHEMA, real, alone)
    lost = np.corrcoef(real[:, :2].T)[0, 1] - np.corrcoef(alone[:, :2].T)[0, 1]
    assert found[0, 1] == pytest.approx(1 - lost / 2)
    assert found[3, 4] > 0.95 > found[0, 4]
    x = np.random.default_rng(0).normal(size=4000)
    numbers = Schema(SCHEMA.columns[:2])
    square = np.stack([x, x**2], axis=1)
    apart = np.stack([x, x[::-1] ** 2], axis=1)
    assert pair_trends(numbers, square, apart)[0, 1] > 0.97
    assert strict_pairs(numbers, square, apart)[0, 1] < 0.3


def test_contingency_of_levels_is_exact() -> None:
    schema = Schema(tuple(Column(name, "category", levels=("a", "b")) for name in "xy"))
    real, fake = np.array([[0.0, 0], [1, 1], [0, 0], [1, NAN]]), np.array([[0.0, 0], [1, 1], [0, 1], [NAN, NAN]])
    assert pair_trends(schema, real, fake) == pytest.approx(np.array([[0.75, 0.5], [0.5, 0.75]]))
    assert pair_mean(strict_pairs(schema, real, fake)) == 0.5


def test_correlations_are_of_the_rows_where_both_are_present() -> None:
    table = rows(300, 0)
    whole = ~np.isnan(table[:, 2])
    table[0, 0] = NAN
    found = correlations(table[:, :3])
    assert found[1, 2] == pytest.approx(np.corrcoef(table[whole, 1], table[whole, 2])[0, 1])
    assert found[0, 1] == pytest.approx(np.corrcoef(table[1:, 0], table[1:, 1])[0, 1])
    assert correlations(np.array([[1.0, 2], [1, 3]])).tolist() == [[1, 0], [0, 1]]


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_likeness_is_symmetric_and_does_not_depend_on_the_order_of_rows(seed: int) -> None:
    random = np.random.default_rng(seed)
    real, fake = rows(60, seed), rows(40, seed + 1)
    fake[random.random(fake.shape) < 0.2] = NAN
    for figure in (pair_trends, strict_pairs, column_shapes):
        found = figure(SCHEMA, real, fake)
        assert found == pytest.approx(figure(SCHEMA, random.permutation(real), random.permutation(fake)))
        assert found.min() >= -1e-12
        assert found.max() <= 1 + 1e-12
        assert found == pytest.approx(found.T)


def test_association_of_functions_is_one_and_of_chance_about_zero() -> None:
    table = rows(3000, 0)
    levels = Schema((Column("a", "category", levels=("0", "1", "2")), Column("b", "category", levels=("0", "1", "2"))))
    code = np.random.default_rng(0).integers(3, size=500).astype(float)
    assert association(levels, np.stack([code, (code + 1) % 3], axis=1))[0, 1] == pytest.approx(1)
    found = association(SCHEMA, table)
    assert found[0, 4] == pytest.approx(math.sqrt(2 / math.pi), abs=0.02)  # of a normal number and its sign
    assert found[3, 4] < 0.05
    assert np.diag(found).tolist() == [1] * 5


# classifiers


@given(arrays(np.int64, 12, elements=st.integers(0, 5)), arrays(np.int64, 9, elements=st.integers(0, 5)))
@settings(max_examples=30)
def test_auc_is_the_chance_of_a_higher_score(positive: NDArray[np.int64], negative: NDArray[np.int64]) -> None:
    labels = np.repeat([1, 0], [12, 9])
    found = auc(positive.astype(float), negative.astype(float))
    assert found.value == pytest.approx(roc_auc_score(labels, np.concatenate([positive, negative])))


def test_auc_error_is_that_of_repeats() -> None:
    random = np.random.default_rng(0)
    repeats = [aucs(random.normal(0.5, 1, (80, 2)), random.normal(size=(60, 2))) for _ in range(300)]
    spread = np.std([areas[0] for areas, _ in repeats])
    assert np.mean([covariance[0, 0] for _, covariance in repeats]) ** 0.5 == pytest.approx(spread, rel=0.15)
    assert abs(np.mean([covariance[0, 1] for _, covariance in repeats])) < 2e-4


def test_two_sample_test_sees_what_no_column_shows() -> None:
    real, alike = rows(400, 0), rows(300, 1)
    found = two_sample_test(SCHEMA, real, alike)
    low, high = interval(found.accuracy)
    assert low < 0.5 < high
    assert found.n == 300
    assert two_sample_test(SCHEMA, real, independent_columns(alike, 400)).accuracy.value > 0.8


def test_two_sample_test_needs_rows_for_its_folds() -> None:
    with pytest.raises(UserError, match=r"^real and fake must have at least 10 rows each; got 9 and 20$"):
        two_sample_test(SCHEMA, rows(9, 0), rows(20, 1))


def test_efficacy_is_that_of_real_rows_for_a_fresh_draw_and_none_without_dependence() -> None:
    train, held_out = rows(600, 0), rows(500, 1)
    sources = {"real": train, "fresh": rows(600, 2), "alone": independent_columns(train, 600)}
    found = efficacy(SCHEMA, sources, held_out)
    assert found is not None
    assert (found.target, found.main, found.fitted, found.judged) == ("large", "auc", 600, 500)
    assert found.scores["real"]["auc"].value > 0.99
    assert found.scores["fresh"]["auc"].value > 0.99
    assert found.scores["alone"]["auc"].value < 0.7
    number = efficacy(SCHEMA, sources, held_out, "y")
    assert number is not None
    best = 1 - 0.09 / 1.09  # share of the variance of y that x explains
    assert best - 0.08 < number.scores["fresh"]["r2"].value < best + 0.03
    assert number.scores["alone"]["r2"].value < 0.1


def test_efficacy_of_targets_that_do_not_vary_or_were_never_learnt() -> None:
    train, held_out = rows(200, 0), rows(100, 1)
    held_out[:, 3] = 0
    one_level = train.copy()
    one_level[:, 4], one_level[:, 2] = 1, NAN
    found = every_efficacy(SCHEMA, {"real": train, "poor": one_level}, held_out)
    assert [one.target for one in found] == ["x", "y", "day", "large"]
    assert found[-1].scores["poor"]["auc"].value == 0.5
    with pytest.raises(UserError, match=r"^target 'lrge' is not known; did you mean 'large'"):
        efficacy(SCHEMA, {"real": train}, held_out, "lrge")


def test_many_levels_are_few_to_trees() -> None:
    schema = Schema((Column("town", "category", levels=tuple(map(str, range(300)))), Column("x", "number")))
    random = np.random.default_rng(0)
    town = random.integers(300, size=(3, 800)).astype(float)
    real, fake, held_out = (np.stack([side, (side < 150) + 0.1 * random.normal(size=800)], axis=1) for side in town)
    assert two_sample_test(schema, real, fake).accuracy.value < 0.55
    assert efficacy(schema, {"real": real}, held_out, "town") is not None


# privacy


def test_an_independent_draw_shows_no_leak() -> None:
    found = privacy(SCHEMA, rows(600, 0), rows(600, 1), rows(600, 2), metric)
    assert found.findings == []
    assert found.verdict.startswith("no leak found by these attacks (largest area ")
    low, high = found.interval
    assert low < 0.5 < found.chance < found.largest.value + 3 * found.largest.standard_error < high + 0.1
    assert abs(found.closer.value - 0.5) < 3 * found.closer.standard_error
    assert found.exact.value == 0
    assert (found.attacked, found.released, found.reference) == (300, 600, 300)


def test_a_copier_is_found() -> None:
    train = rows(600, 0)
    found = privacy(SCHEMA, train, rows(600, 1), train[::-1], metric)
    assert found.worst in ("nearest", "calibrated")
    assert found.largest.value > 0.95
    assert found.interval[0] > 0.9
    assert (found.exact.value, found.near.value, found.exact_held_out.value) == (1, 1, 0)
    assert len(found.findings) == 4


def test_a_few_exact_copies_are_found_though_no_attack_sees_them() -> None:
    train, fake = rows(600, 0), rows(600, 2)
    fake[:40] = train[:40]
    found = privacy(SCHEMA, train, rows(600, 1), fake, metric)
    assert found.exact.value == pytest.approx(40 / 600)
    assert any("6.67 % of the rows" in line for line in found.findings)


def test_privacy_needs_held_out_rows() -> None:
    with pytest.raises(UserError, match=r"^train, held_out and fake must have 1, 20 and 1 rows at least; got 50, 10"):
        privacy(SCHEMA, rows(50, 0), rows(10, 1), rows(50, 2), metric)


# all of it


def test_quality_of_a_table_says_what_is_worst() -> None:
    train, held_out = rows(500, 0), rows(400, 1)
    fake = rows(500, 2)
    fake[:, 3] = np.nan_to_num(fake[:, 3])  # no missing colours
    alone = independent_columns(train, 500)
    found = TableQuality.of(SCHEMA, train, held_out, fake, metric, baselines={"independent": alone}, target="y")
    assert found.worst_columns()[0] == 3
    assert found.missing_error == pytest.approx(np.isnan(train[:, 3]).mean())
    assert 3 in found.worst_pairs()[0]
    document = found.as_json()
    assert list(document["likeness"]) == ["generated", "independent", "real"]
    assert document["columns"]["colour"]["shape"] < document["columns"]["colour"]["floor"]
    assert list(document["efficacy"][0]["scores"]) == ["real", "generated", "independent"]
    assert document["privacy"]["verdict"].startswith("no leak found by these attacks")


def test_pictures_of_a_table() -> None:
    real, fake = rows(200, 0), rows(150, 1)
    for picture in (
        association_maps(SCHEMA, real, fake),
        column_panels(SCHEMA, real, fake, range(5), ["0.9"] * 5),
        pair_panels(SCHEMA, real, fake, [(0, 1), (2, 3), (3, 4)]),
    ):
        assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 50


def test_ticks_of_times_of_the_day_are_hours_and_those_of_dates_days() -> None:
    clock, day = Column("start", "datetime", form="%H:%M"), Column("day", "date")
    assert number_ticks(clock, 8 * 3600, 17.75 * 3600) == ([32400, 43200, 54000], ["09:00", "12:00", "15:00"])
    assert number_ticks(day, 19_000, 19_150)[1] == ["2022-02-17", "2022-05-08"]
