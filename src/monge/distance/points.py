"""What a sample set must look like before its distance to another one means anything."""

from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.errors import UserError, refuse_masked

Points = NDArray[np.float64]


def point_sets(x: ArrayLike, y: ArrayLike) -> tuple[Points, Points]:
    """The two sample sets as float64 arrays (n, d) and (m, d), from arrays or from data frames.

    Raises:
        UserError: they are not numeric, empty, not of two axes, of different dimension, or contain NaN or infinity.
    """
    first, second = numeric("x", x), numeric("y", y)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1] or not first.size or not second.size:
        shapes = f"got {first.shape} and {second.shape}"
        hint = "; x[:, None] turns n values into n points on a line" if 1 in (first.ndim, second.ndim) else ""
        raise UserError(f"x and y must be non-empty (n, d) and (m, d); {shapes}{hint}")
    return _finite("x", first), _finite("y", second)


def point_weights(name: str, given: ArrayLike | None, count: int) -> Points:
    """Weights of `count` points, scaled to sum to one; uniform where none are given.

    Raises:
        UserError: not one finite weight >= 0 for each point, or all of them zero.
    """
    if given is None:
        return np.full(count, 1 / count)
    weights = _finite(name, numeric(name, given))
    if weights.shape != (count,):
        raise UserError(f"{name} must have shape ({count},), one weight per point; got {weights.shape}")
    if weights.min() < 0 or not weights.max() > 0:
        raise UserError(f"{name} must be >= 0 and not all zero; got {weights.min():g} to {weights.max():g}")
    weights = weights / weights.max()  # the sum of finite weights can overflow
    return np.asarray(weights / weights.sum())


def numeric(name: str, given: ArrayLike) -> Points:
    """Numbers and truth values of an array or a data frame as float64.

    Raises:
        UserError: there are other values; names the column of a frame.
    """
    # column by column: a frame made one array can turn numbers and truth values into objects, and dates into numbers
    if (columns := columns_of(given)) is not None:
        numbers = [numeric(f"{name}[{column!r}]", values) for column, values in columns]
        return np.stack(numbers, axis=1) if numbers else np.empty((len(np.asarray(given)), 0))
    refuse_masked(name, given)
    array = np.asarray(given)
    if array.dtype.kind == "O" and all(isinstance(value, Decimal) for value in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":
        raise UserError(f"{name} must contain real numbers; got an array of type {array.dtype}")
    return array.astype(np.float64, copy=False)


def columns_of(given: Any) -> list[tuple[str, Any]] | None:
    """Names and values of the columns of a data frame of pandas, polars or pyarrow; None for anything else."""
    if not (hasattr(given, "__arrow_c_stream__") and hasattr(given, "columns")):
        return None
    if hasattr(given, "column_names"):  # pyarrow
        return list(zip(given.column_names, given.columns, strict=True))
    cells = getattr(given, "iloc", given)
    return [(str(name), cells[:, position]) for position, name in enumerate(given.columns)]


def _finite(name: str, array: Points) -> Points:
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = ", ".join(map(str, wrong[0]))
        raise UserError(f"{name} must be finite; {name}[{place}] is {array[tuple(wrong[0])]} ({len(wrong)} in all)")
    return array
