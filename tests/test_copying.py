"""Copying is noticed while training: by both signs together, three times in a row; blur and chance raise nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from torch import Tensor, nn

from monge.cli.progress import TrainingBar
from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.source import in_memory, load_data
from monge.metric.memorisation import attraction, copying_rank, nearest
from monge.report.finding import Finding
from monge.report.verdict import verdict
from monge.run.folder import RunFolder
from monge.training import checkpoint
from monge.training.assemble import assemble
from monge.training.copying import ATTRACTED, FEWEST, NEAR, CopyingWatch
from monge.training.diagnosis import Setup
from monge.training.monitor import Monitor
from monge.training.train import loop_settings, train_config

Make = Callable[[np.random.Generator, DataSet], NDArray[Any]]
PICTURES = (load_digits().images[..., None] * 15.9).astype(np.uint8)
# in random order, because writers follow one another
SEEN, UNSEEN = np.split(np.random.default_rng(0).permutation(PICTURES), [1000])
POINTS = np.random.default_rng(1).normal(size=(600, 6))


def watch(folder: Path, data: DataSet) -> CopyingWatch:
    return CopyingWatch(data, RunFolder(folder))


def copies(random: np.random.Generator, data: DataSet) -> NDArray[Any]:
    """Training samples with a little noise."""
    train = data.codec.metric(data.train.all())
    return train[random.integers(len(train), size=800)] + 0.02 * random.normal(size=(800, train.shape[1]))


def unseen(random: np.random.Generator, data: DataSet) -> NDArray[Any]:
    """Fresh samples of the data's distribution."""
    return data.codec.metric(UNSEEN) if data.space.side else random.normal(size=(800, 6))


def blurred(random: np.random.Generator, data: DataSet) -> NDArray[Any]:
    """Fresh samples, averaged or drawn in: nearer to every real sample than real samples are."""
    if data.space.side:
        sharp = data.codec.metric(UNSEEN)
        return sharp[np.argsort(cdist(sharp, sharp))[:, :4]].mean(axis=1)
    return 0.6 * random.normal(size=(800, 6))


@pytest.mark.parametrize("rows", [SEEN, SEEN[:100], POINTS], ids=["images", "few images", "vectors"])
@pytest.mark.parametrize(("make", "alarm"), [(copies, True), (unseen, False), (blurred, False)])
def test_copies_raise_the_alarm_and_blur_does_not(rows: NDArray[Any], make: Make, alarm: bool, tmp_path: Path) -> None:
    data, random = in_memory(rows), np.random.default_rng(0)
    looks = watch(tmp_path, data)
    found = [looks(make(random, data), step) for step in (10, 20, 30)]
    assert [seen["in_a_row"] for seen in found] == ([1, 2, 3] if alarm else [0, 0, 0])
    assert [seen["alarm"] for seen in found] == [False, False, alarm]


@pytest.mark.parametrize("rows", [SEEN, POINTS], ids=["images", "vectors"])
def test_blur_alone_shows_the_first_sign(rows: NDArray[Any], tmp_path: Path) -> None:
    data = in_memory(rows)
    seen = watch(tmp_path, data)(blurred(np.random.default_rng(0), data), 10)
    assert seen["rank"] < 2 * NEAR
    assert abs(seen["attraction"]) < ATTRACTED


def test_what_is_measured() -> None:
    random = np.random.default_rng(0)
    train, held_out = (random.normal(size=(n, 3)) for n in (200, 50))
    # every training sample copied equally often: the most that the permutations allow
    assert attraction(np.tile(train, (3, 1)), train, held_out) == pytest.approx(np.sqrt(249))
    assert attraction(np.tile(held_out, (3, 1)), train, held_out) == pytest.approx(-np.sqrt(249))
    # a sample that is in both parts belongs to both
    assert attraction(train, train, train) == 0
    # all on one sample prove nothing
    assert abs(attraction(np.tile(train[:1], (100, 1)), train, train[1:] + 9)) <= 1
    assert copying_rank(nearest(train, train)[1], nearest(held_out, train)[1]).value == 0


def test_its_z_is_standard_without_copying() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(300):
        fake, real = 0.5 * random.normal(size=(100, 2)), random.normal(size=(60, 2))
        found.append(attraction(fake, real[:40], real[40:]))
    assert np.mean(found) == pytest.approx(0, abs=3 / np.sqrt(300))
    assert np.std(found) == pytest.approx(1, abs=0.15)
    assert max(found) < ATTRACTED


def test_signs_that_stop_begin_anew_and_a_new_process_goes_on_counting(tmp_path: Path) -> None:
    data, random, run = in_memory(POINTS), np.random.default_rng(0), RunFolder(tmp_path)
    for step in (100, 200):
        (run.checkpoints / f"step-{step:06d}").mkdir(parents=True)
    looks = CopyingWatch(data, run)
    assert looks(copies(random, data), 150)["checkpoint"] == looks.kept == 100
    assert looks(unseen(random, data), 160)["in_a_row"] == 0
    assert looks.kept is None
    for step in (250, 260):
        run.log({"step": step, "copying": looks(copies(random, data), step)})
    later = CopyingWatch(data, run)
    seen = later(copies(random, data), 270)
    assert (seen["in_a_row"], seen["alarm"], seen["since"], seen["checkpoint"]) == (3, True, 250, 200)
    assert later.begins
    assert later.warning == (
        "the generator copies its training samples, since step 250 or earlier; checkpoint step-000200 is from before "
        "and is kept; train on more data, or for fewer steps"
    )
    later(copies(random, data), 280)
    assert not later.begins


