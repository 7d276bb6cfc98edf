"""The training rule: steps, averages, draws, rates, refusals."""

import math
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import monge
from monge.config.schema import Config, TrainingConfig
from monge.data.source import in_memory
from monge.data.space import ImageSpace, VectorSpace
from monge.errors import UserError
from monge.model.build import latent_size
from monge.model.random import Purpose, latent, stream
from monge.nn.batch_norm import settle
from monge.objective import Objective
from monge.training import thread
from monge.training.assemble import assemble
from monge.training.guard import DivergenceError, check_terms, interruption
from monge.training.monitor import SETTLED, settled
from monge.training.sampler import Sampler
from monge.training.schedule import linear_decay, rates, set_rates
from monge.training.state import Average, TrainingState
from monge.training.step import train_step

few = settings(deadline=None, max_examples=25)
DATA = in_memory(np.random.default_rng(0).normal(size=(50, 2)))
SMALL = Config(generator="mlp:width=4:latent=3", critic="mlp:width=4", training=TrainingConfig(batch=8, n_critic=2))


def small(objective: str = "wgan-gp", **rule: object) -> tuple[TrainingState, Objective, Sampler]:
    config = replace(SMALL, objective=objective, training=replace(SMALL.training, **rule))
    return assemble(config, DATA, torch.device("cpu"))


def weights(network: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


@pytest.mark.parametrize("objective", ["wgan", "wgan-gp"])
@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_steps_are_deterministic(objective: str, name: str) -> None:
    ends = []
    for _ in range(2):
        state, rule, sampler = small(objective, optimiser=name)
        initial = {key: weights(network) for key, network in state.networks().items()}
        terms = [train_step(state, rule, sampler(state.step)) for _ in range(3)]
        assert state.step == 3
        assert all(not torch.equal(weights(network), initial[key]) for key, network in state.networks().items())
        ends.append((terms, [weights(network) for network in state.networks().values()]))
        # the global stream must not matter
        torch.manual_seed(99)
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0)


def test_step_by_hand() -> None:
    """One critic update of size eta on linear networks: D(x) = w x, G(z) = g z."""
    eta, real, codes, last = (
        0.1,
        torch.tensor([[2.0], [4.0]]),
        torch.tensor([[1.0], [-3.0]]),
        torch.tensor([[4.0], [6.0]]),
    )
    generator, critic = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    nn.init.constant_(generator.weight, 2.0)
    nn.init.constant_(critic.weight, 0.5)
    sgd = [torch.optim.SGD(network.parameters(), eta) for network in (generator, critic)]
    state = TrainingState(generator, critic, Average(generator, 0.0), *sgd)
    _, objective, sampler = small("wgan")
    both = torch.stack([codes, last])
    draw = replace(sampler(0), real=real.expand(2, 2, 1), latent=both, segment=torch.zeros(2, 2))
    terms = train_step(state, Objective(objective.loss), draw)
    # fake mean 2 * -1 = -2, real mean 3
    assert terms["critic_loss"].item() == pytest.approx(0.5 * (-2 - 3))
    w = 0.5 - eta * (-2 - 3)
    assert critic.weight.item() == pytest.approx(w)
    assert terms["generator_loss"].item() == pytest.approx(-w * 2 * 5)
    assert generator.weight.item() == pytest.approx(2 + eta * w * 5)
    assert all(p.requires_grad for p in critic.parameters())


def test_frozen_layers_of_a_critic_stay_frozen() -> None:
    state, objective, sampler = small()
    fixed, *others = state.critic.parameters()
    fixed.requires_grad_(False)
    before = fixed.clone()
    for _ in range(3):
        train_step(state, objective, sampler(state.step))
    assert torch.equal(fixed, before)
    assert [p.requires_grad for p in state.critic.parameters()] == [False] + [True] * len(others)


def test_constraint_holds_after_every_step() -> None:
    state, objective, sampler = small("wgan:bound=0.003")
    train_step(state, objective, sampler(0))
    # float32 rounds the bound
    assert weights(state.critic).abs().max() <= np.float32(0.003)


