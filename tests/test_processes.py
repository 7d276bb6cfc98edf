"""Several processes train as one would, whatever happens to one of them."""

import copy
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import monge
import processes
from monge.config import registry
from monge.nn.batch_norm import share_batch_norms
from monge.training.sampler import BEHIND, StepInputs

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
EXACT = 1e-10
"""What the parameters of one process and of several may differ by after 20 steps in double precision."""


def torchrun(count: int, *arguments: str, restarts: int = 0) -> subprocess.CompletedProcess[str]:
    """What several processes say until all have ended."""
    how = ["--nproc-per-node", str(count), "--max-restarts", str(restarts)]
    return subprocess.run([*TORCHRUN, *how, *arguments], env=ENVIRONMENT, capture_output=True, text=True)


def said(done: str) -> list[str]:
    """What monge wrote to standard error, without what torchrun did."""
    return [line for line in done.splitlines() if line.startswith("monge: ")]


def check_equal_to_one(found: dict[str, Any]) -> None:
    """Asserts what `processes.main` found of trainings in double precision."""
    for name, case in found["cases"].items():
        limit = max(EXACT, 10 * case.get(processes.REORDERED, 0.0))  # rounding, that some losses magnify
        assert case["apart"] <= limit, (name, case)
        assert case["all"] < 1e-4 < 10 * case["moved"], (name, case)
    assert max(found["resumed"].values()) <= EXACT
    assert found["derivatives"] < 1e-14


def test_some_objectives_are_together_what_they_are_alone(tmp_path: Path) -> None:
    """One for each thing that several processes share, and what is refused."""
    done = torchrun(2, processes.__file__, str(tmp_path), "few")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(found["cases"]) == set(processes.FEW)
    check_equal_to_one(found)
    assert set(found["refused"]) == {"batch", "packs", "dropout"}
    assert set(found["noticed"]) == {"parameters", "settings", "data"}


@pytest.mark.slow
def test_together_they_compute_what_one_does(tmp_path: Path) -> None:
    """Every objective, its parts, what is refused; and a run of which a process is killed, by the real command."""
    done = torchrun(2, processes.__file__, str(tmp_path), "compare", "train", restarts=1)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert set(registry.OBJECTIVES) < set(found["cases"])
    check_equal_to_one(found)
    assert found["refused"]["batch"] == "--training.batch must be divisible by 2, the 2 processes; got 13"
    packs = "the 2 processes times the 4 samples of a pack"
    assert found["refused"]["packs"] == f"--training.batch must be divisible by 8, {packs}; got 12"
    assert "layer '1' (Dropout) draws numbers of its own, which 2 processes cannot share" in found["refused"]["dropout"]
    assert found["noticed"] == {
        "parameters": "step 0: the parameters of rank 1 differ from those of rank 0",
        "settings": "rank 1 must have the settings of rank 0; they differ",
        "data": "rank 1 must have the data of rank 0; they differ",
    }
    lines = said(done.stderr)
    assert [line for line in lines if "batch" in line] == [
        "monge: --training.batch must be divisible by 2, the 2 processes; got 17"
    ]
    (lost,) = [line for line in lines if "rank" in line]
    assert re.fullmatch(r"monge: rank 1 \(process \d+ on \S+\) ended; the last checkpoint is kept", lost)
    last = [tmp_path / run / "checkpoints" / "step-000120" for run in ("undisturbed", "killed")]
    for file in last[0].glob("*.safetensors"):
        assert file.read_bytes() == (last[1] / file.name).read_bytes(), file.name
    rests = [torch.load(folder / "state.pt", weights_only=True) for folder in last]
    assert repr(rests[0]) == repr(rests[1])
    facts = json.loads((tmp_path / "killed" / "run.json").read_text())
    assert (facts["status"], facts["processes"]) == ("finished", 2)

    # one process goes on
    small = {"generator": "mlp:width=8", "critic": "mlp:width=8", "training": {"batch": 16}}
    often = {"steps": 125, "observe": {"bracket": 60}}
    run = monge.train(tmp_path / "points.npy", run=tmp_path / "killed", device="cpu", threads=1, **often, **small)
    assert run.facts()["step"] == 125
    assert "processes 2 -> 1: results are no longer bit-identical" in [entry.get("note") for entry in run.entries()]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(0, 6))