def test_nothing_is_measured_of_too_few_or_of_fresh_draws(tmp_path: Path) -> None:
    assert watch(tmp_path, in_memory(POINTS[: 5 * FEWEST - 5])).generated == 0
    assert watch(tmp_path, in_memory(POINTS[: 5 * FEWEST])).generated > 0
    assert watch(tmp_path, load_data("toy:ring8")).generated == 0


def test_more_dimensions_take_fewer_samples(tmp_path: Path) -> None:
    wide = watch(tmp_path, in_memory(np.random.default_rng(0).normal(size=(60, 50_000)).astype(np.float32)))
    assert FEWEST <= wide.generated < watch(tmp_path, in_memory(POINTS)).generated == 1000


class Copier(nn.Module):
    """Gives training samples for latent codes."""

    def __init__(self, data: DataSet) -> None:
        super().__init__()
        self.rows = nn.Parameter(data.codec.encode(data.train.all()))

    def forward(self, z: Tensor) -> Tensor:
        return self.rows[(z[:, 0] * 1e4).long().remainder(len(self.rows))]


CONFIG = Config(
    source="array",
    generator="mlp:width=8:depth=1",
    critic="mlp:width=8:depth=1",
    steps=3,
    training=TrainingConfig(batch=8, n_critic=1),
)


def test_the_monitor_says_it_once(tmp_path: Path) -> None:
    data, run = in_memory(POINTS[:100]), RunFolder(tmp_path)
    run.samples.mkdir()
    state, objective, sampler = assemble(CONFIG, data, torch.device("cpu"))
    config = replace(CONFIG, observe=ObserveConfig(bracket=1))
    monitor = Monitor(Setup(config, data, objective), run, loop_settings(config), latent_size=sampler.latent)
    looked_at: Any = SimpleNamespace(
        generator=state.generator, generator_ema=Copier(data), critic=state.critic, step=0, device=state.device
    )
    for looked_at.step in (1, 2):
        assert not monitor(looked_at, {})["copying"]["alarm"]
    looked_at.step = 3
    with pytest.warns(UserWarning, match=r"step 3: the generator copies its training samples, since step 1 or earlier"):
        assert monitor(looked_at, {})["copying"]["alarm"]
    looked_at.step = 4
    assert monitor(looked_at, {})["copying"]["alarm"]


def test_a_run_logs_it(tmp_path: Path) -> None:
    run = train_config(CONFIG, in_memory(POINTS[:100]), run=tmp_path / "run", device="cpu", threads=1)
    found = [entry["copying"] for entry in run.entries()]
    assert [set(seen) for seen in found] == [{"rank", "attraction", "in_a_row", "alarm"}] * 3


def test_the_checkpoint_from_before_stays(tmp_path: Path) -> None:
    state, *_ = assemble(CONFIG, in_memory(POINTS[:100]), torch.device("cpu"))
    for state.step in (1, 2, 3, 4):
        checkpoint.save(state, tmp_path, keep=(1,))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000001", "step-000003", "step-000004"]
    state.step = 5
    checkpoint.save(state, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000004", "step-000005"]


def logged(counts: list[int]) -> list[dict[str, Any]]:
    """Entries that showed copying so many times in a row."""
    bracket = {"lower": 0.0, "upper": 2.0, "floor": 2.0, "spread": 2.0, "excess": 0.0, "confidence": 0.95}
    bracket |= {"lipschitz": "certified", "n": 10_000}
    entries = []
    for index, count in enumerate(counts):
        seen: dict[str, Any] = {"rank": -5.0, "attraction": 6.0, "in_a_row": count, "alarm": count >= 3}
        seen |= {"since": 100 * (index + 2 - count), "checkpoint": 100} if count else {}
        entries.append({"step": 100 * (index + 1), "bracket": bracket, "scatter": 6.0, "copying": seen})
    return entries


def test_the_report_says_it() -> None:
    def said(counts: list[int]) -> list[Finding]:
        found = verdict(logged(counts), "finished", 600)
        return [finding for finding in (found.headline, *found.findings) if "Copying" in finding.title]

    assert said([0, 1, 2, 0, 1, 2]) == []
    (finding,) = said([0, 1, 2, 3, 4])
    assert (finding.kind, finding.limit.word) == ("bad", "clear")
    assert finding.text.startswith("From step 200 to the end, samples were nearer to training data than held-out data")
    assert "Checkpoint 100 is from before. More data" in finding.text
    (finding,) = said([1, 2, 3, 0])
    assert (finding.kind, finding.title) == ("warn", "Copying was noticed while training, but not at the end")
    assert finding.text.startswith("From step 100 to step 300, ")


def test_the_bar_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingBar() as bar:
        bar.show(0, {"steps": 500})
        for entry in logged([2, 3]):
            bar.show(entry["step"], entry | {"critic_loss": -1.0})
    without, alarmed = capsys.readouterr().err.splitlines()
    assert "  copies training samples  " in alarmed
    assert "copies" not in without
