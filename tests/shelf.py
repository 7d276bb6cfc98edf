"""The application on a port of its own, in a thread, and small runs for it to show."""

import json
import shutil
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import monge
from monge.app.address import bound
from monge.app.guard import Guard
from monge.app.lab.session import Labs
from monge.app.server import application
from monge.cli.serve import read_claims

TOKEN = "the-token"
TINY: dict[str, Any] = {"generator": "mlp:width=16:latent=6", "critic": "mlp:width=8"}
# trained to the end with the critic, so that every entry of a log has its loss
RULE: dict[str, Any] = {"batch": 16, "n_critic": 1, "learning_rate": 0.02, "ema": 0.5, "transport_from": 1.0}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "digits": ("digits", {**TINY, "training": RULE | {"conditional": True}}),
    "coded": ("digits", {**TINY, "training": RULE, "objective": "infogan:categories=4:uniform=1:normal=1"}),
    "group/plane": ("toy:grid25", {**TINY, "generator": "mlp:width=16:latent=2", "training": RULE}),
    "shop": ("toy:shop", {**TINY, "generator": "residual:width=16:depth=1:latent=8", "model": "gan", "training": RULE}),
}
"""Data and settings of each."""


KEPT = tempfile.TemporaryDirectory(prefix="monge-tests-")


@cache
def trained(name: str) -> Path:
    """One of `RUNS`, trained once in a process."""
    source, settings = RUNS[name]
    path = Path(KEPT.name) / name
    monge.train(source, run=path, steps=6, threads=1, observe={"log": 1, "bracket": 1000}, **settings)
    return path


def fill(folder: Path, *names: str) -> None:
    """Puts some of `RUNS` into a folder."""
    for name in names:
        shutil.copytree(trained(name), folder / name)


class Page:
    """The application of a folder, while it is served.

    Attributes:
        address: of the server, such as http://127.0.0.1:8642.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def at(self, path: str) -> str:
        """An address with the token in it."""
        path, _, place = path.partition("#")
        return f"{self.address}{path}{'&' if '?' in path else '?'}token={TOKEN}{f'#{place}' if place else ''}"

    def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content of an answer."""
        try:
            with urllib.request.urlopen(self.at(path), timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def json(self, path: str) -> dict[str, Any]:
        """What an address answers."""
        status, _, content = self.get(path)
        assert status == 200, content
        found: dict[str, Any] = json.loads(content)
        return found

    def refusal(self, path: str, status: int = 400) -> str:
        """The line in which it is refused."""
        found, _, content = self.get(path)
        assert found == status, content
        line: str = json.loads(content)["error"]
        assert "\n" not in line
        return line


@contextmanager
def served(folder: Path) -> Iterator[Page]:
    """Serves a folder, and looks at its runs more often than usual."""
    listening = bound("127.0.0.1", 0)
    port = listening.getsockname()[1]
    pages = application(folder, Labs(), TOKEN, read_claims)
    app = Guard(pages, TOKEN, frozenset([f"127.0.0.1:{port}"]))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, access_log=False))
    pages.state.ending = lambda: server.should_exit
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("monge.app.run.curve.EVERY", 0.1)
            yield Page(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive()
