"""The two sides of a bracket: real sets drawn once, and what a training critic says of generated ones."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.data.codec import Codec
from monge.data.dataset import DataSet
from monge.distance import dual, wasserstein
from monge.sample import CHUNK
from monge.training.random import Purpose, stream

LARGEST = 2048
"""Samples on each side of a bracket, at most."""


class RealSets:
    """The real side of a bracket, drawn once: n training and n held-out samples in metric scale, and their floor.

    Arguments:
        data: where they come from.
        seed: decides which samples where the data has more than n.
    """

    def __init__(self, data: DataSet, seed: int = 0) -> None:
        available = data.held_out_size if data.size is None else min(data.held_out_size, data.size)
        self.n = min(LARGEST, available)
        self.train = data.codec.metric(data.train_sample(self.n, seed))
        self.held_out = data.codec.metric(data.held_out_sample(self.n, seed))
        self.floor = wasserstein(self.train, self.held_out)


class CriticReading:
    """What a training critic says of W1: a lower limit, and whether it has overfitted its training data.

    Attributes:
        lower: lower confidence limit on held-out data, divided by the largest measured gradient.
        train_gap, held_out_gap: mean critic value of training (held-out) minus generated samples, divided likewise.
    """

    def __init__(self, critic: nn.Module, codec: Codec, real: RealSets, fake: NDArray[np.float64]) -> None:
        device = next(critic.parameters()).device

        def potential(x: Tensor) -> Tensor:
            values: Tensor = critic(codec.from_metric(x).to(device))
            return values.cpu()

        sets = [torch.from_numpy(points).float() for points in (real.train, real.held_out, fake)]
        training = critic.training
        critic.eval()
        with torch.no_grad():
            values = [torch.cat([potential(part) for part in x.split(CHUNK)])[:, 0].double().numpy() for x in sets]
        segment = torch.rand(len(fake), 1, generator=stream(0, Purpose.SEGMENT))
        slopes = [
            dual.measured_lipschitz(potential, *parts)
            for parts in zip(sets[1].split(CHUNK), sets[2].split(CHUNK), segment.split(CHUNK), strict=True)
        ]
        critic.train(training)
        lipschitz = max(slopes)
        self.lower = dual.lower_limit(values[1], values[2], lipschitz)
        scale = 1 / lipschitz if lipschitz > 0 else 0.0
        self.train_gap = float(values[0].mean() - values[2].mean()) * scale
        self.held_out_gap = float(values[1].mean() - values[2].mean()) * scale
