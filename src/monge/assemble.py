"""From a config and data to networks, objective and state: the only place where names become objects."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace

import torch
from torch import nn

from monge import catalogue
from monge.config import Config, DataConfig
from monge.data.dataset import DataSet
from monge.data.source import open_data
from monge.errors import UserError
from monge.objective import Objective
from monge.recipe import Shape, default_for
from monge.training.random import Purpose, stream
from monge.training.sampler import Sampler
from monge.training.state import TrainingState, averaged, optimiser


def open_source(source: str, how: DataConfig) -> DataSet:
    """The data that a name or path stands for."""
    builtin = {name: entry.load() for name, entry in catalogue.DATA.items()}
    return open_data(source, builtin=builtin, **asdict(how))


def recommended(data: DataSet, recipe: str | None = None, objective: str | None = None) -> Config:
    """The recipe's config for some data; with another objective than the recipe's, that objective's published rule.

    Warns when the recipe's batch is larger than the data and had to be reduced.

    Raises:
        UserError: unknown recipe or objective.
    """
    shape = Shape(data.name, data.kind, data.codec.shape)
    config: Config = catalogue.lookup(catalogue.RECIPES, "--recipe", recipe or default_for(shape)).load()(shape)
    if objective is not None:
        name = objective.split(":")[0]
        entry = catalogue.lookup(catalogue.OBJECTIVES, "--objective", name)
        if name != config.objective.split(":")[0]:
            config = replace(config, training=replace(config.training, **entry.rule))
        config = replace(config, objective=objective)
    if data.size is not None and config.training.batch > data.size:
        text = f"the recipe's batch of {config.training.batch} is reduced to the {data.size} training samples"
        warnings.warn(text, stacklevel=2)
        config = replace(config, training=replace(config.training, batch=data.size))
    return config


def build_generator(config: Config, shape: tuple[int, ...]) -> nn.Module:
    """The generator with its initial weights, which depend on the seed alone."""
    with _initialised(config.seed, Purpose.GENERATOR_INIT):
        network: nn.Module = catalogue.build(catalogue.GENERATORS, "--generator", config.generator, shape)
    return network


def build_critic(config: Config, shape: tuple[int, ...]) -> nn.Module:
    """The critic with its initial weights, from a stream that differs from the generator's (source 002, 3.5)."""
    with _initialised(config.seed, Purpose.CRITIC_INIT):
        network: nn.Module = catalogue.build(catalogue.CRITICS, "--critic", config.critic, shape)
    return network


def assemble(config: Config, data: DataSet, device: torch.device) -> tuple[TrainingState, Objective, Sampler]:
    """The state at step 0, the objective, and the draws of every step.

    Raises:
        UserError: unknown names or options, a combination that is refused, a batch larger than the data.
    """
    config.check()
    rule = config.training
    if data.size is not None and rule.batch > data.size:
        raise UserError(f"--training.batch {rule.batch} is larger than the data: at most {data.size} is allowed")
    objective: Objective = catalogue.build(catalogue.OBJECTIVES, "--objective", config.objective)
    generator = build_generator(config, data.codec.shape).to(device)
    critic = build_critic(config, data.codec.shape).to(device)
    objective.check(critic)
    betas = (float(rule.beta1), float(rule.beta2))
    state = TrainingState(
        generator,
        critic,
        averaged(generator, rule.ema),
        optimiser(generator, rule.optimiser, rule.learning_rate, betas),
        optimiser(critic, rule.optimiser, rule.learning_rate, betas),
    )
    latent = latent_size(generator)
    noisy = objective.noise is not None
    return state, objective, Sampler(data, latent, rule.batch, rule.n_critic, rule.critic_boost, config.seed, noisy)


def latent_size(generator: nn.Module) -> int:
    """Number of latent dimensions that a generator takes."""
    size = generator.latent
    assert isinstance(size, int)
    return size


def pick_device(name: str) -> torch.device:
    """The device of a name; `auto` is a GPU where there is one.

    Raises:
        UserError: the device is absent.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"--device {name!r} is not known; allowed: auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: this machine has no CUDA device that torch can use; auto and cpu are allowed")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


@contextmanager
def _initialised(seed: int, purpose: Purpose) -> Iterator[None]:
    """Draws initial weights from a stream of their own and leaves torch's global stream as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, purpose).initial_seed())
        yield
