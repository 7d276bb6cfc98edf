"""The claims about how both networks are trained: verdicts on rows that contradict them, closed forms, the commands."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from claim import FAILS, HOLDS, Row, contradicts, every_claim, holds, remembers, verdicts
from monge.data.builtin import digits
from monge.data.toy import ring8
from monge.experiment.critic import clipping, critic_fit, momentum, n_critic
from monge.experiment.generator import parallel_training, update_order
from monge.experiment.trial import Judge
from monge.nn.mlp import MLPCritic
from monge.objective import Objective
from monge.objective.loss import Wasserstein
from monge.training.assemble import assemble
from monge.training.step import train_step

NAMES = ("momentum", "clipping", "n-critic", "parallel-training")


def run(collapsed: int, negative: int, inside: int) -> Row:
    """Counts of one optimiser at one rate."""
    return {"updates": 1000, "collapsed": collapsed, "negative": negative, "negative_collapsed": inside}


def optimised(**changes: Row) -> Row:
    """Optimisers as the source has them."""
    with_, without = run(100, 90, 80), run(3, 0, 0)
    runs = dict.fromkeys(momentum.MOMENTUM, with_) | dict.fromkeys(momentum.NO_MOMENTUM, without)
    named = {name: changes.get(name.removeprefix("Adam, ").replace(" = .", "_"), facts) for name, facts in runs.items()}
    return {"case": "digits", "runs": dict.fromkeys(momentum.RATES, named)}


def deep(**norms: list[float]) -> Row:
    """Norms along the depth as the paper has them."""
    found = {f"c = {clip:g}": [10.0**-i for i in range(12)] for clip in clipping.CLIPS} | {"penalty": [1.0] * 12}
    return {"case": clipping.DEEP, "norms": found | norms}


def flat(clipped_: Row | None = None, penalty: Row | None = None) -> Row:
    """Weights and moments as the paper has them."""
    facts = {
        clipping.CLIPPED: {"piled": 0.9, "higher_moments": 0.01} | (clipped_ or {}),
        clipping.PENALTY: {"piled": 0.01, "higher_moments": 0.5} | (penalty or {}),
    }
    return {"case": "ring8", "w1": 1.0} | facts


def trained(minimax: float = 2.0, wgan_gp: float = 1.0) -> list[Row]:
    """Three repeats, with the excess after most critic updates."""
    ends = {"gan-minimax": minimax, "gan": 1.0, "wgan-gp": wgan_gp}
    return [
        {"case": n_critic.case(name, count), "number": number, "excess": end if count == n_critic.COUNTS[-1] else 1.0}
        for name, end in ends.items()
        for count in n_critic.COUNTS
        for number in range(3)
    ]


def game(out: float = 10.0, low: float = 0.9, high: float = 1.1) -> Row:
    """A point against a point as the theory has it."""
    radii = {"simultaneous": {"radii": [1.0, out, out]}, "alternating": {"radii": [low, high, 1.0]}}
    return {"case": parallel_training.GAME} | dict.fromkeys(parallel_training.GAMES, radii)


def at_once(simultaneous: float) -> Row:
    """Generators trained in both orders."""
    facts = {"simultaneous": {"excess": simultaneous}, "alternating": {"excess": 1.0}}
    return {"case": "gan", "generator_share": 0.5} | facts


GOOD: dict[str, list[Row]] = {
    "momentum": [optimised()] * 3,
    "clipping": [deep(), flat()] * 3,
    "n-critic": trained(),
    "parallel-training": [game(), at_once(1.0)] * 3,
}
CONTRADICTIONS: list[tuple[str, str, Row, Row]] = [
    ("momentum", "collapses", optimised(beta1_5=run(2, 0, 0)), optimised()),
    ("momentum", "momentum_is_why", optimised(RMSProp=run(90, 0, 0)), optimised()),
    ("momentum", "momentum_is_why", optimised(beta1_9=run(0, 0, 0)), optimised()),
    ("momentum", "turns_negative", optimised(beta1_9=run(100, 30, 10)), optimised()),
    ("momentum", "turns_negative", optimised(beta1_9=run(0, 0, 0)), optimised()),
    ("momentum", "only_then", optimised(beta1_9=run(100, 200, 80)), optimised()),
    ("clipping", "exponential", deep(**{"c = 0.1": [1.0] * 12}), deep()),
    ("clipping", "penalty_is_steady", deep(penalty=[10.0**-i for i in range(12)]), deep()),
    ("clipping", "piles", flat({"piled": 0.2}), flat()),
    ("clipping", "piles", flat(penalty={"piled": 0.2}), flat()),
    ("clipping", "clipped_is_blind", flat({"higher_moments": 0.3}), flat()),
    ("clipping", "penalised_sees", flat(penalty={"higher_moments": 0.1}), flat()),
    ("parallel-training", "as_good", at_once(1.5), at_once(1.0)),
    ("parallel-training", "as_good", at_once(1.0) | {"simultaneous": {"failed": "step 3"}}, at_once(1.0)),
    ("parallel-training", "spirals_out", game(out=1.5), game()),
    ("parallel-training", "alternating_is_bounded", game(high=3.0), game()),
    ("parallel-training", "alternating_is_bounded", game(low=0.1), game()),
]
MORE = [("minimax_is_hurt", trained(minimax=1.2)), ("wgan_gp_is_not_hurt", trained(wgan_gp=1.3))]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_theory_says_holds(name: str) -> None:
    holds(name, GOOD[name])


@pytest.mark.parametrize(("name", "claim", "row", "good"), CONTRADICTIONS)
def test_what_contradicts_a_claim_does_not_hold(name: str, claim: str, row: Row, good: Row) -> None:
    contradicts(name, claim, row, good)


@pytest.mark.parametrize(("claim", "rows"), MORE)
def test_what_contradicts_a_claim_about_the_critics_updates(claim: str, rows: list[Row]) -> None:
    seen = verdicts("n-critic", rows)
    assert seen[claim] == FAILS
    assert all(word == HOLDS for other, word in seen.items() if other != claim)


def test_every_claim_is_contradicted() -> None:
    contradicted = {(name, claim) for name, claim, _, _ in CONTRADICTIONS} | {("n-critic", claim) for claim, _ in MORE}
    assert contradicted == every_claim(NAMES)


def test_a_training_that_failed_counts_as_the_worst() -> None:
    rows = [
        {"case": row["case"], "number": row["number"], "failed": "step 3"} if row["case"] == "gan-minimax 20" else row
        for row in trained(minimax=1.0)
    ]
    assert verdicts("n-critic", rows)["minimax_is_hurt"] == HOLDS


@pytest.mark.parametrize(
    ("make", "cosine"),
    [
        (lambda p: torch.optim.SGD(p, 0.1), [1, 1, 1]),
        # sign vectors of (3, -4): (3 + 4) / (5 sqrt 2)
        (lambda p: torch.optim.Adam(p, 0.1, (0.0, 0.999)), [7 / (5 * math.sqrt(2))] * 3),
    ],
)
def test_cosine_of_steps_without_momentum(make: Any, cosine: list[float]) -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimiser = make([weight])
    seen = momentum.cosines(optimiser)
    for _ in range(3):
        weight.grad = torch.tensor([3.0, -4.0])
        optimiser.step()
    assert seen == pytest.approx(cosine, abs=1e-4)


def test_momentum_steps_against_a_gradient_that_has_turned() -> None:
    weight = nn.Parameter(torch.zeros(2))
    optimiser = torch.optim.Adam([weight], 0.1, (0.9, 0.999))
    seen = momentum.cosines(optimiser)
    for sign in (1, 1, 1, -1):
        weight.grad = sign * torch.tensor([3.0, 4.0])
        optimiser.step()
    assert min(seen[:3]) > 0.9
    assert seen[3] < -0.9


def test_a_recorded_loss_is_the_loss() -> None:
    real, fake = torch.randn(5, 1), torch.randn(5, 1)
    loss = momentum.Recorded(Wasserstein())
    assert loss.critic(real, fake) == Wasserstein().critic(real, fake)
    assert loss.generator(real, fake) == Wasserstein().generator(real, fake)
    assert loss.values == [pytest.approx(float(fake.mean() - real.mean()))]


def test_collapsed_updates_are_counted_after_the_first_ones() -> None:
    estimates, angles = np.ones(1000), np.ones(1000)
    estimates[:50] = -1  # too early to count
    estimates[300:310], estimates[400:410] = -0.2, -0.05
    angles[305:315] = -0.5
    seen = momentum.described(estimates, angles)
    assert seen["updates"] == 1000 - momentum.WARM_UP
    assert (seen["collapsed"], seen["negative"], seen["negative_collapsed"]) == (10, 10, 5)
    assert len(seen["estimate"]) == 1000 // momentum.BLOCK


def test_higher_moments_of_a_quadratic_function_and_of_distances_to_modes() -> None:
    data = ring8()
    draw = torch.Generator().manual_seed(0)
    real, fake = critic_fit.samples(data, 20_000, draw)
    assert critic_fit.higher_moments(lambda x: -x.square().sum(dim=1), real, fake, draw) == pytest.approx(0, abs=0.01)
    modes = data.codec.from_metric(torch.from_numpy(data.info.centres).float())
    share = critic_fit.higher_moments(lambda x: -torch.cdist(x, modes).amin(dim=1), real, fake, draw)
    assert share == pytest.approx(0.78, abs=0.02)


def test_the_gap_of_a_linear_critic_is_a_distance() -> None:
    critic = nn.Linear(2, 1)
    with torch.no_grad():
        critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
    real = torch.randn(100, 2)
    assert critic_fit.gap(critic, real, real - torch.tensor([0.6, 0.8])) == pytest.approx(1, abs=1e-5)


def test_gradients_along_the_depth_of_a_linear_chain() -> None:
    # one unit a layer, weight 2, all units positive: dL/dh doubles with each layer back
    critic = MLPCritic((1,), width=1, depth=3, slope=0)
    with torch.no_grad():
        for values in critic.parameters():
            values.fill_(2)
    norms = critic_fit.layer_norms(critic, torch.ones(4, 1), torch.ones(4, 1))
    last = 2 * math.sqrt(8 / 16)
    assert norms == pytest.approx([4 * last, 2 * last, last], rel=1e-3)
    row = {"norms": {"chain": norms}}
    assert clipping.orders(row, "chain") == pytest.approx(math.log10(4), abs=1e-3)
    assert clipping.straightness(row, "chain") == pytest.approx(1, abs=1e-6)


def test_weights_start_within_the_bound_and_stay_there() -> None:
    start = critic_fit.weights(critic_fit.started(3, 0, 0.01), 0.01)
    assert np.abs(start).max() == pytest.approx(1)
    assert critic_fit.at_bound(start) == pytest.approx(0.02, abs=0.005)
    critic = critic_fit.fitted(ring8(), 2, 5, 0, 0.01)
    assert all(float(values.detach().abs().max()) <= 0.01 for values in critic.parameters())
    assert critic_fit.unmoved(critic, critic) == 1
    assert critic_fit.unmoved(critic, critic_fit.started(2, 0, 0.01)) < 1
    assert critic_fit.at_bound(np.array([1.0, -0.99, 0.97, 0.0])) == 0.5


def test_a_point_against_a_point_follows_its_closed_form() -> None:
    h, rounds = 0.2, 20
    path = update_order.orbit(Objective(Wasserstein()), update_order.simultaneous_step, (0.6, 0.8), h, rounds)
    assert np.hypot(*path) == pytest.approx((1 + h * h) ** (np.arange(rounds + 1) / 2))
    # W1: the critic climbs psi (0 - theta), the generator climbs psi theta; the second sees the new psi if it waits
    theta, psi = 0.6, 0.8
    waits = update_order.orbit(Objective(Wasserstein()), train_step, (theta, psi), h, 1)[:, 1]
    assert waits == pytest.approx([theta + h * (psi - h * theta), psi - h * theta])
    # a quadratic form that is kept: theta^2 + psi^2 + h theta psi
    path = update_order.orbit(Objective(Wasserstein()), train_step, (theta, psi), h, rounds)
    kept = (path**2).sum(axis=0) - h * path.prod(axis=0)
    assert kept == pytest.approx(kept[0])


def test_a_simultaneous_step_differs_in_the_generators_gradient_alone() -> None:
    data = digits()
    rule = replace(parallel_training.RULES["wgan-gp"], batch=8)
    small = "width=8:depth=1"
    config = replace(
        parallel_training.CONFIG, generator=f"mlp:{small}", critic=f"mlp:{small}", objective="wgan-gp", training=rule
    )
    states = []
    for step in parallel_training.ORDERS.values():
        state, objective, sampler = assemble(config, data, torch.device("cpu"))
        step(state, objective, sampler(0))
        states.append(state)
    one, other = states
    assert all(torch.equal(a, b) for a, b in zip(one.critic.parameters(), other.critic.parameters(), strict=True))
    pairs = zip(one.generator.parameters(), other.generator.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)
    assert one.step == other.step == 1


def test_the_generators_share_of_a_step() -> None:
    # a network of 8 units between 64 pixels and 1 number takes 520 multiplications for a sample
    one = 8 + 8 * 64
    small = "mlp:width=8:depth=1"
    config = replace(
        parallel_training.CONFIG,
        generator=f"{small}:latent=1",
        critic=small,
        objective="gan",
        training=parallel_training.RULES["gan"],
    )
    # the critic: a fake, two values, their gradients in weights and units; the generator: a fake, its value, the
    # gradient down to the pixels, and from there those in weights and units
    critic = one + 2 * one + 2 * (one + 8)
    generator = one + one + one + (one + 8 * 64)
    assert update_order.generator_share(config, digits()) == pytest.approx(generator / (critic + generator))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few samples, few steps."""
    tiny = {"generator": "mlp:width=8:depth=1", "critic": "mlp:width=8:depth=1"}
    monkeypatch.setattr(momentum, "CONFIG", replace(momentum.CONFIG, steps=2, **tiny))
    monkeypatch.setattr(momentum, "WARM_UP", 2)
    monkeypatch.setattr(momentum, "BLOCK", 5)
    monkeypatch.setattr(momentum, "Judge", lambda data: Judge(data, 20))
    for name, value in {"DEEP_STEPS": 1, "STEPS": 1, "JUDGED": 100, "TRANSPORTED": 20, "SIDE": 5}.items():
        monkeypatch.setattr(clipping, name, value)
    for module in (n_critic, parallel_training):
        monkeypatch.setattr(module, "CONFIG", replace(module.CONFIG, steps=1, **tiny))
        monkeypatch.setattr(module, "judged_digits", lambda: (digits(), Judge(digits(), 20)))
    monkeypatch.setattr(parallel_training, "ROUNDS", 3)


@pytest.mark.slow
@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", NAMES)
def test_the_command_measures_once_and_remembers(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remembers(name, tmp_path / name, capsys)
