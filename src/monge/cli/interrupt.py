"""What ends a command from outside: Ctrl-C, a termination, a terminal that closes. Each is one line, wherever it comes.

A training's loop has handlers of its own, which save first (`training.guard`).
"""

import os
import signal
import sys
from types import FrameType

from monge.run.launch import follows

HANDLED = {
    name: getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}  # Windows knows two of them


class Ended(KeyboardInterrupt):
    """The command is to end.

    Arguments:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def listen() -> None:
    """Turns these signals into `Ended`; one that is ignored, as by nohup, stays so.

    While modules are imported the process ends at once: nothing is lost then, and libraries that are half imported turn
    an exception into others.
    """
    for number in HANDLED.values():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def finish(exit_status: int) -> None:
    """From now on, when all is done and said, these signals end the process at once and change nothing."""
    sys.stdout.flush()
    for number in HANDLED.values():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: os._exit(exit_status))


def line(number: int) -> str:
    """What is said of a signal."""
    return "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"


def status(number: int) -> int:
    """The exit status after a signal, as shells count it: 130 after Ctrl-C."""
    return 128 + number


def _end(number: int, frame: FrameType | None) -> None:
    if _importing(frame):
        if not follows():
            os.write(2, f"monge: {line(number)}\n".encode())
        os._exit(status(number))
    raise Ended(number)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
