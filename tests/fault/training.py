"""The trainings, what they end with undisturbed, and a run that is disturbed."""

import hashlib
import json
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fault.injection import Plan
from fault.process import Ended, Process
from monge.run.folder import RunFolder

STEPS = 12
EVERY = 3
"""Steps between two checkpoints."""
KEPT = 9
"""Step of the last checkpoint of a run that was interrupted before its end."""
ANEW = 20
"""Of how many commands one starts Python anew; the others are forked."""
RULE = ["--threads", "1", "--device", "cpu", "--training.batch", "8", "--training.n-critic", "1", "--observe.log", "1"]
RULE += ["--observe.bracket", "6", "--steps", str(STEPS), "--checkpoint-every", str(EVERY)]
TRAININGS = {
    "points": ["--generator", "mlp:width=8:depth=1:norm=batch", "--critic", "mlp:width=8", "--training.replay", "0.5"],
    "images": [
        "--augment",
        "auto",
        "--generator",
        "dcgan:width=4:latent=3",
        "--critic",
        "dcgan:width=4",
        "--objective",
        "r1-gan",
    ],
}
"""Two trainings with all kinds of state: batch norm, past samples, a strength that is steered."""
WEIGHTS = ("critic.safetensors", "generator.safetensors", "generator_ema.safetensors")


class BrokenError(Exception):
    """A run did not survive: `lost`, `differing` or `traceback`, and what was seen."""

    def __init__(self, what: str, seen: str) -> None:
        super().__init__(f"{what}: {seen}")
        self.what = what


@dataclass
class Golden:
    """A training undisturbed.

    Attributes:
        name: of the training.
        place: a working folder with the data and the finished run.
        calls: names of the calls that changed files, and of the files.
        seconds: that it took.
    """

    name: str
    place: Path
    calls: Sequence[tuple[str, str]]
    seconds: float

    @cached_property
    def outcome(self) -> dict[str, str]:
        """What it ended with."""
        return outcome(self.place / "run")

    @cached_property
    def interrupted(self) -> Path:
        """A working folder with the run as it was when it was killed after its last checkpoint but one."""
        folder = self.place.with_name(f"{self.name}-interrupted")
        place(folder, self.name)
        late = [i for i, (_, path) in enumerate(self.calls, 1) if f".partial-step-{STEPS:06d}" in path]
        killed = Process(arguments(self.name), folder, Plan(late[0], "before")).end()
        if killed.status != -9 or not (folder / "run" / "checkpoints" / f"step-{KEPT:06d}").is_dir():
            raise RuntimeError(f"the run was not interrupted where it should: {killed}")
        return folder


def arguments(name: str, run: str = "run", seed: int = 0) -> list[str]:
    """The command that a user types."""
    return ["train", "v.npy", "--run", run, "--seed", str(seed), *RULE, *TRAININGS[name]]


def place(folder: Path, name: str) -> None:
    """Makes a working folder with the data of a training."""
    folder.mkdir(mode=0o755)
    chance = np.random.default_rng(0)
    points = chance.normal(size=(60, 2)).astype(np.float32)
    images = chance.integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    np.save(folder / "v.npy", points if name == "points" else images)


def undisturbed(folder: Path, name: str, seed: int = 0) -> Golden:
    """Trains without faults.

    Raises:
        RuntimeError: it fails, or changes files past the calls that are counted.
    """
    here = folder / f"{name}-{seed}"
    place(here, name)
    trace = folder / f"{name}-{seed}.trace"
    done = Process(arguments(name, seed=seed), here, Plan(trace=str(trace))).end()
    if done.status != 0 or done.traces:
        raise RuntimeError(f"an undisturbed training fails: {done}")
    lines = [line.split(" ", 2) for line in trace.read_text().splitlines()]
    unseen = [path for _, name, path in lines if name == "unseen"]
    if unseen:
        raise RuntimeError(f"files are written past the calls that are counted: {unseen}")
    return Golden(name, here, [(name, path) for _, name, path in lines], done.seconds)


def outcome(run: Path, *, with_log: bool = True) -> dict[str, str]:
    """Checksums of a finished run's weights and other state, and of its log without times and notes.

    Raises:
        OSError, ValueError: something of it cannot be read.
    """
    folder = run / "checkpoints" / f"step-{STEPS:06d}"
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in WEIGHTS}
    found["state.pt"] = hashlib.sha256(flat(torch.load(folder / "state.pt", weights_only=True))).hexdigest()
    if not with_log:
        return found
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    kept = [
        {key: value for key, value in entry.items() if key not in ("seconds", "steps_per_second")}
        for entry in entries
        if "note" not in entry
    ]
    return found | {"log": hashlib.sha256(json.dumps(kept).encode()).hexdigest()}


