"""How far apart two data sets are: the bracket, and beside it what else two sample sets can tell."""

from monge.comparison.comparison import Comparison, check_families, compare
from monge.comparison.figure import ESTIMATES, Figure
from monge.comparison.sample_set import SampleSet

__all__ = ["ESTIMATES", "Comparison", "Figure", "SampleSet", "check_families", "compare"]
