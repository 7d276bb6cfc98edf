"""After a divergence: the last checkpoint, other random numbers, half the rates; and the same bits whatever happens."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from monge.cli import run as command
from monge.config.schema import Config, TrainingConfig
from monge.data.source import in_memory
from monge.errors import UserError
from monge.model.random import Purpose, stream
from monge.run.folder import RunFolder
from monge.training import rollback
from monge.training.assemble import assemble
from monge.training.log import Log
from monge.training.sampler import Sampler, StepInputs
from monge.training.schedule import set_rates

POINTS = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
STEPS = 32
HOW = ["--generator", "mlp:width=8:depth=1", "--critic", "mlp:width=64:depth=2", "--threads", "1", "--device", "cpu"]
HOW += ["--training.batch", "8", "--training.n-critic", "1", "--observe.log", "1", "--observe.bracket", str(STEPS)]
HOW += ["--training.decay-from", "1", "--steps", str(STEPS), "--checkpoint-every", "4"]
DIVERGES = {0: 3, 1: 18}
"""Steps at which an attempt finds a number that is none among its data."""
HOPELESS = ["--training.learning-rate", "3", "--training.optimiser", "rmsprop"]
"""Diverges at once, and at an eighth of the rates too."""
ROLLBACK = ["--training.on-divergence", "rollback"]


class KilledError(BaseException):
    """Stands for a kill."""


def train(run: str, *more: str) -> int:
    return command(["train", "v.npy", "--run", run, *HOW, *more])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data in a working folder; reports take most of the time of so short a training."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monge.api.write_report", lambda run, load, data: run.report)
    np.save("v.npy", POINTS)


@pytest.fixture
def diverging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that diverge twice and then end well."""
    drawn = Sampler.__call__

    def call(self: Sampler, step: int, attempt: int = 0) -> StepInputs:
        found = drawn(self, step, attempt)
        return replace(found, real=found.real * torch.nan) if DIVERGES.get(attempt) == step else found

    monkeypatch.setattr(Sampler, "__call__", call)


def weights(run: str) -> dict[str, bytes]:
    folder = Path(run, "checkpoints", f"step-{STEPS:06d}")
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


