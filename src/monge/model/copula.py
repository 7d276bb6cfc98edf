"""The Gaussian copula of a table: a model that four seconds fit, beside which a trained one has to show its worth."""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtri

from monge.data.dataset import ArrayData
from monge.data.table.codec import TableCodec
from monge.model.calibration import calibrate
from monge.model.random import Purpose, stream
from monge.nn.copula import GRID, CopulaGenerator

MOST = 100_000
"""Training rows that it is fitted to, at most: more would hardly change it."""
BLOCK = 10_000
"""Rows that are encoded at once: of wide tables their levels take most of the memory."""
RIDGE = 1e-6
"""What is added to the correlations' diagonal, so that columns that repeat each other have a root too."""


def fit(data: ArrayData, seed: int = 0) -> CopulaGenerator:
    """The Gaussian copula of the training rows of a table.

    The normal scores of a column of n values are those of their ranks, ties broken at random;
    levels are ranked by how frequent they are, missing values last.

    Arguments:
        data: rows of a table.
        seed: breaks ties.
    """
    codec = data.codec
    assert isinstance(codec, TableCodec)
    raw = data.train.all() if data.train.size <= MOST else data.train.sample(MOST, seed)
    chance = stream(seed, Purpose.COPULA)
    blocks = (raw[start : start + BLOCK] for start in range(0, len(raw), BLOCK))
    numbers = codec.layout.numbers
    model = np.concatenate([codec.finish(codec.prepare(rows), chance)[:, :numbers].numpy().copy() for rows in blocks])
    columns = len(codec.modelled)
    found, raw = CopulaGenerator(codec.layout, columns), codec.differences(raw)
    scores, random = np.empty((len(raw), columns)), np.random.default_rng(seed)
    grid = ((np.arange(GRID) + 0.5) / GRID * len(raw)).astype(np.int64)
    for place, (index, code, number, block) in enumerate(codec.parts()):
        values, z = raw[:, index], model[:, number] if code.plain else np.zeros(len(raw))
        order = np.lexsort((random.random(len(raw)), z, _ranked(values, levelled=not code.column.numeric)))
        scores[order, place] = ndtri((np.arange(len(raw)) + 0.5) / len(raw))
        chosen = order[grid]
        if code.plain:
            found.places[place] = number
            found.numbers[place] = torch.from_numpy(z[chosen])
        if code.levels:
            start = codec.layout.numbers + sum(codec.layout.blocks[:block])
            level = code.level(values[chosen])
            found.levels[place] = torch.from_numpy(np.where(level < 0, -1, start + level))
    correlation = np.atleast_2d(np.corrcoef(scores.T)) + RIDGE * np.eye(columns)
    found.root.copy_(torch.from_numpy(np.linalg.cholesky(correlation)))
    calibrate(found, data, seed)
    return found


def _ranked(values: NDArray[np.float64], *, levelled: bool) -> NDArray[np.float64]:
    """What a column's values (n,) are sorted by: themselves, or how rare their level is; missing ones last."""
    missing = np.isnan(values)
    if not levelled:
        return np.where(missing, np.inf, values)
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    rarity = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")[level].astype(np.float64)
    return np.where(missing, np.inf, rarity)
