"""What several processes compute, beside what one does: run by torchrun in `test_processes.py`, on every process.

python -m torch.distributed.run --standalone --nproc-per-node 2 tests/processes.py FOLDER compare train
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from monge import cli
from monge.config import registry
from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.source import in_memory
from monge.errors import MongeError
from monge.nn.collective import alone, gathered, rank, world_size
from monge.objective import Objective
from monge.training import checkpoint
from monge.training.assemble import assemble
from monge.training.processes import check_alike, check_equal, joined, leads, meet
from monge.training.sampler import Sampler
from monge.training.state import TrainingState
from monge.training.step import train_step

STEPS = 20
CPU = torch.device("cpu")
RANDOM = np.random.default_rng(0)
POINTS = in_memory(RANDOM.normal(size=(60, 2)))
LABELLED = in_memory(RANDOM.normal(size=(60, 2)), np.arange(60) % 3)
IMAGES = in_memory(RANDOM.integers(0, 256, (300, 8, 8, 1), dtype=np.uint8))
LARGER = in_memory(RANDOM.integers(0, 256, (60, 16, 16, 1), dtype=np.uint8))
SMALL = Config(
    source="array",
    generator="mlp:width=8:latent=3",
    critic="mlp:width=8",
    steps=STEPS,
    training=TrainingConfig(batch=16, n_critic=2),
)
REORDERED = "reordered"
ROUNDING = 1e-7
"""Root mean square of gradients below which they are rounding."""

Weights = dict[str, Tensor]


def objectives() -> Iterator[tuple[str, Config, DataSet]]:
    """Every objective of the table, with its published rule and a small critic."""
    for name, entry in registry.OBJECTIVES.items():
        options = {**entry.critic} | ({"outputs": 8} if "outputs" in entry.critic else {})
        critic = SMALL.critic + "".join(f":{key}={value}" for key, value in options.items())
        rule = replace(SMALL.training, **{**entry.rule, "batch": 16, "n_critic": 1})
        config = replace(SMALL, objective=name, critic=critic, training=rule)
        yield name, config, LABELLED if rule.conditional else POINTS


def variants() -> Iterator[tuple[str, Config, DataSet]]:
    """What else of a training rests on more than one sample, or on chance."""

    def rule(**how: Any) -> TrainingConfig:
        return replace(SMALL.training, **how)

    yield "tensors clipped", replace(SMALL, objective="wgan:clip=norm"), POINTS
    yield "lazy penalty", replace(SMALL, objective="r1-gan:every=4"), POINTS
    yield (
        "clipped Sinkhorn",
        replace(SMALL, objective="sinkhorn-gan:bound=0.5:iterations=3", critic="mlp:width=8:outputs=4"),
        POINTS,
    )
    yield "batch norm", replace(SMALL, generator="mlp:width=8:norm=batch"), POINTS
    yield "residual generator", replace(SMALL, generator="residual:width=8:latent=3"), POINTS
    yield "classes", replace(SMALL, training=rule(conditional=True)), LABELLED
    yield "transport", replace(SMALL, training=rule(transport_from=0.5)), POINTS
    yield "transport of classes", replace(SMALL, training=rule(transport_from=0.5, conditional=True)), LABELLED
    yield "packs", replace(SMALL, training=rule(pack=4)), POINTS
    yield "replay", replace(SMALL, training=rule(replay=0.4)), POINTS
    images = replace(SMALL, generator="dcgan:width=4:latent=3", critic="dcgan:width=4", training=rule(n_critic=1))
    yield "batch norm in both", replace(images, objective="gan", critic="dcgan:width=4:norm=batch"), LARGER
    yield "spectral images", replace(images, objective="sngan", critic="sngan:width=4"), IMAGES
    yield "orthogonal images", replace(images, critic="dcgan:width=4:layer=orthogonal"), IMAGES
    yield "augmentation", replace(images, objective="r1-gan", augment="flip,colour,translation,cutout"), IMAGES
    yield "steered augmentation", replace(images, objective="r1-gan", augment="auto"), IMAGES


def weights(state: TrainingState) -> Weights:
    """Every parameter and buffer of the three networks."""
    named = state.networks().items()
    return {f"{name}.{key}": x.clone() for name, network in named for key, x in network.state_dict().items()}


def idle(state: TrainingState) -> Weights:
    """Which parameters the loss does not depend on: their gradients have been rounding, which Adam makes steps of.

    So a bias before a batch norm, whose running mean follows it, or at the end of a critic whose loss sees differences.
    """
    found: Weights = {}
    for name, optimiser in (("generator", state.generator_optimiser), ("critic", state.critic_optimiser)):
        for key, parameter in getattr(state, name).named_parameters():
            kept = optimiser.state[parameter]
            squares = kept.get("exp_avg_sq", kept.get("square_avg"))
            found[f"{name}.{key}"] = squares < ROUNDING**2
            if name == "generator":
                found[f"generator_ema.{key}"] = found[f"{name}.{key}"]
    means = {key: x for key, x in weights(state).items() if key.endswith("running_mean")}
    return found | {key: torch.ones_like(x, dtype=torch.bool) for key, x in means.items()}


def advance(parts: tuple[TrainingState, Objective, Sampler], steps: int, order: Tensor | None = None) -> Weights:
    """Trains in double precision, perhaps with the samples of each batch in another order."""
    state, objective, sampler = parts
    for _ in range(steps):
        inputs = sampler(state.step)
        inputs = replace(inputs, real=inputs.real.double())
        if inputs.probe is not None:
            inputs = replace(inputs, probe=replace(inputs.probe, real=inputs.probe.real.double()))
        if order is not None:
            own = {name: getattr(inputs, name)[:, order] for name in ("real", "latent", "segment")}
            inputs = replace(inputs, **own)
        train_step(state, objective, inputs)
    return weights(state)


def apart(one: Weights, other: Weights, hidden: Weights | None = None) -> float:
    """The largest difference of two numbers, but for hidden ones."""
    found = 0.0
    for name in one:
        differences = (one[name].double() - other[name].double()).abs()
        if hidden is not None and name in hidden:
            differences = differences.masked_fill(hidden[name], 0.0)
        found = max(found, float(differences.max()))
    return found


def compared(config: Config, data: DataSet) -> dict[str, float]:
    """How far several processes end from one; for a loss of vectors, how far one ends from itself, reordered."""
    found: dict[str, float] = {}
    several = advance(assemble(config, data, CPU), STEPS)
    if leads():
        with alone():
            parts = assemble(config, data, CPU)
            start, one = weights(parts[0]), advance(parts, STEPS)
            hidden = idle(parts[0])
            found = {
                "moved": apart(start, one, hidden),
                "apart": apart(one, several, hidden),
                "all": apart(one, several),
            }
            if parts[1].loss.vector:
                other = advance(assemble(config, data, CPU), STEPS, torch.arange(15, -1, -1))
                found[REORDERED] = apart(one, other, hidden)
    meet()
    return found


def resumed(folder: Path) -> dict[str, float]:
    """How far a training ends that several processes continue after one, and one after several."""
    config = replace(SMALL, generator="mlp:width=8:norm=batch", training=replace(SMALL.training, replay=0.4))
    found: dict[str, float] = {}

    def begun(name: str) -> Weights:
        parts = assemble(config, POINTS, CPU)
        advance(parts, 10)
        if leads():
            (folder / name).mkdir()
            checkpoint.save(parts[0], folder / name)
        return advance(parts, STEPS)

    def continued(name: str) -> Weights:
        parts = assemble(config, POINTS, CPU)
        checkpoint.restore(parts[0], checkpoint.folder_of(folder / name, 10))
        return advance(parts, STEPS)

    whole = begun("several")
    if leads():
        with alone():
            found["several, then one"] = apart(whole, continued("several"))
            whole = begun("one")
    meet()
    return found | {"one, then several": apart(whole, continued("one"))}


def refused(config: Config, critic: nn.Module | None = None) -> str:
    """What is said of a config that several processes cannot train."""
    try:
        assemble(config, POINTS, CPU, critic)
    except MongeError as error:
        return str(error)
    return ""


def noticed() -> dict[str, str]:
    """What is said of processes that train something else, or whose parameters part."""
    found: dict[str, str] = {}
    state = assemble(SMALL, POINTS, CPU)[0]
    check_equal(state)
    if not leads():
        next(state.critic.parameters()).data.view(-1)[0] += 1e-7
    for name, work in (
        ("parameters", lambda: check_equal(state)),
        ("settings", lambda: check_alike(replace(SMALL, seed=rank()), POINTS)),
        ("data", lambda: check_alike(SMALL, POINTS if leads() else LABELLED)),
    ):
        try:
            work()
        except MongeError as error:
            found[name] = str(error)
    return found


def derivatives() -> float:
    """How far the first and second derivatives of a function of gathered numbers are from those of all in one place.

    Of f(x) = (sum x)^3 + sum x^4, and of the squared norm of its gradient, where every process has its part of x.
    """

    def slope(x: Tensor, own: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(x.sum() ** 3 + (x**4).sum(), own, create_graph=True)
        return found

    whole = torch.arange(1.0, 1 + 3 * world_size()).requires_grad_()
    first = slope(whole, whole)
    (second,) = torch.autograd.grad(first.square().sum(), whole)
    own = whole.detach().chunk(world_size())[rank()].clone().requires_grad_()
    own_first = slope(gathered(own), own) / world_size()  # of the mean of what all processes compute
    (own_second,) = torch.autograd.grad(gathered(own_first).square().sum() / world_size(), own)
    mine = slice(3 * rank(), 3 * rank() + 3)
    pairs = (own_first, first[mine]), (own_second, second[mine])
    return max(float((part / all_of_it - 1).detach().abs().max()) for part, all_of_it in pairs)


def command(folder: Path, *more: str) -> list[str]:
    """What trains a run, in single precision."""
    small = ["--generator", "mlp:width=8", "--critic", "mlp:width=8", "--training.batch", "16"]
    often = ["--steps", "120", "--checkpoint-every", "20", "--observe.bracket", "60"]
    return [
        "train",
        str(folder.parent / "points.npy"),
        "--device",
        "cpu",
        "--threads",
        "1",
        "--run",
        str(folder),
        *small,
        *often,
        *more,
    ]


def killed_after(checkpoint_folder: Path) -> None:
    """Kills this process soon after a checkpoint was written."""

    def wait() -> None:
        while not checkpoint_folder.is_dir():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


FEW = (
    "wgan-gp",
    "wgan-ct",
    "energy-gan",
    "acgan",
    "pacgan",
    "batch norm",
    "transport",
    "replay",
    "steered augmentation",
)
"""Of the cases, one for each thing that several processes share in its own way."""


def compare(folder: Path, names: Container[str] | None = None) -> None:
    """Writes how trainings of several processes, in double precision, differ from those of one.

    Arguments:
        names: of the cases; all if not given.
    """
    torch.set_default_dtype(torch.float64)
    with joined():
        own = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.1), nn.Linear(4, 1))
        cases: dict[str, tuple[dict[str, int], nn.Module | None]] = {
            "batch": ({"batch": 13}, None),
            "packs": ({"batch": 12, "pack": 4}, None),
            "dropout": ({}, own),
        }
        found = {
            "cases": {
                name: compared(config, data)
                for name, config, data in (*objectives(), *variants())
                if names is None or name in names
            },
            "resumed": resumed(folder),
            "derivatives": derivatives(),
            "noticed": noticed(),
            "refused": {
                name: refused(replace(SMALL, training=replace(SMALL.training, **how)), critic)
                for name, (how, critic) in cases.items()
            },
        }
        if leads():
            (folder / "found.json").write_text(json.dumps(found))
    torch.set_default_dtype(torch.float32)


def train(folder: Path) -> None:
    """Leaves two equal runs: one undisturbed, one in which a process was killed, and torchrun began again."""
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        with joined():
            if leads():
                np.save(folder / "points.npy", POINTS.train.all())
            meet()
        cli.run(command(folder / "bad", "--training.batch", "17"))
        cli.run(command(folder / "undisturbed"))
        if os.environ["RANK"] == "1":
            killed_after(folder / "killed" / "checkpoints" / "step-000040")
    sys.exit(cli.run(command(folder / "killed")))


def main(folder: Path, *parts: str) -> None:
    """Does some parts."""
    torch.set_num_threads(1)
    if "compare" in parts and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        compare(folder)
    if "few" in parts:
        compare(folder, FEW)
    if "train" in parts:
        train(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