def log(run: str) -> list[dict[str, Any]]:
    """The log without its times."""
    entries = [json.loads(line) for line in Path(run, "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in entry.items() if k not in ("seconds", "steps_per_second")} for entry in entries]


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was warned of or refused, without the summary of the data and the progress."""
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("monge:") and not line.startswith("monge: v: ")]


@pytest.mark.usefixtures("diverging")
@pytest.mark.filterwarnings("default")
def test_it_goes_back_says_so_and_ends(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run", *ROLLBACK) == 0
    notes = [entry for entry in log("run") if "note" in entry]
    assert [entry["attempt"] for entry in notes] == [1, 2]
    assert [f"monge: warning: {entry['note']}" for entry in notes] == told(capsys)
    assert all(f"rollback {n} of 3, to step {entry['step']}, with 1/{2**n} of" in entry["note"] for n, entry in
               enumerate(notes, 1))  # fmt: skip
    # the log is that of the steps that count
    steps = [entry["step"] for entry in log("run") if "note" not in entry]
    assert steps == sorted(set(steps)) == list(range(1, STEPS + 1))
    rate = RunFolder(Path("run")).facts()["config"]["training"]["learning_rate"]
    rest = torch.load(Path("run", "checkpoints", f"step-{STEPS:06d}", "state.pt"), weights_only=True)
    assert rest["attempt"] == 2
    assert rest["critic_optimiser"]["param_groups"][0]["lr"] == rate / 4


@pytest.mark.filterwarnings("default")
def test_a_training_that_only_diverges_ends_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):  # the same command again tries the last attempt again
        assert train("run", *HOPELESS, *ROLLBACK) == 1
        *_, line = told(capsys)
        assert ", after 3 rollbacks; likely cause: " in line
        assert line.endswith("; the last checkpoint is kept")
        assert RunFolder(Path("run")).facts()["status"] == "failed"
    assert [entry["attempt"] for entry in log("run") if "note" in entry] == [1, 2, 3]


def test_it_stops_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert train("run", *HOPELESS) == 1
    (line,) = told(capsys)
    assert "the training diverges; likely cause: the learning rate 3 is" in line
    assert line.endswith("there is no checkpoint yet")


def killed_at(step: int, attempt: int, patch: pytest.MonkeyPatch) -> None:
    """Ends the process as it logs a step of an attempt."""
    logged = Log.__call__

    def call(self: Log, state: Any, *more: Any) -> None:
        if (state.step, state.attempt) == (step, attempt):
            raise KilledError
        logged(self, state, *more)

    patch.setattr(Log, "__call__", call)


def killed_in(name: str, time: int, patch: pytest.MonkeyPatch) -> None:
    """Ends the process as it goes back, before a call of the run folder."""
    whole, work, times = rollback.go_back, getattr(RunFolder, name), iter(range(100))

    def go_back(*arguments: Any) -> None:
        if next(times) == time:
            patch.setattr(RunFolder, name, killed)
        whole(*arguments)

    def killed(*arguments: Any, **more: Any) -> None:
        patch.setattr(RunFolder, name, work)
        raise KilledError

    patch.setattr(rollback, "go_back", go_back)


KILLS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before it diverges": lambda patch: killed_at(2, 0, patch),
    "after going back, nothing saved yet": lambda patch: killed_at(2, 1, patch),
    "in the middle of an attempt": lambda patch: killed_at(14, 1, patch),
    "in the last attempt": lambda patch: killed_at(30, 2, patch),
} | {
    f"going back, before {name}, {time}": lambda patch, name=name, time=time: killed_in(name, time, patch)  # type: ignore[misc]
    for name in ("note", "update", "forget_after", "record")
    for time in (0, 1)
}


@pytest.mark.usefixtures("diverging")
@pytest.mark.filterwarnings("default")
def test_a_kill_changes_nothing() -> None:
    assert train("whole", *ROLLBACK) == 0
    for name, kill in KILLS.items():
        with pytest.MonkeyPatch.context() as patch:
            kill(patch)
            with pytest.raises(KilledError):
                train(name, *ROLLBACK)
        assert train(name, *ROLLBACK) == 0, name
        assert weights(name) == weights("whole"), name
        assert log(name) == log("whole"), name


def test_attempts_have_their_own_random_numbers() -> None:
    def draw(*where: int) -> list[float]:
        seed, step, attempt = where
        found: list[float] = torch.rand(4, generator=stream(seed, Purpose.LATENT, step, attempt)).tolist()
        return found

    assert draw(0, 3, 0) == torch.rand(4, generator=stream(0, Purpose.LATENT, 3)).tolist()
    several = [draw(seed, step, attempt) for seed in (0, 1) for step in (0, 1) for attempt in (0, 1, 2)]
    assert len({tuple(numbers) for numbers in several}) == len(several)


def test_every_draw_of_a_step_and_both_rates_follow_the_attempt() -> None:
    config = Config(source="array", generator="mlp:width=8", critic="mlp:width=8", objective="wgan-gp")
    config = Config(**vars(config) | {"training": TrainingConfig(batch=8, replay=0.5)})
    state, _, sampler = assemble(config, in_memory(POINTS), torch.device("cpu"))
    one, other = sampler(3), sampler(3, 1)
    for name in ("real", "latent", "segment", "replay"):
        assert not torch.equal(getattr(one, name), getattr(other, name))
        assert torch.equal(getattr(one, name), getattr(sampler(3, 0), name))
    state.attempt = 2
    set_rates(state, (0.8, 0.4))
    rates = [optimiser.param_groups[0]["lr"] for optimiser in (state.generator_optimiser, state.critic_optimiser)]
    assert rates == [0.2, 0.1]


def test_several_processes_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monge.training.compatibility.world_size", lambda: 2)
    config = Config(source="array", training=TrainingConfig(batch=8, on_divergence="rollback"))
    allowed = r"^--training.on-divergence must be stop with several processes, here 2; got rollback$"
    with pytest.raises(UserError, match=allowed):
        assemble(config, in_memory(POINTS), torch.device("cpu"))
