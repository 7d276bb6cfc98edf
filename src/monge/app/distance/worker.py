"""A comparison in a process of its own, which ends with the page that asked for it."""

import json
import os
import signal
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from monge.app.distance.asked import PAGE
from monge.errors import MongeError, one_line

OFTEN = 0.15
"""Seconds between two messages of one stage."""


def work(
    connection: Connection, folder: str, words: Sequence[str], sides: Sequence[str], asked: Mapping[str, Any]
) -> None:
    """Compares, and writes the page into the folder.

    Arguments:
        connection: takes messages as JSON; when its other end is closed, this process ends.
        folder: with the files, by the names that `sides` has.
        words: of the command, which the page shows.
        sides: A and B.
        asked: options by name, as `Asked` has them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which ends this one
    threading.Thread(target=_end_with_page, args=(connection,), daemon=True).start()
    os.chdir(folder)
    said = Said(connection)
    warnings.showwarning = lambda message, *_, **__: said.note(str(message))
    try:
        said({"verdict": compared(said, words, sides, dict(asked))})
    except MongeError as error:
        said({"error": one_line(str(error))})
    except MemoryError:
        said({"error": "this machine has too little memory for these data; take fewer samples or smaller files"})
    except OSError as error:
        said({"error": one_line(f"{error.filename or 'a file'}: {error.strerror or error}")})
    except Exception as error:
        said({"error": one_line(f"{type(error).__name__}: {error}")})


class Said:
    """Sends messages: what is being done, warnings, and the end.

    Arguments:
        connection: takes them.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection, self._stage, self._last = connection, "", 0.0
        self._notes: list[str] = []

    def __call__(self, message: Mapping[str, Any]) -> None:
        """Sends one message."""
        self._connection.send_bytes(json.dumps(message).encode())

    def note(self, text: str) -> None:
        """Sends a warning, each once."""
        if text not in self._notes:
            self._notes.append(text)
            self({"note": one_line(text)})

    def stage(self, name: str, done: int, total: int) -> None:
        """Sends what is being done, and how much of it is done and to do, but not too often."""
        now = time.monotonic()
        if name != self._stage or now - self._last > OFTEN:
            self._stage, self._last = name, now
            self({"stage": name, "done": done, "total": total})


def compared(said: Said, words: Sequence[str], sides: Sequence[str], asked: dict[str, Any]) -> str:
    """Compares, and writes the page as the command does; what it found, in words."""
    said.stage("reading", 0, 0)
    import torch

    from monge.config.schema import DataConfig
    from monge.evaluation.page.output import Order, write_output
    from monge.evaluation.question import Question, stage
    from monge.run.pool import cores

    # as many as the command has; the process that this one is a copy of has one
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or cores()))
    pictures, label = asked.pop("picture", True), asked.pop("label", None)
    a, b = sides
    question = Question(a, b, DataConfig(label=label), **asked)
    result = question.answer(progress=lambda name, done, total: said.stage(f"measuring: {stage(name)}", done, total))
    said.stage("drawing" if pictures else "writing", 0, 0)
    write_output(Order(result, Path(PAGE), words, pictures=pictures))
    return " ".join(result.verdict.verdict)


def _end_with_page(connection: Connection) -> None:
    """Ends this process when nobody waits for it, however that came about: the page, or the server, is gone."""
    try:
        connection.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
