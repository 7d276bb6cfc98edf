"""Labels of any kind, as indices of classes."""

import re
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monge.errors import UserError, refuse_masked

Indices = NDArray[np.int64]
MOST_NAMES = 2**16
"""Classes of an array, at most."""
MOST_EXACT = 2**53
"""Up to which a float can be any whole number."""


def index_labels(
    labels: list[NDArray[Any] | None], sizes: list[int], classes: NDArray[Any] | None = None
) -> tuple[list[Indices | None], list[str] | None]:
    """Labels of several parts of the data, as indices of their common classes, and the classes' names.

    Integers index `classes` where that is given; otherwise the classes are the distinct labels, sorted.

    Arguments:
        labels: per part, as in `plain_labels`, or None.
        sizes: per part, the number of samples.
        classes: names, (k,).

    Raises:
        UserError: wrong number or type of labels, or labels that index no class.
    """
    plain = [None if y is None else plain_labels(y, n) for y, n in zip(labels, sizes, strict=True)]
    given = [y for y in plain if y is not None]
    if not given:
        return [None for _ in plain], None
    if len({y.dtype.kind for y in given}) > 1:
        raise UserError("labels must be integers in both parts or strings in both; got one of each")
    if classes is None or given[0].dtype.kind == "U":
        return _distinct(plain, np.unique(np.concatenate(given)))
    if classes.size > MOST_NAMES:
        raise UserError(f"`classes` must have at most {MOST_NAMES:,} names; got {classes.size:,}")
    names = _texts(np.ravel(classes), "`classes`")
    for y in given:
        if y.min() < 0 or y.max() >= len(names):
            raise UserError(
                f"labels must be from 0 to {len(names) - 1}, as `classes` has {len(names)} names; "
                f"got {y.min()} to {y.max()}"
            )
    return plain, names


def _distinct(labels: list[NDArray[Any] | None], distinct: NDArray[Any]) -> tuple[list[Indices | None], list[str]]:
    """Labels as indices of their distinct values, and these as names.

    Raises:
        UserError: there are too many.
    """
    if len(distinct) > MOST_NAMES:
        raise UserError(f"labels must have at most {MOST_NAMES:,} different values; got {len(distinct):,}")
    found = [None if y is None else np.searchsorted(distinct, y).astype(np.int64) for y in labels]
    return found, _texts(distinct, "labels")


def _texts(values: NDArray[Any], what: str) -> list[str]:
    """Values as text.

    Arguments:
        what: they are, for the error.

    Raises:
        UserError: one is no text, as in a damaged file.
    """
    try:
        return [str(value) for value in values]
    except SystemError:  # of letters beyond Unicode
        raise UserError(f"{what} must be Unicode text; one has a letter beyond it") from None


def whole_numbers(names: Iterable[str]) -> Indices | None:
    """Names of classes as the numbers that they are; None where one is none, or is written otherwise (`007`, `+1`)."""
    names = list(names)
    if not all(re.fullmatch(r"0|-?[1-9][0-9]{0,17}", name) for name in names):
        return None
    return np.array(names).astype(np.int64)


def labels_of(y: ArrayLike | None, size: int) -> NDArray[Any] | None:
    """The labels y of data in memory, as in `plain_labels`; None stays None.

    Raises:
        UserError: as `plain_labels`; the text begins with y.
    """
    if y is None:
        return None
    refuse_masked("y", y)
    try:
        return plain_labels(np.asarray(y), size)
    except ValueError as error:  # of numpy's too, for lists of several lengths
        raise UserError(f"y: {error}") from error


def plain_labels(labels: NDArray[Any], size: int) -> NDArray[Any]:
    """Labels (size,) as int64 or strings.

    Arguments:
        labels: integers, whole numbers such as 2.0, booleans or strings, (size,) or (size, 1).

    Raises:
        UserError: wrong number or type of labels, or a sample without one.
    """
    if labels.shape not in ((size,), (size, 1)):
        raise UserError(f"labels must have shape ({size},), one per sample; got {labels.shape}")
    y = labels.ravel()
    if y.dtype.kind in "OT":  # as data frames give text and missing values
        y = _of_objects(y)
    if y.dtype.kind == "f":
        y = y.astype(np.float64)
        bad = (np.rint(y) != y) | (np.abs(y) > MOST_EXACT)
        if bad.any():
            raise _no_label(y, int(bad.argmax()))
    if y.dtype.kind not in "biufU":
        raise UserError(f"labels must be integers or strings; got {y.dtype}")
    return y if y.dtype.kind == "U" else y.astype(np.int64)


def _of_objects(y: NDArray[Any]) -> NDArray[Any]:
    """Labels that came as objects, as the numbers or strings that they are."""
    text = np.array([isinstance(value, str) for value in y], np.bool_)
    number = np.array([isinstance(value, Real | np.bool_) for value in y], np.bool_)
    if not (text | number).all():
        raise _no_label(y, int((text | number).argmin()))
    if text.any() and number.any():
        raise UserError(
            f"labels must be all text or all numbers; got both, such as {y[text][0]!r} and {y[number][0]!r}"
        )
    return np.array(y.tolist())


def _no_label(y: NDArray[Any], row: int) -> UserError:
    return UserError(f"every label must be a whole number or text; got {y[row]!s} for sample {row}")
