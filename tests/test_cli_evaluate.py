"""What `monge evaluate` says of the critic, and its picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.cli import run
from monge.distance.ipm import kernel_ipm
from monge.distance.kernel import NegativeDistance
from monge.distance.matrix import cluster_matrix
from monge.plot import heat_map, png, witness

TINY = ["--steps", "5", "--generator", "mlp:width=16", "--critic", "mlp:width=16", "--threads", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on points of the plane, evaluated."""
    folder = tmp_path_factory.mktemp("evaluate")
    np.save(folder / "v.npy", np.random.default_rng(5).normal(size=(400, 2)))
    assert run(["train", str(folder / "v.npy"), "--run", str(folder / "run"), *TINY]) == 0
    assert run(["evaluate", str(folder / "run")]) == 0
    return folder / "run"


def test_the_document_holds_the_clusters(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((folder / "metrics.json").read_text())
    clusters, critic = document["critic_clusters"], document["metrics"]["critic"]
    matrix, weights = np.array(clusters["matrix"]), np.array(clusters["weights"])
    assert matrix.shape == weights.shape == (8, 8)
    assert matrix.sum() == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert critic["mean_distance"] == clusters["mean"] > 0
    assert critic["weighted_distance"] == pytest.approx((weights * (matrix + clusters["mean"])).sum() / 8)
    assert 0 < critic["real_probability"]["generated"] <= critic["real_probability"]["real"] < 1
    assert critic["median_weight"] > 0


def test_the_table_names_the_picture_and_prints_no_matrix(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == ["picture", "critic_distance.png"]
    assert not any("[" in line for line in lines)
    assert max(map(len, lines)) <= 60


def test_the_picture_is_the_same_again(folder: Path) -> None:
    before = (folder / "critic_distance.png").read_bytes()
    assert run(["evaluate", str(folder)]) == 0
    assert (folder / "critic_distance.png").read_bytes() == before
    assert run(["evaluate", str(folder), "--seed", "1"]) == 0
    assert (folder / "critic_distance.png").read_bytes() != before
    with Image.open(folder / "critic_distance.png") as image:
        assert image.info == {}
        assert image.width > 400


def test_colours_are_symmetric_about_the_mean() -> None:
    # one element above the mean, one as far below
    image = np.asarray(heat_map(cluster_matrix([[0.0], [4.0]], [[1.0], [1.0]], 2), "critic output"))
    seen = {tuple(pixel) for row in image for pixel in row}
    # the ends of the palette: dark blue and dark red
    assert {(5, 48, 97), (103, 0, 31)} <= seen


@pytest.mark.parametrize("sizes", [(1, 1), (1, 5)])
def test_small_and_constant_matrices_are_drawn(sizes: tuple[int, int]) -> None:
    clusters = cluster_matrix(np.ones((sizes[0], 1)), np.arange(sizes[1])[:, None], min(sizes))
    assert png(heat_map(clusters, "critic output")).startswith(b"\x89PNG")


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_a_witness_is_drawn_in_any_dimension(dimension: int) -> None:
    random = np.random.default_rng(dimension)
    real, fake = random.normal(size=(50, dimension)), random.normal(size=(40, dimension)) + 1
    ipm = kernel_ipm(real, fake, NegativeDistance(), "energy distance")
    first = png(witness(ipm, real, fake))
    assert first == png(witness(ipm, real, fake))
    assert first != png(witness(kernel_ipm(real, real, NegativeDistance(), "energy distance"), real, fake))
