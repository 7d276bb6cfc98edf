"""The tables of the comparison: four real ones that scikit-learn ships, eight that it generates, and the made shop."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from monge.data.table.schema import Column, Schema
from monge.data.table.shop import shop_rows

Rows = NDArray[np.float64]
Table = tuple[Schema, Rows]

MADE = 1000
"""Rows of a table that is generated."""
SHOP = 2000
"""Rows of the shop."""


def _table(x: Any, y: Any = None, *, numeric: bool = False) -> Table:
    """Numbers (n, d), with a target (n,) behind them: a number, or a class. Few whole numbers are integers."""
    rows = np.column_stack([np.asarray(x, np.float64), *([] if y is None else [np.asarray(y, np.float64)])])
    columns = []
    for index in range(rows.shape[1]):
        values, target = rows[:, index], y is not None and index == rows.shape[1] - 1
        name = "target" if target else f"x{index}"
        if target and not numeric:
            levels = tuple(str(int(level)) for level in np.unique(values))
            columns.append(Column(name, "category", "string", levels))
        elif (values == np.rint(values)).all():
            columns.append(Column(name, "integer", "int64"))
        else:
            decimals = next((d for d in range(6) if np.allclose(values, np.round(values, d), rtol=0, atol=1e-9)), None)
            columns.append(Column(name, "number", decimals=decimals))
    return Schema(tuple(columns)), rows


def _shipped(load: Callable[..., Any], *, numeric: bool = False) -> Callable[[], Table]:
    return lambda: _table(*load(return_X_y=True), numeric=numeric)


def _made(make: Callable[..., Any], *, numeric: bool = False, **options: Any) -> Callable[[], Table]:
    return lambda: _table(*make(n_samples=MADE, random_state=0, **options)[:2], numeric=numeric)


def _diabetes() -> Table:
    """In its own units: scaled as it is by default, it has no step to which values are written."""
    return _table(*datasets.load_diabetes(return_X_y=True, scaled=False), numeric=True)


TABLES: Mapping[str, Callable[[], Table]] = {
    "iris": _shipped(datasets.load_iris),
    "wine": _shipped(datasets.load_wine),
    "breast-cancer": _shipped(datasets.load_breast_cancer),
    "diabetes": _diabetes,
    "moons": _made(datasets.make_moons, noise=0.1),
    "circles": _made(datasets.make_circles, noise=0.05, factor=0.5),
    "blobs": _made(datasets.make_blobs, centers=5, n_features=4),
    "classification": _made(datasets.make_classification, n_features=8, n_informative=5),
    "friedman": _made(datasets.make_friedman1, numeric=True, n_features=6),
    "regression": _made(datasets.make_regression, numeric=True, n_features=6, noise=5.0),
    "swiss-roll": _made(datasets.make_swiss_roll, numeric=True, noise=0.3),
    "s-curve": _made(datasets.make_s_curve, numeric=True, noise=0.05),
    "shop": lambda: shop_rows(SHOP),
}


def cost(schema: Schema, reference: Rows, x: Rows, y: Rows) -> Rows:
    """The cost of the field's comparison, (n, m): numbers in their range, and 1 for a level or a null that differs.

    Reference: Jolicoeur-Martineau, Fatras, Kachman 2024, "Generating and imputing tabular data via diffusion and flow
    XGBoost models", section 5.2.

    Arguments:
        schema: of the columns.
        reference: all real rows, whose smallest and largest numbers make the range.
        x, y: rows (n, d) and (m, d).
    """
    out = np.zeros((len(x), len(y)))
    for index, column in enumerate(schema):
        a, b = x[:, index, None], y[None, :, index]
        known = reference[~np.isnan(reference[:, index]), index]
        span = (np.ptp(known) or 1.0) if column.numeric and len(known) else 1.0
        away = np.abs(a - b) / span if column.numeric else (a != b).astype(np.float64)
        out += np.where(np.isnan(a) | np.isnan(b), np.isnan(a) != np.isnan(b), away)
    return out
