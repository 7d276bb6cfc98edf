"""How the processes of pages begin."""

import multiprocessing
import tempfile
from typing import Any

LONGEST = 108 - len("/pymp-12345678/listener-12345678") - 1
"""Of the path of temporary files, in bytes: a socket lies there, whose address has 108 bytes at most."""


def process_context() -> Any:
    """Processes that are copies of one which has loaded what they need, and so begin at once, where that is possible.

    Else each loads it anew: on systems without such copies, and where the path of temporary files is too long.
    """
    copies = "forkserver" in multiprocessing.get_all_start_methods()
    short = len(tempfile.gettempdir().encode()) <= LONGEST
    context = multiprocessing.get_context("forkserver" if copies and short else "spawn")
    context.set_forkserver_preload(["monge.app.lab.warm"])
    return context
