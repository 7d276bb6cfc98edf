"""Labels of any kind, as indices of classes."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.errors import UserError

Indices = NDArray[np.int64]


def index_labels(
    labels: list[NDArray[Any] | None], sizes: list[int], classes: NDArray[Any] | None = None
) -> tuple[list[Indices | None], list[str] | None]:
    """Labels of several parts of the data, as indices of their common classes, and the classes' names.

    Integers index `classes` where that is given; otherwise the classes are the distinct labels, sorted.

    Arguments:
        labels: per part, integers, booleans or strings, (n,) or (n, 1), or None.
        sizes: per part, the number of samples.
        classes: names, (k,).

    Raises:
        UserError: wrong number or type of labels, or labels that index no class.
    """
    checked = [None if y is None else _check(y, n) for y, n in zip(labels, sizes, strict=True)]
    given = [y for y in checked if y is not None]
    if not given:
        return [None for _ in checked], None
    if len({y.dtype.kind for y in given}) > 1:
        raise UserError("labels must be integers in both parts or strings in both; got one of each")
    if classes is None or given[0].dtype.kind == "U":
        return _distinct(checked, np.unique(np.concatenate(given)))
    names = [str(name) for name in np.ravel(classes)]
    for y in given:
        if y.min() < 0 or y.max() >= len(names):
            raise UserError(
                f"labels must be from 0 to {len(names) - 1}, as `classes` has {len(names)} names; "
                f"got {y.min()} to {y.max()}"
            )
    return checked, names


def _distinct(labels: list[NDArray[Any] | None], distinct: NDArray[Any]) -> tuple[list[Indices | None], list[str]]:
    """Labels as indices of their distinct values, and these as names."""
    found = [None if y is None else np.searchsorted(distinct, y).astype(np.int64) for y in labels]
    return found, [str(name) for name in distinct]


def whole_numbers(names: Iterable[str]) -> Indices | None:
    """Names of classes as the numbers that they are; None where one is none, or is written otherwise (`007`, `+1`)."""
    names = list(names)
    if not all(re.fullmatch(r"0|-?[1-9][0-9]{0,17}", name) for name in names):
        return None
    return np.array(names).astype(np.int64)


def _check(labels: NDArray[Any], size: int) -> NDArray[Any]:
    if labels.shape not in ((size,), (size, 1)):
        raise UserError(f"labels must have shape ({size},), one per sample; got {labels.shape}")
    if labels.dtype.kind not in "biuU":
        raise UserError(f"labels must be integers or strings; got {labels.dtype}")
    return labels.ravel() if labels.dtype.kind == "U" else labels.ravel().astype(np.int64)
