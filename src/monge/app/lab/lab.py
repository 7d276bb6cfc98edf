"""Up to three trainings side by side on the same data and seed, and what is shown of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from monge.app.lab.fault import FAULTS
from monge.app.lab.message import packed
from monge.app.lab.settings import Settings, command, options_of, rule_of, script
from monge.app.lab.side import Side
from monge.app.lab.view import VIEWS, Arrays, Scene, measured
from monge.config.schema import DataConfig
from monge.data.source import open_source
from monge.errors import TrainingError, UserError, unknown_name

MEASURED_EVERY = 10
"""Frames between two measurements of distances, which take longer than a frame."""
DOINGS = ("step", "phase", "critic", "generator")
"""What a lab can do besides going on: whole steps, the next part of one, or one update out of turn."""


class Lab:
    """Trainings in the plane, and what is shown of them.

    Arguments:
        settings: what is trained.
        changes: settings that are to change while it trains, each at its step: what `changes` was in another lab.

    Attributes:
        settings: what is trained.
        begun: what it began with.
        sides: one training for each objective.
        changes: settings that changed while it trained: the step, and what they then were.

    Raises:
        UserError: bad settings, or data that are not points in the plane.
    """

    def __init__(self, settings: Settings, changes: Sequence[tuple[int, Settings]] = ()) -> None:
        self._begin(settings, changes)

    def _begin(self, settings: Settings, changes: Sequence[tuple[int, Settings]] = ()) -> None:
        data = open_source(settings.data, DataConfig())
        if data.space.name != "vector" or data.space.shape != (2,):
            raise UserError(f"data must be points in the plane; {settings.data} contains {data.space.form}")
        sides = [Side(settings, objective, data) for objective in settings.objectives]
        self.scene, self.sides, self.settings, self.begun = Scene.of(data), sides, settings, settings
        self.changes: list[tuple[int, dict[str, Any]]] = []
        self._coming = list(changes)
        self._frames = self._turns = 0
        self._distances: dict[int, dict[str, Any]] = {}

    @property
    def step(self) -> int:
        """Generator updates done by the side that has most."""
        return max(side.state.step for side in self.sides)

    def reset(self) -> None:
        """Begins anew with the same settings."""
        self._begin(self.settings)

    def change(self, settings: Settings) -> bool:
        """Goes on with other settings; whether it had to begin anew, since networks, data or seed are others.

        Raises:
            UserError: they are not allowed; then nothing has changed.
        """
        old = self.settings
        kept = (settings.data, settings.seed, len(settings.objectives)) == (old.data, old.seed, len(old.objectives))
        structural = [name for name, fault in FAULTS.items() if fault.critic is not None]
        kept &= all((name in settings.faults) == (name in old.faults) for name in structural)
        if kept:
            for objective in settings.objectives:  # what is not allowed is refused before anything has changed
                Side(settings, objective, self.scene.data)
        pairs = zip(self.sides, settings.objectives, strict=False)
        if not kept or not all(side.change(settings, objective) for side, objective in pairs):
            self._begin(settings)
            return True
        self.settings = settings
        if self.step:
            self.changes.append((self.step, settings.document()))
        return False

    def do(self, what: str) -> None:
        """Goes on by one step, or a part of one; a side that failed stays as it is."""
        if what not in DOINGS:
            raise unknown_name("do", what, DOINGS)
        while self._coming and self._coming[0][0] <= self.step:
            self.change(self._coming.pop(0)[1])
        self._turns += 1
        for side in self.sides:
            if side.failed is not None:
                continue
            try:
                if what == "step":
                    side.step()
                elif what == "phase":
                    side.advance()
                else:
                    side.alone(what, self._turns)
            except (TrainingError, RuntimeError) as error:
                side.failed = str(error).splitlines()[0]

    def frame(self, views: Sequence[str], *, measure: bool = False) -> bytes:
        """What is shown now, as bytes that `message.unpacked` reads.

        Arguments:
            views: names of `view.VIEWS`, besides the points.
            measure: whether distances are wanted, every tenth time.
        """
        arrays: Arrays = {}
        described = []
        for index, side in enumerate(self.sides):
            with _watched(side):
                points = side.points()
                own = {"points": points}
                if np.isfinite(points).all():
                    for view in views:
                        own |= VIEWS[view](side, self.scene, points)
                    if measure and self._frames % MEASURED_EVERY == 0:
                        self._distances[index] = measured(side, self.scene, points) | {"step": side.state.step}
            arrays |= {f"{index}.{name}": value for name, value in own.items()}
            described.append(self._described(index, side, measure=measure))
        self._frames += 1
        header = {
            "step": self.step,
            "sides": described,
            "changes": self.changes,
            "copy": not self.changes and not any(side.by_hand for side in self.sides) and not self._broken,
        }
        return packed(header, arrays)

    @property
    def _broken(self) -> bool:
        return bool({*self.settings.faults} - {"critic_too_strong"})

    def _described(self, index: int, side: Side, *, measure: bool) -> dict[str, Any]:
        terms = {name: value if np.isfinite(value) else None for name, value in side.terms.items()}
        found = {"step": side.state.step, "phase": side.phase, "terms": terms, "failed": side.failed}
        if measure and (distances := self._distances.get(index)):
            # JSON has no infinity
            found["distances"] = {key: value if np.isfinite(value) else None for key, value in distances.items()}
        return found

    def opening(self) -> bytes:
        """What does not change while it trains: the data, the square that is shown, the settings as they are."""
        sides = [{"rule": rule_of(side.config), "options": options_of(side.config.objective)} for side in self.sides]
        header = {
            "opening": True,
            "settings": self.settings.document(),
            "begun": self.begun.document(),
            "box": self.scene.box,
            "rules": sides,
        }
        real = {"train": self.scene.train, "held_out": self.scene.held_out}
        return packed(header, {name: values.astype(np.float32) for name, values in real.items()})

    def copies(self) -> dict[str, str]:
        """The commands, and the scripts, that make the same runs up to now."""
        made = {"command": command, "python": script}
        return {
            name: "\n".join(text(self.settings, side.config.objective, max(side.state.step, 1)) for side in self.sides)
            for name, text in made.items()
        }


@contextmanager
def _watched(side: Side) -> Iterator[None]:
    """The critic as it is when nobody trains it, so that a look at it changes nothing in it."""
    critic = side.state.critic
    training = critic.training
    critic.eval()
    try:
        yield
    finally:
        critic.train(training)
