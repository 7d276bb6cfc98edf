"""What a report itself measures of a model's samples if `monge evaluate` has not: so little that it takes a second."""

from typing import Any

from monge.data.dataset import DataSet
from monge.metric.panel import manifold_figures
from monge.model.trained_model import TrainedModel
from monge.report.gallery import Neighbours

SAMPLES = 1000
"""Samples on each side, at most."""
LEAST = 100
"""Samples on each side, at least: shares of fewer are no figures to judge by."""
WORK = 250_000_000
"""Pairs of samples times dimensions, at most: beyond 250 dimensions fewer than 1,000 samples are taken."""


def likeness(model: TrainedModel, data: DataSet, neighbours: Neighbours | None) -> dict[str, Any]:
    """Precision and recall with their floors and errors, and the novelty, named as in an evaluation's document.

    Arguments:
        model: the trained model.
        data: its data.
        neighbours: what is known of its nearest training samples.
    """
    novelty = {} if neighbours is None else {"novelty": neighbours.novelty}
    n = min(SAMPLES, int((WORK / data.codec.metric(data.train.sample(1)).shape[1]) ** 0.5))
    n = data.train.at_most(data.held_out.at_most(n))
    if n < LEAST:
        return {"metrics": novelty}
    train, held_out, fake = (
        data.codec.metric(x) for x in (data.train.sample(n), data.held_out.sample(n), model.sample(n).x)
    )
    found, floors = manifold_figures(train, fake), manifold_figures(train, held_out)
    return {
        "metrics": {name: estimate.value for name, estimate in found.items()} | novelty,
        "floors": {name: estimate.value for name, estimate in floors.items()},
        "errors": {name: estimate.standard_error for name, estimate in found.items()},
        "features": "raw",
    }
