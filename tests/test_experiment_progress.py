"""What a training's own numbers say of its generator: verdicts on rows that contradict the claims, and closed forms."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from claim import FAILS, UNSURE, Row, every_claim, holds, remembers, verdicts
from monge.data.builtin import digits
from monge.data.codec import VectorCodec
from monge.distance.transport.exact import wasserstein
from monge.experiment.critic import critic_overfit
from monge.experiment.generator import assignment, course, meaningful_loss
from monge.experiment.generator import better_distance_worse_pictures as better
from monge.experiment.repeat import by_repeat
from monge.plot import chart

Change = Callable[[Row], Row]
FALLING = np.linspace(5, 0.5, meaningful_loss.LOOK_COUNT).tolist()
TURNING = [5.0, 3.0] * (meaningful_loss.LOOK_COUNT // 2)


def trainings(number: int) -> list[Row]:
    """One repeat in which limit and critic follow the excess, and the JS of a GAN does not."""
    rows = []
    for case in meaningful_loss.CONFIGS:
        wgan = case.startswith("wgan")
        excess = FALLING if wgan else TURNING
        estimate = [2 * value for value in excess] if wgan else np.linspace(0, 0.69, len(excess)).tolist()
        steps = meaningful_loss.looks_at(meaningful_loss.CONFIGS[case].steps)
        facts: Row = {"steps": steps, "excess": excess, "lower": [1.2 * value for value in excess]}
        rows.append({"case": case, "number": number, "estimate": estimate, "frechet": excess} | facts)
    return rows


def generators(number: int) -> list[Row]:
    """One repeat in which exact transport gives averages."""
    facts: Row = {"estimate_over_w1": 0.3, "upper_over_floor": 1.1, "excess": 0.3, "recall": 0.8, "precision": 0.8}
    exact: Row = facts | {"estimate_over_w1": 1.05, "upper_over_floor": 0.95, "excess": 0.5, "recall": 0.1}
    more: Row = {"variance_ratio": 0.9, "seconds": 1.0, "samples": ["0f" * 32] * better.SHOWN}
    return [
        {"case": case, "number": number} | (facts if case == better.WGAN else exact) | more for case in better.CASES
    ]


def readings(number: int) -> list[Row]:
    """One repeat in which the critic learns few images by heart, and noise hinders it."""
    rows = []
    across = np.linspace(0, 1, critic_overfit.LOOK_COUNT)
    for case, images in critic_overfit.CASES.items():
        size = 100 / images * (0.5 if "noise" in case else 1)
        train, held_out = 1 + size * across, 1 - size * across
        facts: Row = {"train": train.tolist(), "held_out": held_out.tolist(), "slope": [1.0] * len(across)}
        rows.append({"case": case, "number": number, "excess": 0.5, "recall": 0.5} | facts)
    return rows


REPEATS: dict[str, Callable[[int], list[Row]]] = {
    "meaningful-loss": trainings,
    "better-distance-worse-pictures": generators,
    "critic-overfit": readings,
}


def changed(*names: str, **values: object) -> Change:
    """Other values in the rows of some cases."""
    return lambda row: row | values if row["case"] in names else row


ZIGZAG = [1.0, 2.0] * (meaningful_loss.LOOK_COUNT // 2)
FLAT = [0.5] * critic_overfit.LOOK_COUNT
SHRINKING = np.linspace(2, 1, critic_overfit.LOOK_COUNT).tolist()
CONTRADICTIONS: list[tuple[str, str, Change]] = [
    ("meaningful-loss", "lower", changed("wgan-gp, dcgan", lower=ZIGZAG)),
    ("meaningful-loss", "lower", changed("gan, mlp", lower=FALLING)),
    ("meaningful-loss", "lower", changed("wgan-gp, mlp", lower=[0.0] * 16)),
    ("meaningful-loss", "critic", changed("wgan-gp, mlp", estimate=FALLING[::-1])),
    ("meaningful-loss", "js_says_nothing", changed("gan, mlp", estimate=[0.1 * value for value in TURNING])),
    ("meaningful-loss", "js_saturates", changed("gan, dcgan", estimate=[0.3] * 16)),
    ("better-distance-worse-pictures", "better_estimate", changed("batches", estimate_over_w1=1.8)),
    ("better-distance-worse-pictures", "smaller_distance", changed("all digits", upper_over_floor=1.2)),
    ("better-distance-worse-pictures", "lower_recall", changed("batches", recall=0.5)),
    ("better-distance-worse-pictures", "excess_tells_batches", changed("batches", excess=0.2)),
    ("better-distance-worse-pictures", "excess_tells_all_digits", changed("all digits", excess=0.2)),
    ("critic-overfit", "opens", changed("100", train=[1.5] * 20, held_out=FLAT)),
    ("critic-overfit", "diverges", changed("100", train=SHRINKING)),
    ("critic-overfit", "diverges", changed("100", held_out=FLAT)),
    ("critic-overfit", "fewer_images", changed("1300", train=[9.0] * 20)),
    ("critic-overfit", "noise", changed("300 with noise", train=[9.0] * 20)),
]


def repeats(name: str, changes: Sequence[Change | None]) -> list[Row]:
    """Repeats as the theory has them, some of them changed."""
    rows = [REPEATS[name](number) for number in range(len(changes))]
    return [row if change is None else change(row) for some, change in zip(rows, changes, strict=True) for row in some]


@pytest.mark.parametrize("name", REPEATS)
def test_what_the_theory_says_holds(name: str) -> None:
    holds(name, repeats(name, [None] * 3))


@pytest.mark.parametrize(("name", "claim", "change"), CONTRADICTIONS)
def test_what_contradicts_a_claim_does_not_hold(name: str, claim: str, change: Change) -> None:
    assert verdicts(name, repeats(name, [change] * 3))[claim] == FAILS
    assert verdicts(name, repeats(name, [change, None, None]))[claim] == UNSURE


def test_every_claim_is_contradicted() -> None:
    assert {(name, claim) for name, claim, _ in CONTRADICTIONS} == every_claim(list(REPEATS))


def test_rank_correlation_of_courses_and_of_their_changes() -> None:
    rising = [1.0, 2.0, 4.0, 8.0, 16.0]
    assert course.rho(rising, [-value for value in rising]) == pytest.approx(-1)
    assert course.rho(rising, [3.0] * 5) == 0
    # both rise, but one by more and more and the other by less and less
    assert course.rho_of_changes(rising, [0.0, 8.0, 12.0, 14.0, 15.0]) == pytest.approx(-1)


def test_interval_of_a_rank_correlation() -> None:
    # atanh .5 = .5493, and 1.96 * 1.06 / 5 = .4155
    assert course.interval(0.5, 28) == pytest.approx((math.tanh(0.1338), math.tanh(0.9648)), abs=1e-4)
    # of two orders of 16 the largest correlation below 1 is that with one pair of neighbours exchanged
    swapped = [2.0, 1.0, *map(float, range(3, 17))]
    assert course.interval(1.0, 16) == course.interval(course.rho(swapped, sorted(swapped)), 16)


def test_estimates_of_losses() -> None:
    assert meaningful_loss.estimated("wgan-gp, mlp", -3.0) == 3
    assert meaningful_loss.estimated("gan, mlp", 2 * math.log(2)) == pytest.approx(0)
    assert meaningful_loss.estimated("gan, mlp", 0.0) == pytest.approx(math.log(2))
    assert meaningful_loss.recent([9.0]) == 9
    assert meaningful_loss.recent([9.0] * 4 + [1.0, 7.0, 2.0, 3.0]) == 2.5
    assert meaningful_loss.recent([9.0] * 100 + [1.0] * 26) == 1


def test_looks_are_log_spaced() -> None:
    steps = meaningful_loss.looks_at(1000)
    assert (len(steps), steps[0], steps[-1]) == (meaningful_loss.LOOK_COUNT, meaningful_loss.FIRST_LOOK, 1000)
    assert np.diff(np.log(steps)).std() < 0.03


def test_a_look_at_a_shift() -> None:
    data = digits()
    seen = course.Look(data, 0)
    draw = np.random.default_rng(0)
    images = data.codec.metric(data.train.all())
    found = seen(images[draw.integers(len(images), size=seen.fakes)] + 0.5)
    # every digit moved by .5 in each of 64 pixels is 4 away; blurred by no one
    assert 3.2 < found["lower"] <= 4
    assert found["frechet"] == pytest.approx(16, abs=0.5)
    assert 2 < found["excess"] < 4


def test_a_look_shares_no_digit() -> None:
    seen = course.Look(digits(), 3)
    limit, excess = ({row.tobytes() for side in sides for row in side} for sides in _sides(seen))
    assert not limit & excess
    assert len(seen._proved) == course.PROVED


def _sides(seen: course.Look) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    return (seen._fitted, seen._chosen, seen._proved), (seen._judged,)


def test_batches_are_assigned_optimally() -> None:
    draw = torch.Generator().manual_seed(0)
    real = torch.randn(40, 3, generator=draw)
    rule = assignment.BatchTransport(real)
    fake = torch.randn(40, 3, generator=draw)
    targets = rule.targets(fake, draw)
    assert sorted(targets.tolist()) == sorted(real.tolist())
    exact = wasserstein(real.double().numpy(), fake.double().numpy())
    assert float((fake - targets).norm(dim=1).mean()) == pytest.approx(exact, rel=1e-5)
    assert rule.estimate(fake, draw) == pytest.approx(exact, rel=1e-5)


def test_the_semi_dual_climbs_to_w1() -> None:
    draw = torch.Generator().manual_seed(0)
    real, fake = torch.tensor([[0.0], [10.0]]), torch.tensor([[0.0], [1.0], [2.0], [3.0]])
    rule = assignment.SemiDual(real)
    # without heights all go to 0, which is nearest; half of them must go to 10
    assert rule.estimate(fake, draw) == pytest.approx(1.5)
    assert rule.targets(fake, draw).flatten().tolist() == [0, 0, 0, 0]
    for _ in range(500):
        rule.learn(fake, 1.0)
    exact = wasserstein(real.double().numpy(), fake.double().numpy())
    assert exact == pytest.approx(4)
    assert 3.98 < rule.estimate(fake, draw) <= 4 + 1e-6


@pytest.mark.parametrize("name", assignment.ASSIGNMENTS)
def test_an_assigned_generator_comes_nearer(name: str) -> None:
    data = digits()
    real = torch.from_numpy(data.codec.metric(data.train.all())).float()
    short = replace(better.CONFIG, steps=40, training=replace(better.CONFIG.training, ema=0.0))
    draw = torch.Generator().manual_seed(0)

    def distance(steps: int) -> float:
        rule = assignment.ASSIGNMENTS[name](real)
        state = assignment.train_by_assignment(replace(short, steps=steps), data, rule)
        with torch.no_grad():
            fake = state.generator(torch.randn(256, 16, generator=draw)).flatten(1)
        return assignment.BatchTransport(real).estimate(fake, draw)

    assert distance(40) < 0.8 * distance(1)


def test_a_critic_is_read_in_units_of_the_data() -> None:
    codec = VectorCodec(np.zeros(2), np.ones(2))
    critic = torch.nn.Linear(2, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
    train, held_out, fake = (np.full((5, 2), value) for value in (2.0, 1.0, 0.0))
    # a slope of 5, and 7 more for each unit along (1, 1)
    found = critic_overfit.reading(critic, codec, train, held_out, fake)
    assert found == pytest.approx({"train": 14 / 5, "held_out": 7 / 5, "slope": 5})


def test_few_images_are_training_images() -> None:
    whole = digits()
    few = critic_overfit.part_of(whole, 100, np.random.default_rng(0))
    known = {image.tobytes() for image in whole.train.all()}
    assert few.train.size == 100
    assert {image.tobytes() for image in few.train.all()} <= known
    assert not {image.tobytes() for image in few.held_out.sample(497)} & known


def test_pictures_are_written_in_16_greys() -> None:
    assert chart.greys(np.array([[-1.0, 1.0], [0.07, 3.0]])) == "0f8f"


def test_rows_of_a_repeat() -> None:
    rows = [{"case": case, "number": number} for case in "ab" for number in (0, 1)]
    assert by_repeat(rows) == [{case: {"case": case, "number": number} for case in "ab"} for number in (0, 1)]


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few samples, few steps."""
    configs = {case: replace(config, steps=12) for case, config in meaningful_loss.CONFIGS.items()}
    unboosted = {c: replace(x, training=replace(x.training, critic_boost=False)) for c, x in configs.items()}
    for name, value in {"CONFIGS": unboosted, "LOOK_COUNT": 5, "FIRST_LOOK": 2}.items():
        monkeypatch.setattr(meaningful_loss, name, value)
    small = {"FITTED": 40, "CHOSEN": 20, "PROVED": 20, "JUDGED": 30, "FAKES": 50, "DRAWS": 2}
    for name, value in small.items():
        monkeypatch.setattr(course, name, value)
    monkeypatch.setattr(better, "CONFIG", replace(better.CONFIG, steps=2))
    monkeypatch.setattr(better, "ESTIMATED", 50)
    monkeypatch.setattr(critic_overfit, "CONFIG", replace(critic_overfit.CONFIG, steps=8))
    for name, value in {"LOOK_COUNT": 4, "QUARTER": 1, "FAKES": 497}.items():
        monkeypatch.setattr(critic_overfit, name, value)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", REPEATS)
def test_the_command_measures_once_and_remembers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembers(name, tmp_path / name, capsys)
