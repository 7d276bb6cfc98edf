"""How figures are read of what was measured: one at a time, or several in the one pass that they share."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from monge.distance.estimate import Estimate, share
from monge.distance.points import Points
from monge.evaluation.ledger import Reading
from monge.evaluation.measurement import FAKES, FEWEST, Measured
from monge.metric.class_shares import agreement, class_shares, predicted, purity, recognition
from monge.metric.critic import critic_figures
from monge.metric.inception_score import class_score
from monge.metric.memorisation import ORIGINAL, originality, searchable
from monge.metric.modes import mode_figures
from monge.metric.panel import manifold_figures, regular_frechet

MODES = 2500
"""Samples on each side that are looked at for known modes, at most."""
LABELLED = 5000
"""Training samples that a classifier of classes is fitted to, and held-out ones that it sees, at most."""
PICTURED = 5000
"""Training images whose pixels are counted, at most."""
BRIGHT = 127
"""Value of a pixel, of 0 to 255, above which it is bright."""

Read = Callable[[Measured], Reading | None]
Pass = Callable[[Measured], Mapping[str, Reading]]
OfFeatures = Callable[[Points, Points], Estimate | None]


def of(shared: Pass, name: str) -> Read:
    """One of the figures that a pass gives, which is taken once for all of them."""
    return lambda measured: measured.once(shared).get(name)


def compared(function: OfFeatures) -> Read:
    """A function of real and of generated features, with the same of held-out features as its floor.

    Nothing where the function gives none, or a number that is not finite in float64.
    """

    def read(measured: Measured) -> Reading | None:
        found = _finite(function, measured.train, measured.generated)
        if found is None:
            return None
        floor = _finite(function, measured.train, measured.held_out) if measured.floored else None
        return Reading(found, floor, _no_floor(measured))

    return read


def frechet(measured: Measured) -> Reading | None:
    """The Frechet distance of the features, of few samples only where the features are made for it."""
    return compared(partial(regular_frechet, singular=measured.features.singular))(measured)


def bracket(measured: Measured) -> dict[str, Reading]:
    """The parts of the bracket, with what a perfect generator would show, and the ratio that others quote."""
    found = measured.bracket
    ratio = found.upper / found.floor if found.floor else None
    return {
        "lower": Reading(found.lower),
        "upper": Reading(found.upper, found.floor),
        "spread": Reading(_estimate(found.spread, found.spread_error), found.floor),
        "excess": Reading(_estimate(found.excess, found.excess_error), 0.0),
        "estimate": Reading(found.estimate, 0.0),
        "upper_over_floor": Reading(ratio, 1.0),
    }


def manifold(measured: Measured) -> dict[str, Reading]:
    """Precision, recall, density and coverage."""
    found = manifold_figures(measured.train, measured.generated)
    floors = manifold_figures(measured.train, measured.held_out) if measured.floored else {}
    return {name: Reading(value, floors.get(name), _no_floor(measured)) for name, value in found.items()}


def copying(measured: Measured) -> dict[str, Reading]:
    """Novelty, and the rank and share of copies, where there are training samples to copy."""
    data, encode = measured.data, measured.features.encode
    if data.train.size is None:
        return {}
    n = searchable(data.train.size, data.codec.space.shape)
    whole = len(measured.train) == n
    searched = measured.train if whole else encode(data.codec.metric(data.train.sample(n)))
    found = originality(measured.generated, searched, measured.held_out)
    return {name: Reading(value, ORIGINAL[name], counts={"novelty_train": n}) for name, value in found.items()}


def score(measured: Measured) -> Reading | None:
    """The inception-style score by the classifier whose features are compared, if they are one's."""
    classifier = measured.features.classifier
    if classifier is None:
        return None
    sides = measured.generated_samples, measured.held_out_samples
    found, floor = (class_score(classifier.probabilities(x)) for x in sides)
    return Reading(found, floor)


def accuracy(measured: Measured) -> Reading | None:
    """How often that classifier is right."""
    classifier = measured.features.classifier
    return None if classifier is None else Reading(share(classifier.accuracy, classifier.judged))


def modes(measured: Measured) -> dict[str, Reading]:
    """Known modes that are covered, samples near one, and how even the modes' shares are."""
    data, info = measured.data, measured.data.info
    if info.centres is None or info.deviation is None:
        return {}
    n = data.held_out.at_most(MODES)
    sides = measured.fake[:n], data.codec.metric(data.held_out.sample(n))
    found, floors = (mode_figures(x, info.centres, info.deviation) for x in sides)
    return {name: Reading(value, floors[name], counts={"modes": n}) for name, value in found.items()}


def bright_share(measured: Measured) -> Reading | None:
    """Share of bright pixels, real and generated: the pore fraction of a binary micrograph."""
    data = measured.data
    if data.space.side is None:
        return None
    sides = {"real": data.train.sample(data.train.at_most(PICTURED)), "generated": measured.samples}
    return Reading({name: float((images > BRIGHT).mean()) for name, images in sides.items()})


def classes(measured: Measured) -> dict[str, Reading]:
    """Which classes the generated samples are of, and whether those asked for, where the data have the same."""
    data, model, labels = measured.data, measured.model, measured.data.train.labels
    if labels is None:
        return {}
    fake, condition = measured.fake[:FAKES], model.condition(measured.latent[:FAKES])
    chosen = np.random.default_rng(0).permutation(len(labels))[:LABELLED]
    x, y = data.codec.metric(data.train.rows(chosen)), labels[chosen]
    held_out = data.codec.metric(data.held_out.sample(data.held_out.at_most(LABELLED)))
    seen = predicted(x, y, np.concatenate([fake, held_out]))
    found = seen[: len(fake)]
    shares, real = (class_shares(side, np.unique(y), data.info.classes) for side in (found, seen[len(fake) :]))
    readings = {"class_shares": Reading({name: share(part, len(fake)) for name, part in shares.items()}, real)}
    if condition is None:
        return readings
    if model.conditional and model.classes == data.info.classes:
        right = share(agreement(found, condition.numpy()), len(found))
        readings["class_agreement"] = Reading(right, recognition(x, y))
    if model.codes is not None and model.codes.categorical:
        cells = condition[:, : model.codes.categorical].long().numpy()
        readings["code_purity"] = Reading([purity(found, column) for column in cells.T])
    return readings


def critic(measured: Measured) -> dict[str, Reading]:
    """What the critic says of the two sides, if it is at hand."""
    if measured.judged is None or measured.clusters is None:
        return {}
    return {name: Reading(value) for name, value in critic_figures(*measured.judged, measured.clusters).items()}


def _finite(function: OfFeatures, real: Points, fake: Points) -> Estimate | None:
    with np.errstate(over="ignore", invalid="ignore"):
        found = function(real, fake)
    return found if found is not None and np.isfinite(found.value + found.standard_error) else None


def _no_floor(measured: Measured) -> str:
    held_out = len(measured.held_out)
    return "" if measured.floored else f"no floor: {FEWEST} held-out samples are needed; got {held_out}"


def _estimate(value: float, error: float | None) -> Any:
    return value if error is None else Estimate(value, error)
