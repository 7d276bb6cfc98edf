"""What happens during training besides training: the bracket, sample pictures, the progress display."""

from collections.abc import Callable, Mapping
from typing import Any

from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.evaluation.critic_gap import CriticReading
from monge.evaluation.reference import QUICK_DRAWS, RealSets
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.objective.loss import AdversarialLoss
from monge.plot import picture, png
from monge.run.files import write_atomically
from monge.run.folder import RunFolder
from monge.training.state import TrainingState

PICTURED = {"image": 64, "vector": 1000}

Display = Callable[[int, Mapping[str, Any]], None]


class Observer:
    """The loop's one `on_step`: every so often measures the bracket of the averaged generator and draws its samples.

    Arguments:
        data: real samples.
        run: where pictures go.
        config: the run's config: when to observe, and the seed.
        loss: the run's adversarial loss, which says what the critic's outputs mean.
        latent_size: number of latent dimensions.
        display: shown after each step what was seen.
    """

    def __init__(
        self,
        data: DataSet,
        run: RunFolder,
        config: Config,
        loss: AdversarialLoss,
        *,
        latent_size: int,
        display: Display,
    ) -> None:
        self._data, self._run, self._steps, self._loss, self._display = data, run, config.steps, loss, display
        self._every = config.observe.bracket or max(1, config.steps // 20)
        self._real = RealSets(data, draws=QUICK_DRAWS, trained=False)
        # the same codes at every step, so that curves and pictures change only when the generator does
        self._codes = latent(self._real.fakes, latent_size, stream(config.seed, Purpose.MEASURE))
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
        """The bracket and, but for a single held-out sample, the critic's gaps on training and held-out data."""
        fake = self._data.codec.metric(generate(state.generator_ema, self._data.codec, self._codes))
        seen: dict[str, Any] = {"bracket": self._real.bracket(fake).as_json()}
        if self._real.n < 2:
            return seen
        critic = CriticReading(state.critic, self._loss, self._data.codec, self._real, fake)
        gaps = {"train": critic.train_gap, "held_out": critic.held_out_gap, "error": critic.gap_error}
        return seen | {f"critic_gap_{name}": value for name, value in gaps.items()}

    def draw(self, state: TrainingState) -> None:
        """A picture of the samples of fixed latent codes."""
        samples = generate(state.generator_ema, self._data.codec, self._pictured)
        path = self._run.samples / f"step-{state.step:06d}.png"
        write_atomically(path, png(picture(samples, self._background)))
