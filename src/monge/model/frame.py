"""Rows of tables as data frames: generated ones, and given ones completed by them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.data.table.codec import TableCodec
from monge.data.table.frame import frame_of, like, table_of, with_classes
from monge.data.table.imputation import fill
from monge.data.table.incomplete import IncompleteTable, read_incomplete
from monge.data.table.schema import Schema
from monge.errors import UserError
from monge.model.trained_model import Samples, TrainedModel

FEWEST, MOST = 20_000, 100_000
"""Rows that are generated to complete others from, at least and at most."""
FOR_EACH = 10
"""Rows that are generated for each one to be completed, between these limits."""


@dataclass(frozen=True, eq=False)
class Completion:
    """Rows of a table with their missing values completed.

    Attributes:
        schema: the columns, those that were given first.
        x: the rows (n, d).
        completed: how many values were missing and are there now.
        missing: how many still are, as values of the training rows are.
        forbidden: positions of the rows that break the table's rule.
    """

    schema: Schema
    x: NDArray[np.float64]
    completed: int
    missing: int
    forbidden: NDArray[np.int64]

    @property
    def objection(self) -> str:
        """Which rows break the rule, in words; empty if none does."""
        if not len(self.forbidden):
            return ""
        first, many = int(self.forbidden[0]) + 1, len(self.forbidden)
        return f"{many:,} of {len(self.x):,} completed rows break the rule, the first data row {first:,}"


def table_codec(model: TrainedModel, what: str) -> TableCodec:
    """The codec of a model of tables.

    Arguments:
        model: the trained model.
        what: needs a table, for the error.

    Raises:
        UserError: the model was trained on other data.
    """
    if not isinstance(model.codec, TableCodec):
        raise UserError(f"{what} needs a run trained on a table; {model.name} generates {model.space.form}")
    return model.codec


def completed(model: TrainedModel, given: IncompleteTable, seed: int = 0) -> Completion:
    """Rows with their missing values completed from generated rows, see `data.table.imputation`.

    Columns that are functions of others are computed where they were unknown. Of the generated rows only those are
    taken that leave a row without impossible combinations and with the table's rule met, if there are any.

    Arguments:
        model: of the table.
        given: the rows.
        seed: decides what is chosen.
    """
    codec = table_codec(model, "fill")
    known = ~np.isnan(given.raw)
    raw, incomplete = given.raw, np.flatnonzero(~known.all(axis=1))
    if len(incomplete):
        pool = model.sample(min(max(FEWEST, FOR_EACH * len(incomplete)), MOST), seed).x
        raw = _completed(codec, given, known, incomplete, pool, seed)
    schema, x = given.completed(raw)
    missing = int(np.isnan(raw).sum())
    forbidden = np.empty(0, np.int64) if codec.rule is None else np.flatnonzero(~codec.rule.holds(raw))
    return Completion(schema, x, int((~known).sum()) - missing, missing, forbidden)


def _completed(
    codec: TableCodec,
    given: IncompleteTable,
    known: NDArray[np.bool_],
    incomplete: NDArray[np.int64],
    pool: NDArray[np.float64],
    seed: int,
) -> NDArray[np.float64]:
    """The rows (n, d) with those completed, from a pool of rows, that have unknown values."""
    raw, deviations = given.raw.copy(), np.array([code.deviation for code in codec.codes])

    def filled_from(rows: NDArray[np.int64], pool: NDArray[np.float64]) -> NDArray[np.float64]:
        found = fill(given.schema, given.raw[rows], known[rows], pool, deviations, seed)
        return _restored(codec, found, known[rows])

    raw[incomplete] = filled_from(incomplete, pool)
    for row in incomplete[~_possible(codec, raw[incomplete])]:
        trials = _restored(codec, np.where(known[row], given.raw[row], pool), known[row])
        if (possible := _possible(codec, trials)).any():
            raw[row] = filled_from(np.array([row]), pool[possible])[0]
    return raw


def _restored(codec: TableCodec, raw: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Rows (n, d) with the columns that follow from others computed, where they are not known, (n, d) or (d,)."""
    out, known = raw.copy(), np.broadcast_to(known, raw.shape)
    for derivation in codec.derivations:
        unknown = ~known[:, derivation.column]
        out[unknown, derivation.column] = derivation.compute(out)[unknown]
    return out


def _possible(codec: TableCodec, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows (n,) have no impossible combination and meet the table's rule."""
    possible = ~codec.combinations.violated(raw)
    return possible if codec.rule is None else possible & codec.rule.holds(raw)


def values(model: TrainedModel, samples: Samples, *, identifiers: bool = False) -> Any:
    """Generated samples (n, ...) as they are; rows of tables as a data frame of pandas, if that is installed.

    Arguments:
        model: that generated them.
        samples: of tables; classes that they were asked for are the last column. Without pandas they are a table of
            pyarrow.
        identifiers: whether to make a table's columns that identify rows anew, as numbers from 1.

    Raises:
        UserError: identifiers are asked for where there are none.
    """
    if not isinstance(model.codec, TableCodec) and not identifiers:
        return samples.x
    codec = table_codec(model, "identifiers")
    schema, x = with_classes(codec.schema, samples.x, samples.y, model.label_column)
    return frame_of(table_of(schema, x, identifiers=identifiers))


def filled(model: TrainedModel, given: Any, seed: int = 0) -> Any:
    """A data frame with its missing values completed, of its own kind and types; columns that it lacks follow.

    Arguments:
        model: of the table.
        given: a data frame of pandas, polars or pyarrow.
        seed: decides what is chosen.

    Raises:
        UserError: as `read_incomplete`, or the model is none of a table.

    Warns:
        UserWarning: completed rows break the table's rule.
    """
    codec = table_codec(model, "fill")
    found = completed(model, read_incomplete(given, codec.schema, model.config.data.missing), seed)
    if found.objection:
        warnings.warn(found.objection, UserWarning, stacklevel=3)
    out = like(table_of(found.schema, found.x), given)
    if hasattr(given, "set_axis"):  # row names, which pandas has
        out = out.set_axis(given.index)
    return out
