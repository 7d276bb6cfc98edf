"""Pictures of samples: a grid of images or a cloud of points."""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from monge.data.image.encoding import page
from monge.data.space import ImageSpace, Space, TableSpace
from monge.plot.canvas import Projection, as_image
from monge.plot.plane import ELONGATED
from monge.plot.style import FAKE, REAL
from monge.plot.table import column_panels

PANELS = 12
"""Columns of a table that are shown, at most."""


def grid(images: NDArray[np.uint8], columns: int, least: int = 32) -> Image.Image:
    """Images (n, h, w, c) side by side, row by row, enlarged by whole factors to at least `least` pixels a side.

    One channel is grey and three are colours; with two or four, the last is how opaque they are.
    """
    n, height, width, channels = images.shape
    factor = max(1, -(-least // max(height, width)))
    tiles = images.repeat(factor, axis=1).repeat(factor, axis=2)
    height, width, gap = height * factor, width * factor, 2
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = gap + index // columns * (height + gap), gap + index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return page(sheet)


def cloud(fake: NDArray[Any], real: NDArray[Any] | None = None, frame: NDArray[Any] | None = None) -> Image.Image:
    """Generated points (n, d) over real ones (m, d), if given; above the plane on principal axes.

    Pictures of one frame can be laid over each other: axes and limits are the same. Generated points beyond it are
    counted in the legend.

    Arguments:
        fake, real: what is drawn.
        frame: points whose principal axes and limits are taken; the real ones if not given, or else the generated ones.
    """
    if frame is None:
        frame = fake if real is None else real
    project = Projection.of(frame)
    low, high = _limits(project(frame))
    points = project(fake)
    outside = int(((points < low) | (points > high)).any(axis=1).sum())
    label = "generated" + (f" ({outside} outside)" if outside else "")
    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot(xlim=(low[0], high[0]), xlabel=project.labels[0])
    if len(project.labels) == 1:
        bins = np.histogram_bin_edges(project(frame)[:, 0], 60).tolist()
        if real is not None:
            plot.hist(project(real)[:, 0], bins, density=True, color=REAL, label="real")
        plot.hist(points[:, 0], bins, density=True, histtype="step", color=FAKE, label=label)
        plot.set_ylabel("density")
    else:
        if real is not None:
            behind = project(real)
            plot.scatter(behind[:, 0], behind[:, 1], s=4, c=REAL, linewidths=0, label="real")
        plot.scatter(points[:, 0], points[:, 1], s=4, c=FAKE, alpha=0.6, linewidths=0, label=label)
        plot.set(ylim=(low[1], high[1]), ylabel=project.labels[1], box_aspect=1)
    # above the picture, where it hides no points
    figure.legend(loc="outside upper right", ncols=2, frameon=False, markerscale=3)
    plot.spines[["top", "right"]].set_visible(False)
    return as_image(figure)


def _limits(points: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Corners of a frame around points (n, k): a square where they reach about as far along both axes."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, reach = (low + high) / 2, high - low
    if reach.min() > reach.max() / ELONGATED:
        reach = np.full_like(reach, reach.max())
    half = 0.65 * reach + 1e-9 * np.abs(middle) + np.finfo(float).tiny
    return middle - half, middle + half


def picture(
    space: Space, samples: NDArray[Any], real: NDArray[Any] | None = None, frame: NDArray[Any] | None = None
) -> Image.Image:
    """A grid for images, columns for tables; for vectors a cloud, over the real one if given; see `cloud`."""
    if isinstance(space, ImageSpace):
        return grid(space.shown(samples), columns=max(1, round(len(samples) ** 0.5)))
    if isinstance(space, TableSpace):
        columns = range(min(PANELS, len(space.schema)))
        return column_panels(space.schema, samples[:0] if real is None else real, samples, columns)
    return cloud(samples, real, frame)
