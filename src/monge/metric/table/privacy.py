r"""Privacy by attack: what synthetic rows give away of the rows that the generator was trained on.

An attacker who has the synthetic rows, and other rows of the same population for reference, guesses which rows were
trained on. Each attack is a score of a row, tried on training rows and on as many held-out rows that it may not
use otherwise:

- *nearest*: minus the distance d_1 to the nearest synthetic row;
- *calibrated*: log of the distance to the nearest reference row over that to the nearest synthetic one;
- *density*: the same with the distances r_k to the k-th nearest, which are k-nearest-neighbour estimates of the two
  densities, as log q(x) - log p(x) is a multiple of log r_k(reference) - log r_k(synthetic);
- *classifier*: the log-odds, by boosted trees, that a row is synthetic rather than of the reference.

The area under the ROC curve is the chance that a training row scores higher than a held-out one: 1/2 where the
synthetic rows do not depend on which rows were trained on. No single attack is the strongest everywhere, so the largest
area counts, with an interval for all attacks at once. Attacks that see more (the model, its losses, many models) can
find what these do not: "no leak found by these attacks" is the most that they say.

References: Chen et al. 2020, "GAN-Leaks: a taxonomy of membership inference attacks against generative models" (nearest
and calibrated); van Breugel et al. 2023, "Membership inference attacks against synthetic data through overfitting
detection" (density); Yao et al. 2025, "The DCR delusion: measuring the privacy risk of synthetic data".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import norm
from sklearn.neighbors import NearestNeighbors

from monge.data.table.schema import Schema
from monge.distance.estimate import Estimate, share
from monge.distance.points import Points
from monge.errors import UserError
from monge.metric.auc import aucs
from monge.metric.memorisation import copying_share, nearest
from monge.metric.table.bin import Rows
from monge.metric.table.boosting import probabilities
from monge.metric.table.two_sample import shown

ATTACKED = 3_000
"""Training rows, and as many held-out ones, that are attacked, at most."""
RELEASED = 30_000
"""Synthetic and reference rows that the attacker uses, at most of each."""
NEIGHBOURS = 10
"""Neighbours that a density is estimated by."""
NEAR = 0.1
"""Distance of a near copy in the table's metric space: every level is equal, and all numbers together are within a
tenth of their standard deviations."""
FEWEST = 20
"""Held-out rows, at least."""
SMALLEST = 1e-3
"""Distance that smaller ones are taken for, as copies have no logarithm."""
SURE = 3.0
"""Standard errors by which copies exceed those of held-out rows where they are called a finding."""
DRAWS = 20_000
"""Normal draws for the distribution of the largest of the attacks' errors."""
CONFIDENCE = 0.95
ATTACKS = ("nearest", "calibrated", "density", "classifier")

Metric = Callable[[Rows], Points]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Privacy:
    """What a few attacks found. They are no proof that nothing leaks.

    Attributes:
        attacks: area under the ROC curve of each attack; 1/2 without a leak.
        largest: that of the attack with the largest area, with its own standard error.
        worst: name of this attack.
        interval: of 95 % for the largest of the attacks' true areas, for all of them at once.
        chance: what the largest area would be in expectation without a leak, a little above 1/2.
        exact, near: share of synthetic rows that equal a training row, or are near one.
        exact_held_out, near_held_out: the same of held-out rows.
        closer: share of synthetic rows that are closer to a training row than to any of as many held-out ones; 1/2
            without a leak, with the error under this hypothesis.
        attacked, released, reference: training rows attacked (and as many held-out ones), and synthetic and reference
            rows used. Copies are found only of the synthetic rows that were released.
    """

    attacks: dict[str, Estimate]
    largest: Estimate
    worst: str
    interval: tuple[float, float]
    chance: float
    exact: Estimate
    near: Estimate
    exact_held_out: Estimate
    near_held_out: Estimate
    closer: Estimate
    attacked: int
    released: int
    reference: int

    @property
    def findings(self) -> list[str]:
        """What speaks for a leak, in words: an attack surely above 1/2, or more copies than held-out rows."""
        found = []
        if self.interval[0] > 0.5:
            found.append(f"the {self.worst} attack tells training rows from held-out ones")
        sides = {"copies": (self.exact, self.exact_held_out), "near copies": (self.near, self.near_held_out)}
        for name, (own, usual) in sides.items():
            error = float(np.hypot(own.standard_error, usual.standard_error))
            if own.value - usual.value > SURE * error:
                shares = f"{100 * own.value:.3g} % of the rows, against {100 * usual.value:.3g} % of held-out rows"
                found.append(f"{shares}, are {name} of training rows")
        if self.closer.value - 0.5 > SURE * self.closer.standard_error:
            found.append(f"{100 * self.closer.value:.0f} % of the rows are closer to a training than to a held-out row")
        return found

    @property
    def verdict(self) -> str:
        """What was found, in words."""
        low, high = self.interval
        size = f"largest area {self.largest.value:.3f}, 95 % interval {low:.3f} to {high:.3f}"
        return f"{'; '.join(self.findings) or 'no leak found by these attacks'} ({size})"

    def as_json(self) -> dict[str, Any]:
        """Everything as plain mappings."""
        shares = ("exact", "near", "exact_held_out", "near_held_out")
        return {
            "attacks": {name: shown(found) for name, found in self.attacks.items()},
            **{name: shown(getattr(self, name)) for name in ("largest", "closer")},
            **{name: _value(getattr(self, name)) for name in shares},
            "worst": self.worst,
            "interval": list(self.interval),
            "chance": self.chance,
            "findings": self.findings,
            "verdict": self.verdict,
            "counts": {name: getattr(self, name) for name in ("attacked", "released", "reference")},
        }


