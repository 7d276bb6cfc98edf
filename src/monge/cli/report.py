"""`monge report RUN`: the HTML report."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from monge.cli.option import Written
from monge.cli.parse import parse, show


@dataclass(frozen=True)
class Report:
    """Writes the HTML report of RUN: one file that needs no network."""

    run: Annotated[Path, Written("RUN", positional=True)]
    """Folder of the run."""
    data: Annotated[str | None, Written("DATA")] = None
    """Where the run's data are now, if they were moved."""
    json: bool = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Writes the report."""
    asked = parse(Report, "report", arguments)

    from monge import api
    from monge.model.load import own_data

    run = api.open_run(asked.run)
    path = run.write_report(None if asked.data is None else own_data(run, run.open_data(asked.data)))
    show({"report": str(path)}, asked.json, str(path))
    return 0
