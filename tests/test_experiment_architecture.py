"""The claims about architectures: verdicts on rows that contradict them, closed forms, and the commands."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from claim import FAILS, HOLDS, UNSURE, Row, every_claim, remembers, verdicts
from monge.config import spec
from monge.config.registry import CRITICS, GENERATORS
from monge.data.builtin import digits
from monge.errors import TrainingError
from monge.experiment.architecture import architecture, dcgan_parity, mlp_generator, no_batch_norm, random_architectures
from monge.experiment.repeat import Repeat
from monge.experiment.trial import Judge

Figures = Mapping[str, tuple[float, float]]
"""By case the excess, and the recall, or for fully connected networks the variance over that of real samples."""
STANDARD: Figures = {"gan-dcgan": (1.0, 0.6), "wgan-dcgan": (1.1, 0.5), "wgan-gp-dcgan": (0.8, 0.6)}
THEORY: dict[str, Figures] = {
    "no-batch-norm": STANDARD | {"gan-plain": (3.0, 0.1), "wgan-plain": (1.2, 0.45), "wgan-gp-plain": (0.9, 0.55)},
    "mlp-generator": STANDARD | {"gan-mlp": (3.0, 0.1), "wgan-mlp": (1.4, 0.8), "wgan-gp-mlp": (1.0, 1.1)},
    "dcgan-parity": STANDARD,
}
CONTRADICTIONS: list[tuple[str, str, Figures]] = [
    ("no-batch-norm", "gan_fails", {"gan-plain": (1.9, 0.31)}),
    ("no-batch-norm", "wgan_works", {"wgan-plain": (1.7, 0.5)}),
    ("no-batch-norm", "wgan_works", {"wgan-plain": (1.0, 0.3)}),
    ("no-batch-norm", "gp_works", {"wgan-gp-plain": (1.3, 0.6)}),
    ("mlp-generator", "falls_little", {"wgan-mlp": (1.7, 0.8)}),
    ("mlp-generator", "falls_little", {"wgan-gp-mlp": (1.3, 0.8)}),
    ("mlp-generator", "gan_falls_more", {"gan-mlp": (1.1, 0.1)}),
    ("mlp-generator", "gan_collapses", {"gan-mlp": (3.0, 0.45)}),
    ("dcgan-parity", "wgan_alike", {"wgan-dcgan": (1.6, 0.6)}),
    ("dcgan-parity", "wgan_alike", {"wgan-dcgan": (0.6, 0.6)}),
    ("dcgan-parity", "gp_alike", {"wgan-gp-dcgan": (0.6, 0.6)}),
]


def rows(*repeats: Figures) -> list[Row]:
    """The rows of some repeats."""
    return [
        {"case": case, "number": number, "excess": excess, "recall": share, "precision": 0.1, "variance_ratio": share}
        for number, figures in enumerate(repeats)
        for case, (excess, share) in figures.items()
    ]


def networks(*repeats: Sequence[tuple[float, float]]) -> list[Row]:
    """Rows of random architectures, from excesses of the GAN and of the WGAN-GP."""
    return [
        {"case": f"{i:02d}", "number": number, "excess": {"gan": gan, "wgan-gp": gp}}
        for number, pairs in enumerate(repeats)
        for i, (gan, gp) in enumerate(pairs)
    ]


LEADS = [(5.0, 0.9)] * 4 + [(0.9, 0.9)] * 9 + [(0.9, 5.0)]
EVEN = [(5.0, 0.9), (0.9, 5.0)] + [(0.9, 0.9)] * 12
LAGS_SOMEWHERE = [(5.0, 2.5)] * 4 + [(0.9, 1.2)] + [(0.9, 0.9)] * 9
ALONE = [(0.9, 5.0)] * 2 + [(5.0, 0.9)] * 12


@pytest.mark.parametrize("name", THEORY)
def test_what_the_theory_says_holds(name: str) -> None:
    assert set(verdicts(name, rows(*[THEORY[name]] * 3)).values()) == {HOLDS}


@pytest.mark.parametrize(("name", "claim", "changes"), CONTRADICTIONS)
def test_what_contradicts_a_claim_does_not_hold(name: str, claim: str, changes: Figures) -> None:
    good = THEORY[name]
    assert verdicts(name, rows(*[good | changes] * 3))[claim] == FAILS
    assert verdicts(name, rows(good | changes, good, good))[claim] == UNSURE


@pytest.mark.parametrize(
    ("claim", "contradiction"),
    [("gp_more_often", EVEN), ("gp_more_often", LAGS_SOMEWHERE), ("gan_seldom_alone", ALONE)],
)
def test_claims_about_random_architectures(claim: str, contradiction: list[tuple[float, float]]) -> None:
    name = "random-architectures"
    assert verdicts(name, networks(LEADS, LEADS, LEADS)) == {"gp_more_often": HOLDS, "gan_seldom_alone": HOLDS}
    assert verdicts(name, networks(contradiction, contradiction, contradiction))[claim] == FAILS
    assert verdicts(name, networks(contradiction, LEADS, LEADS))[claim] == UNSURE


def test_every_claim_is_contradicted() -> None:
    seen = {(name, claim) for name, claim, _ in CONTRADICTIONS}
    seen |= {("random-architectures", claim) for claim in ("gp_more_often", "gan_seldom_alone")}
    assert seen == every_claim([*THEORY, "random-architectures"])


def test_who_succeeds() -> None:
    found = networks([(0.5, 0.5), (0.5, 1.2), (1.2, 0.5), (1.2, 1.2), (1.0, 0.9)])
    assert random_architectures.counts(found, 1.0) == {"only GAN": 1, "only WGAN-GP": 2, "both": 1, "neither": 1}
    assert random_architectures.counts(found, 1.5) == {"only GAN": 0, "only WGAN-GP": 0, "both": 5, "neither": 0}
    assert random_architectures.counts(found, 0.1)["neither"] == 5


def test_architectures_are_drawn_with_equal_chances_and_can_be_built() -> None:
    draw = np.random.default_rng(0)
    pairs = [random_architectures.architecture(draw) for _ in range(600)]
    for side, table in ((0, GENERATORS), (1, CRITICS)):
        kinds = Counter(pair[side].split(":")[0] for pair in pairs)
        assert chisquare(list(kinds.values())).pvalue > 1e-3
        some: set[str] = {pair[side] for pair in pairs}
        for text in sorted(some)[::10]:
            assert spec.build(table, "--network", text, (1, 8, 8))
    norms = Counter(pair[0].split("norm=")[1].split(":")[0] for pair in pairs)
    assert chisquare(list(norms.values())).pvalue > 1e-3


def test_each_repeat_draws_different_networks_of_its_own(tmp_path: Path) -> None:
    cells = random_architectures.reproduce.cells("quick", 0, tmp_path)
    pairs = [(cell.number, random_architectures.drawn(cell)) for cell in cells]
    assert len(set(pairs)) == len(cells) == 3 * random_architectures.PER_REPEAT
    assert len({pair for _, pair in pairs}) > 0.8 * len(cells)


def test_experiments_share_their_trainings(tmp_path: Path) -> None:
    paths = [
        {cell.path for cell in some.reproduce.cells("quick", 0, tmp_path)}
        for some in (dcgan_parity, no_batch_norm, mlp_generator)
    ]
    assert paths[0] == paths[1] & paths[2]
    assert [len(some) for some in paths] == [9, 18, 18]


def test_digits_are_enlarged_and_split_as_ever() -> None:
    same, large, original = architecture.enlarged(8), architecture.enlarged(16), digits()
    assert np.array_equal(same.train.all(), original.train.all())
    assert np.array_equal(same.held_out.sample(497), original.held_out.sample(497))
    blocks = large.train.all().reshape(-1, 8, 2, 8, 2).mean(axis=(2, 4))
    assert np.corrcoef(blocks.ravel(), original.train.all().ravel())[0, 1] > 0.95


@pytest.mark.parametrize(("side", "excess"), [(8, 2.96), (16, 5.54)])
def test_the_excess_of_the_mean_image(side: int, excess: float) -> None:
    data = architecture.enlarged(side)
    mean = data.codec.metric(data.train.sample(497)).mean(axis=0)
    assert Judge(data)(np.tile(mean, (994, 1)))["excess"] == pytest.approx(excess, abs=0.005)


def test_a_network_is_as_good_as_another_up_to_a_factor() -> None:
    (row, other) = rows({"a": (1.5, 0.2), "b": (1.0, 0.3)})
    assert architecture.as_good(row, other, 1.5)
    assert not architecture.as_good(row, other, 1.4)
    assert not architecture.as_good(row | {"recall": 0.19}, other, 1.5)
    assert architecture.as_good(row, row | {"recall": 0.0}, 1.0)
    assert architecture.times_excess({"gan-mlp": row, "gan-dcgan": other}, "gan", "mlp") == 1.5


def test_images_in_sixteen_greys() -> None:
    assert architecture.greys(np.array([-1.0, 1.0, 0.07, -0.7])) == "0f82"


def test_a_training_that_fails_has_the_largest_excess(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*anything: object) -> None:
        raise TrainingError("step 3: the critic diverges")

    monkeypatch.setattr(architecture, "train", fail)
    row = architecture.measure(Repeat("wgan-gp-plain", 0, 0, tmp_path, ()))
    assert row["failed"] == "step 3: the critic diverges"
    assert (row["excess"], row["recall"], row["variance_ratio"]) == (32, 0, 0)
    broken = {case: row | {"case": case} for case in THEORY["no-batch-norm"] if case == "wgan-gp-plain"}
    some = [broken.get(good["case"], good) for good in rows(THEORY["no-batch-norm"])]
    assert verdicts("no-batch-norm", some)["gp_works"] == FAILS
    assert set(no_batch_norm.reproduce.figures(some)) == {"figure.png", "figure.svg"}
    assert "32" in no_batch_norm.reproduce.markdown(some)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few steps, few samples."""
    for module in (architecture, random_architectures):
        monkeypatch.setattr(module, "STEPS", 2)
        monkeypatch.setattr(module, "JUDGED", 20)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", [*THEORY, "random-architectures"])
def test_the_command_measures_once_and_remembers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembers(name, tmp_path / name, capsys)
