"""From a config and data to networks, objective and state: the only place where names become objects."""

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

import torch
from torch import Tensor, nn

from monge.config import registry, spec
from monge.config.recipe import Shape, default_for
from monge.config.schema import Config, DataConfig
from monge.data.dataset import DataSet
from monge.data.source import open_data, shortest
from monge.errors import UserError
from monge.model.random import Purpose, stream
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator, ProjectionCritic
from monge.nn.head import TwoHeadedCritic
from monge.nn.packing import PackedCritic, packed_shape
from monge.objective import Objective
from monge.objective.auxiliary import MutualInformation
from monge.training.compatibility import check_combination, outputs
from monge.training.loop import linear_decay
from monge.training.replay import ReplayPool
from monge.training.sampler import Sampler
from monge.training.state import TrainingState, averaged, optimiser

OWN = "module:"
"""What the config's name of a critic starts with when a module of the user's own took its place."""
MEMORY = "memory:"
"""What the config's source starts with when the data was given in memory."""


def open_source(source: str, how: DataConfig) -> DataSet:
    """The data that a name or path stands for.

    Raises:
        UserError: the source is missing, unreadable, not what monge can train on, or was given in memory.
    """
    if source.startswith(MEMORY):
        what = f"the data {source.removeprefix(MEMORY)!r} was given in memory, not by name"
        raise UserError(f"{what}: give it again (evaluate --data, or in Python), or train on a file of it")
    builtin = {name: entry.load() for name, entry in registry.DATA.items()}
    data = open_data(source, builtin=builtin, **asdict(how))
    data.source, data.how = shortest(source), asdict(how)
    return data


def recommended(
    data: DataSet, recipe: str | None = None, objective: str | None = None, *, own_batch: bool = False
) -> Config:
    """The recipe's config for some data; with another objective than the recipe's, that objective's published rule.

    Warns when the recipe's batch is larger than the data and had to be reduced.

    Arguments:
        own_batch: the batch will be replaced, so that the recipe's does not matter.

    Raises:
        UserError: unknown recipe or objective.
    """
    shape = Shape(data.name, data.kind, data.codec.shape)
    config: Config = registry.lookup(registry.RECIPES, "--recipe", recipe or default_for(shape)).load()(shape)
    if objective is not None:
        name = objective.split(":")[0]
        entry = registry.lookup(registry.OBJECTIVES, "--objective", name)
        if name != config.objective.split(":")[0]:
            critic = spec.with_options(registry.CRITICS, "--critic", config.critic, entry.critic)
            config = replace(config, critic=critic, training=replace(config.training, **entry.rule))
        config = replace(config, objective=objective)
    if data.size is not None and config.training.batch > data.size and not own_batch:
        text = f"the recipe's batch of {config.training.batch} is reduced to the {data.size} training samples"
        warnings.warn(text, stacklevel=2)
        config = replace(config, training=replace(config.training, batch=data.size))
    return config


def published(
    data: DataSet, recipe: str | None, objective: str, generator: str | None = None, critic: str | None = None
) -> Config:
    """The recipe's config with an objective's published rule, even where the recipe has another for this objective.

    Raises:
        UserError: an unknown name.
    """
    config = recommended(data, recipe, own_batch=True)
    entry = registry.lookup(registry.OBJECTIVES, "--objectives", objective.split(":")[0])
    judge = spec.with_options(registry.CRITICS, "--critic", critic or config.critic, entry.critic)
    rule = replace(config.training, **entry.rule)
    return replace(config, objective=objective, generator=generator or config.generator, critic=judge, training=rule)


def build_objective(config: Config) -> Objective:
    """The objective of a config."""
    objective: Objective = spec.build(registry.OBJECTIVES, "--objective", config.objective)
    return objective


def build_generator(config: Config, shape: tuple[int, ...], shares: Tensor | None = None) -> nn.Module:
    """The generator with its initial weights, which depend on the seed alone.

    Codes and classes come in addition to the latent dimensions that were asked for.

    Arguments:
        shares: of the classes in the data (c,), for a conditional run.
    """
    auxiliary = build_objective(config).auxiliary
    codes = auxiliary.codes if isinstance(auxiliary, MutualInformation) else None
    conditional = config.training.conditional and shares is not None
    embedding = len(shares) if conditional and shares is not None else 0
    more = embedding + (codes.width if codes else 0)
    latent = spec.option(registry.GENERATORS, "--generator", config.generator, "latent")
    with _initialised(config.seed, Purpose.GENERATOR_INIT):
        network: nn.Module = spec.build(
            registry.GENERATORS, "--generator", config.generator, shape, latent=latent + more
        )
        if codes is not None:
            return CodedGenerator(network, codes)
        if shares is not None and conditional:
            return ConditionalGenerator(network, shares, embedding)
    return network


