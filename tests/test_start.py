"""`--start-from`: the weights of another run are the start of a new one, which then needs that run no more."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import monge
from monge.cli import run
from monge.data.source import in_memory
from monge.errors import UserError
from monge.training import start as starting
from monge.training.train import train_config

POINTS = np.random.default_rng(0).normal(size=(100, 2))
OTHERS = np.random.default_rng(1).normal(size=(80, 2)) + 3
HOW: dict[str, Any] = {"generator": "mlp:width=8:depth=1", "critic": "mlp:width=8:depth=1", "threads": 1}
HOW |= {"device": "cpu", "checkpoint_every": 2, "training": {"batch": 16, "n_critic": 1}}
NETWORKS = ("generator", "generator_ema", "critic")


@pytest.fixture
def first(tmp_path: Path) -> monge.Run:
    return monge.train(POINTS, run=tmp_path / "first", steps=6, **HOW)


def weights(folder: Path, step: int) -> dict[str, dict[str, torch.Tensor]]:
    return {name: load_file(folder / f"checkpoints/step-{step:06d}/{name}.safetensors") for name in NETWORKS}


def same(one: Any, other: Any) -> bool:
    return all(torch.equal(one[name][key], other[name][key]) for name in NETWORKS for key in one[name])


def test_the_weights_are_the_start(first: monge.Run, tmp_path: Path) -> None:
    second = monge.train(OTHERS, run=tmp_path / "second", steps=1, start_from=first.path, **HOW)
    assert same(weights(first.path, 6), weights(second.path, 0))
    found = second.facts()["started_from"]
    assert (found["path"], found["step"], len(found["weights"])) == (str(first.path), 6, 32)
    # the average moves on from the other's; a count from 0 would have made it the raw generator
    ends = weights(second.path, 1)
    assert any(not torch.equal(ends["generator"][key], ends["generator_ema"][key]) for key in ends["generator"])
    # the optimisers are new: the state knows of one update
    rest = torch.load(second.checkpoints / "step-000001" / "state.pt", weights_only=True)
    assert {int(state["step"]) for state in rest["generator_optimiser"]["state"].values()} == {1}
    assert rest["averaged"] == 7
    assert str(first.path) in second.write_report().read_text().replace("<wbr>", "")


def test_an_older_checkpoint_is_a_start_too(first: monge.Run, tmp_path: Path) -> None:
    older = first.checkpoints / "step-000004"
    second = monge.train(OTHERS, run=tmp_path / "second", steps=1, start_from=older, **HOW)
    assert same(weights(first.path, 4), weights(second.path, 0))
    assert second.facts()["started_from"]["step"] == 4


def test_it_goes_on_exactly_when_the_other_run_is_gone(first: monge.Run, tmp_path: Path) -> None:
    whole = monge.train(OTHERS, run=tmp_path / "whole", steps=5, start_from=first.path, **HOW)

    class Killed(BaseException):
        """Ends training as no handler expects it."""

    def killed(step: int, seen: object) -> None:
        if step == 1:
            raise Killed

    config = monge.model.load.config_of(whole)
    with pytest.raises(Killed):
        train_config(
            config,
            in_memory(OTHERS),
            run=tmp_path / "part",
            device="cpu",
            threads=1,
            checkpoint_every=2,
            display=killed,
        )
    shutil.rmtree(first.path)
    part = monge.train(OTHERS, run=tmp_path / "part", steps=5, start_from=first.path, **HOW)
    assert same(weights(whole.path, 5), weights(part.path, 5))
    assert part.facts()["started_from"] == whole.facts()["started_from"]


def test_a_run_without_a_checkpoint_takes_no_other_weights(first: monge.Run, tmp_path: Path) -> None:
    def begun() -> monge.Run:
        return monge.train(OTHERS, run=tmp_path / "second", steps=2, start_from=first.path, **HOW)

    second = begun()
    second.begin_anew()  # as a process leaves it that is killed before it saves
    begun()
    second.begin_anew()
    monge.train(POINTS, run=first.path, steps=8, **HOW)
    with pytest.raises(UserError, match=r"its weights have changed since run '.*second' began"):
        begun()


def test_a_run_of_another_start_is_not_continued(first: monge.Run, tmp_path: Path) -> None:
    monge.train(OTHERS, run=tmp_path / "second", steps=2, start_from=first.path, **HOW)
    with pytest.raises(UserError, match="start_from"):
        monge.train(OTHERS, run=tmp_path / "second", steps=3, **HOW)


def test_classes_keep_the_shares_of_the_new_data(tmp_path: Path) -> None:
    how = HOW | {"training": HOW["training"] | {"conditional": True}}
    runs = [
        monge.train(
            monge.load_data(POINTS, y=np.arange(100) % 5 < few), run=tmp_path / name, steps=1, start_from=start, **how
        )
        for name, few, start in (("a", 1, None), ("b", 2, tmp_path / "a"))
    ]
    shares = [run.model().generator.shares.tolist() for run in runs]
    assert shares[0][1] < 0.25 < 0.35 < shares[1][1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--generator", "mlp:width=9:depth=1"], "its generator must have the shapes of this training's; "),
        (["--critic", "mlp:width=8:depth=2"], "its critic must have the shapes of this training's; "),
    ],
)
def test_other_shapes_are_refused(
    change: list[str], said: str, first: monge.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "v.npy", OTHERS)
    how = ["--generator", HOW["generator"], "--critic", HOW["critic"], *change, "--threads", "1", "--device", "cpu"]
    how += ["--training.batch", "16"]
    command = ["train", str(tmp_path / "v.npy"), "--run", str(tmp_path / "second"), "--start-from", str(first.path)]
    assert run([*command, *how]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--start-from {first.path}: {said}" in line
    assert " there and " in line
    assert not (tmp_path / "second").exists()


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^--start-from must be a run folder or one of its checkpoints; got .*none$"):
        monge.train(OTHERS, run=tmp_path / "second", steps=2, start_from=tmp_path / "none", **HOW)


def test_differences_are_named() -> None:
    one = {"a": torch.zeros(2, 3), "b": torch.zeros(4)}
    assert starting.difference(one, dict(one)) is None
    assert starting.difference(one, one | {"b": torch.zeros(5)}) == "b is (5,) there and (4,) here"
    assert starting.difference(one, {"a": one["a"]}) == "b is absent there and (4,) here"
    assert starting.difference(one, one | {"c": torch.zeros(1)}) == "c is (1,) there and absent here"


def test_the_command_is_in_the_report(first: monge.Run, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", OTHERS)
    monge.train(tmp_path / "v.npy", run=tmp_path / "second", steps=1, start_from=first.path, **HOW)
    config = json.loads((tmp_path / "second" / "run.json").read_text())["config"]
    assert config["start_from"] == str(first.path)
    assert "--start-from" in (monge.open_run(tmp_path / "second").write_report()).read_text()
