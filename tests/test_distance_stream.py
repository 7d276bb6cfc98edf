"""Distances of all rows by streaming agree with those of arrays, and see what a part of the rows hides."""

import json
from pathlib import Path

import numpy as np
import pytest

import monge
from monge import distance
from monge.cli import run
from monge.distance.points import Points
from monge.distance.stream import Counts, edges_of, gaps, mean_projection, streamed
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.explanation import column_tests
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.whole import whole


def pair(d: int, shift: float, scale: float, n: int = 3000) -> tuple[Points, Points]:
    x, y = np.random.default_rng(d).normal(size=(2, n, d))
    return x, scale * y + shift


@pytest.mark.parametrize("d", [1, 4])
@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.5, 1.0), (0.0, 1.5)])
def test_streamed_distances_are_those_of_all_rows(d: int, shift: float, scale: float) -> None:
    x, y = pair(d, shift, scale)
    found = streamed(np.array_split(x, 7), np.array_split(y, 2), (x[:900], y[:900]))
    assert found.rows == (3000, 3000)
    sliced, energy, mmd = distance.sliced(x, y, projections=64), distance.energy(x, y), distance.mmd(x[:900], y[:900])
    assert found.sliced.value == pytest.approx(sliced.value, rel=0.03)  # of the same directions
    errors = found.energy.standard_error
    assert errors is not None
    assert abs(found.energy.value - energy.squared) < 4 * errors + 0.002
    assert abs(found.mmd.value - mmd.squared) < 4 * (found.mmd.standard_error or 0) + 3 * mmd.error


def test_chunks_do_not_matter() -> None:
    x, y = pair(3, 0.2, 1.0, 200)
    whole_, parts = (streamed(np.array_split(x, k), np.array_split(y, k), (x, y)) for k in (1, 9))
    for name in ("sliced", "energy", "mmd"):
        assert getattr(whole_, name).value == pytest.approx(getattr(parts, name).value, rel=1e-4, abs=1e-8)


def test_integrals_between_two_points_are_exact() -> None:
    edges = [np.array([0.0, 1.0])]
    first, second = Counts(edges), Counts(edges)
    first.add([np.array([0.0, 0.0])])
    second.add([np.array([1.0, 3.0])])
    # F is 1 and G runs from 0 to 1/2 between the edges; beyond them y is 1 farther on average
    assert gaps(first, second, 0) == pytest.approx((0.75 + 1, (1 + 0.5 + 0.25) / 3))
    assert edges_of(np.array([2.0, 1.0, 2.0])).tolist() == [1, 2]
    assert mean_projection(1) == pytest.approx(1)
    assert mean_projection(3) == pytest.approx(0.5)


def test_columns_of_all_rows_are_tested_as_those_of_arrays() -> None:
    x, y = pair(3, 0.0, 1.0, 4000)
    y[:, 1] += 0.1
    sets = [SampleSet.draw(monge.load_data(side), name, most=500) for side, name in ((x, "x"), (y, "y"))]
    features = FeatureGroups.of(sets[0].codec, 3)
    found = whole(sets[0], sets[1], features)
    assert found is not None
    scale = [side.codec.metric(np.asarray(points, np.float32)) for side, points in zip(sets, (x, y), strict=True)]
    np.testing.assert_allclose(found.columns, column_tests(*scale, features), rtol=0.3)
    assert found.columns.argmin() == 1
    assert found.columns[1] < 1e-3
    full = [SampleSet.draw(monge.load_data(side), name) for side, name in ((x, "x"), (y, "y"))]
    assert whole(full[0], full[1], features) is None


def test_a_large_table_is_read_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(0)
    for name, rare in (("a", 0.02), ("b", 0.05)):
        lines = ["age,job"]
        for i in range(6000):
            age = "" if i % 10 == 0 else f"{random.normal(40, 9):.1f}"
            lines.append(f"{age},{'pilot' if random.random() < rare else 'clerk'}")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
    sides = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    assert run(["distance", *sides, "--samples", "100", "--families", "linear", "--no-picture", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["all_rows"]["rows"] == [6000, 6000]
    assert said["all_rows"]["p_value"] < 1e-6
    assert (said["differ"], said["shown_by"]) == (True, ["tests"])
    assert said["explanation"]["features"][0]["name"] == "job"
    assert said["sliced"]["n"] == said["energy"]["n"] == [6000, 6000]
    assert said["p_value"]["value"] == pytest.approx(2 * said["all_rows"]["p_value"])
    assert "single columns" in said["verdict"][0]
