"""An interrupted run ends as an uninterrupted one, bit for bit; a failed one keeps its last checkpoint."""

import json
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from monge import api, cli
from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.source import in_memory
from monge.errors import DiskError, TrainingError, UserError
from monge.model.load import load
from monge.objective.loss import Wasserstein
from monge.report import gallery
from monge.training import checkpoint
from monge.training.assemble import assemble
from monge.training.train import train_config

DATA = in_memory(np.random.default_rng(0).normal(size=(60, 2)))
SMALL = Config(
    source="array",
    generator="mlp:width=16:latent=3",
    critic="mlp:width=16",
    steps=30,
    training=TrainingConfig(batch=8, n_critic=2),
    observe=ObserveConfig(log=1, bracket=10),
)
DIGITS = ["train", "digits", "--threads", "1", "--device", "cpu", "--checkpoint-every", "5"]
DIGITS += ["--generator", "mlp:width=32", "--critic", "mlp:width=32"]


def train_run(config: Config, data: DataSet, **how: Any) -> api.Run:
    """A run by a config."""
    return api.Run(train_config(config, data, **how).path)


class Killed(BaseException):
    """Ends training in the middle of a step, as no handler expects it."""


def train(folder: Path, config: Config = SMALL, killed_at: int | None = None, every: int | None = 4) -> api.Run:
    def display(step: int, seen: Mapping[str, Any]) -> None:
        if step == killed_at:
            raise Killed

    return train_run(config, DATA, run=folder, device="cpu", threads=1, checkpoint_every=every, display=display)


def content(folder: Path) -> dict[str, Any]:
    """What must not depend on interruptions: weights and pictures as bytes, the log without its times."""
    files = [*folder.glob("checkpoints/step-*/*.safetensors"), *folder.glob("samples/*.png")]
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    log = [{k: v for k, v in entry.items() if k not in ("seconds", "steps_per_second")} for entry in entries]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files} | {"log": log}


