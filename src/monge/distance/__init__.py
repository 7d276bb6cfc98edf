"""How far apart two laws or two sample sets are."""

from monge.distance.bracket import Bracket
from monge.distance.exact import wasserstein

__all__ = ["Bracket", "wasserstein"]
