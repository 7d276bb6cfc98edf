"""A rank that is killed every 15 s: `python benchmarks/processes/killed.py [MINUTES] [RESULT.json]`.

Two processes train on `digits` under `torchrun --max-restarts`, with a checkpoint about every 3 s, and one of the two
is killed every 15 s. When the minutes are over they are left alone. Weights, samples and log must be, bit for bit,
those of two processes that nobody disturbed.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from monge.experiment.sweep import installed

EVERY = 15.0
"""Seconds between two kills."""
STEPS, CHECKPOINTS = 7_000, 75
"""Of the training, and steps between two checkpoints, which take about 3 s."""
TIMES = ("seconds", "steps_per_second")
"""Keys of the log that no two runs have in common."""


def started(run: Path) -> subprocess.Popen[bytes]:
    """The training in two processes of one thread."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "1000"]
    train = ["-m", "monge", "--", "train", "digits", "--steps", str(STEPS), "--checkpoint-every", str(CHECKPOINTS)]
    how = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": os.environ | {"OMP_NUM_THREADS": "1"}}
    return subprocess.Popen([sys.executable, *torchrun, *train, "--threads", "1", "--run", str(run)], **how)


def ranks(parent: int) -> list[int]:
    """The processes that train."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in listed.stdout.split()]


def content(run: Path) -> dict[str, Any]:
    """What must not depend on kills."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    log = [{key: value for key, value in line.items() if key not in TIMES} for line in lines]
    files = sorted([*run.glob("checkpoints/step-*/*.safetensors"), *run.glob("samples/*.png")])
    return {"log": log} | {str(file.relative_to(run)): file.read_bytes() for file in files}


def main(minutes: str = "10", path: str | None = None) -> None:
    """Trains undisturbed and disturbed, compares, prints and writes what was found."""
    choice, kills, seconds = random.Random(0), 0, {}
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        start = time.monotonic()
        if started(whole).wait():
            raise SystemExit("the undisturbed training failed")
        seconds["undisturbed"] = time.monotonic() - start
        start = time.monotonic()
        process = started(killed)
        while process.poll() is None:
            time.sleep(EVERY)
            if time.monotonic() - start < 60 * float(minutes) and (own := ranks(process.pid)):
                os.kill(choice.choice(own), signal.SIGKILL)
                kills += 1
        seconds["disturbed"] = time.monotonic() - start
        one, other = content(whole), content(killed)
        differing = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    found = {"kills": kills, "status": process.returncode, "compared": len(one), "differing": differing}
    found |= {"minutes": float(minutes), "seconds": seconds, "versions": installed()}
    print(json.dumps(found, indent=1))
    if path is not None:
        Path(path).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
