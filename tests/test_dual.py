"""Dual potentials: closed forms, certificates, determinism and errors, for every family."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from monge.distance import wasserstein
from monge.distance.dual.family import FAMILIES
from monge.distance.dual.potential import Potential, fit_potential
from monge.errors import UserError

few = settings(deadline=None, max_examples=10)
seeds = st.integers(0, 2**31)
CERTIFIED = [name for name, family in FAMILIES.items() if family.proof == "certified"]
STEPS = 8


def normal(seed: int, n: int, d: int, shift: float = 0.0) -> NDArray[np.float64]:
    x = np.random.default_rng(seed).normal(size=(n, d))
    x[:, 0] += shift
    return x


def fitted(name: str, d: int = 3, seed: int = 0, n: int = 60) -> Potential:
    return fit_potential(normal(seed, n, d, 1.0), normal(seed + 1, n, d), name, steps=STEPS, seed=seed)


def gap(f: Potential, x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    return float(f(x).mean() - f(y).mean())


@pytest.mark.parametrize("name", FAMILIES)
def test_equal_seeds_give_equal_potentials(name: str) -> None:
    state, points = torch.get_rng_state(), normal(5, 20, 3)
    one, same, other = fitted(name), fitted(name), fitted(name, seed=1)
    assert (one(points) == same(points)).all()
    assert one.lipschitz == same.lipschitz
    assert not np.allclose(one(points), other(points))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_names_its_proof(name: str) -> None:
    f = fitted(name)
    assert (f.family, f.proof) == (name, FAMILIES[name].proof)
    assert f.lipschitz > 0
    if f.proof == "certified":
        assert f.lipschitz == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("name", CERTIFIED)
@few
@given(seed=seeds, d=st.integers(1, 5))
def test_certified_constants_hold_between_any_two_points(name: str, seed: int, d: int) -> None:
    f = fitted(name, d, seed % 1000)
    x, y = 4 * normal(seed, 40, d), 4 * normal(seed + 1, 40, d)
    near = x + 1e-4 * (y - x)
    for other in (y, near):
        assert (np.abs(f(x) - f(other)) <= f.lipschitz * np.linalg.norm(x - other, axis=1) + 1e-10).all()


@pytest.mark.parametrize("name", CERTIFIED)
@few
@given(seed=seeds, d=st.integers(1, 5))
def test_certified_bounds_stay_below_the_transport_between_the_same_samples(name: str, seed: int, d: int) -> None:
    # both sides are of the same empirical laws, so no sampling error excuses anything
    x, y = normal(seed, 30, d, 0.5), normal(seed + 1, 50, d)
    f = fit_potential(x, y, name, steps=STEPS, seed=seed % 1000)
    assert gap(f, x, y) / f.lipschitz <= wasserstein(x, y) + 1e-9


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_the_slopes_of_the_values(name: str) -> None:
    f, x, step = fitted(name), normal(7, 10, 3), 1e-6
    for k in range(3):
        unit = step * np.eye(3)[k]
        assert (f(x + unit) - f(x - unit)) / (2 * step) == pytest.approx(f.gradient(x)[:, k], abs=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_units_change_nothing(name: str) -> None:
    x, y = normal(0, 50, 2, 1.0), normal(1, 50, 2)
    f = fit_potential(x, y, name, steps=STEPS)
    # a power of two and a whole shift, so that standardised numbers agree to rounding
    g = fit_potential(1024 * x + 3, 1024 * y + 3, name, steps=STEPS)
    assert g.lipschitz == pytest.approx(f.lipschitz, rel=1e-3)
    assert gap(g, 1024 * x + 3, 1024 * y + 3) == pytest.approx(1024 * gap(f, x, y), rel=1e-2)


@few
@given(seeds, st.integers(1, 6), st.floats(0.05, 3))
def test_radial_is_exact_for_a_scaled_sample(seed: int, d: int, length: float) -> None:
    y, centre = normal(seed, 50, d), normal(seed + 1, 1, d)
    for scale in (1 + length, 1 / (1 + length), 1.0):
        # a scaling about any point; without one, a shift, to within the least scaling
        x = centre + scale * (y - centre) if scale != 1 else y + length
        expected = np.linalg.norm(x - y, axis=1).mean()
        assert gap(fit_potential(x, y, "radial"), x, y) == pytest.approx(expected, rel=1e-6 if scale != 1 else 1e-2)


@few
@given(seeds, st.integers(1, 6), st.floats(0.1, 100))
def test_linear_is_exact_for_a_shifted_sample(seed: int, d: int, length: float) -> None:
    y = normal(seed, 20, d)
    shift = normal(seed + 1, 1, d)
    shift *= length / np.linalg.norm(shift)
    assert gap(fit_potential(y + shift, y, "linear"), y + shift, y) == pytest.approx(length)


@few
@given(seeds, st.integers(1, 4))
def test_c_transform_attains_the_transport_between_its_samples(seed: int, d: int) -> None:
    x, y = normal(seed, 40, d, 0.3), normal(seed + 1, 40, d)
    rule = replace(FAMILIES["c-transform"], width=40, depth=1)
    assert gap(fit_potential(x, y, rule), x, y) == pytest.approx(wasserstein(x, y))


@pytest.mark.parametrize(
    ("name", "share"), [("linear", 0.97), ("orthogonal", 0.93), ("cones", 0.85), ("c-transform", 0.85)]
)
def test_held_out_bounds_of_a_shift(name: str, share: float) -> None:
    f = fit_potential(normal(0, 1000, 2, 1.5), normal(1, 1000, 2), name, steps=150)
    bound = gap(f, normal(2, 20000, 2, 1.5), normal(3, 20000, 2)) / f.lipschitz
    assert share * 1.5 < bound < 1.5 + 3.5 * np.sqrt(2 / 20000)


def test_samplers_give_fresh_batches() -> None:
    drawn: list[int] = []

    def sampler(n: int, generator: torch.Generator) -> torch.Tensor:
        drawn.append(n)
        return torch.randn(n, 2, generator=generator)

    f = fit_potential(lambda n, g: sampler(n, g) + torch.tensor([2.0, 0.0]), sampler, "orthogonal", steps=60)
    assert len(drawn) == 2 * (60 + 1)
    assert gap(f, normal(0, 5000, 2, 2.0), normal(1, 5000, 2)) == pytest.approx(2, abs=0.2)


def test_validation_keeps_the_best_on_the_way() -> None:
    x, y = normal(0, 30, 8, 0.5), normal(1, 30, 8)
    held_out = normal(2, 2000, 8, 0.5), normal(3, 2000, 8)
    last = fit_potential(x, y, "cones", steps=100)
    kept = fit_potential(x, y, "cones", steps=100, validation=held_out)
    assert gap(kept, *held_out) >= gap(last, *held_out)


def test_progress_counts_the_steps() -> None:
    seen: list[tuple[int, int]] = []
    fit_potential(normal(0, 20, 2), normal(1, 20, 2), "cones", steps=3, progress=lambda *at: seen.append(at))
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("name", FAMILIES)
def test_identical_and_single_points_are_no_error(name: str) -> None:
    x = np.ones((5, 2))
    assert gap(fit_potential(x, x, name, steps=2), x, x) == pytest.approx(0)
    one = fit_potential(x[:1], x[:1] + 1, name, steps=2)
    assert np.isfinite(one(x)).all()


def test_errors() -> None:
    x = normal(0, 5, 2)
    with pytest.raises(UserError, match="family 'cone' is not known; did you mean 'cones'"):
        fit_potential(x, x, "cone")
    with pytest.raises(UserError, match=r"\(5, 2\) and \(5, 3\)"):
        fit_potential(x, normal(0, 5, 3))
    with pytest.raises(UserError, match="x must be finite"):
        fit_potential(np.full((2, 2), np.nan), x)
    with pytest.raises(UserError, match="steps must be at least 1; got 0"):
        fit_potential(x, x, steps=0)
    with pytest.raises(UserError, match="seed must be at least 0; got -1"):
        fit_potential(x, x, seed=-1)
    with pytest.raises(UserError, match="dimension"):
        fit_potential(lambda n, g: torch.randn(n, 3, generator=g), x)
    with pytest.raises(UserError, match=r"x must be \(n, 2\)"):
        fitted("linear", 2)(normal(0, 4, 3))
