"""Sampling a trained generator, which needs the run folder only; and the folder's way back to the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.config.schema import Config, overlay
from monge.data.codec import Codec, codec_from_state
from monge.data.dataset import DataSet
from monge.data.label import whole_numbers
from monge.distance.points import Points
from monge.errors import UserError, unknown_name
from monge.model.build import OWN, build_critic, build_generator, latent_size, open_source, placeholder_shares
from monge.model.random import Purpose, stream
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator
from monge.nn.layer import latent
from monge.run.folder import RunFolder
from monge.training import checkpoint

CHUNK = 256
WEIGHTS = {"ema": "generator_ema", "raw": "generator"}


@torch.no_grad()
def generate(generator: nn.Module, codec: Codec, z: Tensor, condition: Tensor | None = None) -> NDArray[Any]:
    """Samples in the data's own form from latent numbers (n, z), in evaluation mode, a chunk at a time.

    Arguments:
        condition: the generator's second input for each of them, (n, ...), if there is one.
    """
    device = next(generator.parameters()).device
    training = generator.training
    generator.eval()
    inputs = [part.to(device).split(CHUNK) for part in (z, *(() if condition is None else (condition,)))]
    parts = [codec.decode(generator(*chunk).cpu()) for chunk in zip(*inputs, strict=True)]
    generator.train(training)
    return np.concatenate(parts)


def config_of(run: RunFolder) -> Config:
    """The resolved config that a run was started with."""
    return overlay(Config(), run.facts()["config"], f"{run.path}/run.json")


def own_data(run: RunFolder, data: DataSet | None = None) -> DataSet:
    """The data that a run was trained on.

    Arguments:
        data: these, already open; none opens them by the run's config.

    Raises:
        UserError: they are gone, were given in memory, or have changed since the training.
    """
    config = config_of(run)
    data = data or open_source(config.source, config.data)
    if data.fingerprint != run.facts()["fingerprint"]:
        what = f"the data of {config.source!r} have changed since the training"
        raise UserError(f"{what}; evaluate --data measures against them all the same")
    return data


def load_generator(run: RunFolder, weights: str = "ema") -> tuple[nn.Module, Codec]:
    """The generator of the last checkpoint and the codec of its data.

    Raises:
        UserError: unknown weights, no run, or no checkpoint yet.
    """
    if weights not in WEIGHTS:
        raise unknown_name("--weights", weights, WEIGHTS)
    facts = run.facts()
    codec = codec_from_state(facts["codec"])
    generator = build_generator(config_of(run), codec.shape, placeholder_shares(facts["classes"]))
    checkpoint.load_network(generator, last_checkpoint(run), WEIGHTS[weights])
    return generator.eval(), codec


def load_critic(run: RunFolder, critic: nn.Module | None = None) -> nn.Module:
    """The critic of the last checkpoint.

    Arguments:
        critic: a module like the one that was trained, if that was no named one.

    Raises:
        UserError: no run, no checkpoint yet, or a critic of the user's own that is not given.
    """
    config, facts = config_of(run), run.facts()
    if critic is None and config.critic.startswith(OWN):
        raise UserError(f"run {str(run.path)!r} was trained with a critic of your own, which must be given again")
    shares = placeholder_shares(facts["classes"])
    network = build_critic(config, codec_from_state(facts["codec"]).shape, shares, critic)
    checkpoint.load_network(network, last_checkpoint(run), "critic")
    return network.eval()


def last_checkpoint(run: RunFolder) -> Path:
    """The folder of the last whole checkpoint.

    Raises:
        UserError: there is none yet.
    """
    steps = checkpoint.steps(run.checkpoints)
    if not steps:
        raise UserError(f"run {str(run.path)!r} has no checkpoint yet: train it first")
    return checkpoint.folder_of(run.checkpoints, steps[-1])


@torch.no_grad()
def critic_outputs(critic: nn.Module, codec: Codec, points: Points, classes: Tensor | None = None) -> Points:
    """What the critic says of points (n, d) in metric scale, (n, k).

    Arguments:
        classes: of each of them, (n,), for the critic of a conditional run, which else averages over the classes.
    """
    inputs = [part.split(CHUNK) for part in (torch.from_numpy(points), *(() if classes is None else (classes,)))]
    parts = [critic(codec.from_metric(x).float(), *y) for x, *y in zip(*inputs, strict=True)]
    return torch.cat(parts).flatten(1).double().numpy()


@dataclass(frozen=True, eq=False)
class Samples:
    """Generated samples.

    Attributes:
        x: in the data's own shape, scale and type, (n, ...).
        y: the classes that the generator was asked for, (n,), as the data names them; none without classes.
        tried: how many were generated to find these.
    """

    x: NDArray[Any]
    y: NDArray[Any] | None
    tried: int


@dataclass(frozen=True)
class Request:
    """What is asked of a generator besides a number of samples.

    Arguments:
        label: name or number of the class, for a conditional run; none takes all by their shares.
        codes: values of codes by their index, for a run with codes; others are drawn.
    """

    label: str | int | None = None
    codes: Mapping[int, float] = field(default_factory=dict)

    def condition(self, generator: nn.Module, z: Tensor, classes: Sequence[str] | None) -> Tensor | None:
        """The generator's second input for latent numbers (n, z): classes (n,), codes (n, c), or none.

        Raises:
            UserError: the generator takes no classes or codes, or not these.
        """
        label = None if self.label is None else str(self.label)
        if label is not None and not isinstance(generator, ConditionalGenerator):
            raise UserError(f"--class {label}: this run was trained without --training.conditional")
        if self.codes and not isinstance(generator, CodedGenerator):
            raise UserError("--code: this run has no codes; --objective infogan learns some")
        if isinstance(generator, ConditionalGenerator):
            if label is None:
                return generator.labels(z)
            if classes is None or label not in classes:
                raise unknown_name("--class", label, classes or ())
            return torch.full((len(z),), classes.index(label))
        if isinstance(generator, CodedGenerator):
            codes = generator.codes.of(z)
            for index, value in self.codes.items():
                generator.codes.check(index, value)
                codes[:, index] = value
            return codes
        return None


EVERYTHING = Request()
"""All classes by their shares, all codes drawn."""


def sample(run: RunFolder, n: int, seed: int = 0, weights: str = "ema", request: Request = EVERYTHING) -> Samples:
    """n generated samples; equal arguments give equal samples.

    Raises:
        UserError: n < 1, no run or checkpoint, or a request that the generator cannot meet.
    """
    check_count(n)
    generator, codec = load_generator(run, weights)
    check_seed(seed)
    z = latent(n, latent_size(generator), stream(seed, Purpose.SAMPLE))
    classes = run.facts()["classes"]
    condition = request.condition(generator, z, classes)
    y = named(condition, classes) if isinstance(generator, ConditionalGenerator) else None
    return Samples(generate(generator, codec, z, condition), y, n)


def check_count(n: int) -> None:
    """Refuses a number of samples below one.

    Raises:
        UserError: it is.
    """
    if n < 1:
        raise UserError(f"n = {n}: at least 1 sample is allowed")


def check_seed(seed: int) -> None:
    """Refuses a negative seed.

    Raises:
        UserError: it is.
    """
    if seed < 0:
        raise UserError(f"seed = {seed}: at least 0 is allowed")


def named(labels: Tensor | None, classes: Sequence[str]) -> NDArray[Any] | None:
    """Indices of classes (n,) as their names, which are whole numbers again where all of them were."""
    if labels is None:
        return None
    whole = whole_numbers(classes)
    return np.asarray((np.array(classes) if whole is None else whole)[labels.numpy()])


def interpolate(run: RunFolder, rows: int, columns: int, seed: int = 0, weights: str = "ema") -> NDArray[Any]:
    """Samples (rows * columns, ...) along great arcs between pairs of latent codes, row by row.

    Gaussian codes lie near a sphere, so the path follows it: z(t) = cos(t pi/2) a + sin(t pi/2) b.
    """
    check_count(min(rows, columns))
    check_seed(seed)
    generator, codec = load_generator(run, weights)
    ends = latent(2 * rows, latent_size(generator), stream(seed, Purpose.SAMPLE)).unflatten(0, (rows, 2))
    angle = torch.linspace(0, torch.pi / 2, columns).view(1, -1, 1)
    codes = angle.cos() * ends[:, :1] + angle.sin() * ends[:, 1:]
    return generate(generator, codec, codes.flatten(0, 1))
