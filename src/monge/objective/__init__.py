"""What the two networks minimise: losses, penalties, constraints, noise, auxiliary terms, and papers made of them."""

from monge.objective.augmentation import Augmentation
from monge.objective.auxiliary import Auxiliary, Classification, MutualInformation
from monge.objective.batch import Batch
from monge.objective.composition import Lazy, Sum
from monge.objective.constraint import ClipNorm, ClipWeights, Constraint, LipschitzByConstruction, ProjectSpectral
from monge.objective.exact_transport import transport_excess
from monge.objective.kernel_loss import KernelDiscrepancy
from monge.objective.loss import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    Wasserstein,
)
from monge.objective.noise import ConstantNoise, ExponentialNoise, LinearNoise, NoiseSchedule
from monge.objective.objective import Objective, Terms
from monge.objective.paper import wgan, wgan_gp
from monge.objective.penalty import R1, R2, Consistency, Dragan, GradientPenalty, Penalty
from monge.objective.relativistic_loss import RelativisticPaired
from monge.objective.transport_loss import SinkhornDivergence

__all__ = [
    "R1",
    "R2",
    "AdversarialLoss",
    "Augmentation",
    "Auxiliary",
    "Batch",
    "Classification",
    "ClipNorm",
    "ClipWeights",
    "Consistency",
    "ConstantNoise",
    "Constraint",
    "Dragan",
    "ExponentialNoise",
    "GradientPenalty",
    "Hinge",
    "KernelDiscrepancy",
    "Lazy",
    "LeastSquares",
    "LinearNoise",
    "LipschitzByConstruction",
    "Minimax",
    "MutualInformation",
    "NoiseSchedule",
    "NonSaturating",
    "Objective",
    "Penalty",
    "ProjectSpectral",
    "RelativisticPaired",
    "SinkhornDivergence",
    "Sum",
    "Terms",
    "Wasserstein",
    "transport_excess",
    "wgan",
    "wgan_gp",
]
