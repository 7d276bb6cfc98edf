r"""Losses by kernels: how far apart the critic's vectors of real and of generated samples are.

The critic h maps samples to vectors and a fixed kernel k compares them, so that together they are a kernel that is
trained. `monge.distance.kernel.kernel` has the same kernels for measuring; here they carry gradients.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from monge.errors import UserError
from monge.objective.loss import AdversarialLoss
from monge.objective.option import above_zero

LENGTHS = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0)
"""Lengths of the Gaussian mixture (Binkowski et al. 2018), in units of the critic's outputs."""
SHAPES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Exponents of the rational quadratic mixture (Binkowski et al. 2018)."""


class CriticKernel(ABC):
    """A function of two vectors, symmetric and at least conditionally positive definite."""

    @abstractmethod
    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """All values k(x_i, y_j), (n, m), for vectors (n, k) and (m, k)."""


@dataclass(frozen=True)
class GaussianKernel(CriticKernel):
    r"""A sum of Gaussians, :math:`\sum_l \exp(-\lVert x - y \rVert_2^2 / 2 \sigma_l^2)`.

    A sum, as published, and not the mean of `monge.distance.kernel.kernel`: a penalty on the witness depends on its
    scale.

    Reference: Li et al. 2017, "MMD GAN"; the lengths are those of Binkowski et al. 2018.

    Arguments:
        lengths: the sigmas, in units of the critic's outputs, > 0.
    """

    lengths: tuple[float, ...] = LENGTHS

    def __post_init__(self) -> None:
        for length in self.lengths:
            above_zero("length", length)

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        squares = squared_distances(x, y)
        return torch.stack([torch.exp(squares / (-2 * length**2)) for length in self.lengths]).sum(dim=0)


@dataclass(frozen=True)
class RationalQuadraticKernel(CriticKernel):
    r"""A sum of kernels with heavy tails, :math:`\sum_l (1 + \lVert x - y \rVert_2^2 / 2 \alpha_l)^{-\alpha_l}`.

    Reference: Binkowski et al. 2018, "Demystifying MMD GANs", experiments.

    Arguments:
        shapes: the alphas, > 0.
    """

    shapes: tuple[float, ...] = SHAPES

    def __post_init__(self) -> None:
        for shape in self.shapes:
            above_zero("shape", shape)

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        squares = squared_distances(x, y)
        return torch.stack([torch.exp(-shape * torch.log1p(squares / (2 * shape))) for shape in self.shapes]).sum(dim=0)


@dataclass(frozen=True)
class NegativeDistanceKernel(CriticKernel):
    r"""The kernel of the energy distance, :math:`-\lVert x - y \rVert_2`.

    Reference: Sejdinovic et al. 2013, theorem 22.
    """

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        return -distances(x, y)


@dataclass(frozen=True)
class KernelDiscrepancy(AdversarialLoss):
    r"""The squared maximum mean discrepancy of the critic's vectors, which the critic maximises.

    .. math:: L_G = -L_D = \mathbb{E}\,k(h(x_r), h(x_r')) + \mathbb{E}\,k(h(x_g), h(x_g'))
              - 2\,\mathbb{E}\,k(h(x_r), h(x_g))

    From a batch without bias, by leaving out the pairs of a sample with itself, so it may be negative. With the
    negative distance as kernel it is the energy distance: for numbers :math:`2 \int (F - G)^2` of the distribution
    functions, twice the squared Cramer distance.

    The **witness** :math:`\mathbb{E}\,k(h(\cdot), h(x_r)) - \mathbb{E}\,k(h(\cdot), h(x_g))`, over the batch, has L_G
    as the difference of its means but for the pairs left out, and is what a gradient penalty acts on.

    References: Gretton et al. 2012, lemma 6; Li et al. 2017, "MMD GAN: towards deeper understanding of moment
    matching network"; Binkowski et al. 2018, "Demystifying MMD GANs" (penalty on the witness); Bellemare et al. 2017,
    "The Cramer distance as a solution to biased Wasserstein gradients".

    Arguments:
        kernel: compares two vectors.

    Example:
        >>> import torch
        >>> from monge.objective import KernelDiscrepancy
        >>> from monge.objective.kernel_loss import GaussianKernel
        >>> vectors = torch.randn(2, 50, 8, generator=torch.Generator().manual_seed(0))  # critic outputs
        >>> loss = KernelDiscrepancy(GaussianKernel())
        >>> abs(loss.generator(*vectors).item()) < 0.1 < loss.generator(vectors[0], vectors[1] + 2).item()
        True
    """

    kernel: CriticKernel
    vector: ClassVar[bool] = True

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        return -self.generator(real, fake)

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self._within(real) + self._within(fake) - 2 * self.kernel(real, fake).mean()

    def witness(self, outputs: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        return self.kernel(outputs, real).mean(dim=1) - self.kernel(outputs, fake).mean(dim=1)

    def _within(self, x: Tensor) -> Tensor:
        """The mean over all pairs of two different vectors."""
        n = len(x)
        if n < 2:
            raise UserError("--training.batch must give this objective at least 2 critic outputs per batch")
        values = self.kernel(x, x)
        return (values.sum() - values.diagonal().sum()) / (n * (n - 1))


class _SquaredDistances(torch.autograd.Function):
    """Of differences, which a matrix product would cancel, with all derivatives by products: (n, m, k) is never stored.

    torch's own `cdist` has either the one or second derivatives.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(x, y)
        return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, y = ctx.saved_tensors
        to_x = gradient.sum(dim=1, keepdim=True) * x - gradient @ y
        return 2 * to_x, 2 * (gradient.sum(dim=0)[:, None] * y - gradient.T @ x)


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """Squared Euclidean distances (n, m) of vectors (n, k) and (m, k)."""
    return cast(Tensor, _SquaredDistances.apply(x, y))  # type: ignore[no-untyped-call]


def distances(x: Tensor, y: Tensor) -> Tensor:
    """Euclidean distances (n, m) of vectors (n, k) and (m, k); where two coincide the gradient is zero."""
    squares = squared_distances(x, y)
    apart = squares > 0
    # the root is taken of ones where points coincide: its infinite slope times zero would be NaN
    return torch.where(apart, squares, 1.0).sqrt() * apart
