"""Trainings inside experiments: in memory and watched, without a run folder; and how good their generators are."""

from collections.abc import Callable
from functools import cache

import torch

from monge.config.schema import Config
from monge.data.builtin import digits
from monge.data.dataset import ArrayData, DataSet
from monge.distance.points import Points
from monge.distance.summary import Draw
from monge.distance.transport.exact import wasserstein
from monge.errors import TrainingError
from monge.experiment.sweep import Result
from monge.metric.modes import modes
from monge.metric.panel import variance_ratio
from monge.metric.precision_recall import coverage
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.run.pool import flushed_denormals
from monge.training.assemble import assemble
from monge.training.loop import Hooks, LoopSettings, Step, TermValues, run_loop
from monge.training.schedule import rates
from monge.training.state import TrainingState
from monge.training.step import train_step

Watch = Callable[[TrainingState, TermValues], None]
JUDGED = 497
"""Samples on each side of a judgement, at most: as many as there are held-out digits."""


def train(config: Config, data: DataSet, watch: Watch | None = None, step: Step = train_step) -> TrainingState:
    """The state after all steps of a config, from the start.

    Arguments:
        watch: called after each step with the state and the step's terms, if given.
        step: updates the state in place.

    Raises:
        TrainingError: a term is not finite or has diverged.
        UserError: the config is refused.
    """
    state, objective, sampler = assemble(config, data, torch.device("cpu"))
    settings = LoopSettings(config.steps, rates(config))
    with flushed_denormals():
        run_loop(state, objective, sampler, settings, Hooks(observe=watch), step=step)
    return state


def sampled(state: TrainingState, data: DataSet, n: int, seed: int = 0) -> Points:
    """n samples of the averaged generator in metric scale, (n, d)."""
    codes = latent(n, latent_size(state.generator), stream(seed, Purpose.SAMPLE))
    return data.codec.metric(generate(state.generator_ema, data.codec, codes))


class Judge:
    """Figures of generated samples against one data set.

    Arguments:
        data: judged against its held-out samples.
        n: samples on each side, at most.

    Attributes:
        n: samples on each side; a judgement takes twice as many generated ones.
    """

    def __init__(self, data: DataSet, n: int = JUDGED) -> None:
        self._data = data
        self.n = data.train.at_most(data.held_out.at_most(n))
        self._train, self._held_out = (
            data.codec.metric(draw(self.n)) for draw in (data.train.sample, data.held_out.sample)
        )
        self._floor = wasserstein(self._train, self._held_out)

    def __call__(self, fake: Points) -> dict[str, float]:
        """Excess, upper over floor, precision, recall, variance over that of real samples, and modes where known.

        Arguments:
            fake: 2 n samples in metric scale, (2 n, d).
        """
        first, second = fake[: self.n], fake[self.n : 2 * self.n]
        draw = Draw(wasserstein(first, self._held_out), self._floor, wasserstein(first, second))
        shares = coverage(self._train, first)
        found = {
            "excess": draw.excess,
            "upper_over_floor": draw.upper / draw.floor,
            "precision": shares["precision"],
            "recall": shares["recall"],
            "variance_ratio": variance_ratio(self._train, first).value,
        }
        if self._data.info.centres is not None and self._data.info.deviation is not None:
            found |= modes(fake, self._data.info.centres, self._data.info.deviation)
        return {name: float(f"{value:.5g}") for name, value in found.items()}


@cache
def judged_digits() -> tuple[ArrayData, Judge]:
    """The digits and the judge of their generators, made once for each process."""
    data = digits()
    return data, Judge(data)


def outcome(
    config: Config,
    data: DataSet,
    judge: Judge,
    watch: Watch | None = None,
    step: Step = train_step,
) -> Result:
    """The figures of a training's generator, or under "failed" why there is none."""
    try:
        state = train(config, data, watch, step)
    except TrainingError as error:
        return {"failed": str(error)}
    return judge(sampled(state, data, 2 * judge.n, config.seed))
