r"""Distance to the nearest training sample: does the generator copy?

A generator that copies is nearer to its training samples than fresh samples of the distribution are. Held-out samples
stand for the fresh ones, which gives tests with a known answer for a generator that does not copy (Meehan, Chaudhuri,
Dasgupta 2020, "A non-parametric test to detect data-copying in generative models"). They see literal and near copies.

One of them is not enough. Blurred samples are nearer to *every* real sample than sharp ones are: blurred images that no
training has seen get z = -14 from `copying_rank` alone. Samples that miss the distribution are farther from every real
sample, and hide copies among themselves. Neither matters to `attraction`, which asks of the same generated samples
whether training samples draw more of them than held-out ones do; copying is what both show.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import pairwise_distances_argmin

from monge.distance.estimate import Estimate
from monge.distance.points import Points
from monge.errors import UserError

SEARCHED = 20_000_000
"""Numbers in the training samples that are searched, at most."""
SPLITS = 8
"""Disjoint parts of the training samples that are each compared with the held-out ones, at most."""
ORIGINAL = {"novelty": 1.0, "copying_rank": 0.5, "copying_share": 0.5}
"""What `originality` shows in expectation of a generator that is as good as the distribution."""


def searchable(size: int, shape: tuple[int, ...]) -> int:
    """How many of `size` training samples of a shape are searched."""
    return min(size, max(1, SEARCHED // math.prod(shape)))


def nearest(x: Points, train: Points) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Index of and Euclidean distance to the nearest training sample of every row of x (n, d)."""
    # about their mean, because the search takes |x|^2 - 2 x y + |y|^2, of which large values leave nothing
    mean = train.mean(axis=0)
    index = pairwise_distances_argmin(x - mean, train - mean)
    return index, np.linalg.norm(x - train[index], axis=1)


def novelty(fake: Points, train: Points, held_out: Points) -> float | None:
    """Mean distance of generated samples to their nearest training sample, over that of held-out samples.

    Near 1 for a perfect generator, near 0 for one that copies its training data; none where held-out samples are
    themselves copies.
    """
    found = novelty_estimate(nearest(fake, train)[1], nearest(held_out, train)[1])
    return None if found is None else found.value


def novelty_estimate(fake: NDArray[np.float64], held_out: NDArray[np.float64]) -> Estimate | None:
    """`novelty` from distances to the nearest training sample, (m,) and (h,), with the error of a ratio of means."""
    real = float(held_out.mean())
    if real <= 0:
        return None
    ratio = float(fake.mean()) / real
    variance = fake.var() / len(fake) + ratio**2 * held_out.var() / len(held_out)
    return Estimate(ratio, float(np.sqrt(variance)) / real)


def copying_rank(fake: NDArray[np.float64], held_out: NDArray[np.float64]) -> Estimate:
    r"""Chance that a generated sample is farther from the training samples than a held-out one; ties count half.

    .. math:: U = \frac{1}{m h} \sum_{i, j} \mathbb{1}[a_i > b_j] + \tfrac12 \mathbb{1}[a_i = b_j], \qquad
              \mathrm{error} = \sqrt{\frac{m + h + 1}{12\, m h}}

    1/2 for a generator that is as good as the distribution, whatever the distribution; near 0 for one that copies. The
    error is that under this hypothesis, so (U - 1/2) / error is the Z of the Mann-Whitney test: below -3 the copying is
    sure.

    Reference: Meehan et al. 2020, the statistic Z_U, here without cells.

    Arguments:
        fake, held_out: distances to the nearest training sample, (m,) and (h,).
    """
    m, h = len(fake), len(held_out)
    ranks = rankdata(np.concatenate([fake, held_out]))[:m]
    value = (float(ranks.sum()) - m * (m + 1) / 2) / (m * h)
    return Estimate(value, math.sqrt((m + h + 1) / (12 * m * h)))


