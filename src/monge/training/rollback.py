"""After a divergence: back to the last checkpoint, with other random numbers and half the learning rates.

Equal numbers at equal rates would diverge again at the same step. How often a training went back, its attempt, is part
of its state: random streams and rates follow from it, so that a run that is continued equals one that never stopped.
"""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from monge.model.whole import newest
from monge.run.folder import RunFolder
from monge.training import checkpoint
from monge.training.guard import DivergenceError
from monge.training.state import TrainingState

ATTEMPTS = 3
"""How often a training goes back, at most."""


def attempted(train: Callable[[], bool], state: TrainingState, folder: RunFolder) -> bool:
    """What a training returns that goes back to the last checkpoint after each divergence.

    Arguments:
        train: from the state as it is; called again after each time.
        state: goes back in place.
        folder: of the run, which has a checkpoint.

    Raises:
        DivergenceError: after the last attempt.

    Warns:
        UserWarning: each time; says to which step.
    """
    while True:
        try:
            return train()
        except DivergenceError as error:
            if state.attempt >= ATTEMPTS:
                raise DivergenceError(f"{error}, after {ATTEMPTS} rollbacks") from None
            go_back(state, folder, str(error))


def go_back(state: TrainingState, folder: RunFolder, why: str) -> None:
    """Takes state and log back to the last checkpoint, for the next attempt, which `run.json` knows of.

    Arguments:
        why: the divergence, in words.
    """
    attempt, found = state.attempt + 1, newest(folder, folder.facts())
    checkpoint.restore(state, found.folder)
    checkpoint.continue_from(found, folder)
    state.attempt = attempt
    part = f"1/{2**attempt} of the learning rates"
    text = f"{why}; rollback {attempt} of {ATTEMPTS}, to step {found.step}, with {part} and other random numbers"
    # at a kill before the second line the run diverges again, in the same words; after it, the attempt is known
    folder.note({"step": found.step, "attempt": attempt, "note": text})
    folder.update(saved=found.step, log=None, retried={"step": found.step, "attempt": attempt})
    folder.forget_after(found.step)
    folder.record(found.step)
    warnings.warn(text, UserWarning, stacklevel=3)


def attempt_from(facts: Mapping[str, Any], step: int) -> int:
    """The attempt that a run had begun from the checkpoint of a step; 0 for the first one.

    Arguments:
        facts: the content of `run.json`.
    """
    retried = facts.get("retried")
    return retried["attempt"] if retried is not None and retried["step"] == step else 0
