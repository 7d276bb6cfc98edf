"""Many independent measurements of one experiment, each kept in a file as it ends, with the versions that made it."""

import hashlib
import json
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

from monge.errors import UserError
from monge.run.files import write_atomically
from monge.run.pool import cores, parallel

Result = dict[str, Any]
Versions = dict[str, str]
PACKAGES = ("monge", "torch", "numpy", "scipy", "scikit-learn", "POT")
"""Those that a result may depend on."""


class Cell(Protocol):
    """One measurement."""

    @property
    def path(self) -> Path:
        """Where its result is kept, named by a digest of everything that it depends on."""


AnyCell = TypeVar("AnyCell", bound=Cell)


def digest(*facts: Any) -> str:
    """12 hexadecimal digits for facts that a result depends on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=repr).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Kept:
    """A result as it is kept.

    Arguments:
        result: what was measured.
        versions: of Python and of packages, by name, that measured it; None where they were not kept.
    """

    result: Result
    versions: Versions | None


def installed() -> Versions:
    """The versions of Python and of packages that measure now."""
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES}


def remembered(path: Path) -> Kept | None:
    """What was kept, if anything was; a damaged file counts as nothing."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    # results were kept without their versions at first
    return Kept(**content) if content.keys() == {"result", "versions"} else Kept(content, None)


def by_versions(kept: Sequence[Kept]) -> list[tuple[Versions | None, int]]:
    """The versions that made some results, and how many of them each made, in the order of the results."""
    made = [one.versions for one in kept]
    return [(versions, made.count(versions)) for i, versions in enumerate(made) if versions not in made[:i]]


def other_versions(kept: Sequence[Kept]) -> str:
    """That other versions than those installed made some of the kept results; nothing if they made none."""
    now = installed()
    others = [(_differing(versions, now), count) for versions, count in by_versions(kept) if versions != now]
    if not others:
        return ""
    total = sum(count for _, count in others)
    were, them = ("was", "it") if total == 1 else ("were", "them")
    made = others[0][0]
    if len(others) > 1:
        made = f"other versions ({'; '.join(f'{count} with {names}' for names, count in others)})"
    return f"{total} of {len(kept)} kept results {were} measured with {made}; --again measures {them} anew"


def _differing(versions: Versions | None, now: Versions) -> str:
    """Those versions that are not the same now, in words."""
    differing = [f"{name} {version}" for name, version in (versions or {}).items() if now.get(name) != version]
    return ", ".join(differing) or "an unknown version"


def sweep(
    work: Callable[[AnyCell], Result],
    cells: Sequence[AnyCell],
    *,
    jobs: int | None,
    say: Callable[[str], None],
    line: Callable[[Result], str],
    again: bool = False,
) -> list[Kept]:
    """The results of all cells, in their order; those that were measured before are read.

    Arguments:
        work: measures a cell; a function of a module. What it returns is kept with its seconds.
        cells: what is to be measured, in one folder.
        jobs: processes of one thread each; the number of cores if not given.
        say: called with a line of progress, made by `line`.
        again: measures them all, whatever was measured before.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = cells[0].path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder.parent} cannot be written: {error.strerror or error}") from error
    known = {cell: kept for cell in cells if (kept := remembered(cell.path)) is not None}
    say(f"{len(known)} of {len(cells)} measured before" + ("; all are measured again" if again else ""))
    if again:
        known = {}
    elif text := other_versions(list(known.values())):
        say(text)
    missing, versions = [cell for cell in cells if cell not in known], installed()
    start = time.perf_counter()
    for done, (cell, result) in enumerate(parallel(work, missing, jobs or cores()), 1):
        known[cell] = Kept(result, versions)
        write_atomically(cell.path, (json.dumps(asdict(known[cell])) + "\n").encode())
        left = (time.perf_counter() - start) / done * (len(missing) - done)
        say(f"{done}/{len(missing)} {line(result)}, about {left / 60:.0f} min left")
    return [known[cell] for cell in cells]
