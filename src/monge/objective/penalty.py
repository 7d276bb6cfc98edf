r"""Penalties: functions of the critic and a batch that add to the critic's loss.

Most of them look at slopes, :math:`\lVert\nabla_x D(x)\rVert_2` of single samples; a norm over the whole batch is a
different, wrong penalty. They differ in where they look and in which slopes cost nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from monge.nn.layer import differentiated_twice
from monge.objective.batch import Batch
from monge.objective.option import above_zero

Witness = Callable[[Tensor], Tensor]
"""Samples (n, ...) to the critic's n values; fewer where a critic judges several samples together."""

WITHOUT = "to train without a penalty, choose another objective"


class Penalty(ABC):
    """A differentiable scalar that the critic's loss gains; evaluated for each sample apart, then averaged.

    Example:
        >>> from dataclasses import dataclass
        >>> import torch
        >>> from monge.objective import Batch, Penalty
        >>> @dataclass(frozen=True)
        ... class Drift(Penalty):
        ...     # keeps outputs at real samples near zero (Karras et al. 2018)
        ...     weight: float = 1e-3
        ...
        ...     def __call__(self, witness, batch):
        ...         return self.weight * witness(batch.real).square().mean()
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> round(Drift()(lambda x: 10 * x[:, 0], batch).item(), 6)
        0.1
    """

    @property
    def noise_sets(self) -> int:
        """Sets of standard normal numbers like the real samples that it needs as `Batch.perturbation`."""
        return 0

    @abstractmethod
    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        """The weighted penalty."""


@dataclass(frozen=True)
class GradientPenalty(Penalty):
    r"""Penalises critic slopes that differ from the target on segments between real and generated points.

    .. math:: \lambda\, \mathbb{E}_{\hat x}\bigl[(\lVert\nabla_{\hat x} D(\hat x)\rVert_2 - K)^2\bigr], \qquad
              \hat x = t x_r + (1 - t) x_f, \quad t \sim U(0, 1) \text{ for each sample}

    One-sided, only slopes above K cost, :math:`\max(0, \lVert\nabla D\rVert_2 - K)^2`, as a K-Lipschitz function may be
    flatter.

    References: Gulrajani et al. 2017, eq. 3 and Algorithm 1. One-sided: Petzka, Fischer,
    Lukovnikov 2018, "On the regularization of Wasserstein GANs", eq. 8.

    Arguments:
        weight: penalty weight lambda (dimensionless, > 0).
        target: slope K that costs nothing, >= 0 (critic units per data unit).
        one_sided: flatter slopes cost nothing either.

    Example:
        >>> import torch
        >>> from monge.objective import Batch, GradientPenalty
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> GradientPenalty(weight=10)(lambda x: 3 * x[:, 0], batch).item()  # slope 3: 10 (3 - 1)^2
        40.0
        >>> GradientPenalty(one_sided=True)(lambda x: 0.5 * x[:, 0], batch).item()  # flatter than 1 costs nothing
        0.0
    """

    weight: float = 10.0
    target: float = 1.0
    one_sided: bool = False

    def __post_init__(self) -> None:
        above_zero("weight", self.weight, WITHOUT)

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        excess = slopes(witness, on_segments(batch)) - self.target
        return self.weight * (excess.relu() if self.one_sided else excess).square().mean()


@dataclass(frozen=True)
class R1(Penalty):
    r"""Penalises slopes at real samples, where the critic of equal distributions would be flat.

    .. math:: \tfrac{\gamma}{2}\, \mathbb{E}_{x \sim p_r} \lVert\nabla D(x)\rVert_2^2

    Reference: Mescheder, Geiger, Nowozin 2018, "Which training methods for GANs do actually converge?", eq. 9.

    Arguments:
        weight: gamma (data units squared over critic units, > 0).

    Example:
        >>> import torch
        >>> from monge.objective import R1, Batch
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> R1(weight=10)(lambda x: 3 * x[:, 0], batch).item()  # slope 3: 10 / 2 * 3^2
        45.0
    """

    weight: float = 10.0

    def __post_init__(self) -> None:
        above_zero("weight", self.weight, WITHOUT)

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        return self.weight / 2 * slopes(witness, batch.real).square().mean()


@dataclass(frozen=True)
class R2(Penalty):
    r"""Penalises slopes at generated samples.

    .. math:: \tfrac{\gamma}{2}\, \mathbb{E}_{x \sim p_g} \lVert\nabla D(x)\rVert_2^2

    Reference: Mescheder, Geiger, Nowozin 2018, eq. 10.

    Arguments:
        weight: gamma (data units squared over critic units, > 0).

    Example:
        >>> import torch
        >>> from monge.objective import R2, Batch
        >>> batch = Batch(real=torch.ones(4, 2), fake=torch.zeros(4, 2), segment=torch.full((4,), 0.5), step=0)
        >>> R2(weight=10)(lambda x: x[:, 0] ** 2, batch).item()  # flat at the generated samples, which are 0
        0.0
    """

    weight: float = 10.0

    def __post_init__(self) -> None:
        above_zero("weight", self.weight, WITHOUT)

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        return self.weight / 2 * slopes(witness, batch.fake).square().mean()