def command(folder: Path) -> subprocess.Popen[bytes]:
    monge = Path(sys.executable).with_name("monge")
    return subprocess.Popen(
        [monge, *DIGITS, "--observe.bracket", "20", "--steps", "60", "--run", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a shell that starts the tests in the background has it ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_step(process: subprocess.Popen[bytes], folder: Path, step: int) -> None:
    """Returns when the log has reached a step, or the process has ended."""
    log = folder / "log.jsonl"
    while process.poll() is None and not (log.exists() and f'{{"step": {step},' in log.read_text()):
        time.sleep(0.005)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(folder)
    return content(folder)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("digits") / "run"
    process = command(folder)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return folder


@pytest.mark.slow
def test_killed_command_ends_as_an_uninterrupted_one(digits: Path, tmp_path: Path) -> None:
    folder, draw = tmp_path / "run", np.random.default_rng(7)
    for step in np.sort(draw.integers(1, 58, 3)):
        process = command(folder)
        wait_for_step(process, folder, step)
        time.sleep(draw.uniform(0, 0.03))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert json.loads((folder / "run.json").read_text())["status"] == "running"
    process = command(folder)
    process.communicate()
    assert process.returncode == 0
    assert content(folder) == content(digits)
    # weights, pictures and log lines: nothing compared equal by being absent
    assert len(content(digits)) == 2 * 3 + 3 + 1
    assert len(content(digits)["log"]) == 60


def test_ctrl_c_saves_and_says_how_to_continue(digits: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = command(folder)
    wait_for_step(process, folder, 2)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130
    facts = api.open_run(folder).facts()
    assert facts["status"] == "interrupted"
    assert checkpoint.steps(folder / "checkpoints")[-1] == facts["step"] >= 2
    said = output.decode().splitlines()[-1]
    begin, _, again = said.removesuffix(" continues").partition("; monge ")
    assert begin == f"interrupted and saved at step {facts['step']}"
    # how often to save is remembered, as threads are
    assert facts["checkpoint_every"] == 5
    again_command = [sys.executable, "-m", "monge", *shlex.split(again)]
    subprocess.run(again_command, check=True, capture_output=True)
    assert content(folder) == content(digits)


@pytest.mark.parametrize("killed", [(1,), (3, 4, 5), (9, 10, 17, 30), (29, 29)])
def test_killed_run_ends_as_an_uninterrupted_one(
    killed: tuple[int, ...], tmp_path: Path, uninterrupted: dict[str, Any]
) -> None:
    for step in killed:
        with pytest.raises(Killed):
            train(tmp_path / "run", killed_at=step)
    train(tmp_path / "run")
    assert content(tmp_path / "run") == uninterrupted


def test_more_steps_extend_a_finished_run(tmp_path: Path, uninterrupted: dict[str, Any]) -> None:
    train(tmp_path / "run", replace(SMALL, steps=20))
    run = train(tmp_path / "run")
    extended = content(tmp_path / "run")
    notes = [entry for entry in extended["log"] if "note" in entry]
    assert notes == [{"step": 20, "note": "steps 20 -> 30: schedules now follow the new total"}]
    # the rate is constant here, so that the extended run is the longer run
    assert {key: value for key, value in extended.items() if key.startswith("samples")} == {
        key: value for key, value in uninterrupted.items() if key.startswith("samples")
    }
    assert [entry for entry in extended["log"] if "note" not in entry] == uninterrupted["log"]
    assert run.facts()["status"] == "finished"
    assert run.facts()["step"] == 30


def test_training_leaves_the_floating_point_mode_alone(tmp_path: Path) -> None:
    train(tmp_path / "run", replace(SMALL, steps=1))
    # a denormal number; training itself takes these for zero
    assert torch.tensor(1e-310, dtype=torch.float64).mul(0.5).item() > 0


def test_finished_run_is_left_alone(tmp_path: Path) -> None:
    train(tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.name != ".lock"}
    train(tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_another_config_is_refused(tmp_path: Path) -> None:
    train(tmp_path / "run", replace(SMALL, steps=2))
    with pytest.raises(UserError, match=r"other settings .*seed: 0 -> 1.*; choose another folder"):
        train(tmp_path / "run", replace(SMALL, steps=2, seed=1))


def test_half_written_checkpoint_and_log_line_are_ignored(tmp_path: Path, uninterrupted: dict[str, Any]) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Killed):
        train(folder, killed_at=14)
    for step in (16, 99):
        partial = folder / "checkpoints" / f".partial-step-{step:06d}"
        partial.mkdir()
        (partial / "critic.safetensors").write_bytes(b"half")
    with (folder / "log.jsonl").open("a") as log:
        log.write('{"step": 14, "sec')
    assert checkpoint.steps(folder / "checkpoints") == [8, 12]
    train(folder)
    assert content(folder) == uninterrupted


def test_copies_by_other_names_are_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(folder, replace(SMALL, steps=20))
    copies = [folder / "checkpoints" / "step-000020.bak", folder / "samples" / "step-000020.old.png"]
    shutil.copytree(folder / "checkpoints" / "step-000020", copies[0])
    shutil.copy(folder / "samples" / "step-000020.png", copies[1])
    assert checkpoint.steps(folder / "checkpoints") == [16, 20]
    assert train(folder).facts()["step"] == 30
    run = api.open_run(folder)
    assert np.isfinite(run.sample(3)).all()
    assert [picture.step for picture in gallery.history(run)] == [10, 20, 30]
    assert all(path.exists() for path in copies)


def test_tied_weights_are_saved_and_stay_tied(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.last = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
            self.second.weight = self.first.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            value: torch.Tensor = self.last(self.second(self.first(x).tanh()).tanh())
            return value

    rule = {"batch": 8, "decay_from": 1.0}

    def trained(folder: Path, *stops: int) -> nn.Module:
        for steps in stops:
            torch.manual_seed(0)
            run = api.train(DATA, critic=Tied(), steps=steps, threads=1, training=rule, run=folder)
        critic = load(run, critic=Tied()).judge()
        assert critic.second.weight is critic.first.weight
        return critic

    whole, parts = (trained(tmp_path / str(len(stops)), *stops).state_dict() for stops in ((6,), (3, 6)))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def failed(folder: Path, error: str) -> None:
    """A failed run says so and keeps its last checkpoint, whole."""
    facts = api.open_run(folder).facts()
    assert facts["status"] == "failed"
    assert facts["error"] == error
    assert "\n" not in error
    assert [path.name for path in (folder / "checkpoints").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("value", [float("nan"), 1e9])
def test_loss_that_is_not_finite(value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true, calls = Wasserstein.critic, []

    def broken(self: Wasserstein, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        # the tenth step, with two critic updates each
        return true(self, real, fake) * (value if len(calls) > 18 else 1)

    monkeypatch.setattr(Wasserstein, "critic", broken)
    with pytest.raises(TrainingError, match=r"^step 10: critic_loss is .*; the last checkpoint is kept$") as caught:
        train(tmp_path / "run")
    failed(tmp_path / "run", str(caught.value))
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == [4, 8]
    assert np.isfinite(api.open_run(tmp_path / "run").sample(5)).all()


def test_command_with_an_absurd_rate_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--steps", "400", "--observe.log", "400", "--training.learning-rate", "5", "--run", str(tmp_path / "r")]
    assert cli.run([*DIGITS, *settings, "--observe.bracket", "400"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("monge: step ")
    assert "critic_loss is" in last or "penalty is" in last or "generator_loss is" in last
    failed(tmp_path / "r", last.removeprefix("monge: "))


def test_weight_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    state, *_ = assemble(SMALL, DATA, torch.device("cpu"))
    next(state.critic.parameters()).data.view(-1)[0] = torch.nan
    with pytest.raises(TrainingError, match=r"step 0: weight features\.1\.weight of the critic is not finite"):
        checkpoint.save(state, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", [4_000, 8_000])
def test_full_disk(limit: int, tmp_path: Path) -> None:
    """Files that may not grow stand for a disk that is full: the first or a later file of a checkpoint fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def display(step: int, seen: Mapping[str, Any]) -> None:
        if step == 6:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))

    config = replace(SMALL, observe=ObserveConfig(log=100, bracket=100))
    try:
        with pytest.raises(DiskError, match=r"^step 8: cannot write .*; the last checkpoint is kept$") as caught:
            train_run(config, DATA, run=tmp_path / "run", device="cpu", threads=1, checkpoint_every=4, display=display)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    failed(tmp_path / "run", str(caught.value))
    assert checkpoint.steps(tmp_path / "run" / "checkpoints") == [4]
    train(tmp_path / "run", config)
    assert api.open_run(tmp_path / "run").facts()["status"] == "finished"


def test_how_often_to_save_is_remembered_until_it_is_given_anew(tmp_path: Path) -> None:
    for killed_at, every, saved in ((5, 4, 4), (11, None, 8), (14, 3, 12), (17, None, 15)):
        with pytest.raises(Killed):
            train(tmp_path, killed_at=killed_at, every=every)
        assert checkpoint.steps(tmp_path / "checkpoints")[-1] == saved
    assert api.open_run(tmp_path).facts()["checkpoint_every"] == 3
