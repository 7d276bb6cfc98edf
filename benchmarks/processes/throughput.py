"""Samples per second of two processes that train together, against two that train side by side, each for itself.

A DCGAN for 32 x 32 x 3, WGAN-GP with five critic updates, one thread each. In turn, in the same two processes: together
with a batch of 128, of which each has 64; each for itself with a batch of 64; each for itself with one of 128.
Started by `make.py`, through torchrun.
"""

import json
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import ArrayData, DataInfo, split_data
from monge.nn.collective import alone
from monge.training.assemble import assemble
from monge.training.processes import joined, leads, meet
from monge.training.step import train_step

ROUNDS = 9
SECONDS = 4.0
"""Of training in each part of a round, about."""
RULE = TrainingConfig(batch=128, n_critic=5)
CONFIG = Config(objective="wgan-gp", generator="dcgan", critic="dcgan", training=RULE)

Steps = Callable[[int], float]
"""Does so many steps, at once in both processes; returns the real samples that both together see in a second."""


def trained(data: ArrayData, batch: int, how: Callable[[], AbstractContextManager[None]]) -> Steps:
    """Steps of one way to train.

    Arguments:
        batch: of one training.
        how: to train: alone, or together, when a process has its part of the batch.
    """
    with how():
        state, objective, sampler = assemble(
            replace(CONFIG, training=replace(RULE, batch=batch)), data, torch.device("cpu")
        )
    seen = batch if how is alone else batch // dist.get_world_size()

    def steps(count: int) -> float:
        meet()
        begin = time.perf_counter()
        with how():
            for _ in range(count):
                train_step(state, objective, sampler(state.step))
        rate = torch.tensor(count * RULE.n_critic * seen / (time.perf_counter() - begin))
        dist.all_reduce(rate)
        return float(rate)

    return steps


def main(path: str) -> None:
    """Measures in turn, and writes the samples a second of each round."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    images = np.random.default_rng(0).integers(0, 256, (2000, 32, 32, 3), dtype=np.uint8)
    data = split_data(DataInfo("noise"), images)
    with joined():
        ways = {
            "together, 128": trained(data, 128, nullcontext),
            "side by side, 64": trained(data, 64, alone),
            "side by side, 128": trained(data, 128, alone),
        }
        counts = {name: max(1, round(SECONDS * steps(1) / (RULE.n_critic * 128))) for name, steps in ways.items()}
        found: dict[str, list[float]] = {name: [] for name in ways}
        for i in range(ROUNDS):
            for name in list(ways)[:: 1 if i % 2 else -1]:
                found[name].append(ways[name](counts[name]))
        if leads():
            Path(path).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
