"""The figures of `honesty` and `excess`, as PNG and SVG without time stamps."""

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, BLUE, VERMILION, GREEN, PURPLE = "#1f2430", "#0072b2", "#d55e00", "#009e73", "#cc79a7"
"""Of Okabe and Ito: colour-blind people tell them apart; markers differ as well."""
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "monge",
    "svg.fonttype": "none",
}
Files = dict[str, bytes]


def rendered(figure: Figure) -> Files:
    """A figure as PNG and SVG, without time stamps."""
    FigureCanvasAgg(figure)
    files = {}
    for kind, stamp in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        figure.savefig(buffer, format=kind, metadata=stamp)
        files[f"figure.{kind}"] = buffer.getvalue()
    return files
