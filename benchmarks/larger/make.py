"""Time to the first step, and memory, of large data: `python benchmarks/larger/make.py [RESULT.json [CASE ...]]`.

Each case makes its data in a folder for temporary files, starts two trainings of it one after the other with a cache of
their own, each in a new process that ends after its first step, and removes everything. Linux only.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from monge.experiment.sweep import installed

GIB = 2**30
STARTS = ("first", "second")
POLLED = 0.01
"""Seconds between two looks at a process."""


def array(path: Path, rows: int, columns: int) -> Path:
    """Normal numbers, float32."""
    target = path / "x.npy"
    out = np.lib.format.open_memmap(target, "w+", np.float32, (rows, columns))
    step, random = max(1, 2**24 // columns), np.random.default_rng(0)
    for start in range(0, rows, step):
        part = out[start : start + step]
        random.standard_normal(out=part, dtype=np.float32)
    out.flush()
    return target


def archive(path: Path, rows: int, columns: int) -> Path:
    """Whole numbers as float32, compressed to about a quarter."""
    x = np.random.default_rng(0).integers(0, 256, (rows, columns)).astype(np.float32)
    np.savez_compressed(path / "x.npz", x=x)
    return path / "x.npz"


def images(path: Path, count: int, side: int) -> Path:
    """Grey PNGs of a disc on noise, in ten folders."""
    random, place = np.random.default_rng(0), np.mgrid[:side, :side]
    folder = path / "images"
    for number in range(count):
        centre, radius = random.uniform(side / 4, side * 3 / 4, 2), random.uniform(side / 8, side / 4)
        inside = ((place - centre[:, None, None]) ** 2).sum(0) < radius**2
        pixels = np.where(inside, 200, 40) + random.integers(0, 30, (side, side))
        target = folder / str(number % 10) / f"{number:06d}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.astype(np.uint8)).save(target)
    return folder


def table(path: Path, rows: int, columns: int, kind: str) -> Path:
    """Normal numbers of six digits."""
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    random = np.random.default_rng(0)
    content = pyarrow.table({f"c{i}": random.normal(size=rows).round(5) for i in range(columns)})
    target = path / f"x.{kind}"
    write = pyarrow.csv.write_csv if kind == "csv" else pyarrow.parquet.write_table
    write(content, target)
    return target


CASES: Mapping[str, Callable[[Path], Path | str]] = {
    "digits, for comparison": lambda path: "digits",
    "2 GB .npy, 500,000 x 1,024": lambda path: array(path, 500_000, 1024),
    "2 GB .npy, 62,500,000 x 8": lambda path: array(path, 62_500_000, 8),
    "4 GB .npy, 1,000,000 x 1,024": lambda path: array(path, 1_000_000, 1024),
    "compressed .npz of 1 GB, 250,000 x 1,024": lambda path: archive(path, 250_000, 1024),
    "20,000 PNGs of 32 x 32": lambda path: images(path, 20_000, 32),
    "200,000 PNGs of 32 x 32": lambda path: images(path, 200_000, 32),
    ".csv of 1,000,000 x 30": lambda path: table(path, 1_000_000, 30, "csv"),
    ".parquet of 1,000,000 x 30": lambda path: table(path, 1_000_000, 30, "parquet"),
}


def start(source: str, run: str) -> None:
    """Trains until the first step is done, says when the data were open and the step was done, and ends."""
    from monge.config.overlay import Given
    from monge.data.source import load_data
    from monge.data.summary import summary
    from monge.training.settings import resolved
    from monge.training.train import train_config

    before, work = time.time(), time.process_time()
    data = load_data(source)
    found = {"data": summary(data), "open": time.time() - before, "open_cpu": time.process_time() - work}

    def shown(step: int, seen: Mapping[str, Any]) -> None:
        if step:
            print(json.dumps(found | {"step": time.time(), "cpu": time.process_time()}), flush=True)
            os._exit(0)

    train_config(resolved(data, [Given("the benchmark", {})]), data, run=run, threads=1, display=shown)


def watched(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Runs `start` in a new process and watches its memory."""
    begin, anonymous, resident = time.time(), 0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(environment)) as process:
        while process.poll() is None:
            status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
            anonymous = max(anonymous, int(status.get("RssAnon", "0 kB").split()[0]))
            resident = max(resident, int(status.get("VmHWM", "0 kB").split()[0]))
            time.sleep(POLLED)
        assert process.stdout is not None
        said = json.loads(process.stdout.read())
    return {
        "seconds": round(said["step"] - begin, 2),
        "seconds_to_open": round(said["open"], 2),
        "cpu_seconds": round(said["cpu"], 2),
        "cpu_seconds_to_open": round(said["open_cpu"], 2),
        "anonymous_mib": round(anonymous / 1024),
        "resident_mib": round(resident / 1024),
        "data": said["data"],
    }


def measured(make: Callable[[Path], Path | str]) -> dict[str, Any]:
    """Both starts of a case."""
    with tempfile.TemporaryDirectory(prefix="monge-larger-") as name:
        folder = Path(name)
        source = make(folder)
        environment = os.environ | {"MONGE_CACHE": str(folder / "cache")}
        found: dict[str, Any] = {}
        for which in STARTS:
            command = [sys.executable, __file__, "--start", str(source), str(folder / f"run-{which}")]
            found[which] = watched(command, environment)
        cache = folder / "cache"
        size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
        found["cache_mib"] = round(size / 2**20)
        shutil.rmtree(cache, ignore_errors=True)
        return found


def main(path: str | None = None, *cases: str) -> None:
    """Measures all cases, or some, and prints a table."""
    found = {}
    print("| data | start | s to the first step (CPU) | of which opening (CPU) | anonymous, resident MiB | cache MiB |")
    print("|---|---|---|---|---|---|")
    for name, make in CASES.items():
        if cases and not any(case in name for case in cases):
            continue
        found[name] = row = measured(make)
        for which in STARTS:
            one = row[which]
            times = [f"{one[key]:.1f} ({one[f'cpu_{key}']:.1f})" for key in ("seconds", "seconds_to_open")]
            memory = f"{one['anonymous_mib']:,}, {one['resident_mib']:,}"
            print(f"| {name} | {which} | {' | '.join(times)} | {memory} | {row['cache_mib']:,} |", flush=True)
    if path is not None:
        Path(path).write_text(json.dumps({"versions": installed(), "cases": found}, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--start"]:
        start(*sys.argv[2:4])
    else:
        main(*sys.argv[1:])