@pytest.mark.parametrize("decay", [0.0, 0.15, 0.999])
def test_moving_average_by_hand(decay: float) -> None:
    network = nn.Linear(3, 2)
    average = Average(network, decay)
    expected = None
    for n in range(4):
        nn.init.normal_(network.weight, generator=torch.Generator().manual_seed(n))
        average.update(network)
        now = network.weight.detach().double()
        # the first update copies; then decay min(beta, (1 + n) / (10 + n)) with n updates done
        share = min(decay, (1 + n) / (10 + n))
        expected = now if expected is None else share * expected + (1 - share) * now
        torch.testing.assert_close(average.module.weight.detach().double(), expected)


@few
@given(st.floats(1e-6, 1), st.integers(1, 200), st.floats(0, 0.99) | st.just(1.0))
def test_linear_decay(rate: float, steps: int, start: float) -> None:
    at = linear_decay(rate, steps, start)
    found = [at(step) for step in range(steps + 1)]
    assert all(value == rate for step, value in enumerate(found) if step / steps <= start)
    assert found == sorted(found, reverse=True)
    if start < 1:
        assert found[-1] == 0
        middle = (start + 1) / 2
        assert at(middle * steps) == pytest.approx(rate / 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(("critic", "expected"), [(None, 2e-3), (5e-4, 5e-4)])
def test_rates_of_both_networks(critic: float | None, expected: float) -> None:
    """Adam's first step moves every weight by its rate."""
    rule = {"n_critic": 1, "learning_rate": 2e-3, "critic_learning_rate": critic, "decay_from": 0.5}
    config = replace(SMALL, steps=4, training=replace(SMALL.training, **rule))
    state, objective, sampler = assemble(config, DATA, torch.device("cpu"))
    networks = (state.generator, state.critic)
    before = [weights(network) for network in networks]
    set_rates(state, rates(config)(0))
    train_step(state, objective, sampler(0))
    for old, network, rate in zip(before, networks, (2e-3, expected), strict=True):
        assert float((weights(network) - old).abs().max()) == pytest.approx(rate, rel=1e-3)
    assert rates(config)(3) == pytest.approx((1e-3, expected / 2))


@few
@given(st.integers(0, 2**40), st.integers(0, 10_000))
def test_draws_depend_on_seed_and_step_alone(seed: int, step: int) -> None:
    sampler = Sampler(DATA, latent=3, batch=4, n_critic=2, boost=False, seed=seed)
    first = sampler(step)
    sampler(step + 7)
    torch.manual_seed(step)
    torch.testing.assert_close(vars(sampler(step)), vars(first), rtol=0, atol=0)
    for other in (sampler(step + 1), replace(sampler, seed=seed + 1)(step)):
        drawn = {name: value for name, value in vars(first).items() if value is not None}
        assert all(not torch.equal(vars(other)[name], value) for name, value in drawn.items())


def test_streams_of_different_purpose_differ() -> None:
    first = {torch.rand(1, generator=stream(3, purpose)).item() for purpose in Purpose}
    assert len(first) == len(Purpose)


@pytest.mark.parametrize("n_critic", [1, 5])
@pytest.mark.parametrize("step", [0, 24, 25, 499, 500, 1000])
@pytest.mark.parametrize("boost", [False, True])
def test_number_of_critic_updates(n_critic: int, step: int, boost: bool) -> None:
    updates = 100 if boost and step in (0, 24, 500, 1000) else n_critic
    draw = Sampler(DATA, latent=3, batch=4, n_critic=n_critic, boost=boost, seed=0)(step)
    # the last is the generator's
    assert draw.real.shape == (updates + 1, 4, 2)
    assert draw.latent.shape == (updates + 1, 4, 3)
    assert draw.segment.shape == (updates + 1, 4)


def test_noise_is_drawn_for_objectives_that_add_it() -> None:
    _, _, quiet = small()
    assert quiet(0).noise is None
    _, objective, noisy = small("wgan-gp:noise=0.1")
    assert objective.noise is not None
    draw = noisy(3)
    assert draw.noise is not None
    # a real and a fake set for each of two critic updates and the generator's
    assert draw.noise.shape == (3, 2, 8, 2)
    torch.testing.assert_close(noisy(3).noise, draw.noise, rtol=0, atol=0)
    assert not torch.equal(noisy(4).noise, draw.noise)
    # everything else is drawn as without noise
    torch.testing.assert_close(vars(replace(draw, noise=None)), vars(quiet(3)), rtol=0, atol=0)


@pytest.mark.parametrize(("rule", "updates"), [({"n_critic": 3}, 3), ({"critic_boost": True}, 100)])
def test_a_step_updates_the_critic_so_often_and_the_generator_once(rule: dict[str, object], updates: int) -> None:
    state, objective, sampler = small(**rule)
    train_step(state, objective, sampler(0))
    for optimiser, count in ((state.critic_optimiser, updates), (state.generator_optimiser, 1)):
        assert {int(seen["step"]) for seen in optimiser.state.values()} == {count}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_terms_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(DivergenceError, match=rf"^step 12: penalty is {value}$"):
        check_terms({"critic_loss": 1.0, "penalty": value}, 12)


@pytest.mark.parametrize("value", [2e8, -2e8])
def test_diverged_terms_are_refused(value: float) -> None:
    with pytest.raises(DivergenceError, match=r"^step 7: generator_loss is -?2e\+08, the training diverges$"):
        check_terms({"generator_loss": value}, 7)


def test_sane_terms_pass() -> None:
    check_terms({"critic_loss": -1e7, "penalty": 0.0}, 1)


def test_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(UserError, match=r"--training\.batch must be at most 40, .*; got 41"):
        small(batch=41)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"n_critic": 0}, "n-critic must be from 1 to .*; got 0"),
        ({"ema": 1.0}, "ema must be at least 0 and below 1; got 1.0"),
    ],
)
def test_values_out_of_range_are_refused(rule: dict[str, object], text: str) -> None:
    with pytest.raises(UserError, match=f"^--training.{text}$"):
        small(**rule)


