"""The trained model: an object that is made once, and that samples, judges and interpolates like its run."""

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import monge
from monge import api
from monge.data.source import in_memory
from monge.data.space import ImageSpace, VectorSpace
from monge.errors import UserError
from monge.model import load as module
from monge.model.trained_model import Request, TrainedModel
from monge.run.folder import RunFolder

SMALL: dict[str, Any] = {"steps": 4, "generator": "mlp:width=8:latent=3", "critic": "mlp:width=8", "threads": 1}
RANDOM = np.random.default_rng(0)
IMAGES = in_memory(RANDOM.integers(0, 256, (80, 8, 8), dtype=np.uint8), np.arange(80) % 10, "images")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> monge.Run:
    """Images of ten classes."""
    rule = {"conditional": True, "batch": 8}
    return monge.train(IMAGES, run=tmp_path_factory.mktemp("r") / "run", recipe="digits", training=rule, **SMALL)


def test_it_is_frozen_and_knows_what_samples_need(run: monge.Run) -> None:
    model = run.model()
    with pytest.raises(FrozenInstanceError):
        model.step = 5  # type: ignore[misc]
    assert (model.step, model.weights, model.space) == (4, "ema", ImageSpace(1, 8, 8))
    assert model.classes == [str(i) for i in range(10)]
    assert model.conditional
    assert model.codes is None
    assert model.config.steps == 4


def test_it_samples_like_its_run(run: monge.Run) -> None:
    model = run.model("raw")
    np.testing.assert_array_equal(model.sample(9, 4).x, run.sample(9, seed=4, weights="raw"))
    found = model.sample(9, 4, Request(label=7))
    np.testing.assert_array_equal(found.x, run.sample(9, seed=4, weights="raw", label=7))
    assert found.y is not None
    assert found.y.tolist() == [7] * 9
    np.testing.assert_array_equal(model.interpolate(2, 5, 1), run.interpolate(2, 5, seed=1, weights="raw"))


def test_the_critic_is_read_when_it_is_asked_for(run: monge.Run, tmp_path: Path) -> None:
    points = IMAGES.codec.metric(IMAGES.train.sample(20))
    judged = run.model().judged(points, torch.zeros(20, dtype=torch.long))
    assert judged.shape == (20, 1)
    assert np.isfinite(judged).all()


def test_an_own_critic_must_be_given_again(tmp_path: Path) -> None:
    class Own(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = torch.nn.Linear(2, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.last(x)
            return out

    data = in_memory(RANDOM.normal(size=(60, 2)))
    rest = {key: value for key, value in SMALL.items() if key != "critic"}
    run = monge.train(data, critic=Own(), run=tmp_path / "run", training={"batch": 8}, **rest)
    assert run.model().space == VectorSpace(2)
    assert run.model().critic is None
    with pytest.raises(UserError, match="was trained with your own critic; pass it again"):
        run.sample(3, reject=True)
    assert module.load(run, critic=Own()).judge() is not None


def test_a_run_keeps_its_model_until_there_is_a_newer_one(tmp_path: Path) -> None:
    data = in_memory(RANDOM.normal(size=(60, 2)))
    rest: dict[str, Any] = SMALL | {"training": {"batch": 8, "decay_from": 1.0}, "run": tmp_path / "run"}
    run = monge.train(data, **rest)
    first = run.model()
    assert run.model() is first
    assert run.model("raw") is not first
    monge.train(data, **rest | {"steps": 6})
    assert run.model().step == 6


def test_a_report_loads_its_generator_once(run: monge.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a conditional run of ten classes: 14 times, and `run.json` 45 times, in version 0.1."""
    loaded: list[TrainedModel] = []
    parsed: list[str] = []
    load, read = module.load, RunFolder.read

    def counted(*arguments: Any, **options: Any) -> TrainedModel:
        loaded.append(load(*arguments, **options))
        return loaded[-1]

    def noted(self: RunFolder, name: str) -> dict[str, Any]:
        parsed.append(name)
        return read(self, name)

    monkeypatch.setattr(module, "load", counted)
    monkeypatch.setattr(RunFolder, "read", noted)
    page = api.open_run(run.path).write_report(IMAGES).read_text()
    assert "A row of images for each class" in page
    assert len(loaded) == 1
    assert parsed.count("run.json") <= 2
