"""Toy laws."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from monge.data import toy
from monge.data.dataset import ToyData
from monge.data.space import VectorSpace

NAMES = sorted(toy.TOYS)


def make(name: str) -> ToyData:
    data = getattr(toy, name.replace("-", "_"))()
    assert isinstance(data, ToyData)
    return data


def draw(name: str, n: int, seed: int = 1) -> torch.Tensor:
    return toy.TOYS[name].draw(n, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str) -> None:
    data = make(name)
    assert (data.info.name, data.space, data.train.size, data.held_out.size) == (name, VectorSpace(2), None, None)
    assert len(data.fingerprint) == 32
    assert data.train.all().shape == (20_000, 2)
    assert data.train.all().dtype == np.float32
    np.testing.assert_array_equal(data.train.all(), make(name).train.all())
    batch = data.batch(5000, torch.Generator().manual_seed(1))
    assert (batch.dtype, batch.shape) == (torch.float32, (5000, 2))
    assert torch.equal(batch, data.batch(5000, torch.Generator().manual_seed(1)))
    torch.testing.assert_close(batch.mean(0), torch.zeros(2), atol=0.08, rtol=0)
    deviations = torch.tensor([0.0 if name == "line" else 1.0, 1.0])  # of which one coordinate never varies
    torch.testing.assert_close(batch.std(0), deviations, atol=0.08, rtol=0)
    np.testing.assert_allclose(data.codec.decode(batch), draw(name, 5000), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_seeded_and_parts_differ(name: str) -> None:
    data = make(name)
    np.testing.assert_array_equal(data.train.sample(9, 4), data.train.sample(9, 4))
    np.testing.assert_array_equal(data.held_out.sample(9, 4), data.held_out.sample(9, 4))
    drawn = [data.train.sample(9, 0), data.train.sample(9, 1), data.held_out.sample(9, 0), data.held_out.sample(9, 1)]
    assert len({x.tobytes() for x in drawn}) == 4


def test_fingerprints_differ() -> None:
    assert len({make(name).fingerprint for name in NAMES}) == len(NAMES)


@pytest.mark.parametrize(("name", "modes"), [("ring8", 8), ("grid25", 25)])
def test_mixtures(name: str, modes: int) -> None:
    data = make(name)
    assert data.info.centres is not None
    assert data.info.deviation is not None
    assert data.info.centres.shape == (modes, 2)
    x = data.train.all().astype(float)
    nearest = cdist(x, data.info.centres).argmin(1)
    counts = np.bincount(nearest, minlength=modes) / len(x)
    np.testing.assert_allclose(counts, 1 / modes, rtol=0.2)
    offsets = x - data.info.centres[nearest]
    np.testing.assert_allclose(offsets.std(0), data.info.deviation, rtol=0.03)
    np.testing.assert_allclose(offsets.mean(0), 0, atol=data.info.deviation * 0.05)


def test_ring_and_grid_centres() -> None:
    ring, grid = make("ring8").info.centres, make("grid25").info.centres
    assert ring is not None
    assert grid is not None
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1)
    assert {tuple(mode) for mode in grid} == {(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)}


def test_parallel_lines() -> None:
    x = draw("parallel-lines", 20_000)
    assert set(x[:, 0].tolist()) == {0.0, 1.0}
    assert abs(float(x[:, 0].mean()) - 0.5) < 0.02
    assert 0 <= x[:, 1].min() < 0.001 < 0.999 < x[:, 1].max() <= 1
    assert abs(float(x[:, 1].var()) - 1 / 12) < 0.003


def test_moons() -> None:
    x = draw("moons", 20_000)
    upper = (x.norm(dim=1) - 1).abs()
    lower = ((x - torch.tensor([1.0, 0.5])).norm(dim=1) - 1).abs()
    assert torch.minimum(upper, lower).max() < 0.3
    # E of the two half circles: (0, 2/pi) and (1, 1/2 - 2/pi).
    torch.testing.assert_close(x.mean(0), torch.tensor([0.5, 0.25]), atol=0.02, rtol=0)


def test_swissroll() -> None:
    x = toy.Swissroll(noise=0).draw(1000, torch.Generator().manual_seed(0)) * 7.5
    t = x.norm(dim=1)
    assert (1.5 * np.pi - 1e-3 <= t.min()) & (t.max() <= 4.5 * np.pi + 1e-3)
    torch.testing.assert_close(x, torch.stack([t * t.cos(), t * t.sin()], 1), atol=1e-3, rtol=0)


@pytest.mark.parametrize(("dimension", "funnels"), [(2, 4), (2, 64), (16, 4), (1, 1)])
def test_funnels_transport_is_optimal(dimension: int, funnels: int) -> None:
    law = toy.Funnels(dimension=dimension, funnels=funnels)
    x = 5 * torch.rand(5000, dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(7)) - 2.5
    y = law.move(x)
    assert y.abs().max() <= 2.5 + 1e-9
    torch.testing.assert_close(law.potential(x) - law.potential(y), (x - y).norm(dim=1), atol=1e-9, rtol=0)
    assert (x - y).norm(dim=1).mean() > 0.05


def test_funnels_at_a_centre_and_along_an_axis() -> None:
    law = toy.Funnels()
    centre = law.cones[0][:1]
    along = centre + torch.tensor([[0.01, 0.0]], dtype=torch.float64)
    moved = law.move(torch.cat([centre, along]))
    assert moved.isfinite().all()
    torch.testing.assert_close(moved[:1], centre)
