"""Refusing beforehand what would not fit into memory: the system's own answer is to kill the process."""

import os
import re
from pathlib import Path

from monge.errors import UserError


def available_memory() -> int:
    """Bytes that this machine can still hand out: the kernel's estimate, else all of the physical memory."""
    try:
        # SC_AVPHYS_PAGES leaves out the page cache, which the kernel gives back when asked
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return int(found[1]) * 1024 if found else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def refuse_beyond_memory(what: str, n: int, m: int, bytes_per_pair: float) -> None:
    """Refuse a computation on all pairs of n and m points that needs more memory than there is.

    Arguments:
        what: the computation, for the message.
        bytes_per_pair: peak memory in bytes for each of the n m pairs, as measured.

    Raises:
        UserError: with what it would need, what there is, and what to use instead.
    """
    needed, there = n * m * bytes_per_pair, available_memory()
    if needed > there:
        fits = int((there / bytes_per_pair) ** 0.5)
        raise UserError(
            f"x with {n} and y with {m} points: {what} needs {needed / 2**30:,.1f} GiB of memory, and only "
            f"{there / 2**30:,.1f} GiB are available; use the sliced distance, or subsamples of at most {fits} points"
        )
