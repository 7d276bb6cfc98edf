"""Pictures of samples, of a witness, of a matrix of distances, and of how two sample sets differ."""

from monge.plot.canvas import png
from monge.plot.cluster import heat_map
from monge.plot.feature import feature_bars, pixel_maps, single_pixel_maps, stacked
from monge.plot.ipm import witness
from monge.plot.panel import Sides, panels, single_panels
from monge.plot.plane import Axis
from monge.plot.sample import cloud, grid, picture
from monge.plot.side import side_by_side

__all__ = [
    "Axis",
    "Sides",
    "cloud",
    "feature_bars",
    "grid",
    "heat_map",
    "panels",
    "picture",
    "pixel_maps",
    "png",
    "side_by_side",
    "single_panels",
    "single_pixel_maps",
    "stacked",
    "witness",
]
