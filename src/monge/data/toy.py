"""Distributions in the plane whose geometry is known."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.data.dataset import DataInfo, ToyData
from monge.data.split import Law


@dataclass(frozen=True)
class Mixture:
    """Equal mixture of Gaussians.

    Arguments:
        modes: the centres.
        deviation: standard deviation of every coordinate about its centre.
    """

    modes: tuple[tuple[float, float], ...]
    deviation: float

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 2)."""
        which = torch.randint(len(self.modes), (n,), generator=generator)
        return torch.tensor(self.modes)[which] + self.deviation * torch.randn(n, 2, generator=generator)


@dataclass(frozen=True)
class Swissroll:
    """Spiral (t cos t, t sin t) / 7.5 with t ~ U(1.5 pi, 4.5 pi), plus Gaussian noise.

    Arguments:
        noise: standard deviation of the noise.
    """

    noise: float

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 2)."""
        t = 1.5 * math.pi * (1 + 2 * torch.rand(n, generator=generator))
        spiral = torch.stack([t * t.cos(), t * t.sin()], dim=1) / 7.5
        return spiral + self.noise * torch.randn(n, 2, generator=generator)


@dataclass(frozen=True)
class Moons:
    """Two interleaved half circles of radius 1, centred at (0, 0) and (1, 1/2), plus Gaussian noise.

    Arguments:
        noise: standard deviation of the noise.
    """

    noise: float

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 2)."""
        lower = torch.randint(2, (n,), generator=generator)
        angle = math.pi * torch.rand(n, generator=generator)
        # The lower moon is the upper one turned by half a circle.
        upper = torch.stack([angle.cos(), angle.sin()], dim=1) * (1 - 2 * lower)[:, None]
        moons = upper + lower[:, None] * torch.tensor([1.0, 0.5])
        return moons + self.noise * torch.randn(n, 2, generator=generator)


@dataclass(frozen=True)
class Line:
    """The segment x = 0 with y ~ U(0, 1): the data of Example 1 in Arjovsky et al. 2017, "Wasserstein GAN"."""

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 2)."""
        return torch.stack([torch.zeros(n), torch.rand(n, generator=generator)], dim=1)


@dataclass(frozen=True)
class Ring:
    """Uniform distribution of the unit circle, plus Gaussian noise.

    Arguments:
        noise: standard deviation of the noise.
    """

    noise: float

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 2)."""
        angle = 2 * math.pi * torch.rand(n, generator=generator)
        circle = torch.stack([angle.cos(), angle.sin()], dim=1)
        return circle + self.noise * torch.randn(n, 2, generator=generator)


