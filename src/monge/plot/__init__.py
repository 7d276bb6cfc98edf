"""Pictures of samples, of a witness, of a matrix of distances, and of how two sample sets differ."""

from monge.plot.canvas import png
from monge.plot.cluster import heat_map
from monge.plot.ipm import witness
from monge.plot.panel import panels
from monge.plot.sample import cloud, grid, picture
from monge.plot.side import side_by_side

__all__ = ["cloud", "grid", "heat_map", "panels", "picture", "png", "side_by_side", "witness"]
