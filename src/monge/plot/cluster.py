"""The critic's distances between clusters as a heat map."""

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from monge.metric.critic_matrix import ClusterMatrix
from monge.plot.canvas import as_image
from monge.plot.style import INK


def heat_map(clusters: ClusterMatrix, unit: str) -> Image.Image:
    """The centred distances between clusters of critic outputs, generated down, real across.

    Colours are symmetric about zero, the mean distance: blue is nearer, red is farther.

    Arguments:
        clusters: what is drawn.
        unit: of the critic's output, for the colour bar.
    """
    matrix = clusters.matrix
    rows, columns = matrix.shape
    bound = float(np.abs(matrix).max()) or 1.0
    figure = Figure(figsize=(2.6 + 0.62 * columns, 2.0 + 0.5 * rows), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    shown = plot.imshow(matrix, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto")
    for (row, column), text in zip(np.ndindex(rows, columns), _numbers(matrix.ravel()), strict=True):
        ink = "white" if abs(matrix[row, column]) > 0.6 * bound else INK
        plot.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
    plot.set_xticks(range(columns), _cluster_names(clusters.real_centres, clusters.real_shares, "\n"), fontsize=8)
    plot.set_yticks(range(rows), _cluster_names(clusters.fake_centres, clusters.fake_shares, "  "), fontsize=8)
    plot.set_xlabel("real clusters: critic output, share of samples")
    plot.set_ylabel("generated clusters: critic output, share of samples")
    plot.spines[:].set_visible(False)
    bar = figure.colorbar(shown, label=f"distance minus the mean of {clusters.mean:.3g} ({unit})")
    bar.outline.set_visible(False)
    return as_image(figure)


def _cluster_names(centres: NDArray[Any], shares: NDArray[Any], gap: str) -> list[str]:
    return [f"{value}{gap}{share:.0%}" for value, share in zip(_numbers(centres[:, 0]), shares, strict=True)]


def _numbers(values: NDArray[Any]) -> list[str]:
    """Values with as many decimals as give the largest three digits."""
    largest = float(np.abs(values).max()) or 1.0
    decimals = max(0, 2 - int(np.floor(np.log10(largest))))
    return [f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for value in values]
