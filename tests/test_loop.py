"""The training loop without a folder: what its hooks are told, when terms are read, and what it leaves as it was."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import monge
from monge.config import registry
from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataSet
from monge.data.source import in_memory
from monge.errors import TrainingError
from monge.objective import Objective
from monge.run.pool import flushed_denormals, torch_state
from monge.training.assemble import assemble
from monge.training.loop import UNREAD, Hooks, LoopSettings, run_loop
from monge.training.sampler import StepInputs
from monge.training.schedule import rates, set_rates
from monge.training.state import Average, TrainingState
from monge.training.step import train_step

RANDOM = np.random.default_rng(0)
DATA = in_memory(RANDOM.normal(size=(60, 2)))
LABELLED = in_memory(RANDOM.normal(size=(60, 2)), np.arange(60) % 3)
SMALL = Config(
    source="array",
    generator="mlp:width=8:latent=3",
    critic="mlp:width=8",
    steps=12,
    training=TrainingConfig(batch=8, n_critic=2, decay_from=0.5),
)
CPU = torch.device("cpu")


def settings(config: Config, **how: Any) -> LoopSettings:
    return LoopSettings(config.steps, rates(config), **how)


def weights(state: TrainingState) -> Tensor:
    return torch.cat([p.detach().flatten() for network in state.networks().values() for p in network.parameters()])


def test_a_loop_without_hooks_trains_like_one_with_all() -> None:
    told: list[tuple[str, int]] = []

    def tell(name: str) -> Any:
        return lambda state, *_: told.append((name, state.step))

    ends = []
    for hooks in (Hooks(), Hooks(tell("step"), tell("observe"), tell("log"), tell("save"))):
        state, objective, sampler = assemble(SMALL, DATA, CPU)
        how = settings(SMALL, log_every=5, observe_every=6, checkpoint_every=8)
        assert run_loop(state, objective, sampler, how, hooks)
        ends.append(weights(state))
    assert torch.equal(*ends)
    assert [step for name, step in told if name == "step"] == list(range(1, 13))
    assert [step for name, step in told if name == "observe"] == [6, 12]
    assert [step for name, step in told if name == "log"] == [5, 10, 12]
    assert [step for name, step in told if name == "save"] == [8, 12]


def test_what_is_observed_is_logged() -> None:
    lines: list[tuple[int, list[str], Mapping[str, Any]]] = []
    hooks = Hooks(
        observe=lambda state, terms: {"seen": terms["critic_loss"]},
        log=lambda state, terms, seen: lines.append((state.step, list(terms), seen)),
    )
    state, objective, sampler = assemble(SMALL, DATA, CPU)
    run_loop(state, objective, sampler, settings(SMALL, observe_every=7), hooks)
    assert [(step, names) for step, names, _ in lines] == [
        (step, ["critic_loss", "penalty", "generator_loss"]) for step in (7, 12)
    ]
    assert all(math.isfinite(seen["seen"]) for *_, seen in lines)


def test_it_stops_when_asked() -> None:
    state, objective, sampler = assemble(SMALL, DATA, CPU)
    assert not run_loop(state, objective, sampler, settings(SMALL), stop=lambda: state.step == 5)
    assert state.step == 5


def broken_at(bad: int) -> Any:
    """A step whose critic loss is not a number from one step on."""

    def step(state: TrainingState, objective: Objective, inputs: StepInputs) -> Mapping[str, Tensor]:
        terms = dict(train_step(state, objective, inputs))
        return terms | {"critic_loss": terms["critic_loss"] * (math.nan if state.step >= bad else 1)}

    return step


@pytest.mark.parametrize("bad", [1, 7, 61])
def test_a_bad_term_is_found_late_and_named_rightly(bad: int) -> None:
    config = replace(SMALL, steps=200)
    saved: list[int] = []
    state, objective, sampler = assemble(config, DATA, CPU)
    hooks = Hooks(save=lambda state: saved.append(state.step))
    with pytest.raises(TrainingError, match=f"^step {bad}: critic_loss is nan"):
        run_loop(state, objective, sampler, settings(config, checkpoint_every=5), hooks, step=broken_at(bad))
    assert saved == list(range(5, bad, 5))
    state, objective, sampler = assemble(config, DATA, CPU)
    with pytest.raises(TrainingError, match=f"^step {bad}: critic_loss is nan"):
        run_loop(state, objective, sampler, settings(config), step=broken_at(bad))
    assert bad <= state.step < bad + UNREAD


def test_a_step_that_breaks_on_a_bad_term_is_not_blamed() -> None:
    def breaks(state: TrainingState, objective: Objective, inputs: StepInputs) -> Mapping[str, Tensor]:
        if state.step == 9:
            raise RuntimeError("the matrix has values that are not finite")
        return broken_at(7)(state, objective, inputs)  # type: ignore[no-any-return]

    state, objective, sampler = assemble(SMALL, DATA, CPU)
    with pytest.raises(TrainingError, match=r"^step 7: critic_loss is nan"):
        run_loop(state, objective, sampler, settings(SMALL), step=breaks)


class NoQuestions(TorchDispatchMode):
    """Refuses what reads a number from a tensor, for which a program would wait for its device."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default):
            raise AssertionError(f"{function} asks the device")
        return function(*args, **kwargs or {})


