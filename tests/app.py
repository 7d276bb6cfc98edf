"""A running server of the app, and a browser on its pages."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Server:
    """A server in a process of its own.

    Attributes:
        address: of its first page, with the token.
        process: that serves.
    """

    address: str
    process: "subprocess.Popen[str]"

    @property
    def root(self) -> str:
        """The address without page and token."""
        return self.address.split("/lab")[0].split("/runs")[0]

    @property
    def token(self) -> str:
        """The secret in the address."""
        return self.address.split("token=")[1]

    def page(self, path: str, rest: str = "") -> str:
        """The address of a page, with the token, and perhaps a state behind #."""
        return f"{self.root}{path}?token={self.token}{rest}"


@contextmanager
def server(place: Path, *arguments: str, command: str = "lab") -> Iterator[Server]:
    """`monge lab` (or `serve`) in a folder, on any free port, ended as Ctrl-C does."""
    line = [sys.executable, "-m", "monge", command, *arguments, "--port", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(line, cwd=place, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        found = re.search(r"http\S+", process.stdout.readline())
        assert found is not None
        yield Server(found.group(), process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
