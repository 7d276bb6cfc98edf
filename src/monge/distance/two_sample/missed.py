r"""What a battery that shows nothing could have missed: the smallest differences that these sample sizes would show.

Two kinds of differences are put into relabelled rows, where there is none: a shift of one number of every row of y, by
some of its standard deviations, and a share of the rows of y crowded around one row, a tenth as wide as the data. The
least that is shown in 80 % of the simulations is given. A simulation asks only for statistics that the changed rows
decide, against the thresholds of the whole battery, so the whole battery shows at least as much. The rows are those of
both samples: where nothing was seen, both stand for the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from monge.distance.points import Points
from monge.distance.two_sample.battery import ROWS, Battery, relabelled
from monge.distance.two_sample.pooled import MOST_AXES, Pooled, standardised
from monge.distance.two_sample.statistic import CENTRES, closest, mmd, neighbourhood_sizes, scan

POWER = 0.8
"""Share of simulations that show what could not have been missed."""
SIMULATIONS = 100
"""Relabellings into which a difference is put, for each kind."""
FEW = 600
"""Rows of both samples up to which the kernels are asked too: they take the square of the rows."""
SHIFTS = np.geomspace(0.01, 8, 64)
"""Shifts that are tried, in standard deviations: a ninth more each time."""
SHARES = np.geomspace(0.0005, 0.5, 64)
"""Shares that are tried: a ninth more each time."""
WIDTH = 0.1
"""How wide a crowd is, in terms of all rows."""
STREAM = 32_000
"""Sets the simulations apart from other streams of one seed."""


@dataclass(frozen=True)
class Missed:
    """The least that samples of these sizes would have shown in 80 % of cases.

    Attributes:
        shift: of one number, in its standard deviations; of more than 64 coordinates, along one principal direction;
            None where nothing can be shifted, or no shift is shown.
        share: of the rows of y around one place; None where none is shown.
        rows: of x and of y that were looked at.

    Example:
        >>> from monge.distance import Missed
        >>> Missed(shift=0.5, share=None, rows=(200, 200)).shift
        0.5
    """

    shift: float | None
    share: float | None
    rows: tuple[int, int]


def missed(x: Points, y: Points, found: Battery, numbers: NDArray[np.intp] | None = None, *, seed: int = 0) -> Missed:
    """What the battery of two samples could have missed.

    Arguments:
        x, y: samples (n, d) and (m, d), as given to the battery.
        found: its outcome.
        numbers: the coordinates that are numbers and so can be shifted; all where none are given.
        seed: of the simulations.

    Example:
        >>> import numpy as np
        >>> from monge.distance import battery, missed
        >>> x, y = np.random.default_rng(0).normal(size=(2, 100, 3))
        >>> 0.3 < missed(x, y, battery(x, y, draws=99)).shift < 1
        True
    """
    x, y = x[:ROWS], y[:ROWS]
    pooled, n = Pooled(np.concatenate([x, y]), seed), len(x)
    random = np.random.default_rng([seed, STREAM])
    columns = pooled.points @ pooled.axes.T
    if numbers is not None and x.shape[1] <= MOST_AXES:
        columns = columns[:, numbers]
    columns = columns[:, np.ptp(columns, axis=0) > 0] if columns.size else columns
    shift = least(SHIFTS, [_shifted(columns, n, found, random) for _ in range(SIMULATIONS * (columns.shape[1] > 0))])
    share = least(SHARES, [_crowded(pooled.points, n, found, random) for _ in range(SIMULATIONS)])
    return Missed(shift, share, (len(x), len(y)))


def least(levels: NDArray[np.float64], shown: Sequence[Callable[[float], bool]]) -> float | None:
    """The smallest of some levels that is shown in 80 % of simulations, each of which says what it shows.

    A simulation that shows a level is taken to show all larger ones.
    """
    firsts = []
    for shows in shown:
        low, high = 0, len(levels)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if shows(float(levels[middle])) else (middle + 1, high)
        firsts.append(low)
    if not firsts:
        return None
    first = int(np.quantile(firsts, POWER, method="higher"))
    return float(levels[first]) if first < len(levels) else None


def _shifted(columns: Points, n: int, found: Battery, random: np.random.Generator) -> Callable[[float], bool]:
    """Whether a shift is shown of one column of relabelled rows, by its distance of Kolmogorov and Smirnov or by the
    mean of its normal scores."""
    column = random.permutation(columns[:, random.integers(columns.shape[1])])
    column = column + lattice(column) * random.uniform(-0.5, 0.5, len(column))
    deviation = column.std()

    def shows(shift: float) -> bool:
        x, y = column[:n], column[n:] + shift * deviation
        values = np.concatenate([x, y])
        scores = standardised(ndtri((rankdata(values) - 0.5) / len(values))[:, None])[:, 0]
        if found.shows("moments", [abs(scores[:n].mean() - scores[n:].mean())]):
            return True
        places = np.sort(values)
        shares = [np.searchsorted(np.sort(side), places, side="right") / len(side) for side in (x, y)]
        return found.shows("sliced KS", [np.abs(shares[0] - shares[1]).max()])

    return shows


def lattice(column: NDArray[np.float64]) -> float:
    """The median gap between the values of a column that has some of them several times, else 0.

    Numbers such as grey levels are spread over their gaps before they are shifted: else any shift, however small, would
    be seen as no value is the same any more.
    """
    values = np.unique(column)
    return float(np.median(np.diff(values))) if 1 < len(values) < len(column) else 0.0


def _crowded(points: Points, n: int, found: Battery, random: np.random.Generator) -> Callable[[float], bool]:
    """Whether a share of relabelled rows around one of them is shown by the neighbourhood of a row of the crowd or, of
    few rows, by the kernels."""
    rows = random.permutation(points)
    place = rows[random.integers(len(rows))]
    crowd = place + WIDTH * (random.permutation(rows)[: len(rows) - n] - rows.mean(axis=0))
    apart, within = (np.linalg.norm(side - crowd[0], axis=1) for side in (rows, crowd))
    sizes, chance, labels = neighbourhood_sizes(len(rows)), random.random(), relabelled(n, len(rows) - n, 0, random)

    def shows(share: float) -> bool:
        count = max(1, round(share * len(crowd)))
        if chance >= max(0.0, 1 - CENTRES / len(rows)) ** count:  # a row of the crowd is a centre
            nearest, ends = closest(np.concatenate([apart[:-count], within[:count]])[None].astype(np.float32), sizes)
            counts = labels[nearest[0]].cumsum(axis=0)[ends[0] - 1]
            if found.shows("neighbourhoods", [scan(counts, ends.T, n / len(rows)).max()]):
                return True
        changed = np.concatenate([rows[:-count], crowd[:count]])
        return len(rows) <= FEW and found.shows("MMD", mmd(Pooled(changed), labels)[:, 0])

    return shows
