"""Pictures of samples: a grid of images or a cloud of points."""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from monge.plot.canvas import FAKE, REAL, drawn, flat


def grid(images: NDArray[np.uint8], columns: int, least: int = 32) -> Image.Image:
    """Images (n, h, w, c) side by side, row by row, enlarged by whole factors to at least `least` pixels a side."""
    n, height, width, channels = images.shape
    factor = max(1, -(-least // max(height, width)))
    tiles = images.repeat(factor, axis=1).repeat(factor, axis=2)
    height, width, gap = height * factor, width * factor, 2
    rows = -(-n // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, channels), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = gap + index // columns * (height + gap), gap + index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return Image.fromarray(sheet[..., 0] if channels == 1 else sheet[..., :3])


def cloud(fake: NDArray[Any], real: NDArray[Any] | None = None) -> Image.Image:
    """Generated points (n, d) over real ones (m, d), if given; above the plane on principal axes, the real ones' own.

    The frame is that of the real points: generated ones beyond it are counted in the legend.
    """
    behind, fake = flat(fake if real is None else real, fake)
    figure = Figure(figsize=(5, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    low, high = behind.min(axis=0), behind.max(axis=0)
    margin = 0.15 * (high - low) + 1e-9 * np.abs(high) + np.finfo(float).tiny
    outside = int(((fake < low - margin) | (fake > high + margin)).any(axis=1).sum())
    label = "generated" + (f" ({outside} outside)" if outside else "")
    if behind.shape[1] == 1:
        bins = np.histogram_bin_edges(behind[:, 0], 60).tolist()
        if real is not None:
            plot.hist(behind[:, 0], bins, density=True, color=REAL, label="real")
        plot.hist(fake[:, 0], bins, density=True, histtype="step", color=FAKE, label=label)
    else:
        if real is not None:
            plot.scatter(behind[:, 0], behind[:, 1], s=4, c=REAL, linewidths=0, label="real")
        plot.scatter(fake[:, 0], fake[:, 1], s=4, c=FAKE, alpha=0.6, linewidths=0, label=label)
        plot.set_xlim(low[0] - margin[0], high[0] + margin[0])
        plot.set_ylim(low[1] - margin[1], high[1] + margin[1])
    plot.legend(loc="upper right", frameon=False, markerscale=3)
    plot.spines[["top", "right"]].set_visible(False)
    return drawn(figure)


def picture(samples: NDArray[Any], real: NDArray[Any] | None = None) -> Image.Image:
    """A grid for images; for vectors a cloud, over the real one if given."""
    if samples.ndim == 4:
        return grid(samples, columns=max(1, round(len(samples) ** 0.5)))
    return cloud(samples, real)
