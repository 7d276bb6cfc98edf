r"""One column of numbers as spikes, and a normal number for everything between them.

A value that holds much of a column (0 dollars of capital gain), or far more than its neighbours (40 hours a week), is
a *spike*, a level of its own. The rest becomes standard normal: :math:`z = \Phi^{-1}(F(x))` with the distribution
function F of the other values. Values written to a step (whole numbers, cents) are spread uniformly over it first, and
rounded to it when they are read back, so nothing is lost.

Where there are many values, as in degrees of latitude, the quantile function is averaged over neighbouring ranks:
followed exactly, it would turn every popular value into a wide stripe of z, and what a smooth generator makes into a
lattice. Where there are few, as in ages or the prices of a small shop, each value keeps its interval of z; those seen
fewer than 3 times share one with their neighbours, or with the gap around them, so that none of them is passed on by
itself.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtri
from torch import Tensor

Values = NDArray[np.float64]

KNOTS = 257
"""Points of a smoothed quantile function."""
SMOOTHING = 0.25
"""Standard deviation, in z, of the window in which a quantile function is averaged."""
LARGE_SPIKE = 0.05
"""Share of a column from which a value is a spike in any case."""
SMALL_SPIKE = 0.004
"""Share from which it is one where it holds `PROMINENCE` times as much as its neighbours do on average."""
PROMINENCE = 3.0
NEIGHBOURS = 5
"""Steps on either side that are a value's neighbours."""
MOST_SPIKES = 40
FEW_TAKEN = 0.3
"""Share of steps below which each value keeps its own interval of z."""
FEW_VALUES = 200
"""Values up to which each keeps its own interval in any case."""
MOST_VALUES = 500
RARE = 3


