"""Rows that depend on each other: relabelled together, so that what is seen is not their dependence."""

import json
from pathlib import Path

import numpy as np
import pytest

from monge import UserError, two_samples
from monge.cli import run
from monge.distance import battery
from monge.distance.part import parts
from monge.distance.points import Points
from monge.distance.split_test import split_test
from monge.distance.two_sample.battery import relabelled

pytestmark = pytest.mark.usefixtures("few_relabellings")

RANDOM = np.random.default_rng(0)


def subjects(random: np.random.Generator, count: int, rows: int, shift: float = 0.0) -> Points:
    """So many rows of each of so many subjects, who differ more than their rows do."""
    return np.repeat(random.normal(size=(count, 2)) + shift, rows, axis=0) + 0.3 * random.normal(size=(count * rows, 2))


def test_clusters_are_relabelled_as_wholes_or_within() -> None:
    clusters = np.array([0, 0, 0, 1, 2, 2, 3, 3, 9, 9, 9, 9])  # the last one has rows of both
    labels = relabelled(10, 2, 200, RANDOM, clusters)
    for cluster in (0, 2, 3):
        own = labels[clusters == cluster]
        assert (own == own[0]).all()
    assert (labels[clusters == 9].sum(axis=0) == 2).all()
    assert len(np.unique(labels[clusters == 9], axis=1).T) == 6
    assert labels[:, 0].tolist() == [1] * 10 + [0] * 2
    swapped = relabelled(4, 4, 200, RANDOM, np.array([0, 0, 1, 1, 2, 2, 3, 3]))
    assert (swapped.sum(axis=0) == 4).all()
    assert 0.2 < swapped[0, 1:].mean() < 0.8


def test_no_cluster_is_in_two_parts() -> None:
    clusters = np.repeat(np.arange(30), 5)
    rows = np.stack([clusters, np.arange(150)], axis=1).astype(float)
    for seed in range(20):
        first, second = parts(rows, (48, 48), seed, clusters=clusters)
        assert len(first) == len(second) == 48
        assert not set(first[:, 0]) & set(second[:, 0])
        assert len(set(first[:, 1]) | set(second[:, 1])) == 96
    with pytest.raises(UserError, match="rows must be of more clusters"):
        parts(rows, (80, 71), 0, clusters=clusters)


def test_dependence_is_no_difference() -> None:
    seen = np.zeros((60, 3), np.bool_)
    for i in range(60):
        random = np.random.default_rng(i)
        x, y = subjects(random, 12, 8), subjects(random, 9, 8)
        clusters = np.repeat(np.arange(12), 8), np.repeat(np.arange(12, 21), 8)
        seen[i] = [
            battery(x, y, draws=39, seed=i).p_value <= 0.05,
            battery(x, y, clusters=clusters, draws=39, seed=i).p_value <= 0.05,
            split_test(x, y, clusters=clusters, draws=19, seed=i).p_values.min() <= 0.05,
        ]
    shares = seen.mean(axis=0)
    assert shares[0] > 0.5
    assert shares[1:].max() < 0.05 + 2.6 * (0.05 * 0.95 / 60) ** 0.5


def table(path: Path, seed: int, shift: float, first: int) -> None:
    values = subjects(np.random.default_rng(seed), 15, 6, shift)
    rows = [f"s{first + i // 6},{x:.3f},{y:.3f}" for i, (x, y) in enumerate(values)]
    path.write_text("\n".join(["subject,pulse,pressure", *rows]))


def test_the_command_takes_a_column_of_subjects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed, shift in (("a", 0, 0.0), ("same", 1, 0.0), ("far", 2, 3.0)):
        table(tmp_path / f"{name}.csv", seed, shift, 100 * seed)

    def said(other: str) -> dict:
        sides = [str(tmp_path / f"{name}.csv") for name in ("a", other)]
        assert run(["distance", *sides, "--group", "subject", "--no-picture", "--json"]) == 0
        return dict(json.loads(capsys.readouterr().out))

    sides = [str(tmp_path / "a.csv"), str(tmp_path / "far.csv")]
    files = [tmp_path / "page.html", tmp_path / "picture.png"]
    assert run(["distance", *sides, "--group", "subject", *(f"--out={file}" for file in files)]) == 0
    assert "proves the lower limit" not in files[0].read_text()  # dependent rows prove none
    assert files[1].stat().st_size > 10_000
    capsys.readouterr()
    same, far = said("same"), said("far")
    assert (same["differ"], far["differ"], far["shown_by"]) == (False, True, ["tests"])
    assert [feature["name"] for feature in far["explanation"]["features"]] != []
    assert {feature["name"] for feature in far["explanation"]["features"]} == {"pulse", "pressure"}
    assert far["bracket"]["lipschitz"] == "none"
    assert (same["missed"]["shift"], same["dependence"]) == (None, [None, None])


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("subjekt", "--group 'subjekt' is not known; did you mean 'subject'? allowed: site, subject, value"),
        ("id", "--group id has another value in nearly every row: its rows are independent"),
        ("site", "--group site must have at least 4 values in A; got 2"),
    ],
)
def test_bad_columns_are_named(group: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"{i},{'xy'[i % 2]},subject {i % 9},{i % 7}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["id,site,subject,value", *lines]))
    assert run(["distance", *[str(tmp_path / "t.csv")] * 2, "--group", group, "--no-picture"]) == 2
    assert said in capsys.readouterr().err


def test_arrays_have_columns_by_number() -> None:
    x = np.column_stack([subjects(RANDOM, 8, 5), np.repeat(np.arange(8), 5)])
    y = np.column_stack([subjects(RANDOM, 8, 5), np.repeat(np.arange(8, 16), 5)])
    found = two_samples(x, y, group="3", explain=False)
    assert found.a.points.shape == (40, 2)
    with pytest.raises(UserError, match="--group needs a table or an array of vectors"):
        two_samples("toy:moons", "toy:moons", group="1")
