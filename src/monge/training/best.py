"""The best checkpoint of a run, which is kept besides the last two."""

from collections.abc import Mapping
from typing import Any

from monge.model.whole import distances
from monge.run.folder import RunFolder


class Best:
    """Follows which step is nearest to the validation part, if there is one, so that it is saved and stays.

    Arguments:
        run: whose log and checkpoints are those of the step from which the training goes on.

    Attributes:
        step: of the best checkpoint, the one that is due included; None before the first measurement.
    """

    def __init__(self, run: RunFolder) -> None:
        away = distances(run)
        self._distance = min(away.values(), default=float("inf"))
        self.step = next((step for step, distance in away.items() if distance == self._distance), None)
        self._due = False

    def due(self) -> bool:
        """Whether the last measurement is the best one and is still to be saved."""
        return self._due

    def __call__(self, step: int, seen: Mapping[str, Any]) -> None:
        """Takes in what was observed at a step."""
        if seen.get("validation", float("inf")) < self._distance:
            self.step, self._distance, self._due = step, seen["validation"], True

    def saved(self) -> None:
        """Takes note that the last step was saved."""
        self._due = False
