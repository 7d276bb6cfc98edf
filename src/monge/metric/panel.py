"""All figures that compare two sets of features, whatever the features, and what makes them unreliable."""

import math
from collections.abc import Mapping

import numpy as np

from monge.distance.estimate import Estimate
from monge.distance.kernel.discrepancy import LEAST, kid
from monge.distance.points import Points, point_sets
from monge.metric.frechet import frechet_estimate
from monge.metric.memorisation import copying_rank, copying_share, nearest, novelty_estimate
from monge.metric.precision_recall import manifold

NEIGHBOURS = 3
PER_DIMENSION = 10
"""Samples for each dimension from which a Frechet distance is called reliable."""
PER_MODE = 10
"""Samples for each mode from which the divergence of the modes' shares is called reliable."""
SHARED = 100
"""Samples from which a share is called reliable: its standard error is then at most 0.05."""
RECOGNISED = 0.8
"""Share of right answers from which a classifier's opinion is called reliable."""
ORIGINAL = {"novelty": 1.0, "copying_rank": 0.5, "copying_share": 0.5}
"""What `originality` shows in expectation of a generator that is as good as the law."""
SHARES = ("precision", "recall", "density", "coverage", "copying_rank", "copying_share")


def panel(real: Points, fake: Points, singular: bool = False) -> dict[str, Estimate]:
    r"""Every figure of generated against real features that is defined at this size, by name.

    Precision, recall, density, coverage; KID from 4 samples a side on; the Frechet distance where there are more
    samples on either side than dimensions (else the covariance says more about n than about the data); and the ratio
    of total variances, :math:`\mathrm{tr}\,\Sigma_g / \mathrm{tr}\,\Sigma_r`. Figures that are not finite in float64
    are left out.

    Arguments:
        real, fake: features (n, d) and (m, d), at least 2 of each.
        singular: whether to give the Frechet distance of fewer samples, whose covariances are singular, too.

    Raises:
        UserError: bad shapes or values.
    """
    real, fake = point_sets(real, fake)
    fewest = min(len(real), len(fake))
    found = manifold(real, fake, k=min(NEIGHBOURS, fewest - 1))
    with np.errstate(over="ignore", invalid="ignore"):
        if fewest >= LEAST:
            measured = kid(real, fake)
            found["kid"] = Estimate(measured.squared, measured.error)
        if singular or real.shape[1] < fewest:
            found["frechet"] = frechet_estimate(real, fake)
        found["variance_ratio"] = variance_ratio(real, fake)
    return {name: figure for name, figure in found.items() if math.isfinite(figure.value + figure.standard_error)}


def variance_ratio(real: Points, fake: Points) -> Estimate:
    """Total variance of generated over that of real features, with the error of a ratio of means.

    The means are of the squared distances from the centre. Below 1 the samples are too alike or averaged.
    """
    squares = [((x - x.mean(axis=0)) ** 2).sum(axis=1) for x in (fake, real)]
    below = max(float(squares[1].mean()), float(np.finfo(float).tiny))
    ratio = float(squares[0].mean()) / below
    # not ratio**2, which raises OverflowError where this is infinite
    variance = squares[0].var() / len(fake) + ratio * ratio * squares[1].var() / len(real)
    return Estimate(ratio, float(np.sqrt(variance)) / below)


def originality(fake: Points, train: Points, held_out: Points) -> dict[str, Estimate]:
    """Figures that show copying of training samples; see `metric.memorisation`.

    Arguments:
        fake, train, held_out: features (m, d), (n, d) and (h, d).
    """
    distances = [nearest(x, train)[1] for x in (fake, held_out)]
    novelty = novelty_estimate(*distances)
    return ({} if novelty is None else {"novelty": novelty}) | {
        "copying_rank": copying_rank(*distances),
        "copying_share": copying_share(fake, train, held_out),
    }


def unreliable(
    found: Mapping[str, Estimate], sizes: tuple[int, int], dimension: int, per_mode: float = math.inf
) -> dict[str, str]:
    """The figures that say little at these sizes, each with the reason.

    Arguments:
        found: by name, as from `panel` and the other functions.
        sizes: numbers of real and generated samples.
        dimension: of the features.
        per_mode: generated samples for each known mode.
    """
    fewest = min(sizes)
    reasons = {}
    if "frechet" in found and fewest < PER_DIMENSION * dimension:
        needed = f"{PER_DIMENSION * dimension:,} are needed"
        reasons["frechet"] = f"{fewest:,} samples in {dimension:,} dimensions, {needed}"
    if "kid" in found and abs(found["kid"].value) < found["kid"].standard_error:
        reasons["kid"] = "its standard error is larger than itself: it may be 0"
    for name in SHARES:
        if name in found and fewest < SHARED:
            reasons[name] = f"rests on {fewest:,} samples, {SHARED} are needed"
    if "mode_kl" in found and per_mode < PER_MODE:
        reasons["mode_kl"] = f"{per_mode:.3g} samples for each mode, {PER_MODE} are needed"
    recognised = found.get("class_accuracy")
    if recognised is not None and recognised.value < RECOGNISED:
        said = f"the classifier knows {recognised.value:.0%} of real samples, {RECOGNISED:.0%} are needed"
        reasons["class_score"] = said
    return reasons
