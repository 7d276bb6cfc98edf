"""Dependence of rows on their order: an exact level, known correlations, and what no order can show."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from monge.distance.serial import LEAST, SerialDependence, serial_dependence
from monge.errors import UserError


def autoregressive(n: int, rho: float, d: int = 1, seed: int = 0) -> NDArray[np.float64]:
    """Normal rows (n, d), correlated by rho with the row before."""
    noise = np.random.default_rng(seed).normal(size=(n, d))
    x = noise.copy()
    for i in range(1, n):
        x[i] = rho * x[i - 1] + math.sqrt(1 - rho**2) * noise[i]
    return x


def found(x: NDArray[np.float64], groups: NDArray[np.int64] | None = None) -> SerialDependence:
    dependence = serial_dependence(x, groups)
    assert dependence is not None
    return dependence


def test_false_alarms_are_as_rare_as_promised_for_any_distribution() -> None:
    random = np.random.default_rng(1)
    kinds = [
        lambda n, d: random.normal(size=(n, d)),
        lambda n, d: random.pareto(1, size=(n, d)),
        lambda n, d: (random.random((n, d)) < 0.05).astype(float),
    ]
    alarms = sum(
        serial_dependence(kinds[i % 3](int(random.choice([20, 40, 200])), int(random.choice([1, 3, 20]))), seed=i)
        is not None
        for i in range(300)
    )
    assert alarms <= 4  # 0.6 are expected at most, 5 have a chance of 1 in 2,500


@pytest.mark.parametrize("rho", [0.3, 0.9])
def test_the_correlation_is_the_closed_form(rho: float) -> None:
    dependence = found(autoregressive(3000, rho))
    assert (dependence.column, dependence.lag) == (0, 1)
    assert dependence.correlation == pytest.approx(6 / math.pi * math.asin(rho / 2), abs=0.04)


def test_the_column_at_fault_is_named() -> None:
    x = np.random.default_rng(0).normal(size=(400, 3))
    x[:, 1] = autoregressive(400, 0.8)[:, 0]
    assert found(x).column == 1
    wide = np.concatenate([autoregressive(400, 0.8, 20), np.ones((400, 1))], axis=1)
    assert found(wide).column is None


@pytest.mark.parametrize(("block", "share"), [(2, 0.5), (10, 0.3), (100, 0.1)])
def test_blocks_are_seen(block: int, share: float) -> None:
    random, n = np.random.default_rng(0), 1000
    common = random.normal(size=n)[np.arange(n) // block]
    x = math.sqrt(share) * common + math.sqrt(1 - share) * random.normal(size=n)
    assert serial_dependence(x[:, None]) is not None
    assert serial_dependence(random.permutation(x)[:, None]) is None


def test_every_second_row_and_a_drift() -> None:
    pairs = np.stack([autoregressive(300, 0.8, seed=1)[:, 0], autoregressive(300, 0.8, seed=2)[:, 0]], axis=1)
    assert found(pairs.reshape(-1, 1)).lag == 2
    random = np.random.default_rng(0)
    drift = found(random.normal(size=(3000, 1)) + np.linspace(0, 0.7, 3000)[:, None])
    assert drift.drift > drift.correlation / 2
    assert 0.02 < drift.drift < 0.08


def test_rows_sorted_by_a_known_class_are_independent() -> None:
    random = np.random.default_rng(0)
    classes = np.sort(random.integers(0, 3, 600))
    x = random.normal(size=(600, 2)) + classes[:, None]
    assert found(x).correlation > 0.3
    assert serial_dependence(x, classes) is None


def test_what_is_not_tested() -> None:
    assert serial_dependence(np.arange(LEAST - 1.0)[:, None]) is None
    assert serial_dependence(np.ones((100, 2))) is None
    with pytest.raises(UserError, match=r"groups must have shape \(30,\), one group for each row; got \(3,\)"):
        serial_dependence(np.ones((30, 1)), [1, 2, 3])
