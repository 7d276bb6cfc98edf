r"""The critic distance matrix: where, in the critic's eyes, generated samples lie among the real ones.

Zen n.d., sections 2.5, 3.3 and 3.4, where several formulas are ill-defined; what is meant here is said with each
function and in `docs/errata.md`. Here x are critic outputs on real samples, (n, k), and y on generated ones,
(m, k), usually with k = 1. Rows of matrices are generated, columns real. Every distance has the unit of the critic's
output: the data's own where the critic is 1-Lipschitz, when a distance here is at most that between the samples.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from scipy.special import expit, softmax

from monge.distance.kernel.discrepancy import between
from monge.distance.kernel.kernel import NegativeDistance, Values, paired
from monge.distance.points import Points
from monge.errors import UserError

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class ClusterMatrix:
    """Clusters of critic outputs on either side and the mean distances between them.

    Clusters are in ascending order of their centre's first output.

    Attributes:
        matrix: mean distances (generated, real) minus `mean`; the elements sum to zero.
        mean: mean over all elements of the matrix before centring, >= 0.
        real_centres, fake_centres: mean output of each cluster.
        real_shares, fake_shares: share of the samples in each cluster; either sums to one.
        weights: `cluster_weights` of the centres; each row sums to one.
    """

    matrix: Matrix
    mean: float
    real_centres: Points
    fake_centres: Points
    real_shares: Values
    fake_shares: Values
    weights: Matrix

    @property
    def weighted_distance(self) -> float:
        r"""Mean over generated clusters of the distance to the real clusters near it.

        .. math:: \frac{1}{m} \sum_{i=1}^{m} \sum_j w_{ij} (d_{ij} + \bar d)

        Zen n.d., eq. 4, with the distance in the place of its factor :math:`m - \hat N`, which is the same for all i
        and j. It falls as generated clusters come nearer to real ones, but it is no metric: it is above zero for
        equal distributions, by the width of the clusters and of the weights.
        """
        return float((self.weights * (self.matrix + self.mean)).sum(axis=1).mean())


def distance_matrix(x: ArrayLike, y: ArrayLike) -> Matrix:
    """Euclidean distances (m, n) between the critic's outputs on generated and on real samples.

    Reference: Zen n.d., section 3.3.

    Raises:
        UserError: bad shapes or values that are not finite.
    """
    x, y = paired(x, y)
    distances: Matrix = cdist(y, x)
    return distances


def cluster_matrix(x: ArrayLike, y: ArrayLike, clusters: int = 8, seed: int = 0) -> ClusterMatrix:
    r"""Mean Euclidean distances between clusters of generated and of real samples, found by k-means on either side.

    .. math:: d_{ij} = \frac{1}{|G_i| |R_j|} \sum_{g \in G_i} \sum_{x \in R_j} \lVert D(g) - D(x)\rVert_2 - \bar d

    Reference: Zen n.d., section 2.5. It says that distances sum to zero, which distances above zero cannot; here
    their mean :math:`\bar d` over all elements is taken off, and kept.

    Arguments:
        x, y: critic outputs on real (n, k) and on generated samples (m, k).
        clusters: number of clusters on a side; a side with fewer distinct outputs has as many as those.
        seed: of k-means.

    Raises:
        UserError: bad shapes, values that are not finite, or more clusters than samples on a side.
    """
    x, y = paired(x, y)
    least = min(len(x), len(y))
    if not 1 <= clusters <= least:
        raise UserError(f"clusters must be from 1 to {least}, the size of the smaller set; got {clusters}")
    real_parts, fake_parts = _clusters(x, clusters, seed), _clusters(y, clusters, seed)
    distances = np.array([[_mean_distance(part, other) for other in real_parts] for part in fake_parts])
    real_centres, fake_centres = (np.array([part.mean(axis=0) for part in p]) for p in (real_parts, fake_parts))
    return ClusterMatrix(
        distances - distances.mean(),
        float(distances.mean()),
        real_centres,
        fake_centres,
        np.array([len(part) for part in real_parts]) / len(x),
        np.array([len(part) for part in fake_parts]) / len(y),
        cluster_weights(real_centres, fake_centres, _deviation(x, y)),
    )


def cluster_weights(x: ArrayLike, y: ArrayLike, deviation: float) -> Matrix:
    r"""The IPM weights between clusters: how a generated cluster divides itself among the real ones.

    .. math:: w_{ij} = \frac{1}{Z_i} \exp\Bigl(-\frac{\lVert \mu_i - \mu_j\rVert_2^2}{2 \sigma^2}\Bigr),
              \qquad \sum_j w_{ij} = 1

    Reference: Zen n.d., eq. 4. There Z is not defined; here every row is a distribution on the real clusters. The sum
    of :math:`w_{ij}(m - \hat N)` that the weights enter there has a factor without i and j: with normalised weights it
    is :math:`m - \hat N` whatever the samples are. `ClusterMatrix.weighted_distance` is the nearest sum that depends
    on them; the integral probability metrics proper are in `ipm`.

    Arguments:
        x, y: centres of the real and of the generated clusters, (clusters, k).
        deviation: :math:`\sigma`, standard deviation of the outputs of both sides together, >= 0; 0 gives equal
            weights to the nearest clusters.

    Raises:
        UserError: bad shapes, values that are not finite, or a negative deviation.
    """
    if not 0 <= deviation < np.inf:
        raise UserError(f"deviation must be finite and at least 0; got {deviation}")
    squares = distance_matrix(x, y) ** 2
    squares -= squares.min(axis=1, keepdims=True)
    if not deviation:
        nearest = (squares == 0).astype(float)
        equal: Matrix = nearest / nearest.sum(axis=1, keepdims=True)
        return equal
    weights: Matrix = softmax(squares / (-2 * deviation**2), axis=1)
    return weights


def calibrated(x: ArrayLike, y: ArrayLike) -> Callable[[Points], Values]:
    r"""A critic's outputs (n, k) as the log-ratio :math:`\log p_r / p_g` of their distributions, learnt on samples of
    either.

    A logistic regression of the label on the standardised outputs, both sides with equal weight in all (Platt 1999):
    the calibrated form of the optimal discriminator :math:`p_r / (p_r + p_g)` (Goodfellow et al. 2014, eq. 2). The
    regression's penalty keeps it finite.

    Arguments:
        x, y: critic outputs on real (n, k) and on generated samples (m, k).

    Raises:
        UserError: bad shapes or values that are not finite.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = paired(x, y)
    pooled = np.concatenate([x, y])
    mean, deviation = pooled.mean(axis=0), pooled.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1)
    labels = np.arange(len(pooled)) < len(x)
    regression = LogisticRegression(class_weight="balanced").fit((pooled - mean) / scale, labels)

    def log_ratio(outputs: Points) -> Values:
        found: Values = regression.decision_function((outputs - mean) / scale)
        return found

    return log_ratio


