"""Class shares among generated samples, told by a classifier that was trained on real ones."""

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC

from monge.distance.exact import Points


def class_shares(real: Points, labels: NDArray[np.int64], fake: Points) -> dict[str, float]:
    """Share of every class among `fake` (m, d) by a support vector classifier of `real` (n, d); classes are text."""
    predicted = SVC().fit(real, labels).predict(fake)
    return {str(name): float((predicted == name).mean()) for name in np.unique(labels)}
