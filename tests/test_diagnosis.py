"""What a training that broke is blamed on."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch

import monge
from monge import cli
from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.source import in_memory
from monge.errors import TrainingError
from monge.model.build import build_objective
from monge.run.folder import RunFolder
from monge.training import checkpoint
from monge.training.assemble import assemble
from monge.training.diagnosis import Setup, likely_cause
from monge.training.guard import failures_told

POINTS = np.random.default_rng(0).normal(size=(60, 2))
PLAIN = in_memory(POINTS)


def cause(objective: str = "wgan-gp:weight=1", data: DataSet = PLAIN, critic: str = "mlp", **rule: Any) -> str:
    config = Config(recipe="vector", objective=objective, critic=critic, training=TrainingConfig(**rule))
    return likely_cause(Setup(config, data, build_objective(config)))


def test_a_learning_rate_is_blamed_before_all_else() -> None:
    said = "the learning rate 10 is 20,000 times the recommended one; try --training.learning-rate 0.0005"
    assert cause("wgan-gp:weight=1e6", learning_rate=10) == said
    said = "the learning rate 0.1 is 200 times the recommended one; try --training.critic-learning-rate 0.0005"
    assert cause("lsgan", critic_learning_rate=0.1) == said
    # the recipe for this plane has a rate of its own, 20 times the published one
    assert "rate 0.02 is 10 times" in cause(data=monge.load_data("toy:grid25"), learning_rate=0.02)
    assert "rate" not in cause(learning_rate=0.0049).split(";")[0]


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        ("wgan:bound=1000", "bound=1000 of wgan is far from the recommended 0.01; try --objective wgan:bound=0.01"),
        ("wgan-svc:bound=10", "bound=10 of wgan-svc is far from the recommended 1; try --objective wgan-svc:bound=1"),
        ("wgan-gp:weight=1e-3", "weight=0.001 of wgan-gp is far from the recommended 10; try --objective wgan-gp:wei"),
        ("wgan-gp:weight=1e7", "weight=1e+07 of wgan-gp is far from the recommended 10; try"),
        ("wgan-gp:noise=50", "noise=50 of wgan-gp is far from the recommended 0; try --objective wgan-gp:noise=0"),
        ("lsgan:a=1e7", "a=1e+07 of lsgan is far from the recommended 0"),
        ("lsgan:a=-1e7", "a=-1e+07 of lsgan is far from the recommended 0"),
        ("lsgan:a=-1:b=1", "nothing keeps the critic of lsgan from growing steep; try --objective wgan-gp, whose"),
    ],
)
def test_options_of_the_objective(objective: str, said: str) -> None:
    assert cause(objective).startswith(said)


def test_the_recipe_s_own_options_are_no_cause() -> None:
    """The plane's recipe has a hundredth of the published weight."""
    data = monge.load_data("toy:grid25")
    assert cause("wgan-gp:weight=0.1", data).startswith("no setting stands out")
    assert cause("wgan-gp:weight=0.1").startswith("weight=0.1 of wgan-gp is far from the recommended 10")


def test_data_momentum_and_critics_without_a_bound() -> None:
    far = np.random.default_rng(0).normal(size=(15_000, 2))
    far[in_memory(far).train.index[3], 1] = 1e6
    said = "has a value 110 standard deviations from its mean; leave out such samples, or take the logarithm"
    assert cause(data=in_memory(far)).startswith(f"column 2 {said}")
    assert not cause(data=monge.load_data(pyarrow.table({"a": far[:, 1]}))).startswith("column")  # becomes normal
    assert cause(beta1=0.95) == "beta1=0.95 is much momentum for wgan-gp; try --training.beta1 0"
    assert cause(beta1=0.95, optimiser="rmsprop").startswith("no setting stands out")
    assert cause("gan").startswith("nothing keeps the critic of gan from growing steep")
    for critic in ("mlp:layer=spectral", "sngan"):
        assert cause("sngan", critic=critic).startswith("no setting stands out")
    assert cause() == "no setting stands out; try a lower rate than --training.learning-rate 0.0001"


def test_a_command_names_cause_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", POINTS)
    small = ["--generator", "mlp:width=8", "--critic", "mlp:width=8", "--threads", "1", "--device", "cpu"]
    small += ["--training.batch", "8", "--steps", "60", "--observe.bracket", "60"]
    assert cli.run(["train", "v.npy", *small, "--training.learning-rate", "10"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("monge: step ")
    assert said.endswith(
        "the training diverges; likely cause: the learning rate 10 is 20,000 times the recommended one; "
        "try --training.learning-rate 0.0005; there is no checkpoint yet"
    )


def test_a_weight_that_is_not_finite_has_a_cause_too(tmp_path: Path) -> None:
    config = Config(recipe="vector", generator="mlp:width=8", critic="mlp:width=8", training=TrainingConfig(batch=8))
    state = assemble(config, PLAIN, torch.device("cpu"))[0]
    next(state.critic.parameters()).data[0] = torch.nan
    run = RunFolder(tmp_path)
    with (
        pytest.raises(TrainingError, match=r"^step 0: weight \S+ of the critic is not finite; likely cause: an omen; "),
        failures_told(state, run, lambda: "an omen"),
    ):
        checkpoint.save(state, run.checkpoints)
    assert not run.checkpoints.exists()
