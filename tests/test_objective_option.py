"""Options of objectives, the rules they were published with, critics that they take, and noise schedules."""

import inspect
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from monge.config import registry, spec
from monge.config.schema import Config, TrainingConfig
from monge.data.source import in_memory
from monge.errors import UserError
from monge.nn.code import Codes
from monge.nn.layer import ChannelNorm
from monge.objective import Objective, wgan, wgan_gp
from monge.objective.constraint import ClipWeights
from monge.objective.loss import Wasserstein
from monge.objective.noise import ConstantNoise, ExponentialNoise, LinearNoise
from monge.objective.paper import noisy_gan
from monge.objective.penalty import GradientPenalty
from monge.training.settings import recommended
from monge.training.state import optimiser
from test_objective import batch, build, case, every_objective, smooth_critic


@every_objective
def test_published_critic_and_rule(name: str) -> None:
    entry, objective = registry.OBJECTIVES[name], build(name)
    assert entry.rule.keys() <= {field.name for field in fields(TrainingConfig)}
    assert {"optimiser", "learning_rate", "batch", "n_critic"} <= entry.rule.keys()
    Config(training=replace(TrainingConfig(), **entry.rule)).check()

    named = spec.with_options(registry.CRITICS, "--critic", "mlp:width=8:depth=2", entry.critic)
    critic = spec.build(registry.CRITICS, "--critic", named, (4,)).double()
    outputs = critic(torch.zeros(2, 4, dtype=torch.float64)).shape[1]
    objective.check(critic, outputs)
    if objective.constraint is not None:
        objective.constraint(critic)
        objective.check(critic, outputs)


@every_objective
def test_options(name: str) -> None:
    parameters = inspect.signature(registry.OBJECTIVES[name].load()).parameters.values()
    spec = name + "".join(f":{parameter.name.replace('_', '-')}={parameter.default}" for parameter in parameters)
    assert build(spec) == build(name)
    for parameter in parameters:
        if parameter.name in ("weight", "bound", "consistency", "epsilon", "std") and parameter.default:
            text = rf"^--objective {name}: {parameter.name} must be finite and above 0; got 0[^\n]*$"
            with pytest.raises(UserError, match=text):
                build(f"{name}:{parameter.name}=0")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("wgan-gpp", "--objective 'wgan-gpp' is not known; did you mean 'wgan-gp'\\?"),
        ("wgan-gp:every=0", "every must be a whole number from 1 .* got 0"),
        ("wgan-gp:weight=0", "choose another objective$"),
        ("wgan-gp:target=-1", "target must be a number from 0 .* got -1"),
        ("mmd-gan:kernel=rqq", "--objective mmd-gan: kernel 'rqq' is not known; did you mean 'rq'\\?"),
        ("noisy-gan:schedule=line", "--objective noisy-gan: schedule 'line' is not known; did you mean 'linear'"),
        ("wgan:clip=norms", "--objective wgan: clip 'norms' is not known; did you mean 'norm'"),
        ("lsgan:a=1", "a and b must differ, .*; got 1 and 1"),
        ("lsgan:a=nan", "a must be a number from -1e\\+09 .* got nan"),
        ("infogan:categorical=0:uniform=0", "at least one of categorical, uniform and normal must be above 0"),
        ("infogan:categories=1", "categories must be a whole number from 2 .* got 1"),
    ],
)
def test_bad_options(spec: str, text: str) -> None:
    with pytest.raises(UserError, match=text):
        build(spec)


def test_options_reach_the_parts() -> None:
    assert build("lsgan:a=-1:c=0").loss == build("lsgan:c=0:b=1:a=-1").loss != build("lsgan").loss
    auxiliary: Any = build("infogan:categorical=0:uniform=0:normal=3").auxiliary
    assert auxiliary.codes == Codes(10, 0, 0, 3)
    noise = build("noisy-gan:std=0.2:steps=10:schedule=exponential:saturating=false").noise
    assert noise == ExponentialNoise(0.2, 10)


NORMED = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


