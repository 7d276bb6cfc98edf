"""What `monge evaluate` says: floors, errors, what is unreliable, the critic and its picture."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge.api import open_run
from monge.cli import run
from monge.data.source import load_data
from monge.distance.estimate import share
from monge.distance.kernel.kernel import NegativeDistance
from monge.distance.kernel.witness import kernel_ipm
from monge.evaluation.figures import FIGURES
from monge.evaluation.reference import SAME_POINTS
from monge.evaluation.table import evaluation_text
from monge.metric.critic_matrix import cluster_matrix
from monge.metric.precision_recall import expected_coverage
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


def test_the_table_is_aligned_and_names_the_picture(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split() == ["picture", "critic_distance.png"]
    assert not any("[" in line for line in lines)
    assert max(map(len, lines)) <= 120
    assert lines[0].split() == ["figure", "value", "error", "real", "floor"]
    errors = {line.index("±") for line in lines if "±" in line}
    assert errors == {lines[0].index("error")}
    excess = next(line for line in lines if line.split()[0] == "excess").split()
    assert excess[2] == "±"
    assert excess[4] == "0"


def test_every_figure_has_its_floor_and_its_error(folder: Path) -> None:
    document = json.loads((folder / "metrics.json").read_text())
    metrics, floors, errors = (document[name] for name in ("metrics", "floors", "errors"))
    compared = {"precision", "recall", "density", "coverage", "kid", "frechet", "variance_ratio"}
    compared |= {"novelty", "copying_rank", "copying_share"}
    assert compared <= set(metrics)
    assert compared | {"upper", "spread", "excess", "upper_over_floor"} <= set(floors)
    assert compared | {"spread", "excess"} <= set(errors)
    assert set(floors) | set(errors) <= {entry.name for entry in FIGURES}
    assert floors["upper"] == document["bracket"]["floor"]
    assert floors["coverage"] == pytest.approx(expected_coverage(320, 80), abs=4 * share(0.49, 320).standard_error)
    assert 0 < floors["frechet"] < metrics["frechet"]
    assert document["features"] == "raw"
    counts = document["counts"]
    assert (counts["manifold_real"], counts["manifold_generated"], counts["held_out"]) == (320, 80, 80)
    # 80 samples are too few for a share to one twentieth
    assert document["unreliable"]["recall"] == "based on 80 samples; 100 are needed"
    assert "unreliable: based on 80 samples" in evaluation_text(document)


def test_known_modes_have_floors(tmp_path: Path) -> None:
    assert run(["train", "toy:ring8", "--run", str(tmp_path / "run"), *TINY]) == 0
    document = open_run(tmp_path / "run").evaluate(thorough=False).as_json()
    assert document["floors"]["modes"] == 8
    assert document["floors"]["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.01)
    assert 0 < document["floors"]["mode_kl"] < 0.01 < document["metrics"]["mode_kl"]
    assert "novelty" not in document["metrics"]


def test_few_held_out_samples_leave_no_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(5).normal(size=(8, 2)))
    train = ["train", str(tmp_path / "v.npy"), "--run", str(tmp_path / "run"), "--training.batch", "4", *TINY]
    assert run(train) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["unreliable"]["kid"] == "no floor: 5 held-out samples are needed; got 1"
    assert "kid" not in document["floors"]
    assert run(["evaluate", str(tmp_path / "run")]) == 0


def test_features_of_a_classifier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONGE_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    labels = np.arange(300) % 3
    np.savez(tmp_path / "v.npz", x=random.normal(size=(300, 4)) + 5 * labels[:, None], y=labels)
    batch = ["--training.batch", "64"]
    assert run(["train", str(tmp_path / "v.npz"), "--run", str(tmp_path / "run"), *batch, *TINY]) == 0
    capsys.readouterr()
    command = ["evaluate", str(tmp_path / "run"), "--json", "--features"]
    assert run([*command, "classifier"]) == 0
    learned = json.loads(capsys.readouterr().out)
    assert learned == json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert len(list((tmp_path / "cache").iterdir())) == 1
    raw, again = (open_run(tmp_path / "run").evaluate(features=name, thorough=False) for name in ("raw", "classifier"))
    assert again.metrics == learned["metrics"]
    assert again.floors == learned["floors"]
    assert raw.bracket.excess == learned["bracket"]["excess"]
    assert raw.metrics["kid"] != learned["metrics"]["kid"]
    assert learned["features"] == "classifier"
    assert learned["metrics"]["class_accuracy"] > 0.9
    assert 2 < learned["floors"]["class_score"] <= 3
    assert set(learned["floors"]["class_shares"]) == set(learned["errors"]["class_shares"]) == {"0", "1", "2"}
    assert run([*command, "classifer"]) == 2
    assert (
        "--features 'classifer' is not known; did you mean 'classifier'? allowed: classifier, "
        in capsys.readouterr().err
    )


def test_a_classifier_needs_labels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(folder), "--features", "classifier"]) == 2
    said = "monge: --features classifier needs labels; v has none; use --features raw\n"
    assert capsys.readouterr().err == said


def test_the_document_says_what_was_measured(folder: Path) -> None:
    document = json.loads((folder / "metrics.json").read_text())
    assert [document[name] for name in ("step", "weights", "seed", "features")] == [5, "ema", 0, "raw"]
    assert document["fingerprint"] == open_run(folder).facts()["fingerprint"]
    other = open_run(folder).evaluate(seed=3, weights="raw", thorough=False).as_json()
    assert [other[name] for name in ("step", "weights", "seed")] == [5, "raw", 3]


def test_other_data_leave_the_picture_alone(folder: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "other.npy", np.random.default_rng(1).normal(size=(60, 2)))
    before = (folder / "critic_distance.png").read_bytes()
    other = open_run(folder).evaluate(load_data(str(tmp_path / "other.npy")), seed=3, thorough=False)
    assert (folder / "critic_distance.png").read_bytes() == before
    assert "picture" not in other.metrics["critic"]
    assert other.fingerprint != open_run(folder).facts()["fingerprint"]


def test_data_that_changed_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, folder = str(tmp_path / "v.npy"), str(tmp_path / "run")
    np.save(data, np.random.default_rng(5).normal(size=(60, 2)))
    assert run(["train", data, "--run", folder, "--training.batch", "8", *TINY]) == 0
    np.save(data, np.random.default_rng(6).normal(size=(60, 2)) + 9)
    capsys.readouterr()
    said = f"monge: the data in {data!r} have changed since training; use evaluate --data to measure against them"
    for command in (["evaluate", folder], ["sample", folder, "--reject", "--out", str(tmp_path / "x.npz")]):
        assert run(command) == 2
        assert capsys.readouterr().err == f"{said} anyway\n"
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert not (tmp_path / "x.npz").exists()
    assert run(["evaluate", folder, "--data", data]) == 0


@pytest.mark.filterwarnings("ignore:.*skipped 1 of")
def test_other_data_are_read_as_the_runs_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random, faces = np.random.default_rng(5), tmp_path / "faces"
    faces.mkdir()
    for i in range(40):
        Image.fromarray(random.integers(0, 256, (12, 14), dtype=np.uint8)).save(faces / f"{i}.png")
    (faces / "bad.png").write_bytes(b"bad")
    how = ["--data.size", "8", "--data.skip-bad", "--training.batch", "8"]
    assert run(["train", str(faces), "--run", str(tmp_path / "run"), *how, *TINY]) == 0
    np.save(tmp_path / "larger.npy", random.integers(0, 256, (40, 12, 14), dtype=np.uint8))
    for other in (faces, tmp_path / "larger.npy"):
        assert run(["evaluate", str(tmp_path / "run"), "--data", str(other)]) == 0
    capsys.readouterr()


@pytest.mark.filterwarnings("ignore:constant. all training samples are identical")
@pytest.mark.parametrize(("name", "absent"), [("constant", {"variance_ratio", "novelty"}), ("large", {"kid"})])
def test_figures_beyond_float64_are_left_out(name: str, absent: set[str], tmp_path: Path) -> None:
    x = np.ones((50, 2)) if name == "constant" else 1e30 * np.random.default_rng(0).normal(size=(60, 2))
    np.save(tmp_path / f"{name}.npy", x)
    batch = ["--training.batch", "8"]
    assert run(["train", str(tmp_path / f"{name}.npy"), "--run", str(tmp_path / "run"), *batch, *TINY]) == 0
    metrics = open_run(tmp_path / "run").evaluate(thorough=False).metrics
    assert "precision" in metrics
    assert absent.isdisjoint(metrics)


@pytest.mark.filterwarnings("always:a. ")
@pytest.mark.parametrize("kind", ["equal", "twice", "others"])
def test_a_floor_of_zero_is_said(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where all samples are equal, or where the held-out part is the training part once more."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(40, 2))
    parts = {"equal": (x * 0 + 3, x * 0 + 3), "twice": (x, x[::-1]), "others": (x, x[:-1])}[kind]
    np.savez("a.npz", **dict(zip(("x_train", "x_test"), parts, strict=True)))
    capsys.readouterr()
    assert run(["train", "a.npz", "--run", "run", "--training.batch", "8", *TINY]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("monge: warning")]
    warned = {
        "equal": ["a: all training samples are identical, so their variety cannot be measured"],
        "twice": [f"a: the floor is 0: {SAME_POINTS}, so they cannot show what chance does"],
        "others": [],
    }[kind]
    assert said == [f"monge: warning: {text}" for text in warned]
    unreliable = open_run("run").evaluate(thorough=False).unreliable
    reason = {"equal": "the floor is 0: all real samples are equal", "twice": f"the floor is 0: {SAME_POINTS}"}.get(
        kind
    )
    for name in ("upper", "spread", "excess", "upper_over_floor"):
        assert unreliable.get(name) == reason


def test_the_picture_is_the_same_again(folder: Path) -> None:
    assert run(["evaluate", str(folder)]) == 0
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
