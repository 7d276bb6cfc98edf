"""Real trainings survive what happens to them: a part of `make fault`, which is in `fault/`."""

import json
import os
import subprocess
import sys
from pathlib import Path

CASES = 8


def test_runs_survive_a_seeded_part_of_all_faults(tmp_path: Path) -> None:
    """In a process of its own, since it forks and must not have computed anything."""
    page = tmp_path / "reliability.md"
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "fault", "--seed", "0", "--cases", str(CASES), "--out", str(page)],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kinds = json.loads(page.with_suffix(".json").read_text())["kinds"]
    assert sum(kind["runs"] for kind in kinds) == CASES == len(kinds)
    assert sum(kind["faults"] for kind in kinds) >= CASES - 2
    assert any(kind["killed"] and kind["faults"] for kind in kinds)
    assert "0 runs lost, 0 runs differing, 0 tracebacks" in page.read_text()
