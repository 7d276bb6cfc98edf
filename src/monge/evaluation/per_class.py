"""Figures of each class of a conditional run: generated samples of a class against real ones of the same."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monge.distance.estimate import Estimate
from monge.distance.points import Points
from monge.evaluation.ledger import Reading
from monge.evaluation.measurement import FEWEST, Measured
from monge.metric.panel import manifold_figures, regular_frechet

OF_A_CLASS = 500
"""Samples of a class on a side, at most."""


def per_class(measured: Measured) -> dict[str, Reading]:
    """Precision, recall and Frechet distance of each class that was asked for, and the same of held-out samples.

    As many generated samples of a class are compared as there are held-out ones. Classes with fewer than five of either
    are left out.
    """
    values: dict[str, dict[str, Estimate]] = defaultdict(dict)
    floors: dict[str, dict[str, Estimate]] = defaultdict(dict)
    sizes = []
    for name, train, held_out, generated in _sides(measured):
        n = min(len(held_out), len(generated))
        sizes.append(min(n, len(train)))
        for found, side in ((values, generated[:n]), (floors, held_out[:n])):
            figures = manifold_figures(train, side)
            found["class_precision"][name], found["class_recall"][name] = figures["precision"], figures["recall"]
            frechet = regular_frechet(train, side, singular=measured.features.singular)
            if frechet is not None:
                found["class_frechet"][name] = frechet
    counts = {"fewest_of_a_class": min(sizes)} if sizes else {}
    return {name: Reading(found, floors[name], counts=counts) for name, found in values.items()}


def _sides(measured: Measured) -> Iterator[tuple[str, Points, Points, Points]]:
    """Name, and features of training, held-out and generated samples, of each class with enough of them."""
    data, model = measured.data, measured.model
    if not model.conditional or model.classes != data.info.classes:
        return
    asked, labels, unseen = model.condition(measured.latent), data.train.labels, data.held_out.labels
    if asked is None or labels is None or unseen is None:
        return
    encode = measured.features.encode
    for label in np.unique(labels):
        train, held_out, generated = (_chosen(y, label) for y in (labels, unseen, asked.numpy()))
        if min(len(train), len(held_out), len(generated)) >= FEWEST:
            real = (
                data.codec.metric(part.rows(rows)) for part, rows in ((data.train, train), (data.held_out, held_out))
            )
            yield (model.classes or [])[label], *map(encode, real), encode(measured.fake[generated])


def _chosen(labels: NDArray[np.int64], label: int) -> NDArray[np.int64]:
    """Positions of some samples of a class, in random order."""
    found = np.flatnonzero(labels == label)
    return np.random.default_rng(0).permutation(found)[:OF_A_CLASS]
