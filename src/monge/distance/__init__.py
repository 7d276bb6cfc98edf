"""How far apart two laws or two sample sets are.

Functions of two sample sets are here by name. Closed forms that share their names, `kl` of two discrete laws and of two
Gaussians, stay in their modules: `gaussian` and `parallel_lines`.

Functions named like their modules (`bracket`, `discrepancy`, `sliced`) take those names here, so modules are imported
by their full path: `from monge.distance.sliced import max_sliced`.
"""

from monge.distance.bracket import Bracket, bracket
from monge.distance.closed_form import gaussian, parallel_lines
from monge.distance.closed_form.gaussian import GaussianLaw, wasserstein1, wasserstein2
from monge.distance.divergence.discrete import grid_masses, hellinger, js, kl, tv
from monge.distance.divergence.discriminator import discriminator_bound, js_lower_bound, optimal_discriminator
from monge.distance.divergence.neighbour import neighbour_kl
from monge.distance.dual.potential import FAMILIES, Potential, fit_potential
from monge.distance.estimate import Estimate
from monge.distance.kernel.discrepancy import Discrepancy, discrepancy, energy, kid, mmd
from monge.distance.kernel.kernel import Gaussian, Kernel, NegativeDistance, Polynomial, RationalQuadratic
from monge.distance.kernel.permutation import PermutationTest, permutation_test
from monge.distance.kernel.witness import Ipm, kernel_ipm
from monge.distance.transport.exact import Coupling, coupling, wasserstein
from monge.distance.transport.line import quantile_coupling
from monge.distance.transport.sinkhorn import sinkhorn_divergence
from monge.distance.transport.sliced import Slice, max_sliced, sliced
from monge.metric.critic_matrix import (
    ClusterMatrix,
    cluster_matrix,
    cluster_weights,
    distance_matrix,
    real_probability,
    sample_weights,
)

__all__ = [
    "FAMILIES",
    "Bracket",
    "ClusterMatrix",
    "Coupling",
    "Discrepancy",
    "Estimate",
    "Gaussian",
    "GaussianLaw",
    "Ipm",
    "Kernel",
    "NegativeDistance",
    "PermutationTest",
    "Polynomial",
    "Potential",
    "RationalQuadratic",
    "Slice",
    "bracket",
    "cluster_matrix",
    "cluster_weights",
    "coupling",
    "discrepancy",
    "discriminator_bound",
    "distance_matrix",
    "energy",
    "fit_potential",
    "gaussian",
    "grid_masses",
    "hellinger",
    "js",
    "js_lower_bound",
    "kernel_ipm",
    "kid",
    "kl",
    "max_sliced",
    "mmd",
    "neighbour_kl",
    "optimal_discriminator",
    "parallel_lines",
    "permutation_test",
    "quantile_coupling",
    "real_probability",
    "sample_weights",
    "sinkhorn_divergence",
    "sliced",
    "tv",
    "wasserstein",
    "wasserstein1",
    "wasserstein2",
]
