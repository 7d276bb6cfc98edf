"""The directions in which two sample sets differ, and the axes on which they are drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import monge
from monge import plot
from monge.distance import displacement as module
from monge.distance.displacement import displacement
from monge.distance.excess_split import excess_split
from monge.distance.part import parts
from monge.evaluation.direction import telling_axes
from monge.evaluation.picture import drawn_sides
from monge.evaluation.two_samples import Comparison
from monge.plot.plane import LONGEST, Axis

pytestmark = pytest.mark.usefixtures("few_relabellings")

Points = NDArray[np.float64]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monge.distance.split_test.RELABELLINGS", 39)
    monkeypatch.setattr("monge.distance.split_test.MOST", 39)
    monkeypatch.setattr("monge.distance.two_sample.battery.LEAST", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.MOST", 19)
    monkeypatch.setattr("monge.distance.two_sample.missed.SIMULATIONS", 2)


def correlated(n: int, d: int, seed: int = 0) -> tuple[Points, Points]:
    """Two sets of equal marginals, the first two columns of the second correlated by .9."""
    x, y = np.random.default_rng(seed).normal(size=(2, n, d))
    y[:, 1] = 0.9 * y[:, 0] + np.sqrt(1 - 0.9**2) * y[:, 1]
    return x, y


def compared(x: Any, y: Any, **how: Any) -> Comparison:
    return monge.two_samples(x, y, families=["linear"], **{"explain": True, **how})


def labels(found: Comparison) -> list[str]:
    return [axis.label for axis in telling_axes(found)]


def test_coordinates_are_those_of_the_split_and_sum_to_the_excess() -> None:
    x, y = correlated(120, 4)
    found = displacement(x, y, 3, draws=3, seed=5)
    first, second = (
        [tuple(parts(points, (40, 40), 5, module.STREAM + draw, side)) for draw in range(3)]
        for side, points in enumerate((x, y))
    )
    split = excess_split(first, second)  # type: ignore[arg-type]
    assert found.coordinates == pytest.approx(split.excess)
    # over all orthogonal directions the parts have the same sum; the one that is left out has the least
    assert found.parts.sum() - found.chance == pytest.approx(split.excess.sum())


def test_directions_turn_with_the_points() -> None:
    x, y = correlated(150, 4)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0]
    found, turned = displacement(x, y), displacement(x @ turn, y @ turn)
    assert turned.parts == pytest.approx(found.parts)
    assert np.abs(np.sum(turned.axes * (found.axes @ turn), axis=1)) == pytest.approx([1, 1])


def test_a_shift_a_correlation_and_a_mode_are_found() -> None:
    random = np.random.default_rng(2)
    x, y = random.normal(size=(2, 900, 6))
    direction = np.array([3, 0, 4, 0, 0, 0]) / 5
    assert displacement(x, y + direction, 1).axes[0] @ direction > 0.98
    mode = np.where(np.arange(900)[:, None] < 45, 0.3 * y + 5 * direction, y)
    assert displacement(x, random.permutation(mode), 1).axes[0] @ direction > 0.95
    plane = displacement(*correlated(900, 6)).axes[:, :2]
    assert (plane**2).sum() > 1.8


def test_few_and_many_dimensions_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = correlated(90, 7)
    dense = displacement(x, y)
    monkeypatch.setattr(module, "DENSE", 3)
    found = displacement(x, y)
    assert found.parts == pytest.approx(dense.parts, rel=1e-4)
    assert found.chance == pytest.approx(dense.chance, rel=1e-4)
    assert np.abs((found.axes * dense.axes).sum(axis=1)) == pytest.approx([1, 1], abs=1e-4)


def test_directions_within_some_coordinates() -> None:
    x, y = correlated(120, 5)
    found = displacement(x, y + np.array([0, 0, 0, 9, 0]), within=np.array([0, 1, 4]))
    assert (found.axes[:, 2:4] == 0).all()
    assert (found.axes @ found.axes.T) == pytest.approx(np.eye(2), abs=1e-9)
    same = displacement(np.ones((9, 3)), np.ones((9, 3)))
    assert (same.parts.tolist(), same.chance) == ([0, 0], 0)
    with pytest.raises(monge.UserError, match="count must be from 1 to 2, one less than the coordinates; got 3"):
        displacement(x, y, 3, within=np.array([0, 1, 4]))
    with pytest.raises(monge.UserError, match="at least 3 samples on each side; got 2 and 120"):
        displacement(x[:2], y)


def test_the_axes_are_the_columns_that_differ() -> None:
    x, y = correlated(200, 5)
    found = compared(x, y)
    assert sorted(labels(found)) == ["column 1 (data units)", "column 2 (data units)"]
    assert sorted(labels(compared(x, y, explain=False))) == sorted(labels(found))
    x, y = np.random.default_rng(3).normal(size=(2, 200, 6))
    shifted = compared(x, y + np.array([0, 0, 0, 0, 1, 0]))
    assert labels(shifted)[0] == "column 5 (data units)"
    assert (telling_axes(shifted)[0].a == shifted.a.points[:, 4]).all()


def test_a_direction_of_many_columns_says_what_it_is_made_of() -> None:
    x, y = np.random.default_rng(4).normal(size=(2, 300, 6))
    found = compared(x, y + 0.7)
    label = labels(found)[0]
    assert label.startswith(".")
    assert label.endswith("+ … (data units)")
    (axis, _) = telling_axes(found)
    assert axis.b.mean() - axis.a.mean() == pytest.approx(0.7 * 6**0.5, rel=0.1)


def test_without_a_difference_the_axes_are_columns() -> None:
    x, y = np.random.default_rng(5).normal(size=(2, 200, 8))
    found = compared(x, y)
    assert not found.verdict.differ
    assert all(label.startswith("column") for label in labels(found))


def test_points_in_the_plane_and_on_a_line_keep_their_coordinates() -> None:
    x, y = np.random.default_rng(6).normal(size=(2, 60, 2))
    found = compared(x, y)
    assert labels(found) == ["column 1 (data units)", "column 2 (data units)"]
    assert (np.stack([axis.b for axis in telling_axes(found)], 1) == y[found.b.rows]).all()
    assert labels(compared(x[:, :1], y[:, :1], standardise="std")) == ["column 1\n(standard deviations)"]


def table(n: int, seed: int, *, older: float = 0, jobs: tuple[float, ...] = (0.4, 0.3, 0.3)) -> Any:
    pandas = pytest.importorskip("pandas")
    random = np.random.default_rng(seed)
    return pandas.DataFrame(
        {
            "age": random.normal(40 + 10 * older, 10, n).round(1),
            "income": np.where(random.random(n) < 0.2, np.nan, random.normal(50_000, 20_000, n).round()),
            "job": random.choice(["clerk", "nurse", "smith"], n, p=jobs),
            "day": pandas.Timestamp("2021-01-01") + pandas.to_timedelta(random.integers(0, 300, n), "D"),
            "member": random.choice(["yes", "no"], n),
        }
    )


def test_columns_of_a_table_keep_their_names_and_units() -> None:
    pytest.importorskip("pyarrow")
    first, second = table(200, 0), table(200, 1, older=0.9, jobs=(0.05, 0.15, 0.8))
    found = compared(first, second)
    age, job = telling_axes(found)
    assert (age.label, job.label) == ("age", "job")  # levels upwards
    assert found.b.rows is not None
    assert (age.b == second["age"].to_numpy()[found.b.rows]).all()
    assert list(job.places.values()) == ["clerk", "nurse", "smith"]
    assert (np.rint(job.b) == [sorted(set(second["job"])).index(x) for x in second["job"][found.b.rows]]).all()
    second["income"] += 60_000
    income = next(axis for axis in telling_axes(compared(first, second)) if axis.label == "income")
    ((beside, name),) = income.places.items()
    assert name == "missing"
    assert (income.a == beside).sum() == first["income"].isna().sum()
    ticks = income.ticks()
    assert ticks is not None
    assert "40,000" in ticks[1]
    assert "missing" in ticks[1]


def test_a_table_of_one_column_is_spread_at_random() -> None:
    pytest.importorskip("pyarrow")
    found = compared(table(60, 0)[["age"]], table(60, 1)[["age"]])
    assert labels(found) == ["age", "(heights are random)"]
    assert plot.panels(drawn_sides(found)).width == 1600


def test_images_are_drawn_on_directions_or_on_principal_axes() -> None:
    images = np.random.default_rng(7).integers(0, 256, (160, 4, 4, 1), dtype=np.uint8)
    brighter = images[80:].copy()
    brighter[:, 2:] = 255 - (255 - brighter[:, 2:]) // 3
    found = labels(compared(images[:80], brighter))
    assert found[0] == "direction 1 of the excess\n(pixel scale)"
    assert "% of variance" in labels(compared(images[:80], images[:80]))[0]


@given(
    st.lists(st.tuples(st.sampled_from([".71", "- .70", "+ .05", ""]), st.text(min_size=1, max_size=80)), min_size=1),
    st.sampled_from(["data units", "standard deviations", "deviations of ranks", None]),
)
@settings(max_examples=30, deadline=None)
def test_labels_fit_at_every_length_of_names(terms: list[tuple[str, str]], unit: str | None) -> None:
    axis = Axis(terms, np.zeros(1), np.ones(1), unit)
    lines = axis.label.split("\n")
    assert max(map(len, lines)) <= LONGEST
    assert all(line.isprintable() or "…" in line or not line.isascii() for line in lines)
    if unit is not None:
        assert lines[-1].endswith(f"({unit})")


def test_dates_and_crowded_levels_are_written_whole(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    first, second = table(150, 0)[["day", "job"]], table(150, 1, jobs=(0.05, 0.05, 0.9))[["day", "job"]]
    day, job = telling_axes(compared(first, second))
    ticks = day.ticks()
    assert ticks is not None
    assert all(text.startswith("2021-") for text in ticks[1])
    assert list(job.places) == [0, 1, 2]
    many = {"a": np.random.default_rng(0).integers(0, 30, (2, 300)).astype(str), "b": np.zeros((2, 300))}
    pandas = pytest.importorskip("pandas")
    sides = [pandas.DataFrame({"town": [f"town {x}" for x in many["a"][k]], "n": np.arange(300) % 17}) for k in (0, 1)]
    (town,) = (axis for axis in telling_axes(compared(*sides)) if axis.label == "town")
    assert len(town.places) == 8
    assert list(town.places.values())[-1] == "(others)"
