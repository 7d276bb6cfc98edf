"""MMD-GAN against WGAN-GP, and the latent space: verdicts on rows that contradict them, closed forms, the commands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from claim import Row, contradicts, every_claim, holds, remembers
from monge.data.builtin import digits
from monge.experiment.architecture import mmd_versus_wasserstein
from monge.experiment.architecture.mmd_versus_wasserstein import CRITICS, LARGER_SIDE, MMD, WGAN
from monge.experiment.generator import latent_code
from monge.experiment.trial import Judge


def course(excess: float, recall: float, early: float) -> Row:
    """Figures after each quarter of the steps."""
    return {"excess": [early, early, early, excess], "recall": [0.0, 0.0, 0.0, recall], "precision": [0.5] * 4}


def compared(
    leads: dict[str, float] | None = None, *, recall: float = 0.6, early: float = 1.0, cost: float = 2.0
) -> Row:
    """Trainings as source 002 and Binkowski et al. have them together: the WGAN leads, with small critics by less.

    Arguments:
        leads: of MMD-GAN in excess, by critic.
        recall, early, cost: of WGAN-GP's generator, its excess after a quarter of the steps, and MMD-GAN's cost.
    """
    found = {"16": -0.1, "64": -0.2, "mlp": -0.2} | (leads or {})
    courses = {
        critic: {WGAN: course(0.8 + found[critic], recall, early), MMD: course(0.8, 0.5, 1.5)} for critic in CRITICS
    }
    costs = {critic: {WGAN: 1.0, MMD: cost} for critic in CRITICS}
    return {"courses": courses, "costs": costs, "costs_of_larger": {WGAN: 100.0, MMD: 110.0}}


def mapped(**changes: Any) -> Row:
    """A latent space as source 002 has it."""
    facts: Row = {
        "distance": {"ordinary": 2.0, "latent": 2.1, "blend": 3.0},
        "precision": {"ordinary": 0.6, "latent": 0.6, "blend": 0.2},
        "jump": 0.05,
        "projected": {"principal components": 0.2},
        "agreement": 0.9,
        "shuffled": 0.1,
        "classes": 10,
    }
    return {
        name: value | changes.get(name, {}) if isinstance(value, dict) else value for name, value in facts.items()
    } | {name: value for name, value in changes.items() if not isinstance(value, dict)}


ROWS = {"mmd-versus-wasserstein": compared(), "latent-space": mapped()}
CONTRADICTIONS: list[tuple[str, str, Row]] = [
    ("mmd-versus-wasserstein", "better", compared({"16": 0.3, "64": 0.1, "mlp": 0.1})),
    ("mmd-versus-wasserstein", "better", compared({"16": 0.3})),
    ("mmd-versus-wasserstein", "more_diverse", compared(recall=0.4)),
    ("mmd-versus-wasserstein", "faster", compared(early=1.6)),
    ("mmd-versus-wasserstein", "cheaper", compared(cost=0.9)),
    ("mmd-versus-wasserstein", "small_critics", compared({"16": -0.2, "64": -0.1})),
    ("latent-space", "near", mapped(distance={"latent": 2.6})),
    ("latent-space", "blends_are_not", mapped(distance={"blend": 2.05})),
    ("latent-space", "blends_are_not", mapped(precision={"blend": 0.7})),
    ("latent-space", "smooth", mapped(jump=0.5)),
    ("latent-space", "regions", mapped(agreement=0.3)),
]


@pytest.mark.parametrize("name", ROWS)
def test_what_the_theory_says_holds(name: str) -> None:
    holds(name, [ROWS[name]] * 3)


@pytest.mark.parametrize(("name", "claim", "row"), CONTRADICTIONS)
def test_what_contradicts_a_claim_does_not_hold(name: str, claim: str, row: Row) -> None:
    contradicts(name, claim, row, ROWS[name])


def test_every_claim_is_contradicted() -> None:
    assert {(name, claim) for name, claim, _ in CONTRADICTIONS} == every_claim(list(ROWS))


def test_figures_of_a_repeat() -> None:
    row = compared({"16": 0.3})
    assert mmd_versus_wasserstein.difference(row, "16") == pytest.approx(0.3)
    assert mmd_versus_wasserstein.value(row, "64", MMD, part=1) == 1.5
    verdict = mmd_versus_wasserstein.verdict([row])
    assert verdict["cheaper"]["64"] == [2, 2, 2]
    assert verdict["cheaper"][f"{LARGER_SIDE} pixels"] == [1.1, 1.1, 1.1]


def test_both_objectives_start_from_one_generator() -> None:
    first, second = (mmd_versus_wasserstein.config(name, "64", 3) for name in (WGAN, MMD))
    assert (first.generator, first.seed, first.training) == (second.generator, second.seed, second.training)
    assert (first.critic, second.critic) == ("dcgan:width=64:outputs=1", "dcgan:width=64:outputs=16")


def test_points_on_lines() -> None:
    ends = torch.tensor([[[0.0, 0.0], [1.0, 1.0]], [[4.0, 8.0], [1.0, 3.0]]])
    found = latent_code.lines(ends, 5)
    assert found[0].tolist() == [[0, 0], [1, 2], [2, 4], [3, 6], [4, 8]]
    assert found[1].tolist() == [[1, 1], [1, 1.5], [1, 2], [1, 2.5], [1, 3]]


def test_the_largest_share_of_a_path() -> None:
    even, jump = np.arange(9.0)[:, None] * [3, 4], np.array([[0.0], [1.0], [1.0], [4.0]])
    assert latent_code.largest_share(even) == pytest.approx(1 / 8)
    assert latent_code.largest_share(jump) == pytest.approx(3 / 4)
    assert latent_code.largest_share(np.zeros((3, 2))) == 0


def test_agreement_of_neighbours() -> None:
    draw = np.random.default_rng(0)
    codes = draw.normal(size=(600, 2))
    halves = (codes[:, 0] > 0).astype(np.int64)
    assert latent_code.agreement(codes, halves) > 0.95
    assert latent_code.agreement(codes, draw.permutation(halves)) == pytest.approx(0.5, abs=0.03)
    far = np.repeat([[0.0, 0.0], [9.0, 9.0]], 30, axis=0) + draw.normal(size=(60, 2))
    assert latent_code.agreement(far, np.repeat([3, 4], 30)) == 1


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few samples, few steps."""
    for name, value in {"STEPS": 4, "TIMED_STEPS": 1, "LARGER_SIDE": 12, "LARGER_TIMED_STEPS": 1}.items():
        monkeypatch.setattr(mmd_versus_wasserstein, name, value)
    few = digits(), Judge(digits(), 40)
    monkeypatch.setattr(mmd_versus_wasserstein, "judged_digits", lambda: few)
    for name, value in {"STEPS": 3, "PAIRS": 20, "PATHS": 3, "CODES": 200, "GRID": 3}.items():
        monkeypatch.setattr(latent_code, name, value)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", ROWS)
def test_the_command_measures_once_and_remembers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembers(name, tmp_path / name, capsys)
