"""The lines of a run's log as they are written and shown."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from monge.run.folder import RunFolder
from monge.training.loop import TermValues
from monge.training.state import TrainingState

Display = Callable[[int, Mapping[str, Any]], None]
"""Shows a step and what was read of it, which is nothing on most steps; before the first one, the steps in all."""


class Log:
    """Writes a run's log lines, and shows them.

    Arguments:
        folder: of the run.
        first: step from which this process trains.
        display: called with what is logged.
    """

    def __init__(self, folder: RunFolder, first: int, display: Display) -> None:
        self._folder, self._first, self._display = folder, first, display
        self._past = max((entry.get("seconds", 0.0) for entry in folder.entries()), default=0.0)
        self._started = time.monotonic()

    def __call__(self, state: TrainingState, terms: TermValues, seen: Mapping[str, Any]) -> None:
        """Logs a step with its terms and what was observed."""
        elapsed = time.monotonic() - self._started
        self._folder.log(
            {"step": state.step, "seconds": round(self._past + elapsed, 3)}
            | dict(terms)
            | {"steps_per_second": round((state.step - self._first) / elapsed, 3)}
            | dict(seen)
        )
        self._display(state.step, {**terms, **seen})