@dataclass(frozen=True)
class Dragan(Penalty):
    r"""Penalises critic slopes that differ from the target around real samples.

    .. math:: \lambda\, \mathbb{E}_{x \sim p_r,\, \delta \sim N(0, s^2)} (\lVert\nabla D(x + \delta)\rVert_2 - K)^2

    Reference: Kodali, Abernethy, Hays, Kira 2017, "On convergence and stability of GANs" (there :math:`c = s^2`).

    Arguments:
        weight: penalty weight lambda (dimensionless, > 0).
        target: slope K that costs nothing, >= 0 (critic units per data unit).
        std: s, how far around real samples (model scale, > 0). The authors' code moves each coordinate by 0.5 U(0, 1)
            standard deviations of the data, whose root mean square is the default for data of standard deviation one.

    Example:
        >>> import torch
        >>> from monge.objective import Batch, Dragan
        >>> noise = torch.randn(1, 4, 2, generator=torch.Generator().manual_seed(0))
        >>> batch = Batch(torch.ones(4, 2), torch.zeros(4, 2), torch.full((4,), 0.5), step=0, perturbation=noise)
        >>> Dragan(weight=10)(lambda x: 2 * x[:, 0], batch).item()  # slope 2: 10 (2 - 1)^2
        10.0
    """

    weight: float = 10.0
    target: float = 1.0
    std: float = 0.3

    def __post_init__(self) -> None:
        above_zero("weight", self.weight, WITHOUT)
        above_zero("std", self.std)

    @property
    def noise_sets(self) -> int:
        return 1

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        around = batch.real + self.std * perturbation(batch)[0]
        return self.weight * (slopes(witness, around) - self.target).square().mean()


@dataclass(frozen=True)
class Consistency(Penalty):
    r"""Penalises critics that judge two perturbed copies of a real sample differently.

    .. math:: \lambda\, \mathbb{E} \max\bigl(0, \lvert D(x') - D(x'')\rvert - M\bigr), \qquad
              x' = x + s z', \quad x'' = x + s z'', \quad z', z'' \sim N(0, 1)

    In the paper both copies are x itself and differ by the dropout inside of the critic, and a tenth of the distance of
    the last features is added. Here every number is a function of seed and step, and a layer that draws its own mask
    would not be; so the perturbation is on the input, drawn with the batch.

    Reference: Wei, Gong, Liu, Lu, Wang 2018, "Improving the improved training of Wasserstein GANs: a consistency term
    and its dual effect", eq. 4.

    Arguments:
        weight: lambda (dimensionless, > 0).
        margin: difference M that costs nothing, >= 0 (critic units).
        std: s, the size of the perturbation (model scale, > 0).

    Example:
        >>> import torch
        >>> from monge.objective import Batch, Consistency
        >>> noise = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(0))
        >>> batch = Batch(torch.ones(4, 2), torch.zeros(4, 2), torch.full((4,), 0.5), step=0, perturbation=noise)
        >>> steep, flat = (Consistency()(lambda x, slope=slope: slope * x[:, 0], batch).item() for slope in (5, 0))
        >>> steep > flat == 0
        True
    """

    weight: float = 2.0
    margin: float = 0.0
    std: float = 0.1

    def __post_init__(self) -> None:
        above_zero("weight", self.weight, WITHOUT)
        above_zero("std", self.std)

    @property
    def noise_sets(self) -> int:
        return 2

    def __call__(self, witness: Witness, batch: Batch) -> Tensor:
        one, other = (witness(batch.real + self.std * normal) for normal in perturbation(batch)[:2])
        return self.weight * ((one - other).abs() - self.margin).relu().mean()


def on_segments(batch: Batch) -> Tensor:
    """One point for each pair of a real and a generated sample, at its position on their segment."""
    position = batch.segment.view(-1, *[1] * (batch.real.dim() - 1))
    return torch.lerp(batch.fake, batch.real, position)


def slopes(witness: Witness, points: Tensor) -> Tensor:
    """Euclidean norm of the gradient of each of the witness's values, with a graph for second derivatives.

    Where it judges m samples together, (n, ...) -> (n / m,), the gradient is that with respect to all m.
    """
    points = points.detach().requires_grad_()
    with differentiated_twice():
        values = witness(points)
    (gradient,) = torch.autograd.grad(values.sum(), points, create_graph=True)
    # norm's own gradient at zero is zero, not NaN
    norm: Tensor = gradient.reshape(len(values), -1).norm(dim=1)
    return norm


def perturbation(batch: Batch) -> Tensor:
    """The batch's normal numbers (m, n, ...) for moving real samples."""
    if batch.perturbation is None:
        raise ValueError("this penalty moves real samples; the batch has no perturbation")
    return batch.perturbation
