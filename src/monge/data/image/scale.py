"""The range of pixel values that becomes black to white, one for all images of a data set."""

import warnings

import numpy as np

from monge.data.space import Pixels
from monge.data.split import ArraySplit

NARROW = 32
"""Grey levels that images of 8 bits must span to be scaled as usual, 0 to 255."""
REST = 8
"""Times that the range of nearly all pixels must go into that of all for the others to be warned of."""
SOME_BYTES = 16 * 2**20
"""Bytes of images among which these are counted."""
FEW = 0.001
"""Share of the pixels at either end that are not nearly all."""


def pixels_of(train: ArraySplit) -> Pixels:
    """The range of the training images (n, H, W, C), which all images of the data share.

    Ordinary images have 8 bits: 0 is black and 255 is white. Where they span fewer than 32 of these levels, as masks of
    0 and 1 do, or contain numbers of another type, as measurements do, the lowest value of all training images is black
    and the highest is white.

    Warns:
        UserWarning: a few pixels stretch this range, so that the others hardly differ.
    """
    dtype = train.values.dtype
    ordinary = dtype == np.uint8
    low, high = float(train.survey.low.min()), float(train.survey.high.max())
    if ordinary and high - low >= NARROW - 1:
        return Pixels()
    if low == high:
        return Pixels() if ordinary else Pixels(low, low + max(1.0, abs(low)), dtype.name)
    if not ordinary:
        _warn_of_a_few(train, low, high)
    return Pixels(low, high, dtype.name)


def _warn_of_a_few(train: ArraySplit, low: float, high: float) -> None:
    number = min(train.size, max(1, SOME_BYTES // train.values[:1].nbytes))
    some = train.rows(np.linspace(0, train.size - 1, number).round().astype(np.int64))
    least, most = (float(value) for value in np.quantile(some, [FEW, 1 - FEW]))
    if (most - least) * REST < high - low:
        nearly = f"{100 - 200 * FEW:g} % of them from {least:.6g} to {most:.6g}"
        what = f"pixels range from {low:.6g} to {high:.6g}, but {nearly}"
        warnings.warn(f"{what}; a few outliers set the scale of all; clip them in the files", UserWarning, stacklevel=6)
