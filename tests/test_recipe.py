"""Which recipe some data get, and that every recipe trains; how often a bracket is measured."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import monge
from monge.config import registry
from monge.config.recipe import default_for
from monge.config.schema import Config, TrainingConfig
from monge.data.alignment import alignment
from monge.data.dataset import DataInfo, DataSet, split_data
from monge.data.space import ImageSpace, Space, VectorSpace
from monge.nn.dcgan import DCGANCritic, DCGANGenerator
from monge.run.folder import RunFolder
from monge.training.assemble import assemble
from monge.training.pace import AIMED, UNNOTICED, seconds_per_step, steps_in, thinned, warn_of_few
from monge.training.settings import choice, default_recipe, recommended

RANDOM = np.random.default_rng(0)


def images(*shape: int, centred: bool = False) -> np.ndarray:
    """Noise, or noise around one picture."""
    x = RANDOM.integers(0, 256, shape, dtype=np.uint8)
    return (x // 4 + 3 * (np.indices(shape[1:]).sum(0) % 2 * 60).astype(np.uint8)).astype(np.uint8) if centred else x


def data(*shape: int, centred: bool = False) -> DataSet:
    return split_data(DataInfo("pictures"), images(*shape, centred=centred))


@pytest.mark.parametrize(
    ("space", "size", "aligned", "expected"),
    [
        (VectorSpace(2), 100, 0.0, "vector"),
        (ImageSpace(1, 8, 8), 1300, 0.5, "digits"),
        (ImageSpace(1, 28, 28), 60_000, 0.3, "image"),
        (ImageSpace(3, 32, 32), 4000, 0.02, "photo"),
        (ImageSpace(3, 64, 48), 1999, 0.3, "few-images"),
        (ImageSpace(3, 64, 96), 300, 0.0, "few-images"),
        (ImageSpace(3, 128, 128), 9000, 0.3, "image-large"),
    ],
)
def test_the_recipe_follows_size_number_and_alignment(space: Space, size: int, aligned: float, expected: str) -> None:
    assert default_for("pictures", space, size, aligned) == expected


def test_alignment_is_the_share_of_the_variance_that_the_mean_image_explains() -> None:
    assert alignment(data(3000, 12, 12, 1)) < 0.01
    assert alignment(data(500, 12, 12, 3, centred=True)) > 0.5
    grey = np.full((50, 8, 8, 1), 7, dtype=np.uint8)
    with pytest.warns(UserWarning, match="identical"):
        constant = split_data(DataInfo("grey"), grey)
    assert alignment(constant) == 0
    # a colour of its own for each channel is not a place
    tinted = RANDOM.integers(0, 20, (2000, 8, 8, 3)) + np.array([0, 100, 200])
    assert alignment(split_data(DataInfo("tinted"), tinted.astype(np.uint8))) < 0.01


def test_the_choice_is_told_and_why() -> None:
    aligned, free = data(2600, 12, 12, 1, centred=True), data(2600, 12, 12, 1)
    assert (default_recipe(aligned), default_recipe(free)) == ("image", "photo")
    assert "objects are in one place (the mean image explains" in str(choice(aligned, "image"))
    assert "anything can be anywhere (the mean image explains 0% of the variance)" in str(choice(free, "photo"))
    small = data(2600, 8, 8, 1)
    assert choice(small, default_recipe(small)) is None


def test_train_says_its_choice_unless_the_recipe_is_given(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", images(2600, 12, 12, 1))
    tiny = ["--steps", "1", "--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1"]

    def said(*flags: str) -> list[str]:
        command = [sys.executable, "-m", "monge", "train", "x.npy", *tiny, *flags]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr.splitlines()

    lines = said()
    assert lines[0].startswith("monge: x: 2,600 images")
    assert lines[1].startswith("monge: recipe photo: ")
    assert not [line for line in said("--recipe", "image", "--run", "other") if "recipe" in line]


@pytest.mark.parametrize("name", [name for name in registry.RECIPES if name not in ("grid25", "vector", "table")])
@pytest.mark.parametrize("shape", [(12, 16, 3), (8, 8, 1)])
def test_every_recipe_for_images_takes_a_step(name: str, shape: tuple[int, ...]) -> None:
    pictures = data(90, *shape)
    config = recommended(pictures, name)
    state, objective, sampler = assemble(config, pictures, torch.device("cpu"))
    terms = monge.training.train_step(state, objective, sampler(0))
    assert all(torch.isfinite(value) for value in terms.values())


@pytest.mark.parametrize("name", ["image", "image-gan", "photo", "few-images", "image-large"])
def test_recipes_for_images_refuse_vectors(name: str) -> None:
    vectors = split_data(DataInfo("points"), RANDOM.normal(size=(90, 3)))
    with pytest.raises(monge.UserError, match="--recipe: this one needs images; points contains vectors"):
        recommended(vectors, name)


def test_published_recipes_keep_their_networks() -> None:
    for name in ("paper-wgan", "paper-wgan-gp"):
        config = recommended(data(90, 28, 28, 1), name)
        assert (config.generator, config.critic, config.augment) == (
            "dcgan:latent=64:width=32",
            "dcgan:width=32",
            "off",
        )


def test_dense_layers_of_the_dcgan() -> None:
    generator, critic = DCGANGenerator((1, 28, 28), width=4, mapping=2), DCGANCritic((1, 28, 28), width=4, hidden=10)
    dense = [tuple(layer.weight.shape) for layer in generator.modules() if isinstance(layer, torch.nn.Linear)]
    assert dense == [(32, 64), (32, 32), (8 * 49, 32)]
    assert critic.feature_size == 10
    assert critic.features(torch.zeros(3, 1, 28, 28)).shape == (3, 10)
    assert generator(torch.randn(3, 64)).shape == (3, 1, 28, 28)


def test_measurements_are_thinned_to_their_share() -> None:
    assert thinned(one=0.1, training=10, count=20) == 1  # two seconds are not noticed
    assert thinned(one=2.0, training=300, count=20) == 5  # 40 s at full count, 10.5 s aimed at
    assert thinned(one=100.0, training=50, count=20) == 10  # the first, one half-way and the last are made in any case
    for count in range(1, 30):
        of = thinned(one=100.0, training=50, count=count)
        assert len({1, count} | set(range(of, count, of))) == min(3, count)
    for one, training in ((0.5, 60), (3.0, 300), (10.0, 1000), (0.2, 100)):
        of = thinned(one, training, 20)
        made = {1, 20} | {number for number in range(1, 21) if number % of == 0}
        assert len(made) * one <= max(AIMED * training, UNNOTICED)


@pytest.mark.parametrize(("of", "steps"), [(1, [*range(4, 81, 4), 83]), (10, [4, 40, 83])])
def test_measurements_are_the_first_some_and_the_last(
    of: int, steps: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monge.training.monitor.thinned", lambda one, training, count: of)
    small = {"generator": "mlp:width=4:depth=1", "critic": "mlp:width=4:depth=1", "threads": 1, "device": "cpu"}
    monge.train("toy:ring8", run=tmp_path / "run", steps=83, training={"batch": 8, "n_critic": 1}, **small)
    assert [entry["step"] for entry in RunFolder(tmp_path / "run").entries() if "bracket" in entry] == steps


def test_the_pace_is_measured_on_a_copy() -> None:
    rule = TrainingConfig(batch=8, n_critic=1)
    config = Config(generator="mlp:width=8:depth=1", critic="mlp:width=8:depth=1", training=rule)
    points = split_data(DataInfo("points"), RANDOM.normal(size=(90, 2)))
    state, objective, sampler = assemble(config, points, torch.device("cpu"))
    before = {name: value.clone() for name, value in state.generator.state_dict().items()}
    assert 0 < seconds_per_step(state, objective, sampler) < 1
    assert state.step == 0
    assert all(torch.equal(value, before[name]) for name, value in state.generator.state_dict().items())
    assert steps_in(1, 0.57) == 100


def test_minutes_that_are_too_few_for_large_images_are_warned_of() -> None:
    """In a line that says what is faster; not of small images, nor of enough steps, nor of others than images."""
    config = Config(steps=10_000)
    with pytest.warns(UserWarning, match=r"296 steps fit into the minutes, of 10,000 .*--data.size 64 is about four"):
        warn_of_few(296, config, ImageSpace(3, 128, 120))
    for steps, space in ((1200, ImageSpace(3, 128, 120)), (20, ImageSpace(3, 32, 32)), (20, VectorSpace(3))):
        warn_of_few(steps, config, space)