def test_parts_of_the_draws_make_up_the_whole(updates: int, samples: int, count: int, replayed: int) -> None:
    n = samples * count
    draws = {
        "real": (updates, n, 2),
        "latent": (updates, n, 3),
        "segment": (updates, n),
        "noise": (updates, 2, n, 2),
        "perturbation": (updates, 3, n, 2),
        "augment": (updates, 2, n, 5),
        "labels": (updates, n),
        "replay": (updates, min(replayed, n)),
    }
    whole = StepInputs(**{name: torch.randn(shape) for name, shape in draws.items()})
    parts = [whole.part(index, count) for index in range(count)]
    for name in draws:
        axis = BEHIND.get(name, 1)
        assert torch.equal(torch.cat([getattr(part, name) for part in parts], axis), getattr(whole, name)), name
        assert name == "replay" or {getattr(part, name).shape[axis] for part in parts} == {samples}


def test_a_shared_batch_norm_of_one_process_is_torchs() -> None:
    network, x = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)), torch.randn(5, 3, 6, 6)
    twin = copy.deepcopy(network)
    share_batch_norms(twin)
    for layers in (network, twin):
        layers(x).square().sum().backward()
    ours, theirs = (dict(layers.state_dict()) for layers in (twin, network))
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    twin.eval(), network.eval()
    assert torch.equal(twin(x), network(x))


COMMAND = ["-m", "--", "monge", "train", "toy:ring8", "--device", "cpu", "--threads", "1", "--checkpoint-every", "20"]
COMMAND += ["--generator", "mlp:width=8", "--critic", "mlp:width=8", "--observe.bracket", "100000"]
SLEEPER = """
import os, sys, time
from monge import cli
from monge.training.sampler import Sampler
true = Sampler.__call__
def draw(self, step, *more):
    if os.environ["RANK"] == "1" and step == 50:
        time.sleep(3600)
    return true(self, step, *more)
Sampler.__call__ = draw
cli.main(sys.argv[1:])
"""


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A training of two processes."""
    with subprocess.Popen(
        [*TORCHRUN, "--nproc-per-node", "2", *arguments], env=ENVIRONMENT, text=True, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def rank_of(torchrun: int, rank: int) -> int:
    """The process of a rank, among the children of torchrun."""
    children = Path(f"/proc/{torchrun}/task/{torchrun}/children").read_text().split()
    return next(int(child) for child in children if f"\0RANK={rank}\0" in Path(f"/proc/{child}/environ").read_text())


def saved(run: Path) -> None:
    """Waits for the first checkpoint."""
    while not list(run.glob("checkpoints/step-*")):
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_stopped_process_ends_all(rank: int, tmp_path: Path) -> None:
    with started(*COMMAND, "--run", str(tmp_path / "run"), "--steps", "1000000") as process:
        saved(tmp_path / "run")
        os.kill(rank_of(process.pid, rank), signal.SIGSTOP)
        _, errors = process.communicate(timeout=60)
    (line,) = [line for line in said(errors) if "rank" in line]
    assert re.fullmatch(rf"monge: rank {rank} \(process \d+ on \S+\) gave no sign of life for 20 s", line)
    assert process.returncode == 1


@pytest.mark.slow
def test_a_process_that_hangs_ends_all(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    arguments = [str(tmp_path / "sleeper.py"), *COMMAND[3:]]
    with started("--", *arguments, "--run", str(tmp_path / "run"), "--steps", "1000000") as process:
        _, errors = process.communicate(timeout=120)
    (line,) = [line for line in said(errors) if "rank" in line]
    assert re.fullmatch(r"monge: rank 1 \(process \d+ on \S+\) hangs in the middle of a step", line)


@pytest.mark.slow
def test_a_training_that_is_asked_to_stop_saves_and_goes_on(tmp_path: Path) -> None:
    run = ["--run", str(tmp_path / "run")]
    with started(*COMMAND, *run, "--steps", "1000000") as process:
        saved(tmp_path / "run")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    facts = monge.open_run(tmp_path / "run").facts()
    assert facts["status"] == "interrupted"
    assert (tmp_path / "run" / "checkpoints" / f"step-{facts['step']:06d}").is_dir()


@pytest.mark.slow
def test_a_full_disk_is_told_once(tmp_path: Path) -> None:
    """Files that may not grow stand for a disk that is full."""
    limited = f"ulimit -f 8; exec {shlex.join([*TORCHRUN, '--nproc-per-node', '2', *COMMAND])}"
    limited += f" --run {tmp_path / 'run'} --steps 1000000"
    done = subprocess.run(["bash", "-c", limited], env=ENVIRONMENT, capture_output=True, text=True)
    (line,) = [line for line in said(done.stderr) if "step" in line]
    assert "cannot write" in line


@pytest.mark.slow
def test_four_processes_compute_what_one_does(tmp_path: Path) -> None:
    done = torchrun(4, processes.__file__, str(tmp_path), "compare")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    check_equal_to_one(found)
