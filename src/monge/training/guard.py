"""What keeps a training safe: interruptions, full disks, terms that no step can mend."""

import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from monge.errors import DiskError, TrainingError
from monge.model.weights import steps
from monge.run.folder import RunFolder
from monge.training.state import TrainingState

DIVERGED = 1e8
"""A term beyond this has left every scale that a 1-Lipschitz critic of sane data can reach."""


def kept(run: RunFolder) -> str:
    """What a failed training leaves."""
    return "the last checkpoint is kept" if steps(run.checkpoints) else "there is no checkpoint yet"


def check_terms(values: Mapping[str, float], step: int) -> None:
    """Refuses terms that no further step can mend."""
    for name, value in values.items():
        if not math.isfinite(value):
            raise TrainingError(
                f"step {step}: {name} is {value}; likely cause: the learning rate is too high "
                "(--training.learning-rate)"
            )
        if abs(value) > DIVERGED:
            raise TrainingError(
                f"step {step}: {name} is {value:.3g}, so the critic diverges; likely cause: the penalty or constraint "
                "is too weak for this learning rate"
            )


@contextmanager
def failures_told(state: TrainingState, run: RunFolder) -> Iterator[None]:
    """Says of a failed training what is left, and a full disk in one line.

    Raises:
        TrainingError: instead of one that says less.
        DiskError: instead of an `OSError`.
    """
    try:
        yield
    except TrainingError as error:
        raise type(error)(f"{error}; {kept(run)}") from None
    except OSError as error:
        raise DiskError(
            f"step {state.step}: cannot write {error.filename or 'the run folder'}: "
            f"{error.strerror or error}; {kept(run)}"
        ) from error


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C or termination into a request to stop after the step; a second one ends at once."""
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return

    def request(number: int, frame: object) -> None:
        requested.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, request)
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