@dataclass(frozen=True, eq=False)
class NumberCode:
    """How a column of numbers is encoded.

    Arguments:
        step: to which values are written; 0 where they are not.
        spikes: values that are levels of their own, (m,), increasing.
        z: knots (k,) of the map between values and normal numbers, increasing; none where all values are spikes.
        x: values at the knots (k,), increasing.
        low, high: values are cut off there.
    """

    step: float
    spikes: Values
    z: Values
    x: Values
    low: float
    high: float

    @classmethod
    def fit(cls, values: Values, step: float) -> "NumberCode":
        """The code of a column's values (n,), none of which is missing."""
        distinct, counts = np.unique(values, return_counts=True)
        if not len(distinct):
            return cls(step, np.zeros(1), np.empty(0), np.empty(0), 0.0, 0.0)
        spiked = _spikes(distinct, counts, step)
        rest, weight = distinct[~spiked], counts[~spiked]
        if weight.sum() < max(RARE, 2) or len(rest) == 1:  # too few to be more than spikes
            spiked, rest = np.ones(len(distinct), np.bool_), rest[:0]
        z, x = _knots(rest, weight, step) if len(rest) else (np.empty(0), np.empty(0))
        return cls(step, distinct[spiked], z, x, float(distinct[0]), float(distinct[-1]))

    @property
    def plain(self) -> bool:
        """Whether there is anything but spikes."""
        return len(self.z) > 0

    @property
    def levels(self) -> int:
        """Levels that the spikes and what lies between them need; 0 where there are no spikes."""
        return len(self.spikes) + self.plain if len(self.spikes) else 0

    def level(self, values: Values) -> NDArray[np.int64]:
        """The level of each value (n,): the position of its spike, or the number of spikes for what lies between."""
        if not len(self.spikes):
            return np.zeros(len(values), np.int64)
        nearest = self._nearest(values)
        if not self.plain:
            return nearest
        spike = self.spikes[nearest]
        return np.where(np.abs(spike - values) <= 1e-9 * np.abs(spike), nearest, len(self.spikes))

    def _nearest(self, values: Values) -> NDArray[np.int64]:
        middles = (self.spikes[1:] + self.spikes[:-1]) / 2
        return np.searchsorted(middles, values)

    def interval(self, values: Values) -> tuple[Values, Values]:
        """The ends of the interval of z that stands for each value, (n,) each; equal where there is no step."""
        half = self.step / 2
        return np.interp(values - half, self.x, self.z), np.interp(values + half, self.x, self.z)

    def value(self, z: Values) -> Values:
        """The values (n,) of normal numbers (n,), on the step and within the bounds."""
        found = np.interp(z, self.z, self.x)
        return np.clip(self.rounded(found) if self.step else found, self.low, self.high)

    def normal(self, values: Tensor) -> Tensor:
        """The normal numbers (n,) in the middle of the values' intervals (n,), differentiable."""
        x, z = (torch.from_numpy(knots).to(values) for knots in (self.x, self.z))
        above = torch.searchsorted(x, values.detach().contiguous()).clamp(1, len(x) - 1)
        # knots of times may be equal in single precision
        width = (x[above] - x[above - 1]).clamp_min(torch.finfo(x.dtype).tiny)
        share = ((values - x[above - 1]) / width).clamp(0, 1)
        return torch.lerp(z[above - 1], z[above], share)

    def rounded(self, values: Values) -> Values:
        """The values (n,) on the step."""
        found = np.rint(values / self.step) * self.step
        # 3 * 0.1 is not 0.3
        return found if self.step >= 1 else np.round(found, int(np.rint(-np.log10(self.step))))

    def state(self) -> dict[str, Any]:
        """The code as plain values."""
        return {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in asdict(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "NumberCode":
        """The code whose `state` this is.

        Raises:
            ValueError: it cannot be one, as of a damaged file.
        """
        arrays = {key: np.asarray(state[key], np.float64) for key in ("spikes", "z", "x")}
        numbers = np.concatenate([*(values.ravel() for values in arrays.values()), [state["step"]]])
        if not np.isfinite(numbers).all() or arrays["z"].shape != arrays["x"].shape or state["step"] < 0:
            raise ValueError("the knots and spikes of a number must be finite, and as many values as normal numbers")
        return cls(**{**state, **arrays})


def _spikes(distinct: Values, counts: NDArray[np.int64], step: float) -> NDArray[np.bool_]:
    """Which values are levels of their own, (k,)."""
    total = counts.sum()
    if step:
        ends = np.concatenate([[0], np.cumsum(counts)])
        first = np.searchsorted(distinct, distinct - (NEIGHBOURS + 0.5) * step)
        last = np.searchsorted(distinct, distinct + (NEIGHBOURS + 0.5) * step)
        usual = (ends[last] - ends[first] - counts) / (2 * NEIGHBOURS)
    else:
        usual = np.ones(len(counts))
    prominent = (counts >= SMALL_SPIKE * total) & (counts > PROMINENCE * usual) & (counts > RARE)
    found: NDArray[np.bool_] = prominent | ((counts >= LARGE_SPIKE * total) & (counts >= RARE))
    if found.sum() > MOST_SPIKES:
        least = np.sort(counts[found])[-MOST_SPIKES]
        found &= counts >= least
    return found


def _knots(values: Values, counts: NDArray[np.int64], step: float) -> tuple[Values, Values]:
    """The map between distinct values (k,), seen so often, and normal numbers."""
    total = counts.sum()
    taken = len(values) / ((values[-1] - values[0]) / step + 1) if step else 1.0
    if step and (len(values) <= FEW_VALUES or (taken < FEW_TAKEN and len(values) <= MOST_VALUES)):
        low, high, mass = _shared(values, counts, step)
        u = np.concatenate([[0], np.cumsum(mass)]) / total
        x = np.stack([low - step / 2, high + step / 2], 1).ravel()
        z = ndtri(np.stack([u[:-1], u[1:]], 1).ravel().clip(0.25 / total, 1 - 0.25 / total))
        return _rising(z), x
    u = np.concatenate([[0], np.cumsum(counts)]) / total
    if step:  # uniform over each value's step
        u, x = np.stack([u[:-1], u[1:]], 1).ravel(), np.stack([values - step / 2, values + step / 2], 1).ravel()
    else:
        u, x = (u[:-1] + u[1:]) / 2, values
    end = -ndtri(0.25 / total)
    fine = np.linspace(-end, end, 8 * (KNOTS - 1) + 1)
    exact = np.interp(fine, ndtri(u.clip(0.25 / total, 1 - 0.25 / total)), x)
    smooth = gaussian_filter1d(exact, SMOOTHING * (len(fine) - 1) / (2 * end), mode="nearest")
    return fine[::8], _rising(smooth[::8])


def _shared(values: Values, counts: NDArray[np.int64], step: float) -> tuple[Values, Values, NDArray[np.int64]]:
    """Cells of one value each, or of rare neighbours together: their least and greatest values, and counts.

    A rare value without rare neighbours takes the gap up to the next values on both sides.
    """
    firsts, filled = [], 0
    for index, count in enumerate(counts.tolist()):
        if count >= RARE or filled >= RARE or filled == 0:
            firsts.append(index)
            filled = 0
        filled = 0 if count >= RARE else filled + count
    starts = np.array(firsts)
    few = np.add.reduceat(counts, starts) < RARE
    few[1:] &= counts[starts[:-1]] < RARE
    few[0] = False
    starts = starts[~few]  # what is left of rare neighbours joins those before
    mass, ends = np.add.reduceat(counts, starts), np.append(starts[1:], len(values)) - 1
    low, high = values[starts], values[ends]
    alone = np.flatnonzero(mass < RARE)
    before, after = alone[alone > 0], alone[alone < len(starts) - 1]
    low[before], high[after] = values[ends[before - 1]] + step, values[starts[after + 1]] - step
    return low, high, mass


def _rising(values: Values) -> Values:
    """Values made strictly increasing, by as little as makes a difference."""
    least = np.maximum(np.abs(values).max(), 1e-300) * 1e-12
    out: Values = np.maximum.accumulate(values) + least * np.arange(len(values))
    return out
