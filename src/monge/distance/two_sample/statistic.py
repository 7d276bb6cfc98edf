r"""The statistics of the battery: each is large where the rows labelled 1 differ from the others in its own way.

Every one is a function of the pooled rows and of columns of labels, so that all relabellings are measured at once. With
labels b in {0, 1}, n of them 1 and m of them 0, and s_i = b_i / n - (1 - b_i) / m, a difference of means of f is
:math:`\sum_i s_i f(x_i)`.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from monge.distance.two_sample.pooled import Pooled, Single

Statistic = Callable[[Pooled, Single], Single]

SCALES = (0.001, 0.05, 0.5)
"""Lengths of Gaussian kernels, as quantiles of the distances between rows."""
PROBED = 1000
"""Rows whose distances the lengths are quantiles of, at most."""
DIRECTIONS = 64
"""Random directions of sliced W1."""
BESIDE = 16
"""Random directions that are looked at beside the axes."""
AT_A_TIME = 2**24
"""Numbers of relabelled rows that are held at a time."""
NEIGHBOURS = (10, 20, 40, 80, 160)
"""Sizes of the neighbourhoods whose shares are looked at."""
CENTRES = 1000
"""Rows whose neighbourhoods are looked at, at most."""
FOLDS = 4
"""Parts of the rows: a classifier judges each, fitted to the others."""
FITTED = 2000
"""Rows that a classifier sees, at most."""
NOISE = 1e-5
"""Deviation of a classifier's values, between those of labels 0 and 1, that rounding can make."""
RIDGE = 0.1
"""Ridge of the classifier, in units of the mean eigenvalue of its kernel."""


def signs(labels: Single) -> Single:
    """The s_i of each column of labels, (N, B); each column sums to 0."""
    ones = labels.sum(axis=0)
    return np.asarray(labels / ones - (1 - labels) / (len(labels) - ones))


def energy(pooled: Pooled, labels: Single) -> Single:
    """The energy distance: sees shifts of all kinds, above all those of means (Szekely, Rizzo 2013)."""
    return quadratic(-pooled.distances, labels)[None]


