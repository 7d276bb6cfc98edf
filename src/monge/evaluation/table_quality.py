"""All figures of a synthetic table, computed once: of its rows, of the baselines', and the floors of real rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.schema import Schema
from monge.metric.table.bin import Rows
from monge.metric.table.efficacy import Efficacy, efficacy, every_efficacy
from monge.metric.table.pair import Matrix, least_pairs, pair_mean, pair_trends, strict_pairs
from monge.metric.table.privacy import Metric, Privacy, privacy
from monge.metric.table.shape import column_shapes, missing_shares
from monge.metric.table.two_sample import LEAST, TwoSampleTest, two_sample_test

GENERATED = "generated"
REAL = "real"
"""In efficacy the training rows, elsewhere held-out rows in the place of generated ones: the floor."""
BASELINE_ROWS = 20_000
"""Rows of a side in the likeness of columns and pairs, at most: then the floor is that of equally many rows."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """How like the real rows some rows are, column by column and pair by pair.

    Attributes:
        shapes: of every column against training rows, (d,), from 0 to 1.
        pairs, strict: of every pair against training rows, (d, d), from 0 to 1.
        missing: share of missing values in every column, (d,).
        test: how well trees tell them from held-out rows, or for held-out rows themselves from training rows; None of
            too few rows.
    """

    shapes: NDArray[np.float64]
    pairs: Matrix
    strict: Matrix
    missing: NDArray[np.float64]
    test: TwoSampleTest | None

    def as_json(self) -> dict[str, Any]:
        """Means, and the test."""
        return {
            "shapes": float(self.shapes.mean()),
            "pairs": pair_mean(self.pairs),
            "strict_pairs": pair_mean(self.strict),
            "two_sample": None if self.test is None else self.test.as_json(),
        }


@dataclass(frozen=True, eq=False)
class TableQuality:
    """The figures of a synthetic table.

    Attributes:
        schema: of its columns.
        likeness: of `generated` and of every baseline by name, and of `real` held-out rows, the floor.
        efficacies: of the chosen target, or of every column; sources as in `likeness`, with training rows as `real`.
        privacy: what the attacks found of the generated rows.
        training_missing: share of missing values in every column of the training rows, (d,).
        n: rows of each source whose likeness was measured.
    """

    schema: Schema
    likeness: dict[str, Likeness]
    efficacies: list[Efficacy]
    privacy: Privacy | None
    training_missing: NDArray[np.float64]
    n: int

    @classmethod
    def of(
        cls,
        schema: Schema,
        train: Rows,
        held_out: Rows,
        generated: Rows,
        metric: Metric,
        *,
        baselines: Mapping[str, Rows] | None = None,
        target: str | None = None,
        every: bool = False,
        seed: int = 0,
    ) -> "TableQuality":
        """Measures everything.

        Arguments:
            schema: of the columns.
            train, held_out, generated: raw rows (n, d), (h, d) and (m, d). Give about as many generated rows as there
                are training rows: the attacks see copies only among them.
            metric: from raw rows to points of the table's metric space.
            baselines: raw rows of other generators by name.
            target: column of the efficacy; the last one if not given.
            every: whether every column is the target in turn.
            seed: of the choices of rows.

        Raises:
            UserError: an unknown target, or no rows.
        """
        sources = {GENERATED: generated} | dict(baselines or {})
        n = min(BASELINE_ROWS, len(held_out), *map(len, sources.values()))
        random = np.random.default_rng(seed)
        drawn = {name: rows[random.permutation(len(rows))[:n]] for name, rows in (sources | {REAL: held_out}).items()}
        likeness = {name: _likeness(schema, train, rows, held_out, name, seed) for name, rows in drawn.items()}
        learned = {REAL: train} | sources
        if every:
            efficacies = every_efficacy(schema, learned, held_out, seed=seed)
        else:
            one = efficacy(schema, learned, held_out, target, seed=seed)
            efficacies = [] if one is None else [one]
        attacked = None
        if len(held_out) >= 2 * LEAST:
            attacked = privacy(schema, train, held_out, generated, metric, seed=seed)
        return cls(schema, likeness, efficacies, attacked, missing_shares(train), n)

    def worst_columns(self, count: int = 6) -> list[int]:
        """Positions of the columns whose shapes are farthest below the floor's, worst first."""
        lead = self.likeness[GENERATED].shapes - self.likeness[REAL].shapes
        return [int(index) for index in np.argsort(lead, kind="stable")[:count]]

    def worst_pairs(self, count: int = 6) -> list[tuple[int, int]]:
        """Positions of the pairs of columns whose strict likeness is farthest below the floor's, worst first."""
        return least_pairs(self.likeness[GENERATED].strict - self.likeness[REAL].strict, count)

    @property
    def missing_error(self) -> float:
        """The largest difference of a column's share of missing values between generated and training rows."""
        return float(np.abs(self.likeness[GENERATED].missing - self.training_missing).max())

    def as_json(self) -> dict[str, Any]:
        """Everything as plain mappings; figures of columns and pairs by name, the pairs that are worst."""
        names = self.schema.names
        own, floor = self.likeness[GENERATED], self.likeness[REAL]
        return {
            "likeness": {name: found.as_json() for name, found in self.likeness.items()},
            "rows": self.n,
            "missing_error": self.missing_error,
            "columns": by_name(names, own.shapes, floor.shapes),
            "worst_pairs": [
                {"columns": [names[i], names[j]], "strict": float(own.strict[i, j]), "floor": float(floor.strict[i, j])}
                for i, j in self.worst_pairs()
            ],
            "efficacy": [found.as_json() for found in self.efficacies],
            "privacy": None if self.privacy is None else self.privacy.as_json(),
        }


def by_name(
    names: Sequence[str], shapes: NDArray[np.float64], floors: NDArray[np.float64]
) -> dict[str, dict[str, float]]:
    """The likeness of every column, and its floor, by the column's name."""
    sides = zip(names, shapes.tolist(), floors.tolist(), strict=True)
    return {name: {"shape": shape, "floor": floor} for name, shape, floor in sides}


def _likeness(schema: Schema, train: Rows, rows: Rows, held_out: Rows, name: str, seed: int) -> Likeness:
    against = train if name == REAL else held_out
    enough = min(len(rows), len(against)) >= LEAST
    return Likeness(
        column_shapes(schema, train, rows),
        pair_trends(schema, train, rows),
        strict_pairs(schema, train, rows),
        missing_shares(rows),
        two_sample_test(schema, against, rows, seed=seed) if enough else None,
    )
