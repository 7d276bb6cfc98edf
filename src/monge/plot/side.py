"""Samples of several generators side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from monge.data.space import ImageSpace, Space
from monge.plot.canvas import as_image, flat
from monge.plot.sample import grid
from monge.plot.style import FAKE, REAL

COLUMNS = 5
SHOWN = 36
"""Images of each generator."""


def side_by_side(space: Space, samples: Mapping[str, NDArray[Any]], real: NDArray[Any]) -> Image.Image:
    """A panel for each name, with its samples; the first shows real ones, which points are drawn over everywhere."""
    columns = min(COLUMNS, len(samples) + 1)
    rows = -(-(len(samples) + 1) // columns)
    figure = Figure(figsize=(2.2 * columns, 2.4 * rows), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    panels = np.ravel(figure.subplots(rows, columns, squeeze=False))
    for plot in panels:
        plot.set_axis_off()
    for plot, (name, found) in zip(panels, {"real data": real, **samples}.items(), strict=False):
        plot.set_title(name, fontsize=8)
        if isinstance(space, ImageSpace):
            sheet = grid(space.shown(found[:SHOWN]), columns=round(SHOWN**0.5))
            plot.imshow(np.asarray(sheet.convert("RGBA")))
            continue
        behind, points = flat(real, found)
        low, high = behind.min(axis=0), behind.max(axis=0)
        margin = 0.15 * (high - low)
        plot.scatter(behind[:, 0], behind[:, 1], s=3, c=REAL, linewidths=0)
        if name != "real data":
            plot.scatter(points[:, 0], points[:, 1], s=2, c=FAKE, alpha=0.6, linewidths=0)
        plot.set_xlim(low[0] - margin[0], high[0] + margin[0])
        plot.set_ylim(low[1] - margin[1], high[1] + margin[1])
        plot.set_aspect("equal")
    return as_image(figure)
