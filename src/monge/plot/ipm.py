"""Where two samples differ: the witness of an integral probability metric."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from monge.distance.kernel.witness import Ipm
from monge.plot.canvas import PlaneSides, Projection, as_image
from monge.plot.style import FAKE, INK, REAL


def witness(ipm: Ipm, real: NDArray[Any], fake: NDArray[Any]) -> Image.Image:
    """Where two samples (n, d) and (m, d) differ, by the witness of an integral probability metric.

    On the line and in the plane the witness is drawn wherever the samples are; above, the points are drawn on the
    principal axes of the real ones in the colour of their value. Red has more of the real distribution, blue more of
    the generated one; a dual potential of W1, whose zero is arbitrary, rises from blue to red along the transport.
    """
    figure = Figure(figsize=(6, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    pooled = np.concatenate([real, fake]).astype(float)
    low, high = pooled.min(axis=0), pooled.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    title = f"{ipm.name}: witness, difference of means {ipm.value(real, fake):.3g}"
    if real.shape[1] == 1:
        where = np.linspace(low[0], high[0], 400)
        plot.plot(where, ipm.witness(where[:, None]), color=INK, label="witness")
        plot.axhline(0, color=REAL, linewidth=0.8)
        for points, colour, name in ((real, REAL, "real"), (fake, FAKE, "generated")):
            plot.plot(points[:, 0], np.zeros(len(points)), "|", color=colour, label=name)
        plot.set_ylabel("witness")
        plot.legend(loc="upper right", frameon=False)
    else:
        _coloured(figure, plot, ipm, (real, fake), (low, high))
    plot.set_title(title, fontsize=10)
    plot.spines[["top", "right"]].set_visible(False)
    return as_image(figure)


def _coloured(figure: Figure, plot: Axes, ipm: Ipm, sides: PlaneSides, corners: PlaneSides) -> None:
    """The witness in colours, with a colour bar: as a field in the plane, at the points themselves above."""
    field = sides[0].shape[1] == 2
    if field:
        x, y = (np.linspace(corners[0][axis], corners[1][axis], 120) for axis in (0, 1))
        values = [ipm.witness(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))]
    else:
        values = [ipm.witness(points) for points in sides]
    bound = max(float(np.abs(part).max()) for part in values) or 1.0
    if field:
        heights = values[0].reshape(len(y), len(x))
        extent = (x[0], x[-1], y[0], y[-1])
        how: dict[str, Any] = {"origin": "lower", "extent": extent, "aspect": "auto", "interpolation": "bilinear"}
        shown: ScalarMappable = plot.imshow(heights, "RdBu_r", vmin=-bound, vmax=bound, **how)
    project = Projection.of(sides[0])
    plot.set_xlabel(project.labels[0])
    plot.set_ylabel(project.labels[1])
    for index, (points, marker) in enumerate(zip(map(project, sides), ("o", "x"), strict=True)):
        name = ("real", "generated")[index]
        if field:
            plot.scatter(points[:, 0], points[:, 1], s=9, c=INK, marker=marker, linewidths=0.6, alpha=0.5, label=name)
        else:
            how = {"c": values[index], "cmap": "RdBu_r", "vmin": -bound, "vmax": bound}
            shown = plot.scatter(points[:, 0], points[:, 1], s=16, marker=marker, linewidths=0.9, label=name, **how)
    plot.legend(loc="upper right", frameon=False, markerscale=2)
    figure.colorbar(shown, label="witness: more real above zero, more generated below").outline.set_visible(False)
