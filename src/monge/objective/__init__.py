"""What the two networks minimise: a loss, and optionally a penalty and a constraint on the critic."""

from monge.objective.objective import Batch, Objective, Terms
from monge.objective.paper import wgan, wgan_gp

__all__ = ["Batch", "Objective", "Terms", "wgan", "wgan_gp"]
