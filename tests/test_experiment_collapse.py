"""Annealed noise and lost modes: verdicts on rows that contradict the claims, closed forms, and the commands."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from claim import FAILS, UNSURE, Row, contradicts, every_claim, holds, remembers, verdicts
from monge.config.registry import OBJECTIVES
from monge.data.builtin import digits
from monge.data.toy import ring8
from monge.distance.closed_form import gaussian
from monge.errors import TrainingError
from monge.experiment.divergence import bounded_noise, noise_annealing, noisy_training
from monge.experiment.generator import mode_collapse, stacked_digits
from monge.experiment.repeat import Repeat

Counts = Mapping[str, float]
LOG_2 = math.log(2)


def annealing(**changes: Any) -> Row:
    """A law against its shifts, and trainings under every noise, as the theory has them."""
    bounds = {"bound": [4.0] * 8, "least_bound": [3.0] * 8, "diameter": 5.0}
    near = {"w1": noise_annealing.NEAR_SHIFT, "js": [LOG_2, 0.6, 0.5, 0.3, 0.1, 0.05, 0.01, 0.0]} | bounds
    far = {"w1": 2.9, "js": [LOG_2] * 4 + [0.5, 0.3, 0.1, 0.01]} | bounds
    trainings = {name: {"excess": value} for name, value in (("none", 1.0), ("annealed", 0.2), ("kept", 0.4))}
    pairs = {"near": near | changes.pop("near", {}), "far": far | changes.pop("far", {})}
    return {"case": "surface", "pairs": pairs, "trainings": trainings | changes.pop("trainings", {})}


ANNEALING: list[tuple[str, Row]] = [
    ("noise_decides", annealing(near={"js": [0.1] * 8})),
    ("noise_decides", annealing(far={"js": [LOG_2] * 8})),
    ("no_measure", annealing(far={"js": [LOG_2] * 7 + [0.01]})),
    ("bound_holds", annealing(near={"least_bound": [3.0] * 7 + [0.4]})),
    ("annealing_trains", annealing(trainings={"annealed": {"excess": 0.6}})),
    ("annealing_trains", annealing(trainings={"none": {"excess": -0.1}})),
]
COVERED = {f"ring8 {name}": 8.0 for name in ("wgan", mode_collapse.PENALTY)}
COVERED |= {f"grid25 {name}": 24.0 for name in ("wgan", mode_collapse.PENALTY)}
COVERED |= {"ring8 gan": 6.0, "ring8 gan-minimax": 7.0, "grid25 gan": 12.0, "grid25 gan-minimax": 9.0}
COVERED |= {"ring8 packed gan": 7.0, "grid25 packed gan": 20.0}
STACKED = {"real": 1000.0, "gan": 400.0, "packed gan": 600.0, "wgan-gp": 900.0}
GOOD: Mapping[str, Counts] = {"mode-collapse": COVERED, "stacked-digits": STACKED}
LOST: list[tuple[str, str, Counts]] = [
    ("mode-collapse", "gan_loses_ring8", {"ring8 gan": 8.0}),
    ("mode-collapse", "gan_loses_ring8", {"ring8 gan-minimax": 8.0}),
    ("mode-collapse", "gan_loses_grid25", {"grid25 gan": 25.0}),
    ("mode-collapse", "packing_ring8", {"ring8 packed gan": 6.0}),
    ("mode-collapse", "packing_grid25", {"grid25 packed gan": 12.0}),
    ("mode-collapse", "wgan_covers_all", {"ring8 wgan": 7.0}),
    ("mode-collapse", "wgan_covers_all", {f"grid25 {mode_collapse.PENALTY}": 23.0}),
    ("stacked-digits", "gan_loses_modes", {"wgan-gp": 400.0}),
    ("stacked-digits", "packing", {"packed gan": 300.0}),
]
NAMES = ("noise-annealing", *GOOD)


def repeats_of(*counts: Counts) -> list[Row]:
    """A repeat for each mapping from a case to its modes."""
    return [
        {"case": case, "number": number, "modes": modes}
        for number, some in enumerate(counts)
        for case, modes in some.items()
    ]


def test_what_the_theory_says_holds() -> None:
    holds("noise-annealing", [annealing()] * 3)
    for name, good in GOOD.items():
        holds(name, repeats_of(good, good, good))


@pytest.mark.parametrize(("claim", "row"), ANNEALING)
def test_what_contradicts_a_claim_on_noise_does_not_hold(claim: str, row: Row) -> None:
    contradicts("noise-annealing", claim, row, annealing())


@pytest.mark.parametrize(("name", "claim", "changes"), LOST)
def test_what_contradicts_a_claim_on_modes_does_not_hold(name: str, claim: str, changes: Counts) -> None:
    good = GOOD[name]
    bad = {**good, **changes}
    assert verdicts(name, repeats_of(bad, bad, bad))[claim] == FAILS
    assert verdicts(name, repeats_of(bad, good, good))[claim] == UNSURE


def test_every_claim_is_contradicted() -> None:
    contradicted = {("noise-annealing", claim) for claim, _ in ANNEALING} | {(name, claim) for name, claim, _ in LOST}
    assert contradicted == every_claim(NAMES)


def points(*rows: Sequence[float]) -> torch.Tensor:
    """A law of some points."""
    return torch.tensor(rows, dtype=torch.float64)


def test_bounded_noise_has_the_variance_and_the_ball_that_it_says() -> None:
    noise = bounded_noise.BoundedNoise(2.0, 5)
    lengths = noise.draw(100_000, torch.Generator().manual_seed(0)).norm(dim=1)
    assert float(lengths.max()) <= noise.radius < 1.001 * float(lengths.max())
    assert float(lengths.square().mean()) == pytest.approx(noise.variance, rel=0.01)
    assert noise.variance < 5 * 2.0**2


def test_js_of_noised_points_is_that_of_two_gaussians(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_noise, "WITHIN", 1 - 1e-9)
    monkeypatch.setattr(bounded_noise, "DRAWN", 20_000)
    exact = gaussian.js(gaussian.GaussianLaw(0, 1), gaussian.GaussianLaw(2, 1))
    noise, draws = bounded_noise.BoundedNoise(1.0, 3), torch.Generator().manual_seed(0)
    value, error = bounded_noise.js(points([0, 0, 0]), points([0, 2, 0]), noise, draws)
    assert value == pytest.approx(exact, abs=4 * error)
    assert error < 0.005


def test_js_of_laws_apart_is_log_2_and_of_equal_laws_0() -> None:
    noise, draws = bounded_noise.BoundedNoise(0.1, 2), torch.Generator().manual_seed(0)
    one, other = points([0, 0], [1, 0]), points([0, 5], [1, 5])
    assert bounded_noise.js(one, other, noise, draws) == pytest.approx((LOG_2, 0))
    assert bounded_noise.js(one, one, noise, draws) == pytest.approx((0, 0), abs=1e-12)


def test_the_ball_of_points_on_a_circle_is_its_disc() -> None:
    assert bounded_noise.diameter(points([1, 0], [-1, 0], [0, 1], [0.3, 0.2])) == pytest.approx(2, rel=0.02)


def test_the_bound_is_the_formula_and_a_shift_is_its_w1() -> None:
    assert bounded_noise.bound(0.25, 3.0, 0.49) == pytest.approx(2 * 0.5 + 2 * 3 * 0.7)
    law = torch.randn(40, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = bounded_noise.compared(law, law + points([0.3, 0.4]), (0.1, 5.0), torch.Generator().manual_seed(2))
    assert found["w1"] == pytest.approx(0.5, abs=1e-5)
    assert found["js"][0] > found["js"][1]
    assert found["w1"] < min(found["least_bound"]) <= min(found["bound"])


def test_a_surface_is_standardised_and_the_same_for_its_seed() -> None:
    first, again = (noisy_training.Surface(3).draw(5000, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(first, again)
    assert float(first.var(dim=0).mean()) == pytest.approx(1, abs=0.1)
    assert not torch.equal(first, noisy_training.Surface(4).draw(5000, torch.Generator().manual_seed(0)))


def test_packing_is_all_that_sets_the_packed_gan_apart() -> None:
    plain, packed = (mode_collapse.config(ring8(), name, 0) for name in ("gan", mode_collapse.PACKED))
    assert replace(packed, training=replace(packed.training, pack=1)) == plain
    assert packed.training.pack == 2
    one, two = (stacked_digits.TRAININGS[name].config(0) for name in ("gan", "packed gan"))
    assert replace(two, training=replace(two.training, pack=1)) == one


def test_the_full_budget_has_every_objective_that_needs_no_classes() -> None:
    names = {name.split(":")[0] for name in mode_collapse.OBJECTIVES_OF["full"]} - {mode_collapse.PACKED}
    assert names == set(OBJECTIVES) - {"acgan"}


def test_a_training_that_fails_covers_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failing(*arguments: Any) -> None:
        raise TrainingError("step 3: critic_loss is nan")

    monkeypatch.setattr(mode_collapse, "train", failing)
    row = mode_collapse.measure(Repeat("ring8 gan", 0, 0, tmp_path, ()))
    assert (row["modes"], row["failed"]) == (0, "step 3: critic_loss is nan")


def test_modes_of_three_digits_are_counted() -> None:
    every = np.array([[a, b, c] for a in range(10) for b in range(10) for c in range(10)])
    assert stacked_digits.counted(every) == {"modes": 1000, "kl": pytest.approx(0, abs=1e-9)}
    assert stacked_digits.counted(every[123:124].repeat(7, axis=0)) == {"modes": 1, "kl": round(math.log(1000), 5)}


def test_every_colour_of_a_stacked_image_is_a_digit() -> None:
    images = digits().train.all()[:5]
    made = stacked_digits.stacked(images, 20, np.random.default_rng(0))
    assert made.shape == (20, 8, 8, 3)
    known = {image.tobytes() for image in images}
    assert {made[i, ..., colour].tobytes() for i in range(20) for colour in range(3)} == known


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few samples, few steps."""
    for name, value in {"STEPS": 2, "LOOK_COUNT": 1, "N_CRITIC": 1}.items():
        monkeypatch.setattr(noisy_training, name, value)
    for name, value in {"DRAWN": 20, "APPROACHES": 5}.items():
        monkeypatch.setattr(bounded_noise, name, value)
    monkeypatch.setattr(noise_annealing, "POINTS", 20)
    for name, value in {"STEPS": 1, "SAMPLES": 50, "DRAWN": 5}.items():
        monkeypatch.setattr(mode_collapse, name, value)
    for name, value in {"TRAIN": 200, "SAMPLES": 60}.items():
        monkeypatch.setattr(stacked_digits, name, value)
    briefly = {name: replace(training, steps=1) for name, training in stacked_digits.TRAININGS.items()}
    monkeypatch.setattr(stacked_digits, "TRAININGS", briefly)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", NAMES)
def test_the_command_measures_once_and_remembers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembers(name, tmp_path / name, capsys)
