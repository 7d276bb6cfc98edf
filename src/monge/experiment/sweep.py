"""Many independent measurements of one experiment, each kept in a file as it ends."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from monge.errors import UserError
from monge.run.files import write_atomically
from monge.run.pool import cores, parallel

Result = dict[str, Any]


class Cell(Protocol):
    """One measurement."""

    @property
    def path(self) -> Path:
        """Where its result is kept, named by a digest of everything that it depends on."""


AnyCell = TypeVar("AnyCell", bound=Cell)


def digest(*facts: Any) -> str:
    """12 hexadecimal digits for facts that a result depends on."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=repr).encode()).hexdigest()[:12]


def remembered(path: Path) -> Result | None:
    """The result that was kept, if there is one; a damaged file counts as none."""
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def sweep(
    work: Callable[[AnyCell], Result],
    cells: Sequence[AnyCell],
    *,
    jobs: int | None,
    say: Callable[[str], None],
    line: Callable[[Result], str],
) -> list[Result]:
    """The results of all cells, in their order; those that were measured before are read.

    Arguments:
        work: measures a cell; a function of a module. What it returns is kept with its seconds.
        cells: what is to be measured, in one folder.
        jobs: processes of one thread each; the number of cores if not given.
        say: called with a line of progress, made by `line`.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = cells[0].path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {folder.parent} cannot be written: {error.strerror or error}") from error
    known = {cell: result for cell in cells if (result := remembered(cell.path)) is not None}
    missing = [cell for cell in cells if cell not in known]
    say(f"{len(known)} of {len(cells)} measured before")
    start = time.perf_counter()
    for done, (cell, result) in enumerate(parallel(work, missing, jobs or cores()), 1):
        known[cell] = result
        write_atomically(cell.path, (json.dumps(result) + "\n").encode())
        left = (time.perf_counter() - start) / done * (len(missing) - done)
        say(f"{done}/{len(missing)} {line(result)}, about {left / 60:.0f} min left")
    return [known[cell] for cell in cells]
