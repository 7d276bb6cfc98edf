"""Distributions whose distances are known in closed form."""

from monge.distance.closed_form import gaussian, parallel_lines

__all__ = ["gaussian", "parallel_lines"]
