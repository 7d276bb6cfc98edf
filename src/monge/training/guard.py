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

STOPPING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]  # Windows knows two of them


class DivergenceError(TrainingError):
    """A term or a weight that no further step can mend; whoever knows the training's settings adds the likely cause."""


def kept(run: RunFolder) -> str:
    """What a failed training leaves."""
    return "the last checkpoint is kept" if steps(run.checkpoints) else "there is no checkpoint yet"


def check_terms(values: Mapping[str, float], step: int) -> None:
    """Refuses terms that no further step can mend.

    Raises:
        DivergenceError: names the step, the term and its value.
    """
    for name, value in values.items():
        if not math.isfinite(value):
            raise DivergenceError(f"step {step}: {name} is {value}")
        if abs(value) > DIVERGED:
            raise DivergenceError(f"step {step}: {name} is {value:.3g}, the training diverges")


@contextmanager
def failures_told(state: TrainingState, run: RunFolder, cause: Callable[[], str]) -> Iterator[None]:
    """Says of a failed training why it broke and what is left, and a full disk in one line.

    Arguments:
        cause: the likely cause of a divergence, with a remedy.

    Raises:
        TrainingError: instead of one that says less.
        DiskError: instead of an `OSError`.
    """
    try:
        yield
    except DivergenceError as error:
        raise TrainingError(f"{error}; likely cause: {cause()}; {kept(run)}") from None
    except TrainingError as error:
        raise type(error)(f"{error}; {kept(run)}") from None
    except OSError as error:
        raise DiskError(
            f"step {state.step}: cannot write {error.filename or 'the run folder'}: "
            f"{error.strerror or error}; {kept(run)}"
        ) from error


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Turns the first Ctrl-C, termination or closing of the terminal into a request to stop after the step.

    A second one ends at once. One that is ignored, as by nohup, stays so.
    """
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return

    def request(number: int, frame: object) -> None:
        requested.set()
        signal.signal(number, before[signal.Signals(number)])

    handlers = {number: signal.getsignal(number) for number in STOPPING}
    before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, request)
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
