"""The objectives of the papers, as named compositions."""

from monge.objective.constraint import ClipWeights
from monge.objective.loss import Wasserstein
from monge.objective.noise import ConstantNoise
from monge.objective.objective import Objective
from monge.objective.penalty import GradientPenalty


def wgan(bound: float = 0.01) -> Objective:
    """Wasserstein GAN with weight clipping to [-bound, bound] after every critic update.

    Reference: Arjovsky, Chintala, Bottou 2017, Algorithm 1; source 003's four changes.
    """
    return Objective(Wasserstein(), constraint=ClipWeights(bound))


def wgan_gp(weight: float = 10.0, target: float = 1.0, noise: float = 0.0) -> Objective:
    """Wasserstein GAN with a two-sided gradient penalty, and perhaps noise of a constant standard deviation.

    Reference: Gulrajani et al. 2017, Algorithm 1; source 001, eq. 10-14.
    """
    return Objective(
        Wasserstein(), penalty=GradientPenalty(weight, target), noise=ConstantNoise(noise) if noise else None
    )