def flat(content: Any) -> bytes:
    """All names and numbers of a state; the file besides knows which texts were one object in memory."""
    if isinstance(content, torch.Tensor):
        return f"{content.dtype} {tuple(content.shape)} ".encode() + content.contiguous().numpy().tobytes()
    if isinstance(content, dict):
        return b"".join(f"{key}: ".encode() + flat(value) for key, value in content.items())
    if isinstance(content, list | tuple):
        return b"".join(flat(value) for value in content)
    return f"{content!r} ".encode()


@dataclass
class Case:
    """A run that is disturbed.

    Attributes:
        golden: the same training undisturbed.
        other: one with another seed.
        folder: the working folder.
        chance: of this case alone.
        faults: how many there were.
        warned: lines that told of something.
        refused: how often a command was refused.
        log_counts: whether the log must be as undisturbed too.
        run: the run's folder.
    """

    golden: Golden
    other: Golden
    folder: Path
    chance: random.Random
    faults: int = 1
    warned: list[str] = field(default_factory=list)
    refused: int = 0
    log_counts: bool = True
    run: str = "run"

    def fresh(self) -> None:
        """Makes the folder, with the data alone."""
        place(self.folder, self.golden.name)

    def copied(self, source: Path) -> Path:
        """Makes the folder, with a run that was trained before; returns the run's folder."""
        shutil.copytree(source, self.folder)
        run = RunFolder(self.folder / self.run)
        # as if it had been trained here: a run that lies elsewhere than it was trained is a fault of its own
        run.update(place={"run": str(run.path), "data": str(self.folder / "v.npy")})
        return run.path

    def begin(self, plan: Plan | None = None, more: Sequence[str] = ()) -> Process:
        """Starts the command that a user types: the same again, or with `--resume` where there is a run."""
        typed = arguments(self.golden.name, self.run)
        if (self.folder / self.run / "run.json").is_file() and self.chance.random() < 0.5:
            typed = ["train", "--resume", self.run]
        # nobody may not be able to read this user's Python, which a fork has loaded
        anew = self.chance.randrange(ANEW) == 0 and not (plan and plan.nobody)
        return Process([*typed, *more], self.folder, plan, anew=anew)

    def seen(self, ended: Ended) -> Ended:
        """Takes note of how a command ended.

        Raises:
            BrokenError: in a traceback, or without a word.
        """
        if ended.traces:
            raise BrokenError("traceback", " | ".join(ended.said[-3:]))
        if ended.status in (70, 71):
            raise BrokenError("lost", f"{ended.line} {ended.shown[-200:]}")
        if ended.status > 0 and not ended.told:
            raise BrokenError("traceback", f"status {ended.status}, said: {list(ended.said)}, {ended.shown[-200:]}")
        self.warned += [line for line in ended.said if line.startswith("monge: warning:")]
        return ended

    def refuses(self, ended: Ended, words: str = "") -> None:
        """Takes note of a refusal.

        Raises:
            BrokenError: it was none.
        """
        self.seen(ended)
        if ended.status != 2 or words not in ended.line:
            raise BrokenError("differing", f"not refused: status {ended.status}, said {ended.line!r}")
        self.refused += 1

    def finish(self) -> str:
        """Trains to the end and compares; how that went.

        Raises:
            BrokenError: it does not get there, or not to the same bits.
        """
        ended = self.seen(self.begin().end())
        if ended.status != 0:
            raise BrokenError("lost", f"status {ended.status}, said {ended.line!r}")
        return self.compare()

    def compare(self) -> str:
        """Compares the finished run; how it got there.

        Raises:
            BrokenError: it differs.
        """
        try:
            found = outcome(self.folder / self.run, with_log=self.log_counts)
        except (OSError, ValueError) as error:
            raise BrokenError("lost", str(error)) from error
        wanted = self.golden.outcome
        differing = [name for name in found if found[name] != wanted[name]]
        if differing:
            raise BrokenError("differing", ", ".join(differing))
        if self.refused:
            return "refused in one line, then identical"
        if any(" is used" in line for line in self.warned):
            return "older checkpoint, then identical"
        return "identical"