def privacy(schema: Schema, train: Rows, held_out: Rows, fake: Rows, metric: Metric, *, seed: int = 0) -> Privacy:
    """What the attacks find. At most 3,000 rows are attacked, with at most 30,000 synthetic ones.

    Give as many synthetic rows as there are training rows: each says a little, and copies are found only among them.

    Arguments:
        schema: of the columns.
        train, held_out, fake: raw rows (n, d), (h, d) and (m, d); training and held-out rows of one population.
        metric: from raw rows to points of the table's metric space.
        seed: of the choice of rows.

    Raises:
        UserError: no training or synthetic rows, or fewer than 20 held-out ones.
    """
    if min(len(train), len(fake)) < 1 or len(held_out) < FEWEST:
        sizes = f"{len(train)}, {len(held_out)} and {len(fake)}"
        raise UserError(f"train, held_out and fake must have 1, {FEWEST} and 1 rows at least; got {sizes}")
    random = np.random.default_rng(seed)
    train, held_out, released = (rows[random.permutation(len(rows))] for rows in (train, held_out, fake))
    released = released[:RELEASED]
    size = min(ATTACKED, len(train), len(held_out) // 2)
    members, others, reference = train[:size], held_out[:size], held_out[size : size + RELEASED]
    scores = _scores(schema, np.concatenate([members, others]), released, reference, metric)
    areas, covariance = aucs(scores[:size], scores[size:])
    errors = np.sqrt(covariance.diagonal())
    worst = int(areas.argmax())
    found = [Estimate(float(area), float(error)) for area, error in zip(areas, errors, strict=True)]
    interval, chance = _largest(areas, covariance)
    sides = [rows[:ATTACKED] for rows in (released, held_out)]
    points = metric(train)
    near = [share(float((nearest(metric(side), points)[1] < NEAR).mean()), len(side)) for side in sides]
    exact = [_exact(side, train) for side in (released, held_out)]
    return Privacy(
        dict(zip(ATTACKS, found, strict=True)),
        found[worst],
        ATTACKS[worst],
        interval,
        chance,
        exact[0],
        near[0],
        exact[1],
        near[1],
        copying_share(metric(sides[0]), points, metric(held_out)),
        size,
        len(released),
        len(reference),
    )


def _scores(schema: Schema, rows: Rows, released: Rows, reference: Rows, metric: Metric) -> Scores:
    """What each attack says of rows, (n, 4): higher for those it takes for training rows."""
    points = metric(rows)
    first, kth = np.log(_distances(points, metric(released))).T
    usual, usual_kth = np.log(_distances(points, metric(reference))).T
    size = min(len(released), len(reference))
    x = np.concatenate([released[:size], reference[:size]])
    odds = probabilities(schema, x, np.repeat([1, 0], size), rows, 2)[:, 1]
    return np.stack([-first, usual - first, usual_kth - kth, logit(odds.clip(1e-12, 1 - 1e-12))], axis=1)


def _distances(points: Points, others: Points) -> Points:
    """Distances to the nearest and to the k-th nearest of some points, (n, 2), those of copies as a very small one."""
    k = min(NEIGHBOURS, len(others))
    centre = others.mean(axis=0)  # because the search takes |x|^2 - 2 x y + |y|^2, of which large values leave nothing
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(others - centre)
    kept = search.kneighbors(points - centre, return_distance=False)[:, [0, -1]]
    found = np.stack([np.linalg.norm(points - others[column], axis=1) for column in kept.T], axis=1)
    return np.asarray(np.maximum(found, SMALLEST))


def _value(found: Estimate) -> dict[str, float]:
    """A share without an interval, as the normal one is empty at 0 and 1."""
    return {"value": found.value, "error": found.standard_error}


def _exact(rows: Rows, train: Rows) -> Estimate:
    """The share of rows that equal a training row, missing values too."""
    known = {row.tobytes() for row in _plain(train)}
    return share(float(np.mean([row.tobytes() in known for row in _plain(rows)])), len(rows))


def _plain(rows: Rows) -> Rows:
    """Rows of which equal ones have equal bytes: one kind of zero, and of missing value."""
    return np.ascontiguousarray(np.where(np.isnan(rows), np.nan, rows + 0.0))


def _largest(areas: Scores, covariance: Scores) -> tuple[tuple[float, float], float]:
    r"""The interval for the largest of several areas, and what the largest estimate shows on average where all are 1/2.

    With c the 95 % quantile of the largest :math:`\lvert z_i \rvert` of normal errors with this covariance, all areas
    are within :math:`A_i \pm c\,\sigma_i` at once, and so the largest of them is between the largest lower and the
    largest upper end.
    """
    errors = np.sqrt(covariance.diagonal())
    safe = np.where(errors > 0, errors, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(safe, safe))
    normal = np.random.default_rng(0).normal(size=(DRAWS, len(areas)))
    z = normal * np.sqrt(values.clip(0)) @ vectors.T
    width = max(float(np.quantile(np.abs(z).max(axis=1), CONFIDENCE)), float(norm.ppf((1 + CONFIDENCE) / 2)))
    low, high = (areas - width * errors).max(), (areas + width * errors).max()
    chance = 0.5 + float((z * errors).max(axis=1).mean())
    return (max(0.0, float(low)), min(1.0, float(high))), chance
