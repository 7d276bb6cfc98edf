"""The samples of B that are farthest from A, as the data have them: rows beside each other, or pairs of images."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monge.data.space import ImageSpace, TableSpace
from monge.data.table.frame import texts
from monge.evaluation.explanation import WORTH_NAMING, FarSample
from monge.evaluation.page.block import Block, Cell, Pictures, Table, Text
from monge.evaluation.sample_set import SampleSet
from monge.evaluation.text import number, percent
from monge.evaluation.two_samples import Comparison
from monge.plot import grid

COLUMNS = 12
"""Columns that are shown, at most."""
LEAST = 64
"""Pixels a side to which images are enlarged, at least."""


def far_blocks(result: Comparison) -> Iterator[Block]:
    """The samples farthest from A, each with the one of A that most of it moves to."""
    assert result.explanation is not None
    far = result.explanation.farthest
    a, b = result.a, result.b
    if a.raw is None or b.raw is None:
        return
    if isinstance(b.origin, ImageSpace) and isinstance(a.origin, ImageSpace):
        images = [side.shown(raw) for side, raw in ((b.origin, b.raw), (a.origin, a.raw))]
        pairs = [np.stack([images[0][one.point], images[1][one.near]]) for one in far]
        shown = [(grid(pair, columns=1, least=LEAST), _said(one)) for pair, one in zip(pairs, far, strict=True)]
        yield Pictures(shown, small=True)
        yield Text("The cost, and which images they are, counted from 1.", "soft")
        return
    found = result.explanation.features
    weights = np.zeros(len(found))
    shares = []
    for one in far:
        squares = np.bincount(found.groups, (a.points[one.near] - b.points[one.point]) ** 2, len(found))
        shares.append(squares / (squares.sum() or 1.0))
        weights += shares[-1]
    columns = np.sort(np.argsort(-weights, kind="stable")[:COLUMNS])
    if len(columns) < len(found):
        yield Text(f"{len(columns)} of {len(found):,} columns: those that make up most of these distances.", "soft")
    rows = list(_rows(a, b, far, shares, columns))
    yield Table(["", "cost", *(found.names[j] for j in columns)], rows, wide=True, pairs=True)
    yield Text(f"Marked is what makes up at least {percent(WORTH_NAMING)} of the squared distance.", "soft")


def _said(one: FarSample) -> str:
    """What two images are, in short."""
    if one.row is None or one.matched is None:
        return number(one.cost)
    return f"{number(one.cost)}: B {one.row + 1:,}, A {one.matched + 1:,}"


def _rows(
    a: SampleSet, b: SampleSet, far: list[FarSample], shares: list[NDArray[np.float64]], columns: NDArray[np.intp]
) -> Iterator[list[Cell]]:
    """Two rows for each sample: it, and that of A."""
    ours, theirs = (
        cells(side, np.array(which), columns)
        for side, which in ((b, [one.point for one in far]), (a, [one.near for one in far]))
    )
    for one, share, upper, lower in zip(far, shares, ours, theirs, strict=True):
        tones = [
            "marked" if share[j] >= WORTH_NAMING else "same" if mine == other else ""
            for j, mine, other in zip(columns, upper, lower, strict=True)
        ]
        for letter, row, cost, values in (("B", one.row, number(one.cost), upper), ("A", one.matched, "", lower)):
            name = f"{letter}, fresh" if row is None else f"{letter}, row {row + 1:,}"
            yield [Cell(name), Cell(cost, "number"), *map(Cell, values, tones)]


def cells(side: SampleSet, which: NDArray[np.intp], columns: NDArray[np.intp]) -> list[list[str]]:
    """Some columns of some samples as texts, as a file would have them."""
    assert side.raw is not None
    rows = side.raw[which]
    if isinstance(side.origin, TableSpace):
        kept = side.origin.schema.kept
        found = [["(missing)" if text is None else text for text in texts(kept[j], rows[:, j])] for j in columns]
    else:
        found = [[f"{value:.4g}" for value in rows[:, j]] for j in columns]
    return [list(row) for row in zip(*found, strict=True)]
