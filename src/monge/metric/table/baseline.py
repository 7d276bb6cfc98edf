"""Baselines that a generator of tables should beat, as raw rows."""

import numpy as np

from monge.metric.table.bin import Rows


def independent_columns(rows: Rows, count: int, *, seed: int = 0) -> Rows:
    """Rows whose columns have the distributions of real ones, and nothing to do with each other.

    Every column is shuffled by itself, as often as it takes: of up to n rows no value is used more often than it
    occurs.

    Arguments:
        rows: real, (n, d).
        count: rows to make, m.
        seed: of the shuffles.

    Returns:
        Rows (m, d).
    """
    random = np.random.default_rng(seed)
    rounds = -(-count // len(rows))
    whole = np.concatenate([random.permuted(rows, axis=0) for _ in range(rounds)])
    return whole[:count]