def real_probability(x: ArrayLike, y: ArrayLike) -> tuple[Values, Values]:
    """The probability that a sample is real, as far as the critic's outputs tell: for real (n,) and generated (m,).

    All near 1/2 means that the critic cannot tell the sides apart. A regression is never certain, so that the
    probabilities are below one, at most the largest float64 that is.

    Arguments:
        x, y: critic outputs on real (n, k) and on generated samples (m, k).

    Raises:
        UserError: bad shapes or values that are not finite.
    """
    log_ratio = calibrated(x, y)
    real, fake = (np.minimum(expit(log_ratio(side)), np.nextafter(1, 0)) for side in paired(x, y))
    return real, fake


def sample_weights(real: Values, fake: Values) -> Matrix:
    r"""The IPM weights between samples: how much likelier than real sample j generated sample i is to be generated.

    .. math:: w_{ij} = \frac{1 - D(g_i)}{1 - D(x_j)}

    Reference: Zen n.d., eq. 15. There the denominator applies D to noise, where it is not defined, and D is a critic
    with values on the whole line, so that 1 - D may vanish. Here it is applied to real samples, and D is a
    probability below one (`real_probability`). The matrix is a column times a row, and 1 throughout when D cannot
    tell the sides apart. It contains ratios, neither probabilities nor distances as the source has it.

    Arguments:
        real, fake: probabilities D(x_j), (n,), and D(g_i), (m,), in [0, 1) and [0, 1].

    Raises:
        UserError: values outside.
    """
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    for name, values, inside in (("real", real, (real >= 0) & (real < 1)), ("fake", fake, (fake >= 0) & (fake <= 1))):
        if not inside.all():
            bound = "[0, 1)" if name == "real" else "[0, 1]"
            raise UserError(f"{name} must contain probabilities in {bound}; got {values[~inside][0]}")
    weights: Matrix = (1 - fake)[:, None] / (1 - real)[None, :]
    return weights


def _clusters(points: Points, clusters: int, seed: int) -> list[Points]:
    """The points of each k-means cluster, in ascending order of the first output's mean."""
    from sklearn.cluster import KMeans

    clusters = min(clusters, len(np.unique(points, axis=0)))
    labels = KMeans(clusters, n_init=4, random_state=seed).fit(points).labels_
    parts = [points[labels == label] for label in range(clusters)]
    return sorted((part for part in parts if len(part)), key=lambda part: float(part[:, 0].mean()))


def _mean_distance(x: Points, y: Points) -> float:
    return -between(x, y, NegativeDistance()).total / (len(x) * len(y))


def _deviation(x: Points, y: Points) -> float:
    """Standard deviation of both sides together: root of the mean squared distance from their common mean."""
    pooled = np.concatenate([x, y])
    return float(np.sqrt(pooled.var(axis=0).sum()))
