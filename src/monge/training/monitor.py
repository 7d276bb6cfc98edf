"""What a run observes of its training: the bracket, critic and gradient, what goes wrong, and pictures of samples."""

import math
import time
import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from monge.data.dataset import DataSet
from monge.data.space import Space
from monge.evaluation.critic_gap import CriticReading
from monge.evaluation.reference import QUICK_DRAWS, SAME_POINTS, ReferenceSamples
from monge.model.calibration import calibrate
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.nn.batch_norm import TOGETHER, settle
from monge.plot import picture, png
from monge.run.files import write_atomically
from monge.run.folder import RunFolder
from monge.training.contest import distance
from monge.training.copying import CopyingWatch
from monge.training.diagnosis import Setup
from monge.training.guard import check_terms
from monge.training.loop import LoopSettings
from monge.training.pace import thinned
from monge.training.state import TrainingState
from monge.training.symptom import SymptomWatch

SETTLED, SETTLED_NUMBERS = 8192, 2**24
"""Samples by which batch norms are settled, at most, and numbers that they have together."""
BACKGROUND = 1000
"""Real points behind a picture of generated ones, at most."""


class Monitor:
    """Measures the bracket of the averaged generator, watches for copies, and draws its samples.

    A picture is drawn whenever it is asked. The averaged generator is measured with settled batch norms, and stays so
    until its next update. Unless the config says how often to measure, the first time and the last
    have a bracket, and as many in between as the share of the training time allows that measuring may take; `run.json`
    remembers how many.

    Arguments:
        setup: config, data and objective of the run.
        run: where pictures go.
        settings: of the loop that asks.
        latent_size: number of latent dimensions.
        validation: has the validation part as its training samples, if there is one.
        step: from which this process trains.

    Attributes:
        copying: the watch for copies of training samples.
    """

    def __init__(
        self,
        setup: Setup,
        run: RunFolder,
        settings: LoopSettings,
        *,
        latent_size: int,
        validation: DataSet | None = None,
        step: int = 0,
    ) -> None:
        data, config = setup.data, setup.config
        self._data, self._run, self._loss, self._settings = data, run, setup.objective.loss, settings
        self._validation, self._seed = validation, config.seed
        self._of: int | None = run.facts().get("measured") if config.observe.bracket is None else 1
        self._real = ReferenceSamples(data, draws=QUICK_DRAWS, trained=False)
        if self._real.floor == 0 and self._real.varied:  # equal samples were warned of when they were read
            text = f"{data.info.name}: the floor is 0: {SAME_POINTS}, so they cannot show what chance does"
            warnings.warn(text, UserWarning, stacklevel=3)
        # the same codes at every step, so that curves and pictures change only when the generator does
        self._codes = latent(self._real.fakes, latent_size, stream(config.seed, Purpose.MEASURE))
        self.copying, self._symptoms = CopyingWatch(data, run), SymptomWatch(setup, run)
        missing = self.copying.generated - self._real.fakes
        if missing > 0:
            more = latent(missing, latent_size, stream(config.seed, Purpose.MEASURE, 1))
            self._codes = torch.cat([self._codes, more])
        self._settling = latent(settled(data.space), latent_size, stream(config.seed, Purpose.CALIBRATE))
        self._pictured = latent(data.space.pictured, latent_size, stream(config.seed, Purpose.PICTURE))
        self._background = data.train.sample(data.train.at_most(BACKGROUND)) if data.space.side is None else None
        self._first, self._started = step, time.perf_counter()

    def __call__(self, state: TrainingState, terms: Mapping[str, float]) -> dict[str, Any]:
        """What is to be logged besides the terms."""
        every, left = self._settings.observe_every, self._settings.steps - state.step
        number = state.step // every
        # where not all are made, none is just before the last one
        if left > 0 and self._of is not None and (number % self._of or (self._of > 1 and left < every)):
            self.draw(state)
            return {}
        begin = time.perf_counter()
        settle(state.generator_ema, self._settling.to(state.device))
        if left <= 0:  # margins are those of rows by settled batch norms
            calibrate(state.generator_ema, self._data, self._seed)
        self.draw(state)
        seen = self.measure(state)
        if self._of is None:
            a_step = (begin - self._started) / max(1, state.step - self._first)
            steps = self._settings.steps
            one, count = time.perf_counter() - begin, steps // every
            self._of = thinned(one, a_step * steps, count)
            self._run.update(measured=self._of)
        return seen

    def measure(self, state: TrainingState) -> dict[str, Any]:
        """The bracket, the scatter of real samples, the generator's gradient, copying and other symptoms.

        With a validation part also the distance to it; of two held-out samples on the critic's slope and its two gaps.

        Raises:
            DivergenceError: slope or gradient are not finite.
        """
        everything = self._data.codec.metric(generate(state.generator_ema, self._data.codec, self._codes))
        fake = everything[: self._real.fakes]
        seen: dict[str, Any] = {"bracket": self._real.bracket(fake).as_json(), "scatter": self._real.scatter}
        if self._validation is not None:
            seen["validation"] = distance(state.generator_ema, self._validation, self._seed)
        if self.copying.generated:
            seen["copying"] = self.copying(everything[: self.copying.generated], state.step)
            if self.copying.begins:
                warnings.warn(f"step {state.step}: {self.copying.warning}", UserWarning, stacklevel=3)
        if self._real.n >= 2:
            critic = CriticReading(state.critic, self._loss, self._data.codec, self._real, fake)
            gaps = {"train": critic.train_gap, "held_out": critic.held_out_gap, "error": critic.gap_error}
            seen |= {f"critic_gap_{name}": value for name, value in gaps.items()} | {"critic_slope": critic.slope}
        if (gradient := size_of_gradient(state.generator)) is not None:
            seen["generator_gradient"] = gradient
        check_terms({name: seen[name] for name in ("critic_slope", "generator_gradient") if name in seen}, state.step)
        seen |= self._symptoms(state.step, seen)
        for text in self._symptoms.told:
            warnings.warn(f"step {state.step}: {text}", UserWarning, stacklevel=3)
        return seen

    def draw(self, state: TrainingState) -> None:
        """A picture of the samples of fixed latent codes."""
        samples = generate(state.generator_ema, self._data.codec, self._pictured)
        path = self._run.samples / f"step-{state.step:06d}.png"
        write_atomically(path, png(picture(self._data.space, samples, self._background)))


def settled(space: Space) -> int:
    """Samples by which batch norms are settled, in whole batches.

    A norm of a fully connected layer has one number of each: of Fashion-MNIST, 1,024 were worse than the statistics
    that the last batches leave (Fréchet distance 24.7 instead of 21.9), 4,096 and 12,800 better (20.9 and 20.0).
    """
    n = min(SETTLED, max(SETTLED // 8, SETTLED_NUMBERS // math.prod(space.shape)))
    return n // TOGETHER * TOGETHER


def size_of_gradient(network: nn.Module) -> float | None:
    """Root mean square of the gradient that the last update left; None where there was none."""
    found = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
    if not found:
        return None
    norm = float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(gradient) for gradient in found])))
    return norm / math.sqrt(sum(gradient.numel() for gradient in found))
