"""The last part of a training by exact transport: its loss, what it moves, and what stays as it is."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import monge
from monge.config.schema import Config, ObserveConfig, TrainingConfig
from monge.data.source import in_memory
from monge.distance import wasserstein
from monge.errors import UserError
from monge.objective import transport_excess
from monge.training.assemble import assemble
from monge.training.sampler import TRANSPORTED, TransportInputs
from monge.training.schedule import rates, transport_begins
from monge.training.settings import recommended
from monge.training.step import train_step
from monge.training.train import train_config

RANDOM = np.random.default_rng(0)
DATA = in_memory(RANDOM.normal(size=(60, 2)))
LABELLED = in_memory(RANDOM.normal(size=(60, 2)), np.arange(60) % 3)
RULE = TrainingConfig(batch=8, n_critic=2, learning_rate=1e-3, critic_learning_rate=2e-3, transport_from=0.5)
SMALL = Config(
    source="array", generator="mlp:width=8:latent=3", critic="mlp:width=8", steps=12, training=RULE
)  # whose critic rests from step 6 on
CPU = torch.device("cpu")


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.integers(1, 30), st.integers(1, 4))
def test_it_is_made_of_three_distances(seed: int, n: int, dimensions: int) -> None:
    x, y, z = drawn(seed, 3, n, dimensions)
    expected = (wasserstein(x, y) + wasserstein(x, z) - wasserstein(y, z)) / 2
    assert transport_excess(x, torch.stack([y, z])).item() == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 999), st.lists(st.integers(0, 2), min_size=2, max_size=20))
def test_classes_are_matched_apart(seed: int, classes: list[int]) -> None:
    x, y, z = drawn(seed, 3, len(classes), 2)
    labels = torch.tensor(classes)
    own = [labels == kind for kind in set(classes)]
    parts = [transport_excess(x[of], torch.stack([y[of], z[of]])) * of.double().mean() for of in own]
    assert transport_excess(x, torch.stack([y, z]), labels).item() == pytest.approx(float(sum(parts)), abs=1e-12)


def test_its_gradient_points_to_the_partner_and_is_finite_where_samples_meet() -> None:
    real = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    fake = torch.zeros(2, 2, 2, requires_grad=True)
    transport_excess(real, fake).backward()
    # of each generated pair one stays where it is, the other is 5 away along (3, 4); both are where the other pair is
    assert fake.grad is not None
    assert torch.isfinite(fake.grad).all()
    for of in fake.grad:
        assert sorted(map(tuple, (-4 * of).tolist())) == [(0.0, 0.0), pytest.approx((0.6, 0.8))]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_of_samples_that_are_no_numbers_it_is_none(value: float) -> None:
    real, fake = torch.zeros(3, 2), torch.zeros(2, 3, 2)
    fake[0, 1, 0] = value
    assert not torch.isfinite(transport_excess(real, fake))
    assert not torch.isfinite(transport_excess(real, fake, torch.tensor([0, 1, 1])))


def test_the_smallest_value_of_wide_and_narrow_samples_is_at_the_true_width() -> None:
    """Without its last term it would be smallest for samples that huddle."""
    x, y, z = drawn(0, 3, 400, 8)
    widths = (0.4, 0.7, 1.0, 1.4)
    whole = [transport_excess(x, width * torch.stack([y, z])).item() for width in widths]
    plain = [wasserstein(x, width * y) for width in widths]
    assert widths[int(np.argmin(whole))] == 1
    assert widths[int(np.argmin(plain))] < 1


@pytest.mark.parametrize(("data", "conditional"), [(DATA, False), (LABELLED, True)])
def test_from_then_on_the_critic_rests(data: Any, conditional: bool) -> None:
    state, objective, sampler = assemble(replace(SMALL, training=replace(RULE, conditional=conditional)), data, CPU)
    for step in range(SMALL.steps):
        inputs = sampler(step)
        before = [[p.clone() for p in network.parameters()] for network in state.networks().values()]
        terms = train_step(state, objective, inputs)
        moved = {
            name: any(not torch.equal(p, q) for p, q in zip(network.parameters(), old, strict=True))
            for (name, network), old in zip(state.networks().items(), before, strict=True)
        }
        assert moved == {"generator": True, "generator_ema": True, "critic": step < 6}
        assert isinstance(inputs, TransportInputs) == (step >= 6)
        assert ("transport" in terms) == (step >= 6)
    assert inputs.real.shape[1] == TRANSPORTED * RULE.batch
    assert state.step == SMALL.steps


def test_it_takes_the_rate_of_the_critic() -> None:
    assert transport_begins(SMALL) == 6
    assert [rates(SMALL)(step) for step in (5, 6)] == [(1e-3, 2e-3), (2e-3, 2e-3)]
    assert transport_begins(replace(SMALL, training=replace(RULE, transport_from=1.0))) is None


def test_it_brings_points_to_the_data() -> None:
    """Without any critic: the mean and the scatter of a shifted, stretched sample are found."""
    target = in_memory(np.random.default_rng(0).normal(size=(600, 2)) * [1.0, 0.3] + [2.0, -1.0])
    rule = replace(RULE, batch=64, transport_from=0.0, critic_learning_rate=5e-3, decay_from=0.3, ema=0.9)
    config = replace(SMALL, generator="mlp:width=32:latent=2", steps=300, training=rule)
    state, objective, sampler = assemble(config, target, CPU)
    for step in range(config.steps):
        for group in state.generator_optimiser.param_groups:
            group["lr"] = rates(config)(step)[0]
        train_step(state, objective, sampler(step))
    found = state.generator_ema(drawn(0, 4000, 2).float()).detach()
    real = target.batch(4000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.mean(0), real.mean(0), rtol=0, atol=0.1)
    torch.testing.assert_close(found.std(0), real.std(0), rtol=0, atol=0.15)


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("killed_at", [4, 6, 9])
def test_a_run_that_was_killed_equals_one_that_was_not(killed_at: int, tmp_path: Path) -> None:
    def train(name: str, killed_at: int | None = None) -> dict[str, bytes]:
        def display(step: int, seen: Mapping[str, Any]) -> None:
            if step == killed_at:
                raise Killed

        config = replace(SMALL, observe=ObserveConfig(log=1, bracket=6))
        run = tmp_path / name
        train_config(config, DATA, run=run, device="cpu", threads=1, checkpoint_every=2, display=display)
        return {str(path.relative_to(run)): path.read_bytes() for path in run.glob("checkpoints/*/*.safetensors")}

    with pytest.raises(Killed):
        train("killed", killed_at)
    assert train("killed") == train("whole")


def test_codes_are_refused_and_another_objective_has_its_own_rule() -> None:
    with pytest.raises(UserError, match=r"--training.transport-from must be 1 with an objective that predicts codes"):
        assemble(replace(SMALL, objective="infogan", generator="mlp:width=8:latent=12"), DATA, CPU)
    digits = monge.load_data("digits")
    assert recommended(digits).training.transport_from < 1
    assert recommended(digits, objective="hinge").training.transport_from == 1
