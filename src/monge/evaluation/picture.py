"""The picture of two sample sets."""

from pathlib import Path

from PIL import Image

from monge import plot
from monge.evaluation.two_samples import Comparison
from monge.evaluation.units import unit
from monge.evaluation.verdict import SIGNIFICANT


def comparison_picture(result: Comparison) -> Image.Image:
    """Both clouds, the potential and the coupling; below them in which features they differ, if that is known."""
    potential = result.bracket.potential
    assert potential is not None
    names = (Path(result.a.name).name, Path(result.b.name).name)
    panels = plot.panels(result.a.points, result.b.points, potential, result.plan, names, unit(result.a))
    return panels if result.explanation is None else plot.stacked(panels, features_picture(result))


def features_picture(result: Comparison) -> Image.Image:
    """In which features two sets differ: a heat map of pixels, or bars, the feature that differs most clearly first."""
    found = result.explanation
    assert found is not None
    if found.features.picture is not None:
        shape = (-1, *found.features.picture)
        means = [side.points.mean(axis=0).reshape(shape).transpose(1, 2, 0) for side in (result.a, result.b)]
        return plot.pixel_maps(means[0], means[1], found.split.excess.reshape(shape[1:]), unit(result.a))
    order, errors = found.order, found.split.excess_error
    return plot.feature_bars(
        [found.features.names[j] for j in order],
        found.split.excess[order],
        None if errors is None else errors[order],
        found.p_values[order],
        SIGNIFICANT,
        unit(result.a),
    )
