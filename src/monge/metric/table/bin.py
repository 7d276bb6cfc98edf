"""The cells that values of a table's columns fall into: levels, or bins of numbers; a missing value has its own."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from monge.data.table.schema import Schema

Rows = NDArray[np.float64]
Codes = NDArray[np.int64]

WIDE = 10
"""Bins of equal width."""
QUANTILES = 20
"""Bins of equal shares of the real rows."""


@dataclass(frozen=True, eq=False)
class Bins:
    """Cells of every column.

    Attributes:
        edges: ascending inner edges of the bins of numbers, of which each belongs to the bin below it or above it;
            None for a column of levels.
        above: whether an edge belongs to the bin above it.
        sizes: cells of every column, (d,); of k bins or levels there are k + 2: the next is for levels that the schema
            does not have, and the last for missing values.
    """

    edges: tuple[Rows | None, ...]
    above: bool
    sizes: Codes

    def codes(self, rows: Rows) -> Codes:
        """The cell of every value, (n, d)."""
        found = np.empty(rows.shape, np.int64)
        for index, (edges, size) in enumerate(zip(self.edges, self.sizes, strict=True)):
            values = rows[:, index]
            gone = np.isnan(values)
            if edges is None:
                found[:, index] = np.where(gone, 0, values).clip(0, size - 2)
            else:
                found[:, index] = np.searchsorted(edges, values, "right" if self.above else "left")
            found[gone, index] = size - 1
        return found

    def indicator(self, codes: Codes) -> csr_array:
        """One row of 0 and 1 for each row of codes (n, d), one column for each cell of each column of the table."""
        n, d = codes.shape
        columns = (codes + self.starts[:-1]).ravel()
        return csr_array((np.ones(n * d), columns, np.arange(0, n * d + 1, d)), (n, int(self.starts[-1])))

    @property
    def starts(self) -> Codes:
        """Where the cells of each column begin among all, and how many there are, (d + 1,)."""
        return np.concatenate([[0], self.sizes.cumsum()])

    @property
    def owners(self) -> Codes:
        """The column of every cell."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)


def wide_bins(schema: Schema, real: Rows) -> Bins:
    """Ten bins of equal width between the least and the largest real number; what is beyond is in the outer ones."""

    def edges(values: Rows) -> Rows:
        return np.histogram_bin_edges(values, WIDE)[1:-1]

    return _bins(schema, real, edges, above=True)


def quantile_bins(schema: Schema, real: Rows) -> Bins:
    """Twenty bins of equal shares of the real numbers, fewer where many are equal."""

    def edges(values: Rows) -> Rows:
        return np.unique(np.quantile(values, np.linspace(0, 1, QUANTILES + 1)[1:-1]))

    return _bins(schema, real, edges, above=False)


def _bins(schema: Schema, real: Rows, edges: Callable[[Rows], Rows], above: bool) -> Bins:
    cuts: list[Rows | None] = []
    for index, column in enumerate(schema):
        values = real[~np.isnan(real[:, index]), index]
        cuts.append(None if column.levelled else edges(values) if len(values) else np.empty(0))
    counts = [len(column.levels) if cut is None else len(cut) + 1 for column, cut in zip(schema, cuts, strict=True)]
    return Bins(tuple(cuts), above, np.array(counts, np.int64) + 2)