def mmd(pooled: Pooled, labels: Single) -> Single:
    """Maximum mean discrepancies with Gaussian kernels of three lengths, one of the nearest pairs and one of the median
    (Gretton et al. 2012)."""
    distances = pooled.distances
    probed = distances[:: -(-len(distances) // PROBED)]
    lengths = np.quantile(probed[probed > 0], SCALES) if (probed > 0).any() else np.ones(len(SCALES))
    squares = distances**2
    return np.stack([quadratic(np.exp(squares / np.float32(-2 * length**2)), labels) for length in lengths])


def sliced(pooled: Pooled, labels: Single) -> Single:
    """Sliced W1, the mean of W1 over 64 random directions: sees shifts of many coordinates."""
    found = np.zeros(labels.shape[1], np.float32)
    for gaps, differences in projected(pooled, directions(pooled), labels):
        found += gaps @ differences
    return found[None] / np.float32(DIRECTIONS)


def sliced_ks(pooled: Pooled, labels: Single) -> Single:
    """The largest distance of Kolmogorov and Smirnov along an axis or a random direction: sees one coordinate of
    many."""
    found = np.zeros(labels.shape[1], np.float32)
    for gaps, differences in projected(pooled, np.concatenate([pooled.axes, directions(pooled)[:BESIDE]]), labels):
        if gaps.any():
            np.maximum(found, differences[gaps > 0].max(axis=0), out=found)
    return found[None]


def moments(pooled: Pooled, labels: Single) -> Single:
    """The largest difference of a mean, of a variance or of a correlation, in standard deviations, of coordinates by
    rank: sees a correlation that changed between two of many."""
    differences = np.zeros(labels.shape[1], np.float32)
    weights = signs(labels)
    for block in products(pooled):
        np.maximum(differences, np.abs(block.T @ weights).max(axis=0), out=differences)
    return differences[None]


def neighbourhoods(pooled: Pooled, labels: Single) -> Single:
    """The largest deviation of a neighbourhood's share of labels from that of all rows, in standard deviations: sees a
    small crowd of one sample, such as a rare mode (a scan statistic, Kulldorff 1997)."""
    total = len(pooled)
    sizes = neighbourhood_sizes(total)
    centres = pooled.random(2).permutation(total)[:CENTRES]
    nearest, ends = closest(pooled.distances[centres], sizes)
    shares = labels.mean(axis=0)
    found = np.zeros(labels.shape[1], np.float32)
    for part in blocks(nearest.size, labels.shape[1]):
        counts = np.take_along_axis(labels[:, part][nearest].cumsum(axis=1), ends[..., None] - 1, axis=1)
        found[part] = scan(counts, ends[..., None], shares[part]).max(axis=(0, 1))
    return found[None]


def classifier(pooled: Pooled, labels: Single) -> Single:
    """How well a classifier tells rows that it was not fitted to: kernel least squares, of all products of two
    coordinates by rank and of a Gaussian; the difference of its mean values, in their deviations (Kim et al. 2021).
    """
    predicted = predictions(pooled, labels)
    seen = predicted.any(axis=1)
    predicted, weights = predicted[seen], signs(labels[seen])
    deviation = predicted.std(axis=0)
    return np.asarray((weights * predicted).sum(axis=0) / np.where(deviation > NOISE, deviation, np.inf))[None]


STATISTICS: dict[str, Statistic] = {
    "energy": energy,
    "MMD": mmd,
    "sliced W1": sliced,
    "sliced KS": sliced_ks,
    "moments": moments,
    "neighbourhoods": neighbourhoods,
    "classifier": classifier,
}
"""Functions of pooled rows and labels (N, B), 1 or 0, single: each gives (k, B), one row for each of its kinds."""


def quadratic(kernel: Single, labels: Single) -> Single:
    r"""The squared discrepancy :math:`s^\top K s` of each column of labels, (B,); the kernel is spent."""
    # centred, so that rounding does not hide a small difference of large means
    kernel -= kernel.mean(axis=0)
    kernel -= kernel.mean(axis=1, keepdims=True)
    weights = signs(labels)
    return np.asarray(np.einsum("ij,ij->j", weights, kernel @ weights))


def directions(pooled: Pooled) -> NDArray[np.float64]:
    """Random unit vectors (k, d)."""
    drawn = pooled.random(1).normal(size=(DIRECTIONS, pooled.points.shape[1]))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def projected(pooled: Pooled, onto: NDArray[np.float64], labels: Single) -> Iterator[tuple[Single, Single]]:
    """For each direction the gaps between neighbours on it, (N - 1,), and there the differences of the two distribution
    functions, (N - 1, B)."""
    weights = signs(labels)
    for column in (pooled.points @ onto.T).T:
        order = np.argsort(column, kind="stable")
        gaps = np.diff(column[order])
        gaps[gaps < 1e-12 * np.abs(column).max(initial=0)] = 0  # rounding of equal values
        yield gaps.astype(np.float32), np.abs(weights[order].cumsum(axis=0)[:-1])


def products(pooled: Pooled) -> Iterator[Single]:
    """The scores of rows and their products in pairs, standardised, in blocks (N, k)."""
    scores = pooled.scores
    yield scores.astype(np.float32)
    for i in range(scores.shape[1]):
        block = scores[:, i, None] * scores[:, i:]
        block -= block.mean(axis=0)
        deviation = block.std(axis=0)
        yield (block / np.where(deviation > 1e-9, deviation, np.inf)).astype(np.float32)


def closest(distances: Single, sizes: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The nearest rows to each of some (n, N), the nearest first, and where its neighbourhoods of k sizes end, (n, k).

    Rows that are equally far belong to a neighbourhood together: else the order of rows, not their place, would decide.
    A neighbourhood that these make larger than the largest size ends at 0.
    """
    count = int(sizes.max()) + 1
    near = np.argpartition(distances, count - 1, axis=1)[:, :count]
    lengths = np.take_along_axis(distances, near, axis=1)
    order = np.argsort(lengths, axis=1, kind="stable")
    near, lengths = np.take_along_axis(near, order, axis=1), np.take_along_axis(lengths, order, axis=1)
    ends = np.stack([(lengths <= lengths[:, size - 1, None]).sum(axis=1) for size in sizes], axis=1)
    return near, np.where(ends < count, ends, 0)


def neighbourhood_sizes(total: int) -> NDArray[np.intp]:
    """Sizes of neighbourhoods, none above a quarter of all rows."""
    return np.array([size for size in NEIGHBOURS if size <= total // 4] or [total // 4])


def scan(counts: NDArray[np.float32], sizes: NDArray[np.intp], share: Single | float) -> Single:
    """How many standard deviations the labels among so many rows deviate from their share of all; 0 among none."""
    deviation = np.sqrt(sizes * share * (1 - share))
    return np.asarray(np.abs(counts - sizes * share) / np.where(sizes > 0, deviation, np.inf), np.float32)


def blocks(size: int, columns: int) -> Iterator[slice]:
    """Parts of some columns that hold so many numbers each at a time."""
    step = max(1, AT_A_TIME // size)
    return (slice(start, start + step) for start in range(0, columns, step))


def predictions(pooled: Pooled, labels: Single) -> Single:
    """What classifiers say of the rows of the parts that they were not fitted to, (N, B); 0 for rows not looked at."""
    order = pooled.random(3).permutation(len(pooled))[:FITTED]
    scores, targets = pooled.scores[order].astype(np.float32), labels[order]
    kernel = likeness(scores)
    found = np.zeros_like(labels)
    for fold in range(FOLDS):
        judged = np.arange(len(order)) % FOLDS == fold
        fitted = kernel[np.ix_(~judged, ~judged)]
        fitted[np.diag_indices_from(fitted)] += np.float32(RIDGE * np.trace(fitted) / len(fitted))
        centred = targets[~judged] - targets[~judged].mean(axis=0)
        solved = cho_solve(cho_factor(fitted, overwrite_a=True, check_finite=False), centred, check_finite=False)
        found[order[judged]] = kernel[np.ix_(judged, ~judged)] @ solved
    return found


def likeness(scores: Single) -> Single:
    """The kernel of the classifier, (n, n): products up to the second order, and a Gaussian of the median distance."""
    inner = scores @ scores.T / scores.shape[1]
    lengths = np.diag(inner)
    squares = np.maximum(lengths[:, None] + lengths - 2 * inner, 0)
    probed = squares[:: -(-len(squares) // PROBED)]
    median = np.median(probed[probed > 0]) if (probed > 0).any() else np.float32(1)
    polynomial = (1 + inner) ** 2 / ((1 + lengths) ** 2).mean()
    return np.asarray(polynomial + np.exp(squares / (-2 * median)), np.float32)