def copying_share(fake: Points, train: Points, held_out: Points) -> Estimate:
    r"""Share of generated samples that are nearer to a training sample than to any of as many held-out ones.

    1/2 for a generator that knows the distribution and not the samples, by symmetry; 1 for copies of the training
    samples; ties count half. Of more training samples than held-out ones, up to eight disjoint parts are compared in
    turn and the
    shares averaged: a copy of a sample outside the part is then not seen in it, which `copying_rank` does not suffer.

    The error is that under this hypothesis. The c_r samples with the same nearest neighbour r are all on its side, so

    .. math:: \mathrm{error} = \frac{1}{2 m} \sqrt{\sum\nolimits_r c_r^2}

    which is the binomial one where no two share a neighbour; a generator off the distribution can crowd on few. The
    mean over several parts is given the error of one, up to a third too large then.

    Arguments:
        fake: features (m, d).
        train, held_out: features (n, d) and (h, d), each in random order.

    Raises:
        UserError: an empty set.
    """
    if not min(len(fake), len(train), len(held_out)):
        sizes = f"{len(fake)}, {len(train)} and {len(held_out)}"
        raise UserError(f"fake, train and held_out must not be empty; got {sizes} samples")
    size = min(len(train), len(held_out))
    parts = min(SPLITS, len(train) // size)
    keeper, away = nearest(fake, held_out[:size])
    values, errors = [], []
    for part in range(parts):
        index, near = nearest(fake, train[part * size : (part + 1) * size])
        crowds = np.bincount(np.where(near <= away, index, size + keeper))
        values.append(float((near < away).mean() + 0.5 * (near == away).mean()))
        errors.append(float(np.sqrt((crowds**2).sum())) / (2 * len(fake)))
    return Estimate(float(np.mean(values)), float(np.mean(errors)))


def attraction(fake: Points, train: Points, held_out: Points) -> float:
    r"""How many more generated samples have a training sample for their nearest than chance gives, as a z.

    Of the N = n + h real samples, r is the nearest of :math:`c_r` generated ones; a training and a held-out sample that
    are equally near have half of it each. Of a generator that knows the distribution and not its samples, any h of the
    N could as well be the ones that were held out. Over such choices,

    .. math:: z = \Big(\sum_{r \in \mathrm{train}} c_r - n \bar c\Big) \Big/
              \sqrt{\frac{n h}{N (N - 1)} \sum\nolimits_r (c_r - \bar c)^2}

    has mean 0 and variance 1, however many samples crowd on few, and however blurred they are. At most as many held-out
    samples as training ones are compared: few of the positive c then make the sum over the held-out ones vary upwards
    rather than downwards, so that large z are at most as likely as of a normal distribution. Copies of all n give
    :math:`\sqrt{N - 1}` at most.

    Reference: Pitman 1937, "Significance tests which may be applied to samples from any populations".

    Arguments:
        fake, train, held_out: features (m, d), (n, d) and (h, d), the last two in random order.

    Returns:
        z; 0 where all real samples draw equally many.
    """
    held_out = held_out[: len(train)]
    (index, near), (other, away) = nearest(fake, train), nearest(fake, held_out)
    n, h = len(train), len(held_out)
    shares = np.where(near == away, 0.5, near < away)
    drawn = np.bincount(np.concatenate([index, n + other]), np.concatenate([shares, 1 - shares]), n + h)
    lead = drawn[:n].sum() - n * drawn.mean()
    deviation = math.sqrt(n * h / (n + h - 1) * float(drawn.var()))
    return float(lead) / deviation if deviation > 0 else 0.0


def originality(fake: Points, train: Points, held_out: Points) -> dict[str, Estimate]:
    """All figures that show copying of training samples; no novelty where it is not defined.

    Arguments:
        fake, train, held_out: features (m, d), (n, d) and (h, d).
    """
    distances = [nearest(x, train)[1] for x in (fake, held_out)]
    novelty = novelty_estimate(*distances)
    return ({} if novelty is None else {"novelty": novelty}) | {
        "copying_rank": copying_rank(*distances),
        "copying_share": copying_share(fake, train, held_out),
    }
