"""Trainings of the first form of the GAN with and without noise, with a discriminator that is trained near its best."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataInfo, DataSet, ToyData
from monge.data.toy import ring8
from monge.experiment.divergence import perfect_discriminator
from monge.experiment.repeat import Repeat
from monge.experiment.sweep import Result
from monge.experiment.trial import Judge, sampled, train
from monge.training.state import TrainingState

STEPS = 600
BATCH = 128
N_CRITIC = 10
RATE = 1e-3
BETAS = (0.5, 0.999)
EMA = 0.99
GENERATOR = "mlp:latent=2:width=64:depth=2"
CRITIC = "mlp:width=64:depth=2"
FIRST_NOISE = 2.0
"""Deviation of the noise at the start."""
NOISE_GONE = 480
"""The step from which on there is none, if it is annealed."""
LOOK_COUNT = 12
"""Times that a training is judged."""
TRAININGS: Mapping[str, str] = {
    "none": "gan-minimax",
    "annealed": f"noisy-gan:std={FIRST_NOISE:g}:schedule=linear:steps={NOISE_GONE}",
    "kept": f"noisy-gan:std={FIRST_NOISE:g}:schedule=constant",
}
"""By what becomes of the noise."""
SETTINGS = (
    *(STEPS, BATCH, N_CRITIC, RATE, BETAS, EMA, GENERATOR, CRITIC, LOOK_COUNT, tuple(TRAININGS.items())),
    *(perfect_discriminator.DIMENSION, perfect_discriminator.HIDDEN),
)


@dataclass(frozen=True)
class Surface:
    """What a random network makes of a normal distribution of two dimensions, in 16.

    Arguments:
        seed: of the network.
    """

    seed: int

    @cached_property
    def _law(self) -> perfect_discriminator.Law:
        return perfect_discriminator.embedded(perfect_discriminator.SUPPORTS["surfaces"], self.seed)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 16)."""
        return self._law(n, generator)


def data_of(cell: Repeat) -> DataSet:
    """The data of a repeat: a ring, or a surface of its own."""
    return ring8() if cell.case == "ring8" else ToyData(DataInfo("surface"), Surface(cell.torch_seed()))


def config(cell: Repeat, objective: str) -> Config:
    """The same networks and rule for every noise, with a discriminator that is trained near its best."""
    rule = TrainingConfig(batch=BATCH, n_critic=N_CRITIC, learning_rate=RATE, beta1=BETAS[0], beta2=BETAS[1], ema=EMA)
    seed = cell.torch_seed(1)
    return Config(objective=objective, generator=GENERATOR, critic=CRITIC, steps=STEPS, seed=seed, training=rule)


def training_course(cell: Repeat, data: DataSet, judge: Judge, objective: str, n: int) -> tuple[Result, Tensor]:
    """The course of a training, and points of its generator.

    Arguments:
        objective: of the config.
        n: points, in model scale, (n, d).

    Returns:
        Under "course" step, excess, and mean JS by the discriminator's loss since the last look; the last "excess".
    """
    seen: list[tuple[int, float, float]] = []
    losses: list[float] = []

    def watch(state: TrainingState, terms: Mapping[str, float]) -> None:
        losses.append(terms["critic_loss"])
        if state.step % (STEPS // LOOK_COUNT) == 0:
            excess = judge(sampled(state, data, 2 * judge.n))["excess"]
            seen.append((state.step, excess, round(math.log(2) - float(np.mean(losses)) / 2, 4)))
            losses.clear()

    state = train(config(cell, objective), data, watch)
    points = data.codec.from_metric(torch.from_numpy(sampled(state, data, n)))
    return {"course": seen, "excess": seen[-1][1]}, points
