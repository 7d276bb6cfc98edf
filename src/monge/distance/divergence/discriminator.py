r"""The optimal discriminator, and what any discriminator proves about the Jensen-Shannon divergence.

Between densities p (real) and q (generated) the discriminator that minimises the cross entropy is

.. math:: D^*(x) = \frac{p(x)}{p(x) + q(x)}, \qquad
          \mathrm{JS}(p, q) = \max_D \Bigl\{\log 2 + \tfrac12 \mathbb{E}_p \log D
          + \tfrac12 \mathbb{E}_q \log(1 - D)\Bigr\}

so every D gives a lower bound of JS, the better the closer it is to D*. The bound never passes log 2, where JS ends for
distributions that do not overlap, however far apart.

Reference: Goodfellow et al. 2014, "Generative adversarial nets", proposition 1 and theorem 1.
"""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.distance.estimate import Estimate
from monge.distance.points import Points, point_sets
from monge.errors import UserError


class ProbabilisticClassifier(Protocol):
    """What is needed of a fitted classifier of scikit-learn."""

    def predict_proba(self, points: Points, /) -> Points: ...


LEAST = 8
"""Fewest points of a sample: half of them are fitted to and half of them judge."""

CERTAINTY = 1e-6
"""D is kept this far from 0 and 1: one sure error would otherwise make the bound minus infinity."""


def optimal_discriminator(real: ArrayLike, generated: ArrayLike) -> NDArray[np.float64]:
    """D* = p / (p + q) from values of the two densities at the same points, >= 0, in one unit.

    NaN where both are zero: neither distribution has mass there, and every value is optimal.

    Raises:
        UserError: shapes that do not fit, or densities that are negative or not finite.

    Example:
        >>> from monge.distance import optimal_discriminator
        >>> optimal_discriminator([0.3, 0.1], [0.1, 0.1]).round(4).tolist()  # probably real; undecided
        [0.75, 0.5]
    """
    p, q = np.asarray(real, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    for name, density in (("real", p), ("generated", q)):
        if not (np.isfinite(density) & (density >= 0)).all():
            raise UserError(
                f"{name} must contain finite densities >= 0; got {density[~(density >= 0)][:1] or 'infinity'}"
            )
    if p.shape != q.shape:
        raise UserError(f"real and generated must have the same shape; got {p.shape} and {q.shape}")
    larger = np.maximum(p, q)
    with np.errstate(invalid="ignore"):
        return np.asarray((p / larger) / (p / larger + q / larger))  # p + q itself can overflow, or round to nothing


def discriminator_bound(on_real: ArrayLike, on_generated: ArrayLike) -> Estimate:
    """The lower bound of JS, in nats, that a discriminator's values on samples of both distributions prove.

    On samples that the discriminator was not fitted to, its expectation is at most JS; the value is then clipped to
    [0, log 2], which contains JS, and so is a bound in expectation where JS is clearly above the standard error. The
    error is that of the two means.

    Arguments:
        on_real, on_generated: D, the probability of being real, (n,) and (m,), in [0, 1]; kept 1e-6 from the ends.

    Raises:
        UserError: fewer than two values of either, or values outside [0, 1].

    Example:
        >>> from monge.distance import discriminator_bound
        >>> on_real, on_generated = [0.9, 0.8, 0.9, 0.7], [0.1, 0.2, 0.2, 0.1]  # D on held-out samples
        >>> found = discriminator_bound(on_real, on_generated)
        >>> round(found.value, 2)
        0.51
    """
    logs = []
    for name, given in (("on_real", on_real), ("on_generated", on_generated)):
        values = np.asarray(given, dtype=np.float64)
        if values.ndim != 1 or len(values) < 2 or not ((values >= 0) & (values <= 1)).all():
            raise UserError(f"{name} must contain at least 2 probabilities, (n,) in [0, 1]; got shape {values.shape}")
        values = values.clip(CERTAINTY, 1 - CERTAINTY)
        logs.append(np.log(values) if name == "on_real" else np.log1p(-values))
    bound = np.log(2) + (logs[0].mean() + logs[1].mean()) / 2
    error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in logs)) / 2
    return Estimate(float(bound.clip(0, np.log(2))), float(error))


def js_lower_bound(x: ArrayLike, y: ArrayLike, *, seed: int = 0) -> Estimate:
    """Lower bound of JS in nats between the distributions of samples x (n, d) and y (m, d), by a held-out
    discriminator.

    On one half of each sample, logistic regression and boosted trees are fitted to three quarters, and the better of
    them on the last quarter is chosen; `discriminator_bound` judges it on the other half. Both samples weigh the same
    whatever their sizes. The bound is loose where the classifiers are not good: small samples, many dimensions.

    Arguments:
        seed: of the split. The result depends on x, y and seed only.

    Raises:
        UserError: a bad shape or value, or fewer than 8 points of a sample.

    Example:
        >>> import numpy as np
        >>> from monge.distance import js_lower_bound
        >>> x, y = np.random.default_rng(0).normal(size=(2, 40, 1))
        >>> 0.4 < js_lower_bound(x, y + 9).value <= np.log(2)
        np.True_
    """
    x, y = point_sets(x, y)
    if min(len(x), len(y)) < LEAST:
        raise UserError(f"x and y must have at least {LEAST} points each; got {len(x)} and {len(y)}")
    draw = np.random.default_rng(seed)
    fitted, chosen, judged = zip(*(_split(points[draw.permutation(len(points))]) for points in (x, y)), strict=True)
    real, generated = fitted
    best = max(_classifiers(real, generated, seed), key=lambda classifier: _raw_bound(classifier, *chosen))
    return discriminator_bound(*(best.predict_proba(points)[:, 1] for points in judged))


def _split(points: Points) -> tuple[Points, Points, Points]:
    """Three eighths, one eighth and the other half."""
    half, fit = len(points) // 2, len(points) * 3 // 8
    return points[:fit], points[fit:half], points[half:]


def _classifiers(real: Points, generated: Points, seed: int) -> list[ProbabilisticClassifier]:
    """Classifiers of real (class 1) against generated points (class 0), fitted."""
    # here, because scikit-learn takes longer to import than all the rest of this layer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    points, labels = np.concatenate([real, generated]), np.repeat([1, 0], [len(real), len(generated)])
    # only where they matter: with weights the bins of the trees take most of the time
    weight = None if len(real) == len(generated) else "balanced"
    smooth = make_pipeline(StandardScaler(), LogisticRegression(class_weight=weight, max_iter=1000))
    # too few points for trees to stop early on some of them
    stop = len(points) >= 100
    trees = HistGradientBoostingClassifier(class_weight=weight, early_stopping=stop, random_state=seed)
    return [classifier.fit(points, labels) for classifier in (smooth, trees)]


def _raw_bound(classifier: ProbabilisticClassifier, real: Points, generated: Points) -> float:
    """The bound less its constant, for comparing classifiers."""
    on_real, on_generated = (
        classifier.predict_proba(points)[:, 1].clip(CERTAINTY, 1 - CERTAINTY) for points in (real, generated)
    )
    return float(np.log(on_real).mean() + np.log1p(-on_generated).mean())
