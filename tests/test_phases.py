"""Statistics of two phases: closed forms, and what `evaluate --statistics` says of them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from monge.api import open_run
from monge.cli import run
from monge.data.source import in_memory
from monge.evaluation.features import Features
from monge.evaluation.measurement import Measured
from monge.evaluation.phases import details, statistics
from monge.metric.two_point import AXES, otsu, phase_fraction, surface_length, two_point

TINY = ["--steps", "2", "--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]


def test_independent_pixels() -> None:
    mask = np.random.default_rng(0).random((400, 16, 12)) < 0.3
    fraction = phase_fraction(mask)
    assert abs(fraction.value - 0.3) < 4 * fraction.standard_error
    assert fraction.standard_error == pytest.approx(np.sqrt(0.3 * 0.7 / mask.size), rel=0.15)
    for axis, side in zip(AXES.values(), (16, 12), strict=True):
        curve = two_point(mask, axis)
        assert len(curve) == side // 2 + 1
        assert curve[0] == pytest.approx(fraction.value)
        np.testing.assert_allclose(curve[1:], 0.3**2, atol=0.005)
    surface = surface_length(mask)
    assert abs(surface.value - 2 * 0.3 * 0.7 * (2 - 1 / 16 - 1 / 12)) < 4 * surface.standard_error


def test_a_chessboard() -> None:
    mask = np.indices((6, 8)).sum(0)[None] % 2 == 0
    assert phase_fraction(mask).value == 0.5
    np.testing.assert_array_equal(two_point(mask, AXES["y"]), [0.5, 0, 0.5, 0])
    np.testing.assert_array_equal(two_point(mask, AXES["x"]), [0.5, 0, 0.5, 0, 0.5])
    assert surface_length(mask).value == pytest.approx(2 - 1 / 6 - 1 / 8)


def test_stripes() -> None:
    mask = np.zeros((3, 4, 8), bool)
    mask[:, :, ::2] = True  # columns
    np.testing.assert_array_equal(two_point(mask, AXES["x"]), [0.5, 0, 0.5, 0, 0.5])
    np.testing.assert_array_equal(two_point(mask, AXES["y"]), [0.5] * 3)
    assert surface_length(mask).value == pytest.approx(7 / 8)
    assert surface_length(~mask) == surface_length(mask)


def test_one_phase_alone_has_no_surface() -> None:
    for mask in (np.ones((2, 4, 4), bool), np.zeros((2, 4, 4), bool)):
        np.testing.assert_array_equal(two_point(mask, 1), [mask.mean()] * 3)
        assert surface_length(mask).value == 0


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9])
def test_the_threshold_of_binary_images_is_the_midpoint(share: float) -> None:
    pixels = np.where(np.arange(1000) < 1000 * share, 1.0, -1.0)
    assert otsu(pixels) == 0
    assert otsu(pixels / 2 + 0.25) == pytest.approx(0.25, abs=1 / 128)


def test_the_threshold_of_grey_images_lies_between_their_groups() -> None:
    random = np.random.default_rng(0)
    grey = np.concatenate([random.normal(-0.6, 0.1, 4000), random.normal(0.2, 0.1, 1000)])
    assert -0.4 < otsu(grey) < 0
    assert -1 < otsu(np.zeros(9)) < 1


def textures(seed: int, n: int, width: float = 1.0, share: float = 0.5) -> np.ndarray:
    """Binary images (n, 20, 20, 1) of grains of some width."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(n, 20, 20)), (0, width, width), mode="wrap")
    return np.uint8(255 * (noise > np.quantile(noise, 1 - share)))[..., None]


def found_of(generated: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gap over floor of every statistic of some images in a generator's place, and the details."""
    data = in_memory(textures(0, 1000))
    monkeypatch.setattr(Measured, "fake", property(lambda _: data.codec.metric(generated)))
    model: Any = SimpleNamespace()
    measured = Measured(model, data, Features(), statistics=True)
    found = statistics(measured)
    assert found.pop("worst_gap").floor == 1
    said = details(measured)
    assert said is not None
    return {
        name: float(getattr(r.value["gap"], "value", r.value["gap"])) / r.floor["gap"] for name, r in found.items()
    }, said


def test_real_images_in_a_generators_place_have_gaps_like_the_floors(monkeypatch: pytest.MonkeyPatch) -> None:
    ratios, said = found_of(textures(1, 200), monkeypatch)
    assert set(ratios) == {"phase_fraction", "two_point_y", "two_point_x", "surface_length"}
    assert max(ratios.values()) < 4
    assert ratios[said["worst"]] == max(ratios.values())
    assert (said["threshold"], said["images"], said["training_parts"]) == (127.5, 200, 4)


@pytest.mark.parametrize(
    ("width", "share", "worst"), [(1.6, 0.5, ("surface_length", "two_point_y", "two_point_x")), (1, 0.6, None)]
)
def test_wrong_grains_are_found(
    width: float, share: float, worst: tuple[str, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ratios, said = found_of(textures(1, 200, width, share), monkeypatch)
    assert ratios[said["worst"]] > 10
    assert worst is None or said["worst"] in worst
    assert (ratios["phase_fraction"] > 10) == (share != 0.5)


def test_the_command_shows_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("grains.npy", textures(0, 100))
    assert run(["train", "grains.npy", "--run", "run", *TINY]) == 0
    capsys.readouterr()
    assert run(["evaluate", "run", "--statistics"]) == 0
    lines = capsys.readouterr().out.splitlines()
    document = json.loads(Path("run/metrics.json").read_text())
    (line,) = [line for line in lines if line.split()[0] == "worst_gap"]
    assert line.endswith(f"largest of the four gaps over its floor: {document['statistics']['worst']}")
    assert max(map(len, lines)) <= 120
    assert len(document["statistics"]["two_point"]["x"]["held_out"]) == 11
    phase = document["metrics"]["phase_fraction"]
    assert phase["gap"] == pytest.approx(abs(phase["generated"] - phase["held_out"]))
    assert set(document["floors"]["surface_length"]) == {"gap"}
    assert "phase_fraction" not in open_run("run").evaluate(thorough=False).metrics


def test_other_data_have_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(400, 2)))
    assert run(["train", str(tmp_path / "v.npy"), "--run", str(tmp_path / "run"), *TINY]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(tmp_path / "run"), "--statistics"]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith("--statistics needs images of one channel, 2 x 2 or larger; v has vectors of 2 numbers")


def test_figures_of_each_class(tmp_path: Path) -> None:
    random, labels = np.random.default_rng(0), np.arange(600) % 3
    np.savez(tmp_path / "c.npz", x=random.normal(size=(600, 2)) + 9 * labels[:, None], y=labels)
    conditional = ["--training.conditional", "--run", str(tmp_path / "run"), *TINY]
    assert run(["train", str(tmp_path / "c.npz"), *conditional]) == 0
    assert run(["evaluate", str(tmp_path / "run")]) == 0
    document = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for name in ("class_precision", "class_recall", "class_frechet"):
        values, floors = document["metrics"][name], document["floors"][name]
        assert set(values) == set(floors) == set(document["errors"][name]) == {"0", "1", "2"}
    assert min(document["floors"]["class_precision"].values()) > 0.8
    assert max(document["floors"]["class_frechet"].values()) < 1 < min(document["metrics"]["class_frechet"].values())
    assert (
        document["unreliable"]["class_recall"]
        == f"{document['counts']['fewest_of_a_class']} samples of a class; 100 are needed"
    )
