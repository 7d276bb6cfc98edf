"""The cheap claims of the theory: verdicts on rows that contradict them, closed forms, and the commands."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from claim import FAILS, HOLDS, UNSURE, Row, contradicts, every_claim, holds, remembers
from monge.distance.closed_form import gaussian
from monge.experiment.critic import lipschitz_scale
from monge.experiment.divergence import (
    critic_versus_discriminator,
    fixed_generator,
    parallel_lines,
    perfect_discriminator,
    reverse_kl,
    unstable_gradient,
    vanishing_gradient,
)
from monge.experiment.divergence.fixed_generator import EPOCHS
from monge.experiment.repeat import Repeat, judged, spread


def lines(**changes: Any) -> Row:
    """Two parallel segments as the theory has them."""
    still = {name: [0.5, 0.5] for name in ("JS", "TV", "KL", "Hellinger")}
    facts: Row = {
        "w1": [abs(theta) for theta in parallel_lines.THETAS],
        "js": [np.log(2) * (theta != 0) for theta in parallel_lines.THETAS],
        "paths": {"W1": [0.5, 0.0], parallel_lines.SAMPLED: [0.5, 0.001]} | still,
    }
    return facts | changes


def told_apart(**changes: Any) -> Row:
    """Two curves that a discriminator tells apart until there is noise."""
    facts: Row = {"case": "curves", "accuracy": [1.0, 0.6], "js": [0.69, 0.05], "js_of_densities": [0.69, 0.3, 0.06]}
    return facts | changes


def saturated(**changes: Any) -> Row:
    """Two Gaussians between which D is a step and the critic a line."""
    across = critic_versus_discriminator.ACROSS
    facts: Row = {
        "d": [float(x > 0) for x in across],
        "slopes": [1.0] * len(across),
        "median_slope": {"log(1 - D)": 1e-6, "-log D": 3.0, "critic": 1.0},
        "w1_bound": 6.0,
    }
    return facts | changes


def mistaken(**changes: Any) -> Row:
    """Costs of mistakes as reverse KL has them."""
    cheap, dear = [0.1] * 6, [10.0] * 6
    costs = {"reverse dropped": cheap, "reverse false": dear, "forward dropped": dear, "forward false": cheap}
    facts: Row = {"share": 0.5, "deviation": 1.0, "reverse fit": [8.0, 1.0], "forward fit": [4.0, 17**0.5]}
    return facts | {"costs": costs | changes.pop("costs", {})} | changes


def scaled(**changes: Any) -> Row:
    """Critics whose gradients K only scales."""
    names = [*(f"K = {k:g}" for k in lipschitz_scale.CONSTANTS), *(f"c = {c:g}" for c in lipschitz_scale.CLIPS)]
    facts: Row = {
        "cosine": dict.fromkeys(["K = 1 again", *names], 1.0),
        "length": {f"K = {k:g}": k for k in lipschitz_scale.CONSTANTS},
        "clipped": {f"c = {c:g}": 1.0 for c in lipschitz_scale.CLIPS},
    }
    return {name: facts[name] | changes.get(name, {}) for name in facts} | {"case": "ring8"}


def frozen_generator(epochs: str, **changes: Any) -> Row:
    """Gradients of a generator that stands still."""
    first = 1.0 if epochs in unstable_gradient.YOUNG else 9.0
    norms = {"log(1 - D)": [1.0] * 5 + [1e-5] * 5, "-log D": [first] + [10.0] * 9}
    return {"case": epochs, "norms": norms, "kurtosis": 4.0} | changes


ROWS: dict[str, Row] = {
    "parallel-lines": lines(),
    "perfect-discriminator": told_apart(),
    "critic-versus-discriminator": saturated(),
    "reverse-kl": mistaken(),
    "lipschitz-scale": scaled(),
}
FROZEN = ("vanishing-gradient", "unstable-gradient")
NAMES = (*ROWS, *FROZEN)
CONTRADICTIONS: list[tuple[str, str, Row]] = [
    ("parallel-lines", "w1_follows", lines(w1=[0.0] * 9)),
    ("parallel-lines", "js_jumps", lines(js=[0.69 * abs(theta) for theta in parallel_lines.THETAS])),
    ("parallel-lines", "js_jumps", lines(js=[0.69] * 9)),
    ("parallel-lines", "only_w1_arrives", lines(paths=lines()["paths"] | {"JS": [0.5, 0.0]})),
    ("parallel-lines", "only_w1_arrives", lines(paths=lines()["paths"] | {"W1": [0.5, 0.4]})),
    ("perfect-discriminator", "perfect", told_apart(accuracy=[0.8, 0.6])),
    ("perfect-discriminator", "perfect", told_apart(js=[0.4, 0.05])),
    ("perfect-discriminator", "noise_ends_it", told_apart(js=[0.69, 0.5])),
    ("perfect-discriminator", "noise_ends_it", told_apart(js_of_densities=[0.3, 0.69, 0.06])),
    ("critic-versus-discriminator", "saturates", saturated(d=[0.5] * 121)),
    ("critic-versus-discriminator", "gradient_vanishes", saturated(median_slope={"log(1 - D)": 0.5, "critic": 1.0})),
    ("critic-versus-discriminator", "critic_near_linear", saturated(slopes=[1.0] * 60 + [0.0] + [1.0] * 60)),
    (
        "critic-versus-discriminator",
        "critic_near_linear",
        saturated(median_slope={"log(1 - D)": 1e-6, "critic": 0.1}),
    ),
    ("reverse-kl", "dropped_is_bounded", mistaken(costs={"reverse dropped": [0.8] * 6})),
    ("reverse-kl", "false_is_dear", mistaken(costs={"reverse false": [0.2] * 6})),
    ("reverse-kl", "forward_is_opposite", mistaken(costs={"forward dropped": [0.2] * 6})),
    ("reverse-kl", "one_mode_or_all", mistaken(**{"reverse fit": [4.0, 4.0]})),
    ("reverse-kl", "one_mode_or_all", mistaken(**{"forward fit": [8.0, 1.0]})),
    ("lipschitz-scale", "parallel", scaled(cosine={"K = 5": 0.5})),
    ("lipschitz-scale", "k_times", scaled(length={"K = 5": 1.0})),
    ("lipschitz-scale", "clipping_too", scaled(clipped={"c = 0.2": 0.5})),
]


def good(name: str) -> list[Row]:
    """Three repeats as the theory has them."""
    return [frozen_generator(epochs) for epochs in EPOCHS] * 3 if name in FROZEN else [ROWS[name]] * 3


@pytest.mark.parametrize("name", NAMES)
def test_what_the_theory_says_holds(name: str) -> None:
    holds(name, good(name))


@pytest.mark.parametrize(("name", "claim", "row"), CONTRADICTIONS)
def test_what_contradicts_a_claim_does_not_hold(name: str, claim: str, row: Row) -> None:
    contradicts(name, claim, row, ROWS[name])


def test_every_claim_is_contradicted() -> None:
    frozen_claims = {("vanishing-gradient", "falls")} | {
        ("unstable-gradient", name) for name in unstable_gradient.reproduce.claims
    }
    assert {(name, claim) for name, claim, _ in CONTRADICTIONS} | frozen_claims == every_claim(NAMES)


def test_gradients_that_neither_vanish_nor_grow_contradict_both_claims() -> None:
    still = {"log(1 - D)": [1.0] * 10, "-log D": [1.0] * 10}
    rows = [frozen_generator(epochs, norms=still, kurtosis=0.1) for epochs in EPOCHS] * 3
    assert vanishing_gradient.verdict(rows)["falls"]["verdict"] == FAILS
    seen = unstable_gradient.verdict(rows)
    assert (seen["grows"]["verdict"], seen["heavy_tail"]["verdict"]) == (FAILS, FAILS)
    young = [frozen_generator(epochs, norms=frozen_generator("1")["norms"]) for epochs in EPOCHS] * 3
    assert unstable_gradient.verdict(young)["trained_is_steady"]["verdict"] == FAILS


def test_cosine_of_fields() -> None:
    ahead, aside = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.0], [3.0, 0.0]])
    assert lipschitz_scale.cosine(ahead, 5 * ahead) == pytest.approx(1)
    assert lipschitz_scale.cosine(ahead, aside) == pytest.approx(0.5)


def test_kl_by_quadrature_is_that_of_two_gaussians() -> None:
    p, q = (reverse_kl.Mixture((1.0,), (mean,), (deviation,)) for mean, deviation in ((0.0, 1.0), (3.0, 2.0)))
    exact = gaussian.kl(gaussian.GaussianLaw(0, 1), gaussian.GaussianLaw(3, 4))
    assert reverse_kl.kl(p, q) == pytest.approx(exact, abs=1e-9)
    assert reverse_kl.kl(p, p) == pytest.approx(0, abs=1e-12)


def test_excess_kurtosis_of_changes() -> None:
    draw = np.random.default_rng(0)
    assert fixed_generator.excess_kurtosis(draw.normal(size=(4000, 16)).cumsum(axis=0)) == pytest.approx(0, abs=0.15)
    assert fixed_generator.excess_kurtosis(draw.standard_t(3, size=(4000, 16)).cumsum(axis=0)) > 3


def test_the_gradient_of_a_frozen_generator_is_that_of_its_loss() -> None:
    generator, discriminator = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        generator.weight.fill_(1)
        discriminator.weight.fill_(2)
    # d/dw log(1 - sigmoid(2 w z)) = -2 z sigmoid(2 w z), and of -log sigmoid it is -2 z sigmoid(-2 w z)
    gradient = fixed_generator.Gradient(generator, torch.tensor([[1.0]]))
    seen = [float(gradient(loss, discriminator)) for loss in fixed_generator.LOSSES.values()]
    assert seen == pytest.approx([-2 / (1 + np.exp(-2)), -2 / (1 + np.exp(2))])


@pytest.mark.parametrize(
    ("met", "word"),
    [([True] * 3, HOLDS), ([False, True, True], UNSURE), ([True, False], UNSURE), ([True, False, False], FAILS)],
)
def test_repeats_are_judged_together(met: list[bool], word: str) -> None:
    assert judged(met) == word


def test_a_claim_that_fails_in_one_of_two_cases_does_not_hold() -> None:
    assert judged([True, True, False, False], "aabb") == FAILS
    assert judged([True, True, True, False], "aabb") == UNSURE
    assert judged([True] * 4, "aabb") == HOLDS


def test_repeats_have_random_numbers_and_places_of_their_own(tmp_path: Path) -> None:
    first, second = (Repeat("a", number, 0, tmp_path, (1,)) for number in (0, 1))
    assert first.draw().random() == first.draw().random() != second.draw().random()
    assert first.path != second.path != Repeat("a", 1, 0, tmp_path, (2,)).path
    assert spread([3.0, 1.0, 2.0]) == [1, 2, 3]


def test_descent_by_w1_of_samples_goes_towards_the_other_segment() -> None:
    draw = np.random.default_rng(0)
    assert parallel_lines.sampled_gradient(0.5, draw) == pytest.approx(1, abs=0.1)
    assert parallel_lines.sampled_gradient(-0.5, draw) == pytest.approx(-1, abs=0.1)
    assert parallel_lines.sampled_gradient(0.0, draw) == 0


def test_js_of_mixtures_is_that_of_two_gaussians() -> None:
    def point(at: float) -> perfect_discriminator.Law:
        return lambda n, draws: torch.full((n, 16), at / 4)

    # two points at distance 2 with noise 1: two Gaussians on a line
    exact = gaussian.js(gaussian.GaussianLaw(0, 1), gaussian.GaussianLaw(2, 1))
    draws = torch.Generator().manual_seed(0)
    seen = [perfect_discriminator.mixture_js(point(0), point(2), 1.0, draws) for _ in range(8)]
    assert np.mean(seen) == pytest.approx(exact, abs=0.02)


def test_gradients_of_the_logarithms_of_d() -> None:
    # a logit of 2 x: D = .5 at 0 and .88 at 1
    discriminator = torch.nn.Linear(1, 1)
    with torch.no_grad():
        discriminator.weight.fill_(2)
        discriminator.bias.zero_()
    saturating, trick = critic_versus_discriminator._gradients(discriminator, np.array([[0.0], [1.0]]))
    assert saturating == pytest.approx([1, 2 / (1 + np.exp(-2))])
    assert trick == pytest.approx([1, 2 / (1 + np.exp(2))])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few samples, few steps."""
    monkeypatch.setattr(parallel_lines, "SAMPLES", 20)
    monkeypatch.setattr(parallel_lines, "STEPS", 5)
    monkeypatch.setattr(critic_versus_discriminator, "STEPS", 2)
    monkeypatch.setattr(critic_versus_discriminator, "CRITIC_STEPS", 2)
    monkeypatch.setattr(lipschitz_scale, "STEPS", 2)
    for name, value in {"STEPS": 6, "SEEN": (0, 1, 2, 4, 6), "LATE_STEPS": 5, "STEPS_PER_EPOCH": 1}.items():
        monkeypatch.setattr(fixed_generator, name, value)
    for name, value in {"STEPS": 2, "SEEN": (0, 2), "HELD_OUT": 50, "POINTS": 50, "JUDGED": 20}.items():
        monkeypatch.setattr(perfect_discriminator, name, value)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", NAMES)
def test_the_command_measures_once_and_remembers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembers(name, tmp_path / name, capsys)
