"""Class shares among generated samples, told by a classifier that was trained on real ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from monge.distance.exact import Points


def class_shares(
    real: Points, labels: NDArray[np.int64], fake: Points, names: Sequence[str] | None = None
) -> dict[str, float]:
    """Share of every class among generated samples, by a support vector classifier of the real ones.

    Arguments:
        real, fake: features (n, d) and (m, d).
        labels: class of every row of `real`, (n,).
        names: of the classes that the labels index; none uses the labels themselves.
    """
    found = np.unique(labels)
    predicted = SVC().fit(real, labels).predict(fake) if len(found) > 1 else np.full(len(fake), found[0])
    return {str(label if names is None else names[label]): float((predicted == label).mean()) for label in found}