@every_objective
def test_penalties_refuse_batch_norm_and_offer_layer_norm(name: str) -> None:
    objective = build(name)
    if objective.penalty is not None:
        with pytest.raises(UserError, match=r"batch norm \(layer '1'.*norm=layer"):
            objective.check(NORMED)
        objective.check(nn.Sequential(nn.Conv2d(1, 2, 3), ChannelNorm(2)))


@every_objective
def test_numbers_are_not_vectors(name: str) -> None:
    objective = replace(build(name), constraint=None)
    if objective.loss.vector:
        objective.check(smooth_critic(2, outputs=3), 3)
    else:
        with pytest.raises(UserError, match="needs one output per sample; this critic has 3"):
            objective.check(smooth_critic(2, outputs=3), 3)


def test_published_constants() -> None:
    assert wgan() == Objective(Wasserstein(), penalty=None, constraint=ClipWeights(0.01))
    assert wgan_gp() == Objective(Wasserstein(), penalty=GradientPenalty(10.0, 1.0), constraint=None)


def test_published_rules() -> None:
    clipped, penalised = (registry.OBJECTIVES[name].rule for name in ("wgan", "wgan-gp"))
    assert clipped == {"optimiser": "rmsprop", "learning_rate": 5e-5, "batch": 64, "n_critic": 5}
    assert penalised == {
        "optimiser": "adam", "learning_rate": 1e-4, "beta1": 0.0, "beta2": 0.9, "batch": 64, "n_critic": 5,
    }  # fmt: skip
    assert registry.OBJECTIVES["acgan"].rule["conditional"]
    assert registry.OBJECTIVES["pacgan"].rule["pack"] == 2


def test_another_objective_than_the_recipes_brings_its_published_rule() -> None:
    data = in_memory(np.random.default_rng(0).normal(size=(500, 2)))
    rule = recommended(data, objective="wgan").training
    assert (rule.optimiser, rule.learning_rate, rule.batch, rule.n_critic) == ("rmsprop", 5e-5, 64, 5)


def test_rmsprop_has_no_momentum_and_adam_the_given_betas() -> None:
    network = nn.Linear(1, 1)
    (plain,) = optimiser(network, "rmsprop", 5e-5, (0.0, 0.9)).param_groups
    (adam,) = optimiser(network, "adam", 1e-4, (0.0, 0.9)).param_groups
    assert (plain["momentum"], plain["lr"]) == (0, 5e-5)
    assert (adam["betas"], adam["lr"]) == ((0.0, 0.9), 1e-4)


@pytest.mark.parametrize("name", [name for name in registry.OBJECTIVES if build(name).noise is not None])
def test_annealed_noise_is_a_function_of_the_step(name: str) -> None:
    objective, critic, seen = case(name, 4, 2)
    assert objective.noise is not None
    late = replace(seen, step=300)
    std = objective.noise(300)
    assert 0 < std < objective.noise(0)
    assert seen.noise is not None
    shifted = replace(late, real=seen.real + std * seen.noise[0], fake=seen.fake + std * seen.noise[1])
    for loss, plain in (
        (objective.critic_loss, replace(objective, noise=None).critic_loss),
        (objective.generator_loss, replace(objective, noise=None).generator_loss),
    ):
        torch.testing.assert_close(loss(critic, late).named, plain(critic, shifted).named)


def test_noise_schedules() -> None:
    assert [ConstantNoise(0.3)(step) for step in (0, 10**6)] == [0.3, 0.3]
    assert [LinearNoise(0.3, 4)(step) for step in (0, 1, 4, 5)] == [0.3, pytest.approx(0.225), 0, 0]
    assert [ExponentialNoise(0.4, 10)(step) for step in (0, 10, 30)] == pytest.approx([0.4, 0.2, 0.05])
    assert noisy_gan().noise == LinearNoise(0.5, 1000)


def test_noise_is_never_drawn_behind_ones_back() -> None:
    with pytest.raises(ValueError, match="adds noise; the batch has none"):
        wgan_gp(noise=0.3).critic_loss(smooth_critic(2), replace(batch(4, 2), noise=None))
