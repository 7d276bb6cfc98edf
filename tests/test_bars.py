"""The figures that the README promises, by the commands that a user types. Slow: `make test-slow`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
REAL_DATA = Path(__file__).parents[2] / "shared" / "data"


def measured(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    """Trains and evaluates in child processes; the figures of `monge evaluate --json`."""
    run = tmp_path / "run"
    command = [sys.executable, "-m", "monge"]
    subprocess.run([*command, "train", *arguments, "--run", str(run)], check=True)
    shown = subprocess.run([*command, "evaluate", str(run), "--json"], check=True, capture_output=True, text=True)
    document: dict[str, Any] = json.loads(shown.stdout)
    return document


@pytest.mark.parametrize("seed", range(3))
def test_digits(tmp_path: Path, seed: int) -> None:
    document = measured(tmp_path, "digits", "--seed", str(seed))
    bracket, metrics = document["bracket"], document["metrics"]
    assert bracket["excess"] <= 0.20
    assert bracket["upper"] <= 1.05 * bracket["floor"]
    assert abs(metrics["variance_ratio"] - 1) <= 0.08
    assert metrics["precision"] >= 0.84
    assert metrics["recall"] >= 0.64
    assert all(0.05 <= share <= 0.15 for share in metrics["class_shares"].values())
    assert metrics["novelty"] >= 0.9


@pytest.mark.parametrize("seed", range(5))
def test_grid25(tmp_path: Path, seed: int) -> None:
    metrics = measured(tmp_path, "toy:grid25", "--recipe", "grid25", "--seed", str(seed))["metrics"]
    assert metrics["modes"] >= 24
    assert metrics["high_quality"] >= 0.96


@pytest.mark.parametrize(
    ("name", "excess", "recall"), [("fashion_mnist", 1.3, 0.15), ("cifar10_lossless_4k", 0.8, 0.3)]
)
def test_images(tmp_path: Path, name: str, excess: float, recall: float) -> None:
    path = REAL_DATA / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    document = measured(tmp_path, str(path))
    assert document["bracket"]["excess"] <= excess
    assert document["metrics"]["recall"] >= recall


def test_sandstone_pore_fraction(tmp_path: Path) -> None:
    path = REAL_DATA / "berea_sandstone_64.npz"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    share = measured(tmp_path, str(path))["metrics"]["bright_share"]
    assert abs(share["generated"] - 0.199) <= 0.03
