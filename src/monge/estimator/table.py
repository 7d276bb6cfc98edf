"""A generator of synthetic tables as a scikit-learn estimator."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from monge import api
from monge.data.source import load_data
from monge.data.table.frame import like, table_of
from monge.data.table.incomplete import read_incomplete
from monge.data.table.reader import is_frame
from monge.distance import wasserstein
from monge.errors import UserError
from monge.model.frame import filled, table_codec
from monge.model.random import seed_of
from monge.model.trained_model import Request, check_seed
from monge.run.folder import temporary_folder

SCORED = 2000
"""Rows that a score compares, at most."""


class TableGenerator(BaseEstimator):  # type: ignore[misc]
    r"""A generator of rows of tables with columns of any kind: numbers, texts, truth values, dates, missing values.

    The default recipe trains a relativistic GAN, which is no Wasserstein GAN: a critic D tells which of two rows, a
    real one x and a generated one G(z), is the real one, with penalties R1 and R2 on its slopes at both,

    .. math:: \min_D \; \mathbb{E} \operatorname{softplus}(D(G(z)) - D(x)) + \tfrac{\gamma}{2} \, \mathbb{E}
        \left[\lVert\nabla D(x)\rVert^2 + \lVert\nabla D(G(z))\rVert^2\right], \qquad
        \min_G \; \mathbb{E} \operatorname{softplus}(D(x) - D(G(z))).

    Beside it a Gaussian copula is fitted, and the one that is nearer to a validation part is kept. How good it is, is
    told by a Wasserstein distance either way: W1 in the table's metric space, which is Euclidean over numbers divided
    by their standard deviations in the training rows, and over levels, where a differing one counts 1 and a missing
    value is a level.

    Reference: Huang et al. 2024, section 2, of the loss.

    Arguments:
        recipe: name of a recipe; None means the one for tables.
        model: "gan"; "copula", which is fitted in seconds; or "auto": the nearer one.
        steps: generator updates; None means the recipe's.
        minutes: training time instead of `steps`.
        columns: kinds of columns that are not to be inferred, such as `"age:integer,zip:category"`.
        rule: a condition that all generated rows must meet, such as `"low <= high"`.
        run: folder for the run; None means a temporary folder, deleted when the process ends.
        threads: number of threads, or "auto" to measure which is fastest.
        random_state: seed, >= 0. A numpy RandomState, or None for numpy's global one, gives each `fit` a new seed.

    Attributes:
        run_: the run.
        model_: the trained model.
        n_features_in_: number of columns seen by `fit`.

    Example:
        >>> import pandas
        >>> from monge import TableGenerator
        >>> ages = [20 + i % 50 for i in range(400)]
        >>> frame = pandas.DataFrame({"age": ages, "retired": ["yes" if age > 64 else "no" for age in ages]})
        >>> model = TableGenerator(steps=4, threads=1).fit(frame)
        >>> rows = model.sample(5, where="retired = 'yes'", seed=1)
        >>> list(rows.columns), sorted(set(rows["retired"]))
        (['age', 'retired'], ['yes'])
        >>> model.score(frame) < 0  # minus a distance
        True
    """

    def __init__(
        self,
        *,
        recipe: str | None = None,
        model: str = "auto",
        steps: int | None = None,
        minutes: float | None = None,
        columns: str | None = None,
        rule: str | None = None,
        run: str | Path | None = None,
        threads: int | str = "auto",
        random_state: int | np.random.RandomState | None = 0,
    ) -> None:
        self.recipe = recipe
        self.model = model
        self.steps = steps
        self.minutes = minutes
        self.columns = columns
        self.rule = rule
        self.run = run
        self.threads = threads
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> "TableGenerator":
        """Trains on the rows of a data frame; y is ignored, so a target is a column of X.

        Arguments:
            X: a data frame of pandas, polars or pyarrow.

        Raises:
            ValueError: X is no such data frame or cannot be read, or random_state seeds nothing.
        """
        if not is_frame(X):
            what = f"X must be a data frame of pandas, polars or pyarrow; got {type(X).__name__}"
            raise UserError(f"{what}; WassersteinGAN takes arrays of vectors")
        validate_data(self, X, skip_check_array=True)
        settings: dict[str, Any] = {} if self.steps is None else {"steps": self.steps}
        self.run_ = api.train(
            load_data(X, columns=self.columns, rule=self.rule),
            recipe=self.recipe,
            run=temporary_folder() if self.run is None else Path(self.run),
            device="cpu",
            threads=self.threads,
            minutes=self.minutes,
            model=self.model,
            seed=seed_of(self.random_state),
            **settings,
        )
        self.model_ = self.run_.model()
        # without rows, which must not travel with a pickle
        self._empty = X.schema.empty_table() if hasattr(X, "column_names") else X.head(0)
        return self

    def sample(
        self,
        n: int = 1,
        *,
        where: str | None = None,
        balance: str | None = None,
        identifiers: bool = False,
        seed: int = 0,
    ) -> Any:
        """n generated rows, as the kind of data frame that `fit` was given, with its column types and order.

        Arguments:
            where: a condition that all rows meet, such as `"income = '>50K' and age >= 60"`.
            balance: a column whose levels are wanted in equal numbers.
            identifiers: whether to make columns that identify rows anew, as numbers from 1, instead of leaving them
                out.
            seed: equal seeds give equal rows.

        Raises:
            UserError: the condition cannot be read or met, or the column has no levels.
        """
        check_is_fitted(self)
        codec = table_codec(self.model_, "sample")
        found = self.model_.sample(n, seed, Request(where=where, balance=balance))
        return like(table_of(codec.schema, found.x, identifiers=identifiers), self._empty)

    def fill(self, X: Any, *, seed: int = 0) -> Any:
        """A data frame with its missing values completed from generated rows, see `data.table.imputation`.

        What is known stays. A value may stay missing in a column where training rows lack values, too. Columns that X
        lacks follow its own.

        Raises:
            UserError: X cannot be read, or has none of the columns seen by `fit`.
        """
        check_is_fitted(self)
        check_seed(seed)
        return filled(self.model_, X, seed)

    def score(self, X: Any, y: Any = None) -> float:
        """Minus the W1 distance between X and as many generated rows in the table's metric space; y is ignored.

        Of more than 2,000 rows as many are compared, chosen at random with a fixed seed. The distance is too large at
        finite n, so scores of different numbers of rows do not compare; `run_.evaluate()` tells more.

        Raises:
            UserError: X cannot be read, or lacks a column seen by `fit`.
        """
        check_is_fitted(self)
        codec = table_codec(self.model_, "score")
        given = read_incomplete(X, codec.schema, what="X")
        if given.lacking:
            raise UserError(f"X must have the columns seen by fit; it lacks {', '.join(map(repr, given.lacking))}")
        raw = np.random.default_rng(0).permutation(given.raw)[:SCORED]
        for index, column in enumerate(codec.schema):
            if column.levels:  # all unknown levels are one
                raw[:, index] = np.minimum(raw[:, index], len(column.levels))
        return -wasserstein(codec.metric(self.model_.sample(len(raw)).x), codec.metric(raw))
