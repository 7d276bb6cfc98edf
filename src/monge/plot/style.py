"""The one table of colours and styles of all pictures, and a figure as files without time stamps."""

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK = "#1f2430"
"""Of text and axes."""
REAL = "#9aa3b2"
"""Of real samples."""
FAKE = "#d1495b"
"""Of generated ones."""
BLUE = "#0072b2"
"""Of Okabe and Ito, as the next four: colour-blind people tell them apart; markers differ as well."""
VERMILION = "#d55e00"
GREEN = "#009e73"
PURPLE = "#cc79a7"
SKY = "#56b4e9"
STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "lines.linewidth": 1.2,
    "svg.hashsalt": "monge",
    "svg.fonttype": "none",
}
"""Of matplotlib, for figures of experiments."""
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
