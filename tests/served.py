"""`monge serve` as a process of its own, asked over real sockets."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monge.app.lab.message import unpacked

SECONDS = 120
"""How long anything may take that is waited for."""


class Answer:
    """An answer that arrives; leaving it closes the connection.

    Attributes:
        response: it.
    """

    def __init__(self, port: int, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self._connection.request(method, path, content, dict(headers))
        self.response = self._connection.getresponse()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Goes away."""
        self.response.close()
        self._connection.close()

    def lines(self) -> Iterator[dict[str, Any]]:
        """Lines of JSON."""
        for line in self.response:
            yield json.loads(line)

    def messages(self) -> Iterator[dict[str, Any]]:
        """The headers of a lab's messages."""
        while len(length := self.response.read(4)) == 4:
            yield unpacked(length + self.response.read(int.from_bytes(length, "little")))[0]


class Server:
    """A server that is running.

    Attributes:
        process: it.
        address: of its first page, with the token.
        port: that it listens on.
        token: its secret.
        temporary: the folder of its temporary files.
        runs: the folder of its runs.
        said: all that it printed at its start.
    """

    def __init__(self, process: "subprocess.Popen[str]", said: str, temporary: Path, runs: Path) -> None:
        self.process, self.said, self.temporary = process, said, temporary
        self.address = said.splitlines()[0]
        self.port = int(self.address.split(":")[2].split("/")[0])
        self.token = self.address.partition("token=")[2]
        self.runs = runs

    def page(self, path: str) -> str:
        """The address of a page, with the token."""
        return f"http://127.0.0.1:{self.port}{path}?token={self.token}"

    def begin(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The beginning of an answer."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        return Answer(self.port, method, path, content, {"x-monge-token": self.token} if headers is None else headers)

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The status and the content of an answer."""
        with self.begin(method, path, body, headers) as answer:
            return answer.response.status, answer.response.read()

    def send(self, path: Path) -> str:
        """Sends a file; the word that names it."""
        status, content = self.ask("PUT", f"/api/distance/files/{path.name}", path.read_bytes())
        assert status == 200, content
        word: str = json.loads(content)["file"]
        return word

    def compare(self, a: Any, b: Any, options: Mapping[str, Any]) -> Answer:
        """A comparison, whose lines can be read."""
        return self.begin("POST", "/api/distance", {"a": a, "b": b, "options": options})

    def workers(self) -> list[int]:
        """Processes that work for pages: they are copies of one that begins with the server."""
        return [number for number, parent in processes().items() if processes().get(parent) == self.process.pid]

    def kept(self) -> set[Path]:
        """Files and folders that it keeps for now."""
        return set(self.temporary.rglob("*"))

    def memory(self) -> int:
        """Bytes that it had at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def processes() -> dict[int, int]:
    """The parent of each process that is running and no zombie."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (path / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(path.name)] = int(parent)
    return found


def family(root: int) -> set[int]:
    """A process and all that it began."""
    parents, found = processes(), {root}
    while more := {number for number, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def until(holds: Callable[[], Any]) -> None:
    """Waits for a function to be true."""
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


@contextmanager
def serving(folder: Path, *arguments: str, short: bool = True) -> Iterator[Server]:
    """A server of the runs in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # with a short path, as a usual one has: a socket's address must fit there (see `app.process`)
    temporary = Path(tempfile.mkdtemp(prefix="monge-served-")) if short else folder / "temporary"
    temporary.mkdir(exist_ok=True)
    (folder / "runs").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "monge", "serve", "runs", "--port", "0", *arguments]
    environment = os.environ | {"TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    how: dict[str, Any] = {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, text=True, start_new_session=True, **how)
    try:
        assert process.stdout is not None
        said = process.stdout.readline() + process.stdout.readline()
        assert "Ctrl-C" in said, process.stderr and process.stderr.read()
        yield Server(process, said, temporary, folder / "runs")
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=SECONDS)
        except ValueError:  # it was read already
            process.wait()
        finally:
            process.kill()
            if short:
                shutil.rmtree(temporary, ignore_errors=True)
