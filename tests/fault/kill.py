"""Processes that are ended or paused: kill -9 at every call that changes files and at random times; signals."""

import signal
import time

from fault.injection import Plan
from fault.training import Case

CHAIN = 3
"""Processes of a run that are killed one after another, at most."""


def in_a_write(case: Case, number: int) -> str:
    """Killed at one call of an undisturbed run, at its beginning, in its middle or at its end, then at other calls."""
    case.fresh()
    calls = len(case.golden.calls)
    case.faults = 0
    at = 1 + number % calls
    for _ in range(CHAIN):
        ended = case.seen(case.begin(Plan(at, case.chance.choice(("before", "amid", "after")))).end())
        if ended.status != -signal.SIGKILL:
            break  # the run had fewer calls left, and has finished
        case.faults += 1
        at = case.chance.randint(1, max(2, calls // 2))
    return case.finish()


def by_time(case: Case, number: int) -> str:
    """Killed at random times."""
    case.fresh()
    case.faults = 0
    for _ in range(CHAIN):
        process = case.begin()
        process.wait(case.chance.uniform(0, case.golden.seconds))
        process.send(signal.SIGKILL)
        if case.seen(process.end()).status == -signal.SIGKILL:
            case.faults += 1
    return case.finish()


def asked_to_end(case: Case, number: int) -> str:
    """A signal that asks to end, at a random time; sometimes a second one."""
    case.fresh()
    which = case.chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
    process = case.begin()
    process.wait(case.chance.uniform(0, case.golden.seconds))
    process.send(which)
    if case.chance.random() < 0.2:
        process.wait(case.chance.uniform(0, 0.2))
        process.send(which)
    case.seen(process.end())
    return case.finish()


def paused(case: Case, number: int) -> str:
    """Stopped for a moment, several times, as by Ctrl-Z, and continued."""
    case.fresh()
    process = case.begin()
    for _ in range(3):
        process.wait(case.chance.uniform(0, case.golden.seconds / 3))
        process.send(signal.SIGSTOP)
        time.sleep(case.chance.uniform(0, 0.2))
        process.send(signal.SIGCONT)
    case.seen(process.end())
    return case.finish()