def build_critic(
    config: Config, shape: tuple[int, ...], shares: Tensor | None = None, critic: nn.Module | None = None
) -> nn.Module:
    """The critic with its initial weights, from a stream that differs from the generator's (source 002, 3.5).

    Arguments:
        shares: of the classes in the data (c,), for a conditional run.
        critic: a copy takes the place of the one that the config names, so that the user's own keeps its weights.

    Raises:
        UserError: unknown names or options, or a critic that cannot be copied.
    """
    auxiliary, rule = build_objective(config).auxiliary, config.training
    with _initialised(config.seed, Purpose.CRITIC_INIT):
        if critic is None:
            seen = packed_shape(shape, rule.pack)
            network: nn.Module = spec.build(registry.CRITICS, "--critic", config.critic, seen)
        else:
            network = _copied(critic)
        if rule.pack > 1:
            return PackedCritic(network, rule.pack)
        if auxiliary is not None:
            return TwoHeadedCritic(network, auxiliary.outputs(0 if shares is None else len(shares)))
        if rule.conditional and shares is not None:
            return ProjectionCritic(network, shares)
    return network


def rates(config: Config) -> Callable[[int], tuple[float, float]]:
    """The learning rates of generator and critic at a step."""
    rule = config.training
    own = (rule.learning_rate, rule.critic_learning_rate or rule.learning_rate)
    generator, critic = (linear_decay(rate, config.steps, rule.decay_from) for rate in own)
    return lambda step: (generator(step), critic(step))


def assemble(
    config: Config, data: DataSet, device: torch.device, critic: nn.Module | None = None
) -> tuple[TrainingState, Objective, Sampler]:
    """The state at step 0, the objective, and the draws of every step.

    Arguments:
        critic: takes the place of the one that the config names.

    Raises:
        UserError: unknown names or options, a combination that is refused, a batch larger than the data.
    """
    config.check()
    rule = config.training
    if data.size is not None and rule.batch > data.size:
        raise UserError(f"--training.batch {rule.batch} is larger than the data: at most {data.size} is allowed")
    objective = build_objective(config)
    check_combination(rule, objective, data)
    shares = class_shares(data) if rule.conditional else None
    generator = build_generator(config, data.codec.shape, shares).to(device)
    judge = build_critic(config, data.codec.shape, shares, critic).to(device)
    objective.check(judge, outputs(judge, data, rule.pack))
    betas, (generator_rate, critic_rate) = (float(rule.beta1), float(rule.beta2)), rates(config)(0)
    state = TrainingState(
        generator,
        judge,
        averaged(generator, rule.ema),
        optimiser(generator, rule.optimiser, generator_rate, betas),
        optimiser(judge, rule.optimiser, critic_rate, betas),
        pool=ReplayPool(rule.batch, data.codec.shape, device) if rule.replay else None,
    )
    sampler = Sampler(
        data,
        latent_size(generator),
        rule.batch,
        rule.n_critic,
        rule.critic_boost,
        config.seed,
        noisy=objective.noise is not None,
        perturbations=objective.penalty.normals if objective.penalty is not None else 0,
        conditional=rule.conditional,
        replayed=round(rule.replay * rule.batch),
    )
    return state, objective, sampler


def class_shares(data: DataSet) -> Tensor:
    """The shares (c,) of the classes in the training samples."""
    assert data.labels is not None
    counts = torch.bincount(torch.from_numpy(data.labels), minlength=len(data.classes or ()))
    return counts / counts.sum()


def placeholder_shares(classes: Sequence[str] | None) -> Tensor | None:
    """Equal shares for classes by name, in networks whose real ones a checkpoint brings."""
    return None if classes is None else torch.full((len(classes),), 1 / len(classes))


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


def _copied(critic: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(critic)
    except (RuntimeError, TypeError) as error:
        what = f"critic: {type(critic).__name__} cannot be copied, which a module of your own must allow"
        raise UserError(f"{what}: {str(error).splitlines()[0]}") from error


@contextmanager
def _initialised(seed: int, purpose: Purpose) -> Iterator[None]:
    """Draws initial weights from a stream of their own and leaves torch's global stream as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, purpose).initial_seed())
        yield
