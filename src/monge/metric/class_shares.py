"""What a classifier that was trained on real samples says of generated ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from monge.distance.transport.exact import Points

Labels = NDArray[np.int64]


def predicted(real: Points, labels: Labels, fake: Points) -> Labels:
    """The class of each generated sample, (m,), by a support vector classifier of the real ones.

    Arguments:
        real, fake: features (n, d) and (m, d).
        labels: class of every row of `real`, (n,).
    """
    found = np.unique(labels)
    if len(found) == 1:
        return np.full(len(fake), found[0])
    # about the mean, where kernels of large values are exact; with the default width for the values as they are
    mean, variance = real.mean(axis=0), float(real.var())
    width = 1 / (real.shape[1] * variance) if variance > 0 else 1.0
    classes: Labels = SVC(gamma=width).fit(real - mean, labels).predict(fake - mean)
    return classes


def class_shares(classes: Labels, found: Labels, names: Sequence[str] | None = None) -> dict[str, float]:
    """Share of every class among samples.

    Arguments:
        classes: of the samples, (m,).
        found: the classes that there are, (c,).
        names: of the classes that these index; none uses the numbers themselves.
    """
    return {str(label if names is None else names[label]): float((classes == label).mean()) for label in found}


def agreement(classes: Labels, asked: Labels) -> float:
    """Share of samples (m,) whose class is the one that was asked for."""
    return float((classes == asked).mean())


def recognition(real: Points, labels: Labels) -> float | None:
    """Share of a fifth of the real samples (n, d) that a classifier of the others recognises; none below five."""
    cut = len(real) // 5
    return agreement(predicted(real[cut:], labels[cut:], real[:cut]), labels[:cut]) if cut else None


def purity(classes: Labels, codes: Labels) -> float:
    r"""How well codes stand for classes: :math:`\frac1m \sum_c \max_y \#\{i : c_i = c, y_i = y\}`.

    1 if samples of a code are all of one class; the share of the largest class if codes say nothing.

    Arguments:
        classes, codes: of the samples, (m,).
    """
    largest = sum(np.unique(classes[codes == code], return_counts=True)[1].max() for code in np.unique(codes))
    return float(largest / len(classes))
