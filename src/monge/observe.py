"""What happens during training besides training: the bracket, sample pictures, the progress display."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.config import Config
from monge.data.codec import Codec
from monge.data.dataset import DataSet
from monge.distance import bracket, dual, wasserstein
from monge.nn.layer import latent
from monge.plot import picture, png
from monge.run import RunFolder, write_atomically
from monge.sample import CHUNK, generate
from monge.training.random import Purpose, stream
from monge.training.state import TrainingState

LARGEST = 2048
"""Samples on each side of a bracket, at most."""
PICTURED = {"image": 64, "vector": 1000}

Display = Callable[[int, Mapping[str, Any]], None]


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


class Observer:
    """The loop's one `on_step`: every so often measures the bracket of the averaged generator and draws its samples.

    Arguments:
        data: real samples.
        run: where pictures go.
        config: the run's config: when to observe, and the seed.
        latent_size: number of latent dimensions.
        display: shown after each step what was seen.
    """

    def __init__(self, data: DataSet, run: RunFolder, config: Config, *, latent_size: int, display: Display) -> None:
        self._data, self._run, self._steps, self._display = data, run, config.steps, display
        self._every = config.observe.bracket or max(1, config.steps // 20)
        self._real = RealSets(data)
        # the same codes at every step, so that curves and pictures change only when the generator does
        self._codes = latent(2 * self._real.n, latent_size, stream(config.seed, Purpose.MEASURE))
        self._pictured = latent(PICTURED[data.kind], latent_size, stream(config.seed, Purpose.PICTURE))
        self._background = data.train_sample(min(1000, data.size or 1000)) if data.kind == "vector" else None

    def __call__(self, state: TrainingState, terms: Mapping[str, float]) -> dict[str, Any]:
        """What is to be logged besides the terms: empty on most steps."""
        seen: dict[str, Any] = {}
        if state.step % self._every == 0 or state.step == self._steps:
            seen = self.measure(state)
            self.draw(state)
        self._display(state.step, {**terms, **seen})
        return seen

    def measure(self, state: TrainingState) -> dict[str, Any]:
        """The bracket and the critic's gaps on training and held-out data."""
        fake = self._data.codec.metric(generate(state.generator_ema, self._data.codec, self._codes))
        fake, again = fake[: self._real.n], fake[self._real.n :]
        critic = CriticReading(state.critic, self._data.codec, self._real, fake)
        measured = bracket.measure(
            fake, again, self._real.held_out, self._real.floor, lower=critic.lower, lipschitz="measured"
        )
        return {
            "bracket": measured.as_json(),
            "critic_gap_train": critic.train_gap,
            "critic_gap_held_out": critic.held_out_gap,
        }

    def draw(self, state: TrainingState) -> None:
        """A picture of the samples of fixed latent codes."""
        samples = generate(state.generator_ema, self._data.codec, self._pictured)
        path = self._run.samples / f"step-{state.step:06d}.png"
        write_atomically(path, png(picture(samples, self._background)))
