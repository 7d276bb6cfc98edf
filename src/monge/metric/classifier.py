r"""A small classifier of the data at hand, whose last hidden layer serves as features.

What tells classes apart varies along these features, and what does not is damped: distances between them say more of
content than distances between pixels, but only of content that the labels name. Figures on them cannot be compared
with figures on Inception features, nor between two data sets.
"""

import contextlib
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from monge.data import npy
from monge.distance.points import Points
from monge.errors import UserError

HIDDEN = (128, 64)
"""Widths of the hidden layers; the last one has the features."""
BATCH = 64
"""Samples of an update."""
UPDATES = 2000
"""Updates, at most: fitting ends before where the loss no longer falls."""
JUDGED = 0.2
"""Share of the training samples that the classifier is judged on and not fitted to."""
FEWEST = 10
"""Samples from which a classifier is fitted, at least."""
CHUNK = 4096

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Classifier:
    r"""Two hidden layers of rectified units on standardised inputs.

    .. math:: h_2(x) = (W_2 (W_1 z + b_1)_+ + b_2)_+, \qquad p(y \mid x) = \mathrm{softmax}(W_3 h_2 + b_3)

    Arguments:
        mean, scale: of the inputs, (d,).
        weights, biases: of the three layers, as they multiply from the right.
        accuracy: share of right answers on samples that were not used for fitting.
        judged: number of these.
    """

    mean: Matrix
    scale: Matrix
    weights: tuple[Matrix, ...]
    biases: tuple[Matrix, ...]
    accuracy: float
    judged: int

    @classmethod
    def fit(cls, x: Points, labels: NDArray[np.int64]) -> "Classifier":
        """Fits by Adam; the same on every call.

        Arguments:
            x: real samples (n, d).
            labels: their classes (n,).

        Raises:
            UserError: fewer than 10 samples, or fewer than two classes to fit.
        """
        order = np.random.default_rng(0).permutation(len(x))
        cut = max(1, int(JUDGED * len(x)))
        judged, fitted = order[:cut], order[cut:]
        classes = len(np.unique(labels[fitted]))
        if len(x) < FEWEST or classes < 2:
            raise UserError(
                f"a classifier needs at least {FEWEST} samples of 2 classes; got {len(x)} of {classes}; "
                "use --features raw"
            )
        mean, scale = x[fitted].mean(axis=0), x[fitted].std(axis=0)
        # the deviation of equal numbers is not 0 where their mean is rounded
        scale = np.where(x[fitted].min(axis=0) < x[fitted].max(axis=0), scale, 1.0)
        batch = min(BATCH, len(fitted))
        passes = -(-UPDATES * batch // len(fitted))
        network = MLPClassifier(HIDDEN, alpha=1e-3, batch_size=batch, max_iter=passes, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of passes is what is wanted
            network.fit((x[fitted] - mean) / scale, labels[fitted])
        answers = network.predict((x[judged] - mean) / scale)
        accuracy = float((answers == labels[judged]).mean())
        return cls(mean, scale, tuple(network.coefs_), tuple(network.intercepts_), accuracy, cut)

    def features(self, x: Points) -> Points:
        """The last hidden layer (n, 64) of samples (n, d)."""
        return np.concatenate([self._hidden(x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)])

    def probabilities(self, x: Points) -> Matrix:
        """Of every class, (n, c), for samples (n, d)."""
        scores = self.features(x) @ self.weights[-1] + self.biases[-1]
        if scores.shape[1] == 1:  # of two classes scikit-learn has only the second one's score
            scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        found: Matrix = softmax(scores, axis=1)
        return found

    def arrays(self) -> dict[str, Any]:
        """What `from_arrays` takes back."""
        layers = zip(self.weights, self.biases, strict=True)
        named = {f"{kind}{i}": array for i, layer in enumerate(layers) for kind, array in zip("wb", layer, strict=True)}
        judged = np.array([self.accuracy, self.judged])
        return {"mean": self.mean, "scale": self.scale, "judged": judged} | named

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> "Classifier":
        """The classifier that `arrays` described.

        Raises:
            KeyError: an array is missing.
        """
        weights, biases = (tuple(arrays[f"{kind}{i}"] for i in range(len(HIDDEN) + 1)) for kind in "wb")
        accuracy, judged = arrays["judged"]
        return cls(arrays["mean"], arrays["scale"], weights, biases, float(accuracy), int(judged))

    @classmethod
    def load(cls, path: Path, dimension: int) -> "Classifier | None":
        """What `save` wrote; none where there is no whole file, or one for samples of another dimension."""
        with contextlib.suppress(Exception):  # a damaged file makes zipfile raise almost anything
            found = cls.from_arrays(npy.read_all(path))
            return found if len(found.mean) == dimension else None
        return None

    def save(self, path: Path) -> None:
        """Writes a whole `.npz` file; nothing where the folder is not writable, as the file only saves time."""
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, partial = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
            try:
                with open(descriptor, "wb") as file:
                    np.savez(file, **self.arrays())
                os.replace(partial, path)
            except BaseException:
                os.unlink(partial)
                raise

    def _hidden(self, x: Points) -> Points:
        values: Points = (x - self.mean) / self.scale
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = np.maximum(values @ weight + bias, 0)
        return values