# the singular values that wgan-svc cuts are found by a decomposition that waits for its device in any case
@pytest.mark.parametrize("name", [name for name in registry.OBJECTIVES if name != "wgan-svc"])
def test_nothing_in_a_step_asks_the_device_for_a_number(name: str) -> None:
    entry = registry.OBJECTIVES[name]
    rule = {**entry.rule, "batch": 8, "n_critic": 2}
    critic = "mlp:width=8" + "".join(f":{key}={value}" for key, value in entry.critic.items() if key != "outputs")
    critic += f":outputs={min(8, entry.critic['outputs'])}" if "outputs" in entry.critic else ""
    config = replace(SMALL, objective=name, critic=critic, training=replace(SMALL.training, **rule))
    data: DataSet = LABELLED if rule.get("conditional") else DATA
    state, objective, sampler = assemble(config, data, CPU)
    for step in range(2):
        inputs = sampler(step)
        set_rates(state, rates(config)(step))
        with NoQuestions():
            train_step(state, objective, inputs)


def test_rates_and_decay_can_be_tensors() -> None:
    ends = []
    for tensors in (False, True):
        state, objective, sampler = assemble(SMALL, DATA, CPU)
        if tensors:
            for optimiser in (state.generator_optimiser, state.critic_optimiser):
                for group in optimiser.param_groups:
                    group["lr"] = torch.tensor(group["lr"])
            state.average = Average(state.generator, torch.tensor(SMALL.training.ema))
        run_loop(state, objective, sampler, settings(SMALL))
        ends.append(weights(state))
    torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-7)


def test_the_average_copies_buffers() -> None:
    network = nn.BatchNorm1d(3)
    average = Average(network, 0.9)
    network(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))
    average.update(network)
    assert torch.equal(average.module.get_buffer("running_mean"), network.get_buffer("running_mean"))
    assert int(average.module.get_buffer("num_batches_tracked")) == 1


def tiny() -> float:
    """Half the smallest normal number: zero where denormals are taken for zero."""
    return float(torch.full((1,), torch.finfo(torch.float32).tiny) / 2)


def test_training_leaves_torch_as_it_was(tmp_path: Any) -> None:
    before = torch.get_num_threads()
    with torch_state():
        torch.set_num_threads(2)
        small: dict[str, Any] = {
            "steps": 2,
            "training": {"batch": 8},
            "generator": "mlp:width=8",
            "critic": "mlp:width=8",
        }
        monge.train(RANDOM.normal(size=(60, 2)), run=tmp_path / "run", threads=1, **small)
        assert torch.get_num_threads() == 2
        assert tiny() > 0
        with flushed_denormals():
            assert tiny() == 0
            monge.train(RANDOM.normal(size=(60, 2)), run=tmp_path / "other", threads=1, **small)
            assert tiny() == 0
        assert tiny() > 0
    assert torch.get_num_threads() == before
