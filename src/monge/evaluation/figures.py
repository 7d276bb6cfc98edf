"""The figures of an evaluation, each entered in the ledger with its error and its floor."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from monge.data.dataset import DataSet
from monge.distance.bounds import Bracket
from monge.distance.points import Points
from monge.evaluation.features import Features
from monge.metric.class_shares import agreement, class_shares, predicted, purity, recognition
from monge.metric.critic import critic_figures
from monge.metric.critic_matrix import ClusterMatrix, cluster_matrix
from monge.metric.inception_score import class_score
from monge.metric.ledger import Ledger, share
from monge.metric.memorisation import searchable
from monge.metric.modes import mode_figures
from monge.metric.panel import ORIGINAL, originality, panel, unreliable
from monge.model.trained_model import TrainedModel

COMPARED = 2000
"""Samples on each side of the figures with a floor, at most; as many generated as held-out ones."""
FEWEST, ALONE = 5, 1000
"""Held-out samples from which there are floors, and how many generated samples are compared where there are fewer."""
MODES = 2500
LABELLED = 5000
CLUSTERS = 8


def bracket_figures(ledger: Ledger, measured: Bracket) -> None:
    """Enters what a perfect generator's bracket would show, and the bracket's errors."""
    ledger.floors.update({"upper": measured.floor, "spread": measured.floor, "excess": 0.0})
    for name in ("spread", "excess"):
        error = getattr(measured, f"{name}_error")
        if error is not None:
            ledger.errors[name] = error
    ratio = measured.upper / measured.floor if measured.floor else None
    ledger.add({"upper_over_floor": ratio}, {"upper_over_floor": 1.0})


def against(ledger: Ledger, data: DataSet, fake: Points, counts: dict[str, int], features: Features) -> dict[str, str]:
    """Enters the figures that compare sample sets, and returns which of them are unreliable."""
    metric, encode, classifier = data.codec.metric, features.encode, features.classifier
    train = encode(metric(data.train.sample(data.train.at_most(COMPARED))))
    raw_held_out = metric(data.held_out.sample(data.held_out.at_most(COMPARED)))
    held_out, compared = encode(raw_held_out), len(raw_held_out) >= FEWEST
    some = fake[: len(held_out) if compared else ALONE]
    counts |= {"manifold_real": len(train), "manifold_generated": len(some), "held_out": len(held_out)}
    generated = encode(some)
    found = panel(train, generated, features.singular)
    ledger.add(found, panel(train, held_out, features.singular) if compared else {})
    if data.train.size is not None:
        counts["novelty_train"] = searchable(data.train.size, data.codec.space.shape)
        whole = len(train) == counts["novelty_train"]
        searched = train if whole else encode(metric(data.train.sample(counts["novelty_train"])))
        ledger.add(originality(generated, searched, held_out), ORIGINAL)
    if classifier is not None:
        scores = [class_score(classifier.probabilities(x)) for x in (some, raw_held_out)]
        accuracy = share(classifier.accuracy, classifier.judged)
        ledger.add({"class_score": scores[0], "class_accuracy": accuracy}, {"class_score": scores[1]})
    per_mode = math.inf
    if data.info.centres is not None and data.info.deviation is not None:
        counts["modes"] = data.held_out.at_most(MODES)
        per_mode = counts["modes"] / len(data.info.centres)
        sides = fake[: counts["modes"]], metric(data.held_out.sample(counts["modes"]))
        ledger.add(*(mode_figures(x, data.info.centres, data.info.deviation) for x in sides))
    sizes = (len(train), min(len(generated), len(held_out)))
    reasons = unreliable(ledger.estimates, sizes, train.shape[1], per_mode)
    if not compared:
        reasons |= {name: f"no floor: {len(held_out)} held-out samples, {FEWEST} are needed" for name in found}
    return reasons


def classes(
    ledger: Ledger,
    data: DataSet,
    labels: NDArray[np.int64],
    fake: Points,
    model: TrainedModel,
    condition: Tensor | None,
) -> None:
    """Enters which classes the generated samples are of, and whether those asked for, where the data have the same.

    Arguments:
        labels: of the training samples.
        fake: generated samples (n, d).
        condition: classes or codes that they were made of, (n, ...), if so.
    """
    chosen = np.random.default_rng(0).permutation(len(labels))[:LABELLED]
    x, y = data.codec.metric(data.train.rows(chosen)), labels[chosen]
    held_out = data.codec.metric(data.held_out.sample(data.held_out.at_most(LABELLED)))
    classes = predicted(x, y, np.concatenate([fake, held_out]))
    found = classes[: len(fake)]
    shares, real = (class_shares(side, np.unique(y), data.info.classes) for side in (found, classes[len(fake) :]))
    estimates = {name: share(part, len(fake)) for name, part in shares.items()}
    ledger.add({"class_shares": estimates}, {"class_shares": real})
    if condition is None:
        return
    if model.conditional and model.classes == data.info.classes:
        right = share(agreement(found, condition.numpy()), len(found))
        ledger.add({"class_agreement": right}, {"class_agreement": recognition(x, y)})
    if model.codes is not None and model.codes.categorical:
        cells = condition[:, : model.codes.categorical].long().numpy()
        ledger.add({"code_purity": [purity(found, column) for column in cells.T]})


def judgement(model: TrainedModel, real: Points, fake: Points) -> tuple[dict[str, Any], ClusterMatrix | None]:
    """What the critic says of the two sides, and its distances between clusters."""
    if model.critic is None:
        return {"absent": "the run's own critic was not given"}, None
    on_real, on_fake = model.judged(real), model.judged(fake)
    clusters = cluster_matrix(on_real, on_fake, min(CLUSTERS, len(real)))
    return critic_figures(on_real, on_fake, clusters), clusters


def pixels(data: DataSet, samples: NDArray[Any]) -> dict[str, Any]:
    """Share of bright pixels, real and generated: the pore fraction of a binary micrograph."""
    if data.space.side is None:
        return {}
    share = {"real": data.train.sample(data.train.at_most(5000)), "generated": samples}
    return {"bright_share": {name: float((images > 127).mean()) for name, images in share.items()}}
