"""The best checkpoint by a validation part stays and can be sampled, whatever comes after it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import monge
from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.data.source import in_memory, load_data
from monge.errors import UserError
from monge.model.weights import folder_of, steps
from monge.model.whole import best_step
from monge.run.folder import RunFolder
from monge.training.best import Best
from monge.training.train import train_config

POINTS = np.random.default_rng(0).normal(size=(80, 3))
CONFIG = Config(
    source="array",
    objective="wgan-gp",
    generator="mlp:width=16:depth=1",
    critic="mlp:width=16:depth=1",
    steps=100,
    # too high a rate, so that the end is not the best
    training=TrainingConfig(batch=16, n_critic=1, learning_rate=3e-2, keep_best=True),
    observe=ObserveConfig(bracket=10),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("best") / "run"
    return train_config(CONFIG, in_memory(POINTS), run=folder, device="cpu", threads=1, checkpoint_every=35)


def away(run: RunFolder) -> dict[int, float]:
    return {entry["step"]: entry["validation"] for entry in run.entries() if "validation" in entry}


def test_it_is_kept_besides_the_last_two(run: RunFolder) -> None:
    measured = away(run)
    lowest = min(measured, key=measured.__getitem__)
    assert lowest < 70
    assert steps(run.checkpoints) == [lowest, 70, 100]
    assert best_step(run) == lowest


def test_its_weights_are_those_of_a_run_that_ended_there(run: RunFolder, tmp_path: Path) -> None:
    step = best_step(run)
    assert step is not None
    shorter = replace(CONFIG, steps=step)
    train_config(shorter, in_memory(POINTS), run=tmp_path / "short", device="cpu", threads=1)
    expected = monge.open_run(tmp_path / "short").sample(20, seed=3)
    best = monge.open_run(run.path)
    np.testing.assert_array_equal(best.sample(20, seed=3, weights="best"), expected)
    assert best.model("best").step == step
    assert (best.sample(20, seed=3) != expected).any()


def test_a_run_that_was_interrupted_keeps_the_same_one(run: RunFolder, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    def killing(step: int, seen: Any) -> None:
        if step == 63:
            raise Killed

    args: Any = {"run": tmp_path / "run", "device": "cpu", "threads": 1, "checkpoint_every": 35}
    with pytest.raises(Killed):
        train_config(CONFIG, in_memory(POINTS), display=killing, **args)
    again = train_config(CONFIG, in_memory(POINTS), **args)
    assert away(again) == away(run)
    assert steps(again.checkpoints) == steps(run.checkpoints)


def test_of_equal_ones_the_first_stays_and_none_is_saved_twice(tmp_path: Path) -> None:
    best = Best(RunFolder(tmp_path))
    assert best.step is None
    assert not best.due()
    for step, value, due in ((10, 0.3, True), (20, 0.3, False), (30, 0.4, False), (40, 0.2, True)):
        best(step, {"validation": value})
        assert best.due() is due
        best.saved()
    best(50, {})
    assert best.step == 40
    assert not best.due()


def test_a_run_without_a_validation_part_says_so(tmp_path: Path) -> None:
    bare = replace(CONFIG, steps=5, training=replace(CONFIG.training, keep_best=False))
    train_config(bare, in_memory(POINTS), run=tmp_path / "run", device="cpu", threads=1)
    with pytest.raises(UserError, match=r"on a validation part, which --training.keep-best keeps; use --weights ema"):
        monge.open_run(tmp_path / "run").model("best")


def test_fresh_draws_need_no_validation_part(tmp_path: Path) -> None:
    config = replace(CONFIG, source="toy:ring8", steps=20)
    train_config(config, load_data("toy:ring8"), run=tmp_path / "run", device="cpu", threads=1)
    assert monge.open_run(tmp_path / "run").model("best").step in (10, 20)


def test_a_damaged_one_is_noticed(run: RunFolder, tmp_path: Path) -> None:
    step = best_step(run)
    assert step is not None
    file = folder_of(run.checkpoints, step) / "generator_ema.safetensors"
    content = file.read_bytes()
    try:
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(UserError, match=f"checkpoint step-{step:06d}, the best, is damaged"):
            monge.open_run(run.path).model("best")
    finally:
        file.write_bytes(content)
