"""The Wasserstein GAN as a scikit-learn estimator."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from monge import api
from monge.data.source import in_memory
from monge.distance import wasserstein
from monge.distance.points import columns_of, numeric
from monge.errors import UserError, refuse_masked
from monge.model.random import seed_of
from monge.model.trained_model import Request
from monge.run.folder import temporary_folder


class WassersteinGAN(BaseEstimator):  # type: ignore[misc]
    """A generator of vectors, trained as a Wasserstein GAN.

    Arguments:
        recipe: name of a recipe; None means the one for vectors.
        objective: name of an objective, with options (`"wgan-gp:weight=5"`); None means the recipe's.
        steps: generator updates; None means the recipe's.
        run: folder for the run; None means a temporary folder, deleted when the process ends.
        threads: number of threads, or "auto" to measure which is fastest.
        conditional: whether to train on the classes y, so that `sample` can generate one of them.
        random_state: seed, >= 0. A numpy RandomState, or None for numpy's global one, gives each `fit` a new seed.

    Attributes:
        run_: the run.
        model_: the trained model.
        n_features_in_: number of features seen by `fit`.

    Example:
        >>> import numpy as np
        >>> from monge import WassersteinGAN
        >>> X = np.random.default_rng(0).normal(size=(400, 2))
        >>> model = WassersteinGAN(steps=4, threads=1, random_state=0).fit(X)
        >>> model.sample(5, seed=1).shape
        (5, 2)
        >>> model.score(X) < 0  # minus a distance
        True
    """

    def __init__(
        self,
        *,
        recipe: str | None = None,
        objective: str | None = None,
        steps: int | None = None,
        run: str | Path | None = None,
        threads: int | str = "auto",
        conditional: bool = False,
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.recipe = recipe
        self.objective = objective
        self.steps = steps
        self.run = run
        self.threads = threads
        self.conditional = conditional
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "WassersteinGAN":
        """Trains on vectors X of shape (n, d), an array or a data frame.

        Arguments:
            X: the vectors; the columns of a data frame are numbers or truth values. `TableGenerator` takes any.
            y: with `conditional`, the class of each (n,), whole numbers or text; otherwise ignored.

        Raises:
            ValueError: X is not a finite numeric array of at least three samples, y is missing or gives no classes, or
                random_state seeds nothing.
        """
        if self.conditional and y is None:
            raise UserError("y: conditional=True needs the class of every sample; got None")
        data = in_memory(self._vectors(X, reset=True), y if self.conditional else None)
        data.info = replace(data.info, columns=_names(X))  # of the data that were made here
        settings: dict[str, Any] = {"training": {"conditional": True}} if self.conditional else {}
        settings |= {} if self.steps is None else {"steps": self.steps}
        folder = temporary_folder() if self.run is None else Path(self.run)
        self.run_ = api.train(
            data,
            recipe=self.recipe,
            objective=self.objective,
            run=folder,
            device="cpu",
            threads=self.threads,
            seed=seed_of(self.random_state),
            **settings,
        )
        self.model_ = self.run_.model()
        return self

    def sample(self, n_samples: int = 1, *, seed: int = 0, label: str | int | None = None) -> NDArray[np.float64]:
        """Generated vectors of shape (n_samples, d) in the units of X; equal seeds give equal samples.

        Arguments:
            label: with `conditional`, the class to generate; None takes all by their shares.

        Raises:
            UserError: an unknown class, or one without training samples.
        """
        check_is_fitted(self)
        drawn: NDArray[np.float64] = self.model_.sample(n_samples, seed, Request(label)).x.astype(np.float64)
        return drawn

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the W1 distance between X (n, d) and as many generated samples, in the units of X; y is ignored."""
        check_is_fitted(self)
        X = self._vectors(X, reset=False)
        return -wasserstein(self.sample(len(X)), X)

    def _vectors(self, X: Any, *, reset: bool) -> NDArray[np.float64]:
        """X as an array (n, d), which has the features seen by `fit`, or is what they are taken from."""
        refuse_masked("X", X)
        least = 3 if reset else 1
        if columns_of(X) is None:
            return np.asarray(validate_data(self, X, dtype=np.float64, ensure_min_samples=least, reset=reset))
        validate_data(self, X, skip_check_array=True, reset=reset)
        return np.asarray(check_array(numeric("X", X), ensure_min_samples=least, estimator=self, input_name="X"))


def _names(X: Any) -> list[str] | None:
    columns = columns_of(X)
    return None if columns is None else [name for name, _ in columns]
