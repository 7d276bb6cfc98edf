"""`python -m fault`: lets all faults happen, writes the table, and fails where a run did not survive."""

import argparse
import os
import pickle
import platform
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import reduce
from importlib import metadata
from pathlib import Path

from fault import damage, kill, outside
from fault.page import Kind, table, write
from fault.process import load
from fault.training import TRAININGS, BrokenError, Case, Golden, undisturbed

Fault = Callable[[Case, int], str]
EACH = -1
"""As many cases as there are calls, or files and damages."""
SCHEDULE: dict[str, tuple[Fault, int]] = {
    "kill -9 in every write": (kill.in_a_write, EACH),
    "kill -9 at random times": (kill.by_time, 50),
    "SIGTERM, SIGINT, SIGHUP": (kill.asked_to_end, 60),
    "SIGSTOP and SIGCONT": (kill.paused, 10),
    "full disk": (outside.full_disk, 60),
    "read-only folder": (outside.read_only, 30),
    "failing disk": (outside.failing_disk, 30),
    "a file flipped, cut, zeroed, exchanged, deleted": (damage.a_file, EACH),
    "a bit of run.json": (damage.a_bit_of_the_settings, 40),
    "a bit of log.jsonl": (damage.a_bit_of_the_log, 20),
    "all checkpoints damaged or gone": (damage.all_checkpoints, 10),
    "half-written and foreign files": (damage.leftovers, 10),
    "data changed or gone": (outside.data_changed, 20),
    "data touched or moved": (outside.data_moved, 10),
    "two processes on one folder": (outside.two_processes, 20),
    "lock left behind": (outside.lock_left, 10),
    "clock backwards": (outside.clock_backwards, 20),
    "folder moved": (outside.folder_moved, 20),
    "copied to another place": (outside.working_folder_copied, 4),
}
"""Each kind, with the number of its cases."""


def count(name: str, golden: dict[str, Golden]) -> int:
    """Cases of a kind, which the trainings share: their calls and files are the same."""
    fault, cases = SCHEDULE[name]
    if fault is kill.in_a_write:
        return max(len(one.calls) for one in golden.values())
    return max(len(damage.cases(one)) for one in golden.values()) if cases == EACH else cases


def happen(kind: Kind, number: int, seed: int, golden: dict[str, tuple[Golden, Golden]], folder: Path) -> None:
    """Lets one case happen, to one of the trainings."""
    chance = random.Random(f"{seed} {kind.name} {number}")
    here, other = golden[chance.choice(list(TRAININGS))]
    place = folder / f"case-{os.getpid()}"
    case = Case(here, other, place, chance)
    begin = time.monotonic()
    try:
        ending = SCHEDULE[kind.name][0](case, number)
    except BrokenError as broken:
        ending = broken.what
        kind.broken.append((f"--seed {seed} --only {kind.name!r} --number {number}", str(broken)))
        print(f"{kind.name} {number}: {broken}", flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    kind.runs += 1
    kind.faults += case.faults
    kind.ended[ending] += 1
    kind.seconds += time.monotonic() - begin


def plan(asked: argparse.Namespace, golden: dict[str, Golden]) -> list[tuple[str, int]]:
    """Which cases happen: all, one after another; or some by chance, each kind once before any comes again."""
    names = [name for name in SCHEDULE if asked.only in (None, name)]
    if asked.number is not None:
        return [(name, asked.number) for name in names]
    cases = [(name, number) for name in names for number in range(count(name, golden))]
    if asked.cases is None:
        return cases
    chance = random.Random(asked.seed)
    first = [(name, chance.randrange(count(name, golden))) for name in names]
    for order in (first, cases):
        chance.shuffle(order)
    return (first + cases)[: asked.cases]


def job(
    cases: list[tuple[str, int]], seed: int, golden: dict[str, tuple[Golden, Golden]], folder: Path
) -> Callable[[], list[Kind]]:
    """Starts a process that lets cases happen, one after another; returns what waits for it and reads what it found."""
    kinds = {name: Kind(name, killed=name.startswith("kill")) for name in SCHEDULE}
    reading, writing = os.pipe()
    sys.stdout.flush()
    if os.fork() == 0:
        status = 1
        try:
            begin = time.monotonic()
            for done, (name, number) in enumerate(cases, 1):
                happen(kinds[name], number, seed, golden, folder)
                if done % 25 == 0 or done == len(cases):
                    print(f"{done}/{len(cases)} {time.monotonic() - begin:.0f} s {name}", flush=True)
            with os.fdopen(writing, "wb") as out:
                pickle.dump(list(kinds.values()), out)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)

    def read() -> list[Kind]:
        with os.fdopen(reading, "rb") as found:
            kinds: list[Kind] = pickle.load(found)
            return kinds

    return read


def merged(parts: list[list[Kind]]) -> list[Kind]:
    """What all jobs found, of the kinds that happened."""
    kinds = [reduce(Kind.__add__, same) for same in zip(*parts, strict=True)]
    return [kind for kind in kinds if kind.runs]


def main() -> int:
    """Runs the schedule; 1 where a run did not survive."""
    parser = argparse.ArgumentParser(prog="fault", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cases", type=int, help="so many, by chance")
    parser.add_argument("--only", choices=SCHEDULE, help="one kind")
    parser.add_argument("--number", type=int, help="one case of each kind")
    parser.add_argument("--jobs", type=int, default=1, help="cases side by side")
    parser.add_argument("--out", type=Path, help="the page to write")
    asked = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="monge-fault-") as made:
        folder = Path(made)
        folder.chmod(0o755)  # where a process without root's rights can look
        load(folder)
        golden = {name: (undisturbed(folder, name), undisturbed(folder, name, 1)) for name in TRAININGS}
        cases = plan(asked, {name: pair[0] for name, pair in golden.items()})
        for one, _ in golden.values():
            _ = one.interrupted  # which all jobs share
        jobs = [job(cases[part :: asked.jobs], asked.seed, golden, folder) for part in range(asked.jobs)]
        found = merged([read() for read in jobs])
    versions = {name: metadata.version(name) for name in ("monge", "torch", "numpy")}
    about = {
        "command": "make fault",
        "seed": asked.seed,
        "seconds": round(time.monotonic() - begin),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }
    print("\n".join(table(found)))
    if asked.out is not None:
        write(asked.out, found, about)
    return int(any(kind.broken for kind in found))


if __name__ == "__main__":
    sys.exit(main())
