"""Penalties made of penalties."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from monge.objective.batch import Batch
from monge.objective.option import above_zero
from monge.objective.penalty import Penalty, Witness


@dataclass(frozen=True)
class Lazy(Penalty):
    """A penalty at every n-th step, n times as large; exactly zero at the others, and then it costs no time.

    Steps are generator updates: all critic updates of a step have it, or none.

    Reference: Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", section 3.1 (lazy
    regularisation).

    Arguments:
        penalty: which one.
        every: n, >= 1.

    Example:
        >>> import torch
        >>> from dataclasses import replace
        >>> from monge.objective import R1, Batch, Lazy
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> lazy = Lazy(R1(weight=1.0), every=4)
        >>> [lazy(lambda x: 2 * x[:, 0], replace(batch, step=step)).item() for step in range(5)]
        [8.0, 0.0, 0.0, 0.0, 8.0]
    """

    penalty: Penalty
    every: int

    def __post_init__(self) -> None:
        above_zero("every", self.every)

    @property
    def noise_sets(self) -> int:
        return self.penalty.noise_sets

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        if batch.step % self.every:
            return batch.real.new_zeros(())
        return self.every * self.penalty(witness, batch)


@dataclass(frozen=True)
class Sum(Penalty):
    """Several penalties at once; each has normal numbers of its own, in their order.

    Arguments:
        parts: the penalties, at least one.

    Example:
        >>> import torch
        >>> from monge.objective import R1, R2, Batch, Sum
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> both = Sum((R1(weight=1.0), R2(weight=1.0)))
        >>> both(lambda x: 2 * x[:, 0], batch).item()  # 2^2 / 2, twice
        4.0
    """

    parts: tuple[Penalty, ...]

    @property
    def noise_sets(self) -> int:
        return sum(part.noise_sets for part in self.parts)

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        values, start = [], 0
        for part in self.parts:
            own = None if batch.perturbation is None else batch.perturbation[start : start + part.noise_sets]
            values.append(part(witness, replace(batch, perturbation=own)))
            start += part.noise_sets
        return torch.stack(values).sum()


def lazy(penalty: Penalty, every: int) -> Penalty:
    """The penalty itself if it is computed at every step."""
    return penalty if every == 1 else Lazy(penalty, every)
