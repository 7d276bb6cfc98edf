"""Transforms of images before the critic sees them, and the strength that follows the critic's overfitting."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import monge
from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataInfo, split_data
from monge.errors import UserError
from monge.model.weights import steps
from monge.objective import Augmentation, Batch, Hinge, Objective, Wasserstein
from monge.objective.augmentation import TRANSFORMS, colour, cutout, flip, translation
from monge.training.assemble import assemble
from monge.training.probe import Probe
from monge.training.state import Average, TrainingState
from monge.training.steering import overfitting, steer

ALL = Augmentation(tuple(TRANSFORMS))


def images(n: int = 6, channels: int = 3, height: int = 12, width: int = 8) -> torch.Tensor:
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(n)) * 2 - 1


def every(n: int) -> torch.Tensor:
    """All of n images."""
    return torch.ones(n, dtype=torch.bool)


@pytest.mark.parametrize("name", TRANSFORMS)
@settings(deadline=None, max_examples=25)
@given(numbers=st.lists(st.floats(0, 0.999), min_size=3, max_size=3), channels=st.integers(1, 4))
def test_transforms_keep_shape_treat_images_apart_and_have_gradients(
    name: str, numbers: list[float], channels: int
) -> None:
    transform, x = TRANSFORMS[name], images(channels=channels).requires_grad_()
    u = torch.tensor(numbers[: transform.numbers]).repeat(len(x), 1)
    y = transform.apply(x, u, every(6))
    assert y.shape == x.shape
    torch.testing.assert_close(transform.apply(x[2:3], u[2:3], every(1)), y[2:3])
    assert torch.equal(transform.apply(x, u, ~every(6)), x)
    (slope,) = torch.autograd.grad(y[2].sum(), x)
    assert not slope[[0, 1, 3, 4, 5]].any()


def test_translation_moves_by_at_most_an_eighth() -> None:
    x = torch.ones(5, 1, 16, 8)
    ends = torch.tensor([[0, 0.5], [0.999, 0.5], [0.5, 0.0], [0.5, 0.999], [0.5, 0.5]])
    moved = translation(x, ends, every(5))
    assert moved.sum((1, 2, 3)).tolist() == [14 * 8, 14 * 8, 16 * 7, 16 * 7, 16 * 8]
    x = images(1)
    assert torch.equal(translation(x, torch.tensor([[0.999, 0.5]]), every(1))[:, :, :-2], x[:, :, 2:])


def test_translation_has_the_derivatives_of_an_index() -> None:
    x, u = images(2, 2, 8, 8).double().requires_grad_(), torch.tensor([[0.1, 0.9], [0.6, 0.3]])
    assert torch.autograd.gradcheck(lambda x: translation(x, u, every(2)).square(), x)
    assert torch.autograd.gradgradcheck(lambda x: translation(x, u, every(2)).square(), x)


def test_cutout_hides_a_quarter_in_the_middle_and_less_at_the_edge() -> None:
    hidden = (cutout(torch.ones(2, 1, 8, 12), torch.tensor([[0.5, 0.5], [0.0, 0.0]]), every(2)) == 0).sum((1, 2, 3))
    assert hidden.tolist() == [4 * 6, 2 * 3]


def test_colour_leaves_the_middle_of_its_range_as_it_is_and_flip_is_its_own_inverse() -> None:
    x = images()
    torch.testing.assert_close(colour(x, torch.full((6, 3), 0.5), every(6)), x)
    grey = colour(x, torch.tensor([[0.5, 0.0, 0.5]]).repeat(6, 1), every(6))
    torch.testing.assert_close(grey, x.mean(1, keepdim=True).expand_as(x))
    mirrored = flip(x, torch.zeros(6, 1), every(6))
    assert not torch.equal(mirrored, x)
    assert torch.equal(flip(mirrored, torch.zeros(6, 1), every(6)), x)


def test_strength_is_the_probability_of_each_transform() -> None:
    x, only = torch.ones(4000, 1, 8, 8), Augmentation(("cutout",))
    u = torch.rand(4000, only.numbers, generator=torch.Generator().manual_seed(0))
    for strength in (0.0, 0.3, 1.0):
        share = float((only(x, u, strength) != x).flatten(1).any(1).float().mean())
        assert abs(share - strength) < 0.03
    assert torch.equal(ALL(images(), torch.zeros(6, ALL.numbers), 0.0), images())


def test_real_and_fake_are_transformed_apart_and_the_generator_learns_through_it() -> None:
    objective = Objective(Wasserstein(), augment=Augmentation(("colour",)))
    critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 1))
    x, numbers = images(4, 3, 8, 8), torch.rand(2, 4, 4)
    fake = images(4, 3, 8, 8).requires_grad_()
    batch = Batch(x, fake, torch.rand(4), step=0, augment=numbers)
    seen = objective.seen(batch)
    assert not torch.equal(seen.real, seen.fake)
    objective.generator_loss(critic, batch).total.backward()
    assert fake.grad is not None
    assert fake.grad.flatten(1).any(1).all()
    with pytest.raises(ValueError, match="has no numbers"):
        objective.seen(Batch(x, x, torch.rand(4), step=0))


@pytest.mark.parametrize("text", ["rotation", "cutout,zoom", ""])
def test_unknown_transforms_are_refused(text: str, tmp_path: Path) -> None:
    allowed = "auto, colour, cutout, flip, off, translation"
    with pytest.raises(UserError, match=f"--augment .* is not known; .*allowed: {allowed}"):
        monge.train("digits", run=tmp_path / "r", steps=1, augment=text)
    assert not (tmp_path / "r").exists()


def test_vectors_are_not_augmented(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--augment must be off for vectors"):
        monge.train(np.ones((50, 3)) * np.arange(50)[:, None], steps=1, augment="auto", training={"batch": 8})


class Constant(torch.nn.Module):
    """A generator of grey images."""

    def __init__(self) -> None:
        super().__init__()
        self.level = torch.nn.Parameter(torch.zeros(()))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.level.expand(len(z), 1, 8, 8)


def probe(train: float, validation: float) -> Probe:
    real = torch.stack([torch.full((16, 1, 8, 8), train), torch.full((16, 1, 8, 8), validation)])
    return Probe(real, torch.zeros(16, 2), torch.ones(3, 16, ALL.numbers))


def state(strength: float) -> TrainingState:
    critic, generator = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten()), Constant()
    made = TrainingState(generator, critic, Average(generator, 0.9), None, None)  # type: ignore[arg-type]
    made.strength = torch.tensor(strength)
    return made


def test_the_ratio_is_free_of_the_critics_scale_and_the_strength_follows_it() -> None:
    for train, validation, expected in ((1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (1.0, 0.25, 0.75), (-1.0, 0.0, 0.0)):
        assert float(overfitting(state(0.5), ALL, probe(train, validation))) == pytest.approx(expected)
    overfitted, fresh = state(0.5), state(0.5)
    steer(overfitted, ALL, probe(1.0, 0.1), batch=64)
    steer(fresh, ALL, probe(1.0, 0.9), batch=64)
    assert float(overfitted.strength) == pytest.approx(0.5 + 32 * 64 / 100_000)
    assert float(fresh.strength) == pytest.approx(0.5 - 32 * 64 / 100_000)
    at_end = state(0.0)
    steer(at_end, ALL, probe(1.0, 0.9), batch=64)
    assert float(at_end.strength) == 0


def test_validation_rows_come_out_of_the_training_rows() -> None:
    values = np.arange(200 * 64, dtype=np.uint8).reshape(200, 8, 8, 1)
    values[:, 0, 0, 0] = np.arange(200)
    data = split_data(DataInfo("numbered"), values, np.arange(200) % 7)
    train, validation = data.validated()
    first = [set(part.train.all()[:, 0, 0, 0].tolist()) for part in (train, validation)]
    assert (len(first[0]), len(first[1])) == (144, 16)
    assert first[0] | first[1] == set(data.train.all()[:, 0, 0, 0].tolist())
    assert train.fingerprint == data.fingerprint
    assert train.train.labels is not None
    assert (train.train.labels == train.train.all()[:, 0, 0, 0] % 7).all()
    batch = validation.batch(500, torch.Generator().manual_seed(0))
    assert set(((batch[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()) <= first[1]


def test_a_steered_run_resumes_exactly(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    nets = {"generator": "mlp:width=16:depth=1", "critic": "mlp:width=64:depth=2"}
    rule = {"batch": 16, "learning_rate": 5e-3, "critic_learning_rate": 1e-2, "decay_from": 1.0}

    def trained(run: Path, *stops: int) -> dict[str, torch.Tensor]:
        for end in stops:
            monge.train(x, run=run, steps=end, threads=1, augment="auto", objective="hinge", training=rule, **nets)
        last = run / "checkpoints" / f"step-{steps(run / 'checkpoints')[-1]:06d}" / "state.pt"
        content: dict[str, torch.Tensor] = torch.load(last, weights_only=True)
        return content

    whole, parts = trained(tmp_path / "whole", 200), trained(tmp_path / "parts", 90, 200)
    assert 0 < float(whole["strength"]) == float(parts["strength"])
    assert monge.open_run(tmp_path / "whole").entries()[-1]["augment"] == float(whole["strength"])


@pytest.mark.parametrize(("augment", "strength"), [("auto", 0.0), ("flip", 0.6), ("off", 1.0)])
def test_transforms_begin_by_their_strength(augment: str, strength: float) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    data = split_data(DataInfo("noise"), x)
    state, *_ = assemble(Config(augment=augment, training=TrainingConfig(batch=8)), data, torch.device("cpu"))
    assert float(state.strength) == pytest.approx(strength)


def test_a_run_of_minutes_keeps_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(60, 2))
    monkeypatch.setattr("monge.training.pace.seconds_per_step", lambda *_: 0.57)

    def train(minutes: float) -> int:
        tiny = {"generator": "mlp:width=8:depth=1", "critic": "mlp:width=8:depth=1"}
        run = monge.train(x, run=tmp_path / "r", threads=1, minutes=minutes, training={"batch": 8}, **tiny)
        return int(run.facts()["config"]["steps"])

    assert train(0.1) == 10
    monkeypatch.setattr("monge.training.pace.seconds_per_step", lambda *_: 1 / 0)
    assert train(0.1) == 10  # not measured again
    assert train(0.2) == 20
    for minutes, text in ((0.1, "--minutes must be at least 0.2"), (0, "must be above 0"), (float("nan"), "above 0")):
        with pytest.raises(UserError, match=text):
            train(minutes)
    monge.train(x, run=tmp_path / "s", steps=2, threads=1, training={"batch": 8})
    with pytest.raises(UserError, match="was begun with a number of steps; use --steps"):
        monge.train(x, run=tmp_path / "s", minutes=1, threads=1, training={"batch": 8})
    with pytest.raises(UserError, match="minutes must be left out when steps is given"):
        monge.train(x, run=tmp_path / "t", minutes=1, steps=3)


def test_the_hinge_loss_takes_a_lazy_penalty() -> None:
    from monge.objective.paper import hinge

    assert hinge() == Objective(Hinge())
    penalty = hinge(weight=0.2, every=8).penalty
    assert penalty is not None
    assert "every=8" in repr(penalty)
