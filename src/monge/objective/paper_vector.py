"""The objectives of the papers whose critic gives vectors; options as in `paper`."""

from monge.errors import unknown_name
from monge.objective.composition import lazy
from monge.objective.constraint import ClipWeights
from monge.objective.kernel_loss import (
    GaussianKernel,
    KernelDiscrepancy,
    NegativeDistanceKernel,
    RationalQuadraticKernel,
)
from monge.objective.objective import Objective
from monge.objective.penalty import GradientPenalty
from monge.objective.transport_loss import SinkhornDivergence


def mmd_gan(kernel: str = "rq", weight: float = 1.0, every: int = 1) -> Objective:
    """MMD of the critic's vectors, kernel "rq" or "rbf", with a gradient penalty on the witness.

    Use it with small critics, whose vectors a kernel compares.

    Reference: Binkowski et al. 2018.
    """
    kernels = {"rq": RationalQuadraticKernel(), "rbf": GaussianKernel()}
    if kernel not in kernels:
        raise unknown_name("--objective mmd-gan: kernel", kernel, kernels)
    return Objective(KernelDiscrepancy(kernels[kernel]), penalty=lazy(GradientPenalty(weight), every))


def energy_gan(weight: float = 10.0, every: int = 1) -> Objective:
    """Energy distance of the critic's vectors with a gradient penalty on the witness.

    The authors' Cramer GAN puts one fixed vector in the place of the real samples in the witness.

    Use it like `mmd-gan`, without lengths to choose.

    Reference: Bellemare et al. 2017.
    """
    return Objective(KernelDiscrepancy(NegativeDistanceKernel()), penalty=lazy(GradientPenalty(weight), every))


def sinkhorn_gan(
    epsilon: float = 1.0, iterations: int = 10, weight: float = 10.0, every: int = 1, bound: float = 0.0
) -> Objective:
    """Sinkhorn divergence of the critic's vectors with a gradient penalty on the witness.

    With a `bound` above 0 weights are clipped instead, as the authors do (0.01, and RMSProp at 5e-5); on `toy:ring8`
    the generator then learnt far less.

    Use it to see transport in the critic's space; costly in large batches.

    Reference: Genevay, Peyre, Cuturi 2018, section 3.
    """
    loss = SinkhornDivergence(epsilon, iterations)
    if bound:
        return Objective(loss, constraint=ClipWeights(bound))
    return Objective(loss, penalty=lazy(GradientPenalty(weight), every))
