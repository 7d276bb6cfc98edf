"""How long a step takes, against the textbook's loop: `python benchmarks/speed/make.py [RESULT.json]`, one thread.

Both train equal networks on equal data. Medians of seven interleaved pairs, with the range of their ratios.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import textbook
import torch
from torch import nn

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import ArrayData, DataInfo, DataSet, split_data
from monge.experiment.sweep import installed
from monge.training.assemble import assemble
from monge.training.step import train_step

PAIRS = 7
SECONDS = 1.5
"""Of each half of a pair, at least."""


@dataclass(frozen=True)
class Case:
    """One comparison.

    Arguments:
        shape: of a raw sample, (d,) or (side, side, channels).
        networks: of the textbook, generator and critic.
        generator, critic, objective: of monge.
    """

    shape: tuple[int, ...]
    batch: int
    latent: int
    networks: Callable[[], tuple[nn.Module, nn.Module]]
    generator: str
    critic: str
    objective: str


def _perceptrons(dimension: int, width: int, latent: int) -> tuple[nn.Module, nn.Module]:
    generator = textbook.mlp(latent, dimension, width, nn.ReLU)
    return generator, textbook.mlp(dimension, 1, width, lambda: nn.LeakyReLU(0.2))


def _convolutions() -> tuple[nn.Module, nn.Module]:
    return textbook.dcgan_generator(64, 3, 64, 32), textbook.dcgan_critic(3, 64, 32)


DCGAN = {"networks": _convolutions, "generator": "dcgan:latent=64:width=64", "critic": "dcgan:width=64"}
CASES = {
    "a: 2-d points, mlp 3 x 512, batch 256": Case(
        (2,), 256, 2, lambda: _perceptrons(2, 512, 2), "mlp:latent=2:width=512", "mlp:width=512", "wgan-gp"
    ),
    "b: 64-d vectors, mlp 3 x 256, batch 64": Case(
        (64,), 64, 32, lambda: _perceptrons(64, 256, 32), "mlp:latent=32:width=256", "mlp:width=256", "wgan-gp"
    ),
    "c: 32 x 32 x 3, dcgan 64, batch 64": Case((32, 32, 3), 64, 64, objective="wgan-gp", **DCGAN),
    "d: the same, weights clipped": Case((32, 32, 3), 64, 64, objective="wgan", **DCGAN),
}


def data_of(case: Case) -> ArrayData:
    """Samples of noise: what they show does not change the time."""
    random = np.random.default_rng(0)
    if len(case.shape) == 1:
        return split_data(DataInfo("noise"), random.normal(size=(2000, *case.shape)).astype(np.float32))
    return split_data(DataInfo("noise"), random.integers(0, 256, (2000, *case.shape), dtype=np.uint8))


def config_of(case: Case) -> Config:
    """The same work for monge."""
    optimiser = "rmsprop" if case.objective == "wgan" else "adam"
    rule = TrainingConfig(batch=case.batch, n_critic=textbook.N_CRITIC, optimiser=optimiser)
    return Config(objective=case.objective, generator=case.generator, critic=case.critic, training=rule)


def ours(config: Config, data: DataSet) -> Iterator[None]:
    """Steps of monge."""
    state, objective, sampler = assemble(config, data, torch.device("cpu"))
    while True:
        train_step(state, objective, sampler(state.step))
        yield


def theirs(case: Case, data: ArrayData) -> Iterator[None]:
    """Steps of the textbook."""
    samples = textbook.any_of(data.codec.encode(data.train.all()))
    clip = 0.01 if case.objective == "wgan" else None
    return textbook.steps(*case.networks(), samples, latent=case.latent, batch=case.batch, clip=clip)


def milliseconds(steps: Iterator[None]) -> float:
    """CPU time of a step."""
    begin, done = time.process_time(), 0
    while not done or time.process_time() - begin < SECONDS:
        next(steps)
        done += 1
    return 1000 * (time.process_time() - begin) / done


def paired(theirs: Iterator[None], ours: Iterator[None]) -> dict[str, Any]:
    """The time of a step of two loops, in pairs."""
    loops = [theirs, ours]
    for loop in loops:
        next(loop)
    pairs = []
    for i in range(PAIRS):
        first, second = (milliseconds(loops[j]) for j in ((0, 1) if i % 2 else (1, 0)))
        pairs.append((first, second) if i % 2 else (second, first))
    ratios = [other / mine for other, mine in pairs]
    return {
        "theirs_ms": round(statistics.median(pair[0] for pair in pairs), 2),
        "monge_ms": round(statistics.median(pair[1] for pair in pairs), 2),
        "ratio": round(statistics.median(ratios), 3),
        "range": [round(min(ratios), 3), round(max(ratios), 3)],
    }


def write(path: str | None, first: str, other: str, found: dict[str, dict[str, Any]]) -> None:
    """Prints a table of the cases found, and keeps them in a file if one is named."""
    print(f"| {first} | {other}, ms a step | monge | {other} / monge | range |\n|---|---|---|---|---|")
    for name, row in found.items():
        low, high = row["range"]
        print(f"| {name} | {row['theirs_ms']} | {row['monge_ms']} | {row['ratio']:.2f} | {low:.2f} to {high:.2f} |")
    if path is not None:
        Path(path).write_text(json.dumps({"versions": installed(), "cases": found}, indent=1) + "\n")


def main(path: str | None = None) -> None:
    """Measures all cases."""
    torch.set_num_threads(1)
    found = {}
    for name, case in CASES.items():
        data = data_of(case)
        found[name] = paired(theirs(case, data), ours(config_of(case), data))
    write(path, "case", "textbook", found)


if __name__ == "__main__":
    main(*sys.argv[1:])
