"""Sampling a trained generator, which needs the run folder only; and the folder's way back to the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.data.label import whole_numbers
from monge.errors import UserError, unknown_name
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.load import load_generator
from monge.model.random import Purpose, latent, stream
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator
from monge.run.folder import RunFolder


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
