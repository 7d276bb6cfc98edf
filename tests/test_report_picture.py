"""The pictures of a report: grids and clouds, their axes, and what is shown of odd data."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monge import api, plot
from monge.data.dataset import DataSet
from monge.data.source import in_memory
from monge.model.load import load
from monge.plot.canvas import Projection
from monge.report import gallery, write_report
from monge.run.folder import RunFolder


def written(run: RunFolder, data: DataSet | None = None) -> Path:
    """The report of a run."""
    return write_report(run, lambda facts: load(run, facts=facts), data)


def test_principal_axes_are_named_and_do_not_depend_on_the_order() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(500, 4)) * [3, 0.1, 1, 0.1] + 7
    project = Projection.of(points)
    assert project.labels[0] == "first principal component, 90 % of the variance"
    np.testing.assert_allclose(Projection.of(points[::-1]).axes, project.axes, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(project(points), axis=1) ** 2 / 9, 1, atol=8)
    assert Projection.of(points[:, :2]).labels == ("x₁", "x₂")


@pytest.mark.parametrize("shape", [(1, 5), (40, 1), (40, 2), (40, 5), (5, 40)])
def test_clouds_of_any_shape_and_of_equal_points(shape: tuple[int, int]) -> None:
    points = np.random.default_rng(0).normal(size=shape)
    assert plot.png(plot.cloud(points, frame=points)) == plot.png(plot.cloud(points))
    assert plot.cloud(np.ones(shape), points).size == (500, 500)
    assert plot.cloud(np.zeros(shape), np.zeros(shape)).size == (500, 500)


def test_vectors_are_drawn_as_clouds(tmp_path: Path) -> None:
    run = api.train(
        "toy:ring8", steps=2, run=tmp_path / "run", threads=1, observe={"bracket": 2}, training={"n_critic": 1}
    )
    text = written(run).read_text()
    assert "Generated points on top of held-out real points" in text
    assert "Eight paths" in text
    assert "Novelty ratio" not in text


def axes_of(image: Image.Image) -> np.ndarray:
    """What stands below and to the left of the points."""
    pixels = np.asarray(image.convert("RGB"))
    return np.concatenate([pixels[40:, :50].reshape(-1, 3), pixels[460:].reshape(-1, 3)])


def test_history_and_samples_share_their_axes(tmp_path: Path) -> None:
    data = in_memory(np.random.default_rng(0).normal(size=(400, 4)) * [5, 1, 2, 1])
    run = api.train(data, steps=2, run=tmp_path / "run", threads=1, observe={"bracket": 2}, training={"n_critic": 1})
    (picture,) = gallery.generated_and_real(run.model(), data)
    shown = Image.open(io.BytesIO(base64.b64decode(picture.url.split(",")[1])))
    with Image.open(run.samples / "step-000002.png") as drawn:
        np.testing.assert_array_equal(axes_of(shown), axes_of(drawn))
    assert not np.array_equal(axes_of(shown), axes_of(plot.cloud(run.sample(9))))


def test_few_and_equal_images_are_shown(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="all training samples are identical"):
        data = in_memory(np.full((80, 8, 8), 9, np.uint8))
    run = api.train(data, steps=2, run=tmp_path / "run", threads=1, training={"n_critic": 1})
    text = written(run, data).read_text()
    assert "Grid of all 16 held-out images" in text
    assert "themselves copies of training samples" in text


@pytest.mark.parametrize(
    ("objective", "conditional", "text"),
    [
        ("wgan-gp", True, "A row of images for each class: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ("infogan:categories=4", False, "A row of images for each value of code 0, from 0 to 3"),
        ("infogan:categorical=0:uniform=1", False, None),
        ("wgan-gp", False, None),
    ],
)
def test_rows_of_what_a_generator_is_asked_for(
    tmp_path: Path, objective: str, conditional: bool, text: str | None
) -> None:
    rule = {"n_critic": 1, "conditional": conditional}
    tiny = {"generator": "mlp:width=8", "critic": "mlp:width=8", "steps": 2, "observe": {"bracket": 2}}
    run = api.train("digits", objective=objective, run=tmp_path / "run", threads=1, training=rule, **tiny)
    seen = gallery.on_request(run.model())
    assert (None if seen is None else seen.alt) == text
    if seen is not None:
        asked = {"label": "3"} if conditional else {"codes": {0: 3}}
        row = np.asarray(plot.grid(run.sample(gallery.ROW, **asked), columns=gallery.ROW))
        shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(seen.url.split(",")[1]))))
        top = 3 * (len(row) - 2)  # a gap of two pixels is shared
        np.testing.assert_array_equal(shown[top : top + len(row)], row)


def test_a_long_history_of_noise_stays_small(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.samples.mkdir()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (530, 530, 3), np.uint8))
    for step in range(30):
        noise.save(run.samples / f"step-{step:06d}.png")
    frames = gallery.history(run)
    assert len(frames) == gallery.HISTORY
    assert (frames[0].step, frames[-1].step) == (0, 29)
    assert sum(len(frame.url) for frame in frames) < 7_000_000
