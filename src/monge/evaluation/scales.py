"""Whether every column of two sample sets counts in their distance.

This is the one rule for it: comparisons, evaluations and trainings on tables all ask it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monge.distance.points import Points
from monge.evaluation.text import listed, percent

LIGHT = 0.02
"""Share of the mean variance of a column below which a column hardly counts: of two columns, that of the smaller one
where the larger has 99 % of the variance."""
NAMED = 3
"""Columns that are named; of more, only their number is given."""


@dataclass(frozen=True)
class Scales:
    """Columns that hardly count in Euclidean distances, as others vary so much more.

    Attributes:
        dominant: names of the other columns, the one of the largest variance first.
        share: of the total variance that these have.
        barely_tested: names of the columns that hardly count, in the order of the data.
    """

    dominant: list[str]
    share: float
    barely_tested: list[str]

    @property
    def dominance(self) -> str:
        """Which columns have nearly all the variance, as a clause."""
        count = len(self.dominant)
        names = listed(self.dominant) if count <= NAMED else f"{count} columns"
        return f"{names} {'makes' if count == 1 else 'make'} up {percent(self.share)} of the variance"

    @property
    def others(self) -> str:
        """The columns that hardly count."""
        count = len(self.barely_tested)
        return listed(self.barely_tested) if count <= NAMED else f"the other {count} columns"

    @property
    def warning(self) -> str:
        """What this means for distances, as a sentence."""
        return f"{self.dominance}, so the distances say little about {self.others}."


def scales(x: Points, y: Points, columns: Sequence[str] | None = None) -> Scales | None:
    """The columns that drown, and those that drown them, by the variance of both sets together; None where none does.

    Columns with one and the same value everywhere are left out.

    Arguments:
        x, y: samples (n, d) and (m, d), which weigh the same whatever their sizes.
        columns: names; without them columns are counted from 1.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).normal(size=(100, 3)) * (1000, 1, 1)
        >>> scales(x[:50], x[50:]).barely_tested
        ['column 2', 'column 3']
    """
    means, variances = zip(*((side.mean(axis=0), side.var(axis=0)) for side in (x, y)), strict=True)
    variance = sum(variances) / 2 + (means[0] - means[1]) ** 2 / 4
    varied = variance > 0
    light = varied & (variance < LIGHT * variance.sum() / max(varied.sum(), 1))
    if not light.any():
        return None
    names = [f"column {i + 1}" for i in range(len(variance))] if columns is None else list(columns)
    heavy = [int(i) for i in np.argsort(-variance, kind="stable") if varied[i] and not light[i]]
    share = float(variance[heavy].sum() / variance.sum())
    return Scales([names[i] for i in heavy], share, [names[i] for i in np.flatnonzero(light)])