def test_clock_says_when_steps_become_slow() -> None:
    clock = thread.StepClock(window=4)
    assert not any(clock.jumped(1.0) for _ in range(8))
    assert not any(clock.jumped(seconds) for seconds in (9.0, 1.0, 1.0, 1.0))
    # two slow steps of four make a median of 3, above 2.5 times the usual 1
    assert [clock.jumped(5.0) for _ in range(3)] == [False, True, False]
    # afterwards the slow time is the usual one
    assert not any(clock.jumped(5.0) for _ in range(8))


@pytest.mark.parametrize(
    ("seconds", "best"), [((1.0, 0.9, 0.1), 1), ((1.0, 0.5, 0.45), 2), ((1.0, 0.5, 0.25), 4)], ids=str
)
def test_a_further_thread_must_earn_its_place(
    monkeypatch: pytest.MonkeyPatch, seconds: tuple[float, ...], best: int
) -> None:
    before, now = torch.get_num_threads(), [0.0]
    cost = dict(zip((1, 2, 4), seconds, strict=True))

    def work() -> None:
        now[0] += cost[torch.get_num_threads()]

    monkeypatch.setattr(thread, "available", lambda: 4)
    monkeypatch.setattr(thread.time, "perf_counter", lambda: now[0])
    try:
        assert thread.fastest(work) == best
        assert torch.get_num_threads() == best
    finally:
        torch.set_num_threads(before)


def test_interruption_restores_the_handlers() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with interruption() as requested:
        assert not requested()
        signal.raise_signal(signal.SIGTERM)
        assert requested()
        assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGTERM) == before


def test_second_ctrl_c_ends_at_once() -> None:
    def twice() -> None:
        with interruption():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    # a shell's background job ignores the signal
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            twice()
    finally:
        signal.signal(signal.SIGINT, before)


def test_how_many_samples_settle_batch_norms() -> None:
    sizes = [(2,), (1, 28, 28), (1, 64, 64), (3, 40, 40), (3, 128, 128)]
    assert [settled(VectorSpace(2) if len(s) == 1 else ImageSpace(*s)) for s in sizes] == [8192, 8192, 4096, 3328, 1024]


def test_a_finished_run_has_settled_batch_norms(tmp_path: Path) -> None:
    small = {"generator": "mlp:width=16:depth=1:norm=batch", "critic": "mlp:width=8:depth=1", "threads": 1}
    run = monge.train("toy:ring8", run=tmp_path / "run", steps=5, training={"batch": 8, "n_critic": 1}, **small)
    found, again = run.model().generator, run.model().generator
    settle(again, latent(SETTLED, latent_size(again), stream(0, Purpose.CALIBRATE)))
    for (name, value), other in zip(found.named_buffers(), again.buffers(), strict=True):
        assert torch.equal(value, other), name
    raw = run.model("raw").generator
    assert any(not torch.equal(a, b) for a, b in zip(found.buffers(), raw.buffers(), strict=True))
