"""`monge serve`: the lab, runs, distances and claims as a page of this machine's browser."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from monge.cli.option import Written
from monge.cli.parse import parse
from monge.errors import UserError

if TYPE_CHECKING:
    from monge.experiment.page import Shown


@dataclass(frozen=True)
class Serve:
    """Shows runs, distances, claims and the lab in the browser; Ctrl-C ends it.

    Only this machine can reach the page, and only with the address that is printed.
    """

    runs: Annotated[Path, Written("DIR", positional=True)] = Path("runs")
    """Folder of the runs; what the page stores goes there, too."""
    host: str = "127.0.0.1"
    """Address to listen on; any other lets other machines in."""
    port: Annotated[int | None, Written("N")] = None
    """Port to listen on, 0 for any that is free; by default 8642, or any where that is taken."""


def main(arguments: Sequence[str]) -> int:
    """Serves until Ctrl-C."""
    return serve(parse(Serve, "serve", arguments), "/runs")


def serve(asked: Serve, first: str) -> int:
    """Serves, beginning with a page.

    Raises:
        UserError: the packages for it are missing.
    """
    for package in ("starlette", "uvicorn"):
        if find_spec(package) is None:
            raise UserError(f"monge serve and monge lab need {package}; install it: pip install 'monge[app]'")

    from monge.app.address import bound
    from monge.app.lab.session import Labs

    listening, token, labs = bound(asked.host, asked.port), secrets.token_urlsafe(16), Labs()
    labs.warm()  # beside what the pages load, which takes seconds too

    from monge.app import server

    def said(address: str, warning: str) -> None:
        lines = [f"warning: {warning}"] * bool(warning) + [f"{address}{first}?token={token}", "Ctrl-C ends it"]
        print("\n".join(lines), flush=True)

    pages = server.application(asked.runs, labs, token, read_claims)
    server.serve(pages, listening, asked.host, token, said)
    return 0


def read_claims(name: str, folder: Path) -> "Shown":
    """The results of an experiment."""
    from monge.experiment.page import read_without_figure

    return read_without_figure(name, folder)
