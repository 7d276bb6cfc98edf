"""The picture of two sample sets."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from monge import plot
from monge.evaluation.direction import telling_axes
from monge.evaluation.two_samples import Comparison
from monge.evaluation.units import unit
from monge.evaluation.verdict import SIGNIFICANT

Values = NDArray[np.float64]


def comparison_picture(result: Comparison) -> Image.Image:
    """Both clouds, the potential and the coupling; below them in which features they differ, if that is known."""
    panels = plot.panels(drawn_sides(result))
    return panels if result.explanation is None else plot.stacked(panels, features_picture(result))


def drawn_sides(result: Comparison) -> plot.Sides:
    """What the panels of a comparison show, on the axes that tell most of it."""
    a, b = result.a, result.b
    names = (Path(a.name).name, Path(b.name).name)
    return plot.Sides(a.points, b.points, telling_axes(result), result.bracket.potential, result.plan, names, unit(a))


def features_picture(result: Comparison) -> Image.Image:
    """In which features two sets differ: a heat map of pixels, or bars, the feature that differs most clearly first."""
    found = result.explanation
    assert found is not None
    if found.features.picture is not None:
        return plot.pixel_maps(*_pixels(result))
    order, errors = found.order, found.split.excess_error
    return plot.feature_bars(
        [found.features.names[j] for j in order],
        found.split.excess[order],
        None if errors is None else errors[order],
        found.p_values[order],
        SIGNIFICANT,
        unit(result.a),
    )


def pixel_pictures(result: Comparison) -> list[Image.Image]:
    """The mean images of both sets, and the heat map of pixels, each a picture of its own."""
    return plot.single_pixel_maps(*_pixels(result))


def _pixels(result: Comparison) -> tuple[Values, Values, Values, str]:
    """The mean images of A and of B (H, W, C), the part of the excess of each pixel (H, W), and the unit."""
    found = result.explanation
    assert found is not None
    assert found.features.picture is not None
    shape = (-1, *found.features.picture)
    first, second = (side.points.mean(axis=0).reshape(shape).transpose(1, 2, 0) for side in (result.a, result.b))
    return first, second, found.split.excess.reshape(shape[1:]), unit(result.a)
