"""One of the trainings of a lab: the same as `monge train` makes, a part of a step at a time."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.app.lab import fault
from monge.app.lab.settings import Settings
from monge.config.overlay import Given
from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.model.build import build_objective, latent_size
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.objective import Objective
from monge.training.assemble import assemble
from monge.training.guard import check_terms
from monge.training.sampler import StepInputs
from monge.training.schedule import rates, set_rates
from monge.training.settings import resolved
from monge.training.state import optimiser
from monge.training.step import critic_updates, update_generator

SHOWN = 256
"""Generated points that are shown."""
STEPS = 1_000_000_000
"""Of a training that nobody knows the end of."""
CPU = torch.device("cpu")


class Side:
    """A training of one objective that one can watch.

    Arguments:
        settings: of the lab.
        objective: name, with options.
        data: opened.

    Attributes:
        config: all settings of the training.
        terms: the named terms of the last update of each network.
        phase: "step" after a whole step, else "critic K" after so many critic updates of the next one.
        by_hand: whether single updates were made out of turn, so that no command gives this run.
        failed: why it cannot go on, if so.

    Raises:
        UserError: a combination that is refused.
    """

    def __init__(self, settings: Settings, objective: str, data: DataSet) -> None:
        self.data = data
        self.config = self._config(settings, objective)
        self.state, plain, self.sampler = assemble(self.config, data, CPU)
        self.objective = fault.made(plain, settings.faults)
        if fault.broken(self.state.critic, settings.faults):
            self._new_optimisers()  # of the layers that were added, too
        self.terms: dict[str, float] = {}
        self.phase = "step"
        self.by_hand = False
        self.failed: str | None = None
        self._rates = rates(self.config)
        self._running: Iterator[Mapping[str, Tensor]] | None = None

    def _config(self, settings: Settings, objective: str) -> Config:
        given = [Given("the lab", settings.nested(objective) | {"steps": STEPS})]
        config = resolved(self.data, given)
        config.check()
        return config

    def _new_optimisers(self) -> None:
        rule, betas = self.config.training, (float(self.config.training.beta1), float(self.config.training.beta2))
        rate, own = rates(self.config)(self.state.step)
        self.state.generator_optimiser = optimiser(self.state.generator, rule.optimiser, rate, betas)
        self.state.critic_optimiser = optimiser(self.state.critic, rule.optimiser, own, betas)

    def change(self, settings: Settings, objective: str) -> bool:
        """Goes on with other settings, if that is possible with the same networks; says whether it was.

        Raises:
            UserError: they are not allowed.
        """
        new, old = self._config(settings, objective), self.config
        plain = build_objective(new)
        if _networks(new, plain) != _networks(old, self.objective):
            return False
        self._finish()
        rule = new.training
        self.sampler = replace(
            self.sampler,
            batch=rule.batch,
            n_critic=rule.n_critic,
            noisy=plain.noise is not None,
            noise_sets=0 if plain.penalty is None else plain.penalty.noise_sets,
        )
        self.config, self.objective, self._rates = new, fault.made(plain, settings.faults), rates(new)
        if any(getattr(rule, name) != getattr(old.training, name) for name in ("optimiser", "beta1", "beta2")):
            self._new_optimisers()
        return True

    def advance(self) -> None:
        """The next part of a step: one critic update, or the generator update with which it ends."""
        if self._running is None:
            set_rates(self.state, self._rates(self.state.step))
            self._running = self._step(self.sampler(self.state.step))
        begun = self.state.step
        found = next(self._running)
        if self.state.step > begun:
            self._running = None
            self.phase = "step"
        else:
            done = 1 if self.phase == "step" else int(self.phase.split()[1]) + 1
            self.phase = f"critic {done}"
        self._take(found)

    def _step(self, inputs: StepInputs) -> Iterator[Mapping[str, Tensor]]:
        yield from critic_updates(self.state, self.objective, inputs)
        yield update_generator(self.state, self.objective, inputs)

    def step(self) -> None:
        """A whole step, or what is left of one."""
        self.advance()
        self._finish()

    def _finish(self) -> None:
        while self._running is not None:
            self.advance()

    def alone(self, network: str, turn: int) -> None:
        """One update of one network, out of turn.

        Arguments:
            network: "critic" or "generator".
            turn: how many were made so before, which decides what is drawn.
        """
        self._finish()
        self.by_hand = True
        inputs = self.sampler(self.state.step, attempt=1_000_000 + turn)
        if network == "generator":
            self._take(update_generator(self.state, self.objective, inputs))
        else:
            self._take(next(critic_updates(self.state, self.objective, inputs)))

    def _take(self, terms: Mapping[str, Tensor]) -> None:
        self.terms = self.terms | {name: float(value) for name, value in terms.items()}
        check_terms(self.terms, self.state.step)

    def points(self, n: int = SHOWN, seed: int = 0) -> NDArray[np.float32]:
        """n generated points in the data's units, (n, 2): those that `monge sample --seed 0 --weights raw` draws."""
        codes = latent(n, latent_size(self.state.generator), stream(seed, Purpose.SAMPLE))
        points: NDArray[np.float32] = generate(self.state.generator, self.data.codec, codes)
        return points


def _networks(config: Config, objective: Objective) -> tuple[object, ...]:
    """What decides the networks of a training."""
    rule = config.training
    return config.generator, config.critic, rule.pack, rule.conditional, objective.auxiliary
