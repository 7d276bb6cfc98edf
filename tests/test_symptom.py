"""What goes wrong with a training is told with cause and remedy: once, after three measurements in a row."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import monge
from monge.cli.progress import TrainingBar
from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.data.source import in_memory, load_data
from monge.objective.paper import gan, wgan
from monge.report.verdict import verdict
from monge.run.entry import wrong_entry
from monge.run.folder import RunFolder
from monge.training.copying import IN_A_ROW
from monge.training.diagnosis import Setup
from monge.training.symptom import PATIENCE, SymptomWatch
from monge.training.train import train_config

POINTS = np.random.default_rng(0).normal(size=(60, 8))
CONFIG = Config(
    source="array",
    generator="mlp:width=16:depth=1",
    critic="mlp:width=64:depth=2",
    steps=100,
    training=TrainingConfig(batch=16, n_critic=1),
    observe=ObserveConfig(bracket=10),
)
SETUP = Setup(CONFIG, in_memory(POINTS), wgan())
BRACKET: dict[str, Any] = {"lower": 0.0, "upper": 1.1, "spread": 1.0, "floor": 1.0, "excess": 0.1, "excess_error": 0.1}
BRACKET |= {"confidence": 0.95, "family": "linear", "lipschitz": "certified"}
WELL: dict[str, Any] = {
    "bracket": BRACKET,
    "scatter": 2.0,
    "critic_gap_train": 1.0,
    "critic_gap_held_out": 0.9,
    "critic_gap_error": 0.01,
    "critic_slope": 1.0,
    "generator_gradient": 1e-3,
}
ILL = {
    "collapse": {"bracket": BRACKET | {"spread": 0.49}},
    "critic_overfits": {"critic_gap_held_out": 0.45, "bracket": BRACKET | {"excess": 0.31}},
    "critic_explodes": {"critic_slope": 1001.0},
    "gradient_vanishes": {"generator_gradient": 9e-9},
}
BORDERLINE = {
    "collapse": {"bracket": BRACKET | {"spread": 0.5}},
    "critic_overfits": {"critic_gap_train": -0.1, "critic_gap_held_out": -1.0, "bracket": BRACKET | {"excess": 0.31}},
    "critic_explodes": {"critic_slope": 999.0},
    "gradient_vanishes": {"generator_gradient": 1e-8},
}


def shown(
    folder: Path, measurements: list[dict[str, Any]], setup: Setup = SETUP, first: int = PATIENCE
) -> list[dict[str, Any]]:
    """What is logged of these measurements, and with it what is told."""
    watch = SymptomWatch(setup, RunFolder(folder))
    return [watch(step, seen) | {"told": watch.told} for step, seen in enumerate(measurements, first)]


@pytest.mark.parametrize("name", ILL)
def test_it_is_told_once_and_stays_in_the_log_while_it_lasts(name: str, tmp_path: Path) -> None:
    *before, third, fourth, over, again = shown(tmp_path, [WELL] + [WELL | ILL[name]] * 4 + [WELL, WELL | ILL[name]])
    assert before == [{"told": []}, *({"in_a_row": {name: count}, "told": []} for count in (1, 2))]
    assert (third["in_a_row"], fourth["in_a_row"]) == ({name: 3}, {name: 4})
    (text,) = third["told"]
    assert third["symptoms"] == fourth["symptoms"] == {name: text}
    assert "; likely cause: " in text
    assert "try " in text
    assert fourth["told"] == over["told"] == []
    assert set(over) == {"told"}
    assert again["in_a_row"] == {name: 1}


@pytest.mark.parametrize("name", BORDERLINE)
def test_within_the_bounds_nothing_is_seen(name: str, tmp_path: Path) -> None:
    assert shown(tmp_path, [WELL, *[WELL | BORDERLINE[name]] * 4]) == [{"told": []}] * 5


def test_a_critic_that_overfits_does_no_harm_while_the_excess_falls(tmp_path: Path) -> None:
    overfits = WELL | {"critic_gap_held_out": 0.0}
    falling = [overfits | {"bracket": BRACKET | {"excess": excess}} for excess in (0.3, 0.2, 0.15, 0.25)]
    assert shown(tmp_path, falling) == [{"told": []}] * 4


def test_samples_may_lack_variety_at_first(tmp_path: Path) -> None:
    *early, late = shown(tmp_path, [WELL | ILL["collapse"]] * 3, first=PATIENCE - 2)
    assert [set(seen) for seen in early] == [{"told"}] * 2
    assert late["in_a_row"] == {"collapse": 1}


def test_a_run_that_is_continued_goes_on_counting(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    whole = [WELL, *[WELL | ILL["critic_explodes"]] * 3]
    for step, (seen, found) in enumerate(zip(whole[:3], shown(tmp_path, whole[:3]), strict=True)):
        run.log({"step": step, **seen, **{key: value for key, value in found.items() if key != "told"}})
    watch = SymptomWatch(SETUP, run)
    assert watch(3, whole[3])["in_a_row"] == {"critic_explodes": IN_A_ROW}
    assert len(watch.told) == 1


def test_without_held_out_samples_only_the_rest_is_looked_at(tmp_path: Path) -> None:
    bare = {name: WELL[name] for name in ("bracket", "scatter")}
    assert shown(tmp_path, [bare] * 3) == [{"told": []}] * 3


def test_remedies_fit_the_training(tmp_path: Path) -> None:
    def remedy(setup: Setup, name: str) -> str:
        text: str = shown(tmp_path, [WELL, *[WELL | ILL[name]] * 3], setup)[-1]["symptoms"][name]
        return text.partition("likely cause: ")[2]

    digits = Setup(CONFIG, load_data("digits"), wgan())
    assert "--augment auto" in remedy(digits, "critic_overfits")
    assert "--augment" not in remedy(SETUP, "critic_overfits")
    assert "--training.n-critic" in remedy(SETUP, "collapse")
    assert "wgan-gp" in remedy(replace(SETUP, objective=gan()), "collapse")
    assert "larger one" in remedy(SETUP, "gradient_vanishes")


def test_a_run_says_so_in_log_and_report(tmp_path: Path) -> None:
    config = replace(CONFIG, objective="wgan:bound=1e-6")
    with pytest.warns(UserWarning, match="gradient has vanished") as told:
        run = train_config(config, in_memory(POINTS), run=tmp_path / "run", device="cpu", threads=1)
    assert sum("vanished" in str(warning.message) for warning in told) == 1
    entries = run.entries()
    assert not any(wrong_entry(entry) for entry in entries)
    measured = [entry for entry in entries if "bracket" in entry]
    assert [entry["in_a_row"]["gradient_vanishes"] for entry in measured] == list(range(1, 11))
    findings = verdict(entries, "finished", config.steps).findings
    assert "Noticed while training" in [finding.title for finding in findings]


@pytest.mark.slow
def test_a_training_on_too_few_images_is_told(tmp_path: Path) -> None:
    """Its critic overfits, or its generator copies: which comes first depends on the machine's rounding."""
    digits = load_digits().images[..., None].astype(np.uint8)
    np.savez(tmp_path / "few.npz", x_train=digits[:100], x_test=digits[100:600])
    with pytest.warns(UserWarning, match="critic has overfitted|copies its training samples"):
        monge.train(tmp_path / "few.npz", run=tmp_path / "run", recipe="digits", steps=6000, threads=1)


def test_the_bar_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    seen = {"critic_loss": -1.0, "bracket": BRACKET, "symptoms": {"critic_overfits": "..."}}
    TrainingBar().show(10, seen)
    assert capsys.readouterr().err.endswith("  critic overfits\n")
