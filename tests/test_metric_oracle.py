"""Metrics against other implementations of the published formulas, in float64."""

import numpy as np
import prdc
import pytest
import torch
from scipy.stats import entropy, mannwhitneyu
from torchmetrics.image.fid import _compute_fid
from torchmetrics.image.kid import poly_mmd

from monge.distance.kernel.discrepancy import kid
from monge.metric.frechet import frechet
from monge.metric.inception_score import class_score
from monge.metric.memorisation import copying_rank, nearest
from monge.metric.modes import mode_divergence
from monge.metric.panel import kid_estimate, regular_frechet
from monge.metric.precision_recall import coverage

SIZES = [(60, 40, 2), (150, 220, 7)]


def sides(n: int, m: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Two samples of different laws."""
    random = np.random.default_rng(n)
    return random.normal(size=(n, d)), 1.3 * random.normal(size=(m, d)) @ np.tri(d) + 0.2


@pytest.mark.parametrize("size", SIZES)
def test_frechet_is_the_fid_formula_of_torchmetrics(size: tuple[int, int, int]) -> None:
    real, fake = sides(*size)
    moments = [torch.from_numpy(part) for x in (real, fake) for part in (x.mean(axis=0), np.cov(x.T))]
    expected = float(_compute_fid(*moments))
    assert frechet(real, fake) == pytest.approx(expected, rel=1e-6)
    assert regular_frechet(real, fake).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("d", [1, 5])
def test_kid_is_that_of_torchmetrics(d: int) -> None:
    real, fake = sides(80, 80, d)
    expected = float(poly_mmd(torch.from_numpy(real), torch.from_numpy(fake)))
    assert kid(real, fake).squared == pytest.approx(expected, rel=1e-6)
    assert kid_estimate(real, fake).value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("size", SIZES)
def test_coverage_is_that_of_its_authors(size: tuple[int, int, int], k: int) -> None:
    real, fake = sides(*size)
    expected = prdc.compute_prdc(real, fake, nearest_k=k)
    assert coverage(real, fake, k) == pytest.approx({name: float(value) for name, value in expected.items()}, rel=1e-6)


def test_the_score_and_the_modes_are_entropies_of_scipy() -> None:
    given = np.random.default_rng(0).dirichlet(np.ones(4), size=50)
    expected = np.exp(np.mean([entropy(row, given.mean(axis=0)) for row in given]))
    assert class_score(given).value == pytest.approx(expected, rel=1e-6)
    centres = np.array([[0.0], [1.0], [2.0]])
    fake = np.repeat(centres, [5, 2, 3], axis=0)
    assert mode_divergence(fake, centres).value == pytest.approx(entropy([5, 2, 3], [1, 1, 1]), rel=1e-6)


def test_the_rank_of_copying_is_the_mann_whitney_test() -> None:
    train, fake = sides(200, 60, 3)
    held_out = sides(90, 1, 3)[0]
    a, b = (nearest(x, train)[1] for x in (fake, held_out))
    expected = mannwhitneyu(a, b, method="asymptotic", use_continuity=False, alternative="less")
    found = copying_rank(a, b)
    assert found.value == pytest.approx(expected.statistic / (60 * 90), rel=1e-6)
    z = (found.value - 0.5) / found.standard_error
    assert torch.special.ndtr(torch.tensor(z, dtype=torch.float64)).item() == pytest.approx(expected.pvalue, rel=1e-6)
