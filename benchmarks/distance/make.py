"""How long `monge distance` takes: `OMP_NUM_THREADS=1 python benchmarks/distance/make.py [RESULT.json]`, quiet machine.

Exact transport of 200 points beside scipy's, in turn; 5,000 against 5,000 rows of 64 numbers with everything; and two
tables of 1,000,000 rows and 20 columns, by the command, with its peak of memory.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.stats import wasserstein_distance_nd

from monge.distance import wasserstein
from monge.experiment.sweep import installed

PAIRS = 7
ROWS = 1_000_000
CITIES = ["Bonn", "Lima", "Oslo", "Rome"]


def points(n: int, d: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.random.default_rng(0).normal(size=(2, n, d))
    y[:, 0] += shift
    return x, y


def exact_transport() -> dict[str, float]:
    x, y = points(200, 5, 0.3)
    seconds: dict[str, list[float]] = {"monge": [], "scipy": []}
    values = {}
    wasserstein(x, y)
    for _ in range(PAIRS):
        for name, function in (("monge", wasserstein), ("scipy", wasserstein_distance_nd)):
            start = time.perf_counter()
            values[name] = function(x, y)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(all_) for name, all_ in seconds.items()}
    difference = abs(values["monge"] - values["scipy"])
    return {**medians, "ratio": medians["scipy"] / medians["monge"], "difference": difference}


def command(*sides: Path) -> dict[str, float]:
    """The command in a process of its own, its seconds and its peak of memory."""
    start = time.perf_counter()
    how = [sys.executable, "-m", "monge", "distance", *map(str, sides), "--out", str(sides[0].with_suffix(".png"))]
    child = subprocess.Popen(how, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(how)} ended with {status}")
    assert isinstance(used, resource.struct_rusage)
    return {"seconds": time.perf_counter() - start, "cpu": used.ru_utime + used.ru_stime, "GiB": used.ru_maxrss / 2**20}


def table(path: Path, seed: int, shift: float) -> None:
    random = np.random.default_rng(seed)
    with path.open("w") as file:
        file.write(",".join([*(f"x{i}" for i in range(16)), "city", "grade", "day", "paid"]) + "\n")
        for _ in range(20):
            n = ROWS // 20
            numbers = random.normal(size=(n, 16))
            numbers[:, 7] += shift
            columns = [numbers[:, i].round(4).astype(str) for i in range(16)]
            columns += [random.choice(CITIES, n), random.integers(1, 6, n).astype(str)]
            columns += [(np.datetime64("2020-01-01") + random.integers(1000, size=n)).astype(str)]
            columns += [random.lognormal(3, 1, n).round(2).astype(str)]
            file.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))


def main(path: Path) -> None:
    found: dict[str, object] = {"versions": installed(), "n = 200, d = 5": exact_transport()}
    with tempfile.TemporaryDirectory() as folder:
        sides = [Path(folder) / name for name in ("a.npy", "b.npy")]
        for side, rows in zip(sides, points(5000, 64, 0.1), strict=True):
            np.save(side, rows)
        runs = [command(*sides) for _ in range(3)]
        found["5,000 x 64"] = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        tables = [Path(folder) / name for name in ("a.csv", "b.csv")]
        for seed, (side, shift) in enumerate(zip(tables, (0.0, 0.02), strict=True)):
            table(side, seed, shift)
        found["1,000,000 x 20, CSV"] = command(*tables)
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("seconds.json"))
