"""`python -m fuzz --minutes 60`: reads broken files of every kind for so long, and keeps those that show a defect.

Each kind has its share of the time, in processes of its own with 2 GiB of memory. The seed of each is printed: with
`--seed` the same files come again. Findings are written to `tests/fuzz/corpus/KIND/`, which `make test` reads from
then on.
"""

import argparse
import hashlib
import os
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
MEMORY = 2 * 2**30
"""Bytes that reading a file may take, at most, beyond what the process takes before."""
RESERVED = 8 * 2**30
"""Bytes that it may ask for, at most: pyarrow asks for what a page claims to have, and then writes what it has."""
LONGEST = 10
"""Seconds of the processor that reading a file may take."""
EXAMPLES = 500
"""Files between two looks at the clock."""
STUCK = 120
"""Seconds after which a process that reads one file is stopped from outside: it may be in code of C."""


class TooLongError(BaseException):
    """Reading a file took too long."""


def keep(kind: str, ending: str, content: bytes, what: str) -> None:
    """Writes a finding into the corpus."""
    place = CORPUS / kind
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{hashlib.sha256(content).hexdigest()[:10]}{ending}"
    path.write_bytes(content)
    print(f"FOUND {kind}: {what} ({path.name})", flush=True)


def limit() -> None:
    """Bounds the memory and the time of reading a file in this process."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + RESERVED, used + RESERVED))

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLongError

    signal.signal(signal.SIGPROF, stop)


def most() -> int:
    """Bytes of memory that this process took at most, since it was last asked."""
    lines = Path("/proc/self/status").read_text().splitlines()
    Path("/proc/self/clear_refs").write_text("5")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def work(kind: str, seconds: float, first: int) -> None:
    """Fuzzes one kind in this process."""
    os.environ["MONGE_FUZZ_LONG"] = "1"
    from fuzz.target import TARGETS, finding, folder

    os.environ["MONGE_CACHE"] = str(folder() / "cache")
    target = TARGETS[kind]
    assert [finding(target, content) for content in target.files] == [None] * len(target.files)
    limit()
    end, count, known, before, peak = time.time() + seconds, 0, set[str](), most(), 0

    def check(number: int) -> None:
        nonlocal count, peak
        if time.time() > end:
            return
        count += 1
        content = target.example(number)
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        try:
            what = finding(target, content)
        except TooLongError:
            what = f"more than {LONGEST} seconds"
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        peak = max(peak, taken := most() - before)
        if taken > MEMORY:
            what = f"{taken:,} bytes of memory"
        if what is not None and what[:40] not in known:
            known.add(what[:40])
            keep(kind, target.ending, content, what)

    while time.time() < end:
        how = settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(first)(how(given(st.integers(0, 2**62))(check)))()
        first += 1
    used = time.process_time() / 60
    print(f"{kind}: {count:,} files, {used:.1f} minutes of the processor, at most {peak / 2**30:.2f} GiB", flush=True)


def watch(kind: str, seconds: float, first: int) -> None:
    """Fuzzes one kind in a process of its own; what ends or stops that is a finding, too."""
    from fuzz.target import TARGETS

    ending, end = TARGETS[kind].ending, time.time() + seconds
    while (left := end - time.time()) > 0:
        command = [sys.executable, "-m", "fuzz", "--kind", kind, "--seconds", str(left), "--seed", str(first)]
        with tempfile.TemporaryDirectory() as place:
            with subprocess.Popen(command, env={**os.environ, "TMPDIR": place}) as process:
                while process.poll() is None:
                    time.sleep(1)
                    if any(time.time() - path.stat().st_mtime > STUCK for path in _files(place, ending)):
                        process.kill()
            if process.returncode == 0:
                return
            what = f"the process ended with status {process.returncode}"
            found = _files(place, ending)
            if not found:
                sys.exit(f"{kind}: {what} before it read a file")
            keep(kind, ending, found[0].read_bytes(), what)
        first += 10**6


def _files(place: str, ending: str) -> list[Path]:
    """The file that a process reads."""
    return list(Path(place).glob(f"monge-fuzz-*/file{ending}"))


def main() -> None:
    """Shares the time among all kinds, or works on one of them."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, help="of one kind, in this process")
    parser.add_argument("--kind", action="append", help="kind of file, or all")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**9))
    asked = parser.parse_args()
    if asked.seconds is not None:
        return work(asked.kind[0], asked.seconds, asked.seed)
    from fuzz.target import TARGETS

    kinds = asked.kind or list(TARGETS)
    print(f"seed {asked.seed}, {asked.minutes:g} minutes, {len(kinds)} kinds", flush=True)
    for kind in kinds:
        watch(kind, asked.minutes * 60 / len(kinds), asked.seed)
    return None


if __name__ == "__main__":
    main()
