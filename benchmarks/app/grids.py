"""How many grids of 16 samples the page draws in a second: `python benchmarks/app/grids.py [SECONDS] [RUN]`.

Ten clients ask `monge serve` for grids of a run, by default of an untrained one on `digits` with the networks of its
recipe, each as fast as it gets answers. No two grids are the same, so that all of them are drawn. Prints JSON: grids a
second, errors, milliseconds until an answer, and MiB that the server has in memory early on and in the end.
"""

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np

CLIENTS = 10
SECONDS = 60
SETTLED = 0.2
"""Share of the time after which memory is measured for the first time: what is loaded once is there by then."""
PNG = b"\x89PNG\r\n\x1a\n"


class Client(threading.Thread):
    """Asks for one grid after another.

    Arguments:
        address: of the page, with its token.
        run: name of the run.
        number: of the client; seeds of no two are the same.
        end: when to stop.
    """

    def __init__(self, address: str, run: str, number: int, end: float) -> None:
        super().__init__()
        self._address, self._run, self._number, self._end = urlsplit(address), run, number, end
        self.seconds: list[float] = []
        self.errors: list[str] = []

    def run(self) -> None:
        """Asks until the time is over."""
        connection = http.client.HTTPConnection(self._address.netloc, timeout=30)
        seed, path = self._number, f"/api/runs/{quote(self._run)}/grid.png?n=16&{self._address.query}"
        while (start := time.monotonic()) < self._end:
            try:
                connection.request("GET", f"{path}&seed={seed}")
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != 200 or not content.startswith(PNG):
                    raise OSError(f"status {answer.status}: {content[:100]!r}")
                self.seconds.append(time.monotonic() - start)
            except (OSError, http.client.HTTPException) as error:
                self.errors.append(f"{type(error).__name__}: {error}")
                connection.close()
            seed += CLIENTS


def memory(process: int) -> float:
    """MiB of a process that are in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def measured(folder: Path, run: str, seconds: float) -> dict[str, Any]:
    """Serves a folder and asks for grids of a run in it."""
    command = [sys.executable, "-m", "monge", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().strip()
            start = time.monotonic()
            clients = [Client(address, run, number, start + seconds) for number in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(SETTLED * seconds)
            early = memory(server.pid)
            for client in clients:
                client.join()
            taken, late = time.monotonic() - start, memory(server.pid)
        finally:
            server.terminate()
    waits = 1000 * np.array([wait for client in clients for wait in client.seconds])
    errors = [error for client in clients for error in client.errors]
    return {
        "clients": CLIENTS,
        "seconds": round(taken, 1),
        "grids": len(waits),
        "grids_per_second": round(len(waits) / taken, 1),
        "errors": len(errors),
        "first_errors": errors[:3],
        "milliseconds": {f"p{share}": round(float(np.percentile(waits, share)), 1) for share in (50, 95, 100)},
        "memory_early_mib": round(early, 1),
        "memory_end_mib": round(late, 1),
    }


def main(seconds: str = str(SECONDS), run: str | None = None) -> None:
    """Measures and prints."""
    if run is not None:
        path = Path(run)
        print(json.dumps(measured(path.parent, path.name, float(seconds)), indent=2))
        return
    with tempfile.TemporaryDirectory() as folder:
        train = ["train", "digits", "--steps", "2", "--threads", "1", "--run", f"{folder}/digits"]
        subprocess.run([sys.executable, "-m", "monge", *train], check=True, capture_output=True)
        print(json.dumps(measured(Path(folder), "digits", float(seconds)), indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
