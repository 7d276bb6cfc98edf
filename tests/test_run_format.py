"""Run folders of version 0.1, of which `run_format_1` is one, still open, sample, evaluate, report and continue."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import monge

HERE = Path(__file__).parent


@pytest.fixture
def old(tmp_path: Path) -> monge.Run:
    """30 steps on digits, conditional, with the smallest networks; a copy, because the tests write into it."""
    shutil.copytree(HERE / "run_format_1", tmp_path / "run")
    return monge.open_run(tmp_path / "run")


def test_it_samples_what_it_did(old: monge.Run) -> None:
    with np.load(HERE / "run_format_1.npz") as kept:
        found = old.sample(len(kept["x"]), seed=7, label=3)
        # machines differ in the last digit, which rounding to grey values can make a whole one
        assert np.abs(found.astype(int) - kept["x"].astype(int)).max() <= 1
        assert (kept["y"] == 3).all()


def test_it_is_evaluated_and_reported(old: monge.Run) -> None:
    evaluation = old.evaluate(thorough=False)
    assert evaluation.step == 30
    assert evaluation.metrics["class_agreement"] > 0
    assert "This report has no samples" not in old.write_report().read_text()


def test_it_is_continued(old: monge.Run) -> None:
    before = old.entries()[-1]
    facts = old.facts()["config"]
    settings = {key: facts[key] for key in ("objective", "generator", "critic", "training", "observe")}
    settings["training"] |= {"transport_from": 1.0}  # which it did not know, and the recipe now has otherwise
    run = monge.train("digits", run=old.path, steps=32, threads=1, **settings)
    assert run.facts()["status"] == "finished"
    entries = run.entries()
    assert [entry["step"] for entry in entries] == [10, 15, 20, 30, 30, 32]
    assert before in entries
