"""Independent pieces of work in processes of one thread each, ended at once by Ctrl-C; and torch's global state."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Any, TypeVar

import torch

from monge.errors import TrainingError

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerError(TrainingError):
    """A process that worked for this one was ended from outside; what was finished is kept."""


def parallel(work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Result]]:
    """Each task with its result, as they end.

    Arguments:
        work: a function of a module, so that another process can import it.
        tasks: its arguments.
        jobs: processes at once; with 1 the work is done in this process.

    Raises:
        WorkerError: one of the processes was ended from outside.
    """
    if jobs == 1:
        with torch_state():
            _one_thread()
            yield from ((task, work(task)) for task in tasks)
        return
    with _beginning_workers():
        # spawned, because a forked process inherits thread pools in an unknown state
        executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin_worker)
        futures = {executor.submit(work, task): task for task in tasks}
    with executor:
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool:
            what = "a worker process was ended from outside, by a signal or for want of memory"
            raise WorkerError(f"{what}; the same command continues, with what is finished kept") from None
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


@contextmanager
def _beginning_workers() -> Iterator[None]:
    """Begins processes that Ctrl-C in the terminal does not reach, because it is this one that ends them, in one line.

    Nor do they say, when this one is killed, what Python's own helper has to clean up.
    """
    quiet = "ignore::UserWarning:multiprocessing.resource_tracker"
    sys.warnoptions.append(quiet)  # which processes get that begin here
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        sys.warnoptions.remove(quiet)
        if main:
            signal.signal(signal.SIGINT, before)


def _begin_worker() -> None:
    _one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this process when the one that began it is gone, however that ended: nobody waits for its work."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # of a process that was begun by one
    wait([parent.sentinel])
    os._exit(1)


_PRODUCTS: Any = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
"""Torch's settings of matrix products on the CPU."""


def short_factors() -> None:
    """Rounds the factors of matrix products on the CPU to bfloat16, where it has units (AMX) that gain by it."""
    if torch.cpu._is_amx_tile_supported():
        _PRODUCTS.fp32_precision = "bf16"


@contextmanager
def torch_state() -> Iterator[None]:
    """Leaves torch's threads, precision and treatment of denormal numbers as they were, whatever happens inside."""
    threads, flushed, precision = torch.get_num_threads(), _flushes_denormals(), _PRODUCTS.fp32_precision
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushed)
        _PRODUCTS.fp32_precision = precision


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Takes denormal numbers for zero, which is faster."""
    with torch_state():
        torch.set_flush_denormal(True)
        yield


def _flushes_denormals() -> bool:
    """Whether torch takes denormal numbers for zero, by asking it for one: it has no function that says so."""
    return not (torch.full((1,), torch.finfo(torch.float32).tiny) / 2).any()


def _one_thread() -> None:
    torch.set_num_threads(1)
    # clipped weights become denormal numbers, which are slow
    torch.set_flush_denormal(True)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
