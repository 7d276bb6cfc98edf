"""From a config to networks and objective."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from monge.config import registry, spec
from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.data.space import Space
from monge.errors import UserError, unknown_name
from monge.model.random import Purpose, stream
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator, ProjectionCritic
from monge.nn.head import TwoHeadedCritic
from monge.nn.level import HeadedGenerator, LevelHead
from monge.nn.packing import PackedCritic, packed_shape
from monge.objective import Augmentation, Objective
from monge.objective.augmentation import TRANSFORMS
from monge.objective.auxiliary import MutualInformation

AUTOMATIC = ("translation", "colour", "cutout")
"""Transforms whose strength is steered."""
OWN = "module:"
"""What the config's name of a critic starts with when a module of the user's own took its place."""


def build_objective(config: Config) -> Objective:
    """The objective of a config."""
    objective: Objective = spec.build(registry.OBJECTIVES, "--objective", config.objective)
    return replace(objective, augment=build_augmentation(config.augment))


def build_augmentation(text: str) -> Augmentation | None:
    """The augmentation of a config: "off", "auto", or names of transforms with commas between.

    Raises:
        UserError: another name.
    """
    for name in text.split(","):
        if name not in {"off", "auto"} | TRANSFORMS.keys() or (name in ("off", "auto") and name != text):
            raise unknown_name("--augment", name, ["auto", "off", *TRANSFORMS])
    if text == "off":
        return None
    if text == "auto":
        return Augmentation(AUTOMATIC, steered=True)
    return Augmentation(tuple(text.split(",")))


def build_generator(config: Config, space: Space, shares: Tensor | None = None) -> nn.Module:
    """The generator with its initial weights, which depend on the seed alone.

    Codes and classes come in addition to the latent dimensions that were asked for.

    Arguments:
        space: what a sample is.
        shares: of the classes in the data (c,), for a conditional run.
    """
    auxiliary = build_objective(config).auxiliary
    codes = auxiliary.codes if isinstance(auxiliary, MutualInformation) else None
    conditional = config.training.conditional and shares is not None
    embedding = len(shares) if conditional and shares is not None else 0
    more = embedding + (codes.width if codes else 0)
    latent = spec.option(registry.GENERATORS, "--generator", config.generator, "latent")
    with _initialised(config.seed, Purpose.GENERATOR_INIT):
        last = space.last_layer()
        head = last if isinstance(last, LevelHead) else None
        fixed = {"latent": latent + more, "last": nn.Identity() if head else last}
        network: nn.Module = spec.build(registry.GENERATORS, "--generator", config.generator, space.shape, **fixed)
        if head is not None:
            network = HeadedGenerator(network, head, tail=embedding)
        if codes is not None:
            return CodedGenerator(network, codes)
        if shares is not None and conditional:
            return ConditionalGenerator(network, shares, embedding)
    return network


def build_critic(
    config: Config, space: Space, shares: Tensor | None = None, critic: nn.Module | None = None
) -> nn.Module:
    """The critic with its initial weights, from a stream that differs from the generator's (Zen n.d., 3.5).

    Arguments:
        space: what a sample is.
        shares: of the classes in the data (c,), for a conditional run.
        critic: a copy takes the place of the one that the config names, so that the user's own keeps its weights.

    Raises:
        UserError: unknown names or options, or a critic that cannot be copied.
    """
    auxiliary, rule = build_objective(config).auxiliary, config.training
    with _initialised(config.seed, Purpose.CRITIC_INIT):
        if critic is None and config.critic.startswith(OWN):
            what = f"critic: this run was trained with a {config.critic.removeprefix(OWN)} of your own"
            raise UserError(f"{what}, which must be given again, in Python")
        if critic is None:
            seen = packed_shape(space.shape, rule.pack)
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


def label_shares(data: DataSet) -> Tensor:
    """The shares (c,) of the classes in the training samples."""
    assert data.train.labels is not None
    counts = torch.bincount(torch.from_numpy(data.train.labels), minlength=len(data.info.classes or ()))
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
    """The device of a name; `auto` is a CUDA GPU where there is one. Nothing was measured on `mps`.

    Raises:
        UserError: the device is absent.
    """
    if name not in ("auto", "cpu", "cuda", "mps"):
        raise UserError(f"--device {name!r} is not known; allowed: auto, cpu, cuda, mps")
    cuda = torch.cuda.is_available()
    if (name == "cuda" and not cuda) or (name == "mps" and not torch.backends.mps.is_available()):
        raise UserError(f"--device {name} needs such a device that torch can use; found none; use auto or cpu")
    return torch.device(name if name != "auto" else "cuda" if cuda else "cpu")


def _copied(critic: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(critic)
    except (RuntimeError, TypeError) as error:
        what = f"critic must be a module that can be copied; {type(critic).__name__} is not"
        raise UserError(f"{what}: {str(error).splitlines()[0]}") from error


@contextmanager
def _initialised(seed: int, purpose: Purpose) -> Iterator[None]:
    """Draws initial weights from a stream of their own and leaves torch's global stream as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, purpose).initial_seed())
        yield
