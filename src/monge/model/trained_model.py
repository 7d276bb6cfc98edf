"""A trained generator as an object: loaded once, then asked for samples as often as one likes."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.config.schema import Config
from monge.data.label import whole_numbers
from monge.data.scale import Codec
from monge.data.space import Space
from monge.data.table.codec import TableCodec
from monge.distance.points import Points
from monge.errors import UserError, unknown_name
from monge.model.build import latent_size
from monge.model.inference import critic_outputs, generate
from monge.model.random import Purpose, latent, stream
from monge.model.rows import permitted_latent, rows_balanced, rows_where
from monge.nn.code import Codes
from monge.nn.condition import ConditionalGenerator, condition_of
from monge.nn.copula import CopulaGenerator


@dataclass(frozen=True, eq=False)
class Samples:
    """Generated samples.

    Attributes:
        x: in raw scale, (n, ...).
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
        where: a condition that rows of a table must meet, see `data.table.condition`.
        balance: a column of a table whose levels are wanted in equal numbers.
    """

    label: str | int | None = None
    codes: Mapping[int, float] = field(default_factory=dict)
    where: str | None = None
    balance: str | None = None


EVERYTHING = Request()
"""Classes drawn by their shares, codes drawn at random."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A trained generator with all that its samples need; made by `monge.model.load.load`.

    Arguments:
        name: of the run, for messages.
        generator: from latent numbers (n, z), and perhaps classes or codes, to samples in model scale.
        read_critic: reads the critic that it was trained against; None for a module of the user's own that is not at
            hand.
        codec: between raw, model and metric scale.
        classes: names of the classes in the data, or None.
        columns: names of a vector's numbers, or None.
        label_column: name of what the classes are of, or None.
        config: of the training.
        weights: "ema", "raw" or "best".
        step: generator updates done.
    """

    name: str
    generator: nn.Module
    read_critic: Callable[[], nn.Module] | None
    codec: Codec
    classes: Sequence[str] | None
    columns: Sequence[str] | None
    label_column: str | None
    config: Config
    weights: str
    step: int

    @cached_property
    def critic(self) -> nn.Module | None:
        """The critic, read when it is first asked for; None for a module of the user's own that is not at hand.

        Raises:
            UserError: its file is damaged.
        """
        return None if self.read_critic is None else self.read_critic()

    @property
    def space(self) -> Space:
        """What one sample is."""
        return self.codec.space

    @property
    def conditional(self) -> bool:
        """Whether the generator can be asked for a class."""
        return isinstance(self.generator, ConditionalGenerator)

    @property
    def trained_classes(self) -> list[str]:
        """The classes that a conditional generator saw in training; a class can be held out whole."""
        if not isinstance(self.generator, ConditionalGenerator):
            return []
        return [name for name, share in zip(self.classes or (), self.generator.shares.tolist(), strict=True) if share]

    @property
    def codes(self) -> Codes | None:
        """The codes that the generator can be asked for, if it has some."""
        found = getattr(self.generator, "codes", None)
        return found if isinstance(found, Codes) else None

    def latent(self, n: int, generator: torch.Generator, request: Request = EVERYTHING) -> Tensor:
        """Latent numbers (n, z) from a seeded stream; for tables, of rows that are permitted (see `model.rows`).

        Arguments:
            request: what else is asked, as of `condition`, since the rows follow from both.
        """
        size = latent_size(self.generator)
        if not isinstance(self.codec, TableCodec):
            return latent(n, size, generator)

        def made(z: Tensor) -> NDArray[Any]:
            return self.generate(z, self.condition(z, request))

        return permitted_latent(self.generator, made, self.codec, n, size, generator)

    def condition(self, z: Tensor, request: Request = EVERYTHING) -> Tensor | None:
        """The generator's second input for latent numbers (n, z): classes (n,), codes (n, c), or None.

        Raises:
            UserError: the generator takes no classes or codes, or not these.
        """
        label = None if request.label is None else str(request.label)
        if label is not None and not self.conditional:
            raise UserError(f"--class {label} needs a run trained with --training.conditional")
        if request.codes and self.codes is None:
            raise UserError("--code needs a run with codes; train one with --objective infogan")
        if label is None:
            return condition_of(self.generator, z, codes=request.codes)
        if label not in (self.classes or ()):
            raise unknown_name("--class", label, self.trained_classes)
        if label not in self.trained_classes:
            raise UserError(f"--class {label}: no training sample is of this class, so none can be generated")
        return condition_of(self.generator, z, label=list(self.classes or ()).index(label))

    def generate(self, z: Tensor, condition: Tensor | None = None) -> NDArray[Any]:
        """Samples in raw scale from latent numbers (n, z) and the generator's second input, if there is one."""
        return generate(self.generator, self.codec, z, condition)

    def keep_critic(self) -> None:
        """Reads the critic now, if there is one: a training that goes on may remove the checkpoint that it lies in."""
        if self.read_critic is not None:
            self.judge()

    def judge(self) -> nn.Module:
        """The critic.

        Raises:
            UserError: it is a module of the user's own that is not at hand, or there is none, as of a copula.
        """
        if isinstance(self.generator, CopulaGenerator):
            raise UserError(f"run {self.name!r} keeps a copula, which has no critic")
        if self.critic is None:
            raise UserError(f"run {self.name!r} was trained with your own critic; pass it again")
        return self.critic

    def judged(self, points: Points, classes: Tensor | None = None) -> Points:
        """What the critic says of points (n, d) in metric scale, (n, k), and perhaps of their classes (n,).

        Raises:
            UserError: as `judge`.
        """
        return critic_outputs(self.judge(), self.codec, points, classes)

    def named(self, labels: Tensor) -> NDArray[Any]:
        """Indices of classes (n,) as their names, which are whole numbers again where all of them were."""
        whole = whole_numbers(self.classes or ())
        return np.asarray((np.array(self.classes) if whole is None else whole)[labels.numpy()])

    def sample(self, n: int, seed: int = 0, request: Request = EVERYTHING) -> Samples:
        """n generated samples; equal arguments give equal samples.

        Raises:
            UserError: n < 1, seed < 0, or a request that the generator cannot meet.
        """
        check_count(n)
        check_seed(seed)
        if request.where is not None or request.balance is not None:
            return self._asked(n, stream(seed, Purpose.SAMPLE), request)
        z = self.latent(n, stream(seed, Purpose.SAMPLE), request)
        condition = self.condition(z, request)
        y = self.named(condition) if self.conditional and condition is not None else None
        return Samples(self.generate(z, condition), y, n)

    def _asked(self, n: int, generator: torch.Generator, request: Request) -> Samples:
        """Rows of a table that meet a condition, or have the levels of a column in equal numbers."""
        asked = "--where" if request.where is not None else "--balance"
        if not isinstance(self.codec, TableCodec):
            raise UserError(f"{asked} needs a run trained on a table; {self.name} generates {self.space.form}")
        if request.where is not None and request.balance is not None:
            raise UserError("--where cannot be used with --balance")
        if self.conditional or request.label is not None or request.codes:
            text = "conditions are on columns, and these classes and codes are in none"
            raise UserError(f"{asked} cannot be used with --class, --code or a conditional run: {text}")
        if request.where is not None:
            x, tried = rows_where(self.generator, self.codec, request.where, n, generator)
        else:
            x, tried = rows_balanced(self.generator, self.codec, request.balance or "", n, generator)
        return Samples(x, None, tried)

    def interpolate(self, rows: int, columns: int, seed: int = 0) -> NDArray[Any]:
        """Samples (rows * columns, ...) along great arcs between pairs of latent codes, row by row.

        Gaussian codes lie near a sphere, so the path follows it: z(t) = cos(t pi/2) a + sin(t pi/2) b.

        Raises:
            UserError: rows < 1, columns < 1, or seed < 0.
        """
        check_count(min(rows, columns))
        check_seed(seed)
        ends = self.latent(2 * rows, stream(seed, Purpose.SAMPLE)).unflatten(0, (rows, 2))
        angle = torch.linspace(0, torch.pi / 2, columns).view(1, -1, 1)
        path = angle.cos() * ends[:, :1] + angle.sin() * ends[:, 1:]
        return self.generate(path.flatten(0, 1))


def check_count(n: int) -> None:
    """Refuses what is no number of samples.

    Raises:
        UserError: n is no whole number, or below one.
    """
    if _whole("n", n) < 1:
        raise UserError(f"n must be at least 1; got {n}")


def check_seed(seed: int) -> None:
    """Refuses what is no seed.

    Raises:
        UserError: the seed is no whole number, or negative.
    """
    if _whole("seed", seed) < 0:
        raise UserError(f"seed must be at least 0; got {seed}")


def _whole(name: str, value: int) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise UserError(f"{name} must be a whole number; got {value!r}") from None