@dataclass(frozen=True)
class ParallelLines:
    """Half of the mass on each of the lines x = 0 and x = 1, with y ~ U(0, 1).

    The line at x = 0 is the data, and the one at x = theta = 1 the generator, of Example 1 in Arjovsky et al. 2017,
    "Wasserstein GAN": supports of dimension one that do not meet.
    """

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples (n, 2)."""
        line = torch.randint(2, (n,), generator=generator)
        return torch.stack([line, torch.rand(n, generator=generator)], dim=1)


@dataclass(frozen=True)
class Funnels:
    r"""Uniform distribution of a box, moved along the rays of :math:`u(x) = \min_n \lVert x - a_n\rVert + b_n`.

    A point x whose minimum is at n is moved to :math:`y = a_n + t^p R v`, v being the direction of x from
    :math:`a_n`, R the length of the ray on which n stays the minimum, within the box, and
    :math:`t = \lVert x - a_n\rVert / R`. Then :math:`u(x) - u(y) = \lVert x - y\rVert`, so that this plan is
    optimal, and -u is an optimal critic between the moved and the uniform distribution.

    Reference: Korotin, Kolesov and Burnaev 2022, "Kantorovich Strikes Back!", section 4.

    Arguments:
        dimension: D.
        funnels: N, number of centres.
        seed: of the centres, uniform in the box, and the biases, 0.1 times normal.
        half_width: L, of the box [-L, L]^D.
        power: p.
    """

    dimension: int = 2
    funnels: int = 4
    seed: int = 0
    half_width: float = 2.5
    power: int = 8

    @cached_property
    def cones(self) -> tuple[Tensor, Tensor]:
        """Centres (N, D) and biases (N,), float64."""
        random = np.random.default_rng(self.seed)
        centres = random.uniform(-self.half_width, self.half_width, (self.funnels, self.dimension))
        return torch.from_numpy(centres), torch.from_numpy(0.1 * random.standard_normal(self.funnels))

    def potential(self, x: Tensor) -> Tensor:
        """u at points (n, D), float64."""
        centres, biases = self.cones
        # The formula, because the matrix product that cdist uses for many points loses half of the digits.
        return (torch.cdist(x, centres, compute_mode="donot_use_mm_for_euclid_dist") + biases).amin(1)

    def move(self, x: Tensor) -> Tensor:
        """The images y of points x of the box, (n, D), float64."""
        centres, biases = self.cones
        offsets = x[:, None] - centres
        distances = offsets.norm(dim=2)
        u, nearest = (distances + biases).min(dim=1)
        distance = distances.gather(1, nearest[:, None])
        v = (x - centres[nearest]) / distance.clamp_min(torch.finfo(x.dtype).tiny)
        box = torch.where(v == 0, torch.inf, (v.sign() * self.half_width - x) / v).amin(1)
        # Where the ray meets the region of cone m: |x + r v - a_m| + b_m = u(x) + r.
        delta = u[:, None] - biases
        denominator = 2 * (delta - (offsets * v[:, None]).sum(dim=2))
        r = (distances**2 - delta**2) / torch.where(denominator > 0, denominator, torch.nan)
        others = torch.arange(self.funnels) != nearest[:, None]
        funnel = torch.where(others & (r > 0) & (r > -delta), r, torch.inf).amin(1)
        length = distance + torch.minimum(box, funnel)[:, None]
        moved = centres[nearest] + (distance / length) ** self.power * length * v
        return torch.where(distance > 0, moved, x)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n moved samples (n, D)."""
        uniform = torch.rand(n, self.dimension, dtype=torch.float64, generator=generator)
        return self.move(self.half_width * (2 * uniform - 1)).float()


def _circle(n: int) -> tuple[tuple[float, float], ...]:
    return tuple((math.cos(2 * math.pi * i / n), math.sin(2 * math.pi * i / n)) for i in range(n))


def _grid(ticks: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x in ticks for y in ticks)


TOYS: dict[str, Law] = {
    "line": Line(),
    "ring": Ring(noise=0.03),
    "ring8": Mixture(_circle(8), deviation=0.01),
    "grid25": Mixture(_grid((-4.0, -2.0, 0.0, 2.0, 4.0)), deviation=0.05),
    "swissroll": Swissroll(noise=0.03),
    "moons": Moons(noise=0.05),
    "parallel-lines": ParallelLines(),
    "funnels": Funnels(),
}


def _toy(name: str) -> ToyData:
    law = TOYS[name]
    if isinstance(law, Mixture):
        modes: NDArray[np.float64] = np.array(law.modes)
        return ToyData(DataInfo(name, centres=modes, deviation=law.deviation), law)
    return ToyData(DataInfo(name), law)


def line() -> ToyData:
    """A segment."""
    return _toy("line")


def ring() -> ToyData:
    """A circle with noise 0.03."""
    return _toy("ring")


def ring8() -> ToyData:
    """Eight Gaussians of deviation 0.01 on the unit circle."""
    return _toy("ring8")


def grid25() -> ToyData:
    """25 Gaussians of deviation 0.05 on the grid {-4, -2, 0, 2, 4}^2."""
    return _toy("grid25")


def swissroll() -> ToyData:
    """A spiral with noise 0.03."""
    return _toy("swissroll")


def moons() -> ToyData:
    """Two interleaved half circles with noise 0.05."""
    return _toy("moons")


def parallel_lines() -> ToyData:
    """Two parallel unit segments."""
    return _toy("parallel-lines")


def funnels() -> ToyData:
    """The moved distribution of a W1 benchmark pair with 4 funnels; its own draw, not the published parameters."""
    return _toy("funnels")
