"""The best checkpoint of a run, which is kept besides the last two."""

from collections.abc import Mapping
from typing import Any

from monge.model.whole import best_step
from monge.run.folder import RunFolder


class Best:
    """Follows which step has the smallest excess, so that it is saved and stays.

    The excess is against the held-out samples, which `monge evaluate` compares with, too. So the best of many
    measurements looks a little better than it is.

    Arguments:
        run: whose log and checkpoints are those of the step from which the training goes on.

    Attributes:
        step: of the best checkpoint, the one that is due included; None before the first measurement.
    """

    def __init__(self, run: RunFolder) -> None:
        self.step = best_step(run)
        found = (entry["bracket"]["excess"] for entry in run.entries() if entry["step"] == self.step)
        self._excess: float = next(found, float("inf"))
        self._due = False

    def due(self) -> bool:
        """Whether the last measurement is the best one and is still to be saved."""
        return self._due

    def __call__(self, step: int, seen: Mapping[str, Any]) -> None:
        """Takes in what was observed at a step."""
        if "bracket" in seen and seen["bracket"]["excess"] < self._excess:
            self.step, self._excess, self._due = step, seen["bracket"]["excess"], True

    def saved(self) -> None:
        """Takes note that the last step was saved."""
        self._due = False
