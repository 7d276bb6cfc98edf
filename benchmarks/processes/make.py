"""Several processes against one: `python benchmarks/processes/make.py [RESULT.json]`, on a quiet machine of two cores.

What the usual wrapper makes of gradients (`wrapper.py`), and how many samples a second two processes see that train
together (`throughput.py`).
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from monge.experiment.sweep import installed

HERE = Path(__file__).parent


def two(script: str) -> Any:
    """What a script finds in two processes of one thread."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        subprocess.run(
            [*torchrun, str(HERE / script), str(result)], check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        return json.loads(result.read_text())


def main(path: str | None = None) -> None:
    """Measures both and prints tables."""
    gradients, rates = two("wrapper.py"), two("throughput.py")
    print("| gradient of the critic | wrapper | monge |\n|---|---|---|")
    for name, row in gradients.items():
        shown = [
            f"{row[who]:.1e}" if isinstance(row.get(who), float) else row.get(who, "") for who in ("wrapper", "monge")
        ]
        print(f"| {name} | {' | '.join(shown)} |")
    print("\n| batch | samples a second | together / side by side | range |\n|---|---|---|---|")
    together, *others = rates.items()
    print(f"| {together[0]} | {statistics.median(together[1]):,.0f} | | |")
    for name, values in others:
        ratios = [one / other for one, other in zip(together[1], values, strict=True)]
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(f"| {name} | {statistics.median(values):,.0f} | {middle:.2f} | {low:.2f} to {high:.2f} |")
    if path is not None:
        found = {"versions": installed(), "gradients": gradients, "samples_per_second": rates}
        Path(path).write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
