"""How fast the lab is: `python benchmarks/app/frames.py [RESULT.json]`, one core, about a minute.

Pictures a second at the default networks and batch 256, each after one step: of points and a 32 x 32 surface, and of
all views with a coupling of 256 points; the time from opening a lab to its first picture, once the server is up; and
the bytes of the page.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import torch

from monge.app.lab.lab import Lab
from monge.app.lab.settings import Settings
from monge.app.lab.view import VIEWS
from monge.app.server import STATIC
from monge.experiment.sweep import installed

FRAMES = 200
OPENED = 10


def pictures(views: list[str], *, measure: bool = False) -> float:
    """A second, each after one step."""
    lab = Lab(Settings())
    times = []
    for _ in range(FRAMES):
        begin = time.perf_counter()
        lab.do("step")
        lab.frame(views, measure=measure)
        times.append(time.perf_counter() - begin)
    return round(1 / statistics.fmean(times[10:]), 1)


def first_pictures() -> list[float]:
    """Seconds from asking for a lab to its first picture."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "monge", "lab", "--port", "0"]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        address, token = process.stdout.readline().strip().split("/lab?token=")
        times = []
        for _ in range(OPENED + 1):
            begin = time.perf_counter()
            request = urllib.request.Request(f"{address}/api/lab", b'{"views": ["surface"]}', method="POST")
            request.add_header("x-monge-token", token)
            with urllib.request.urlopen(request) as answer:
                for _ in range(3):  # its name, what does not change, and the picture
                    answer.read(int.from_bytes(answer.read(4), "little"))
            times.append(time.perf_counter() - begin)
        process.terminate()
        process.wait()
    return times[1:]  # the first may wait for what is loaded once


def main(path: str | None = None) -> None:
    """Measures, prints, and writes."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    found: dict[str, Any] = {
        "pictures_a_second": {
            "points and surface": pictures(["surface"]),
            "all views and distances": pictures(list(VIEWS), measure=True),
        },
        "first_picture_seconds": {"median": round(statistics.median(times := first_pictures()), 3), "of": len(times)},
        "page_bytes": sum(file.stat().st_size for file in STATIC.iterdir()),
        "versions": installed(),
    }
    text = json.dumps(found, indent=2) + "\n"
    print(text, end="")
    if path is not None:
        Path(path).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
