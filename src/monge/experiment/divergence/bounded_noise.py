r"""Two distributions of finitely many points, with bounded noise on both: their Jensen-Shannon divergence, and a bound
on W1.

The noise is normal within a ball that contains :math:`q` of the normal distribution, and 0 outside. With it a
distribution on points :math:`x_1, \ldots, x_m` has the density

.. math:: p_\epsilon(x) \propto \frac1m \sum_j e^{-\lVert x - x_j \rVert^2 / 2 \sigma^2}\,
          1[\lVert x - x_j \rVert \le r]

with the same constant for every distribution, so that JS follows, without a discriminator, as the mean of
:math:`\log 2 p_\epsilon / (p_\epsilon + q_\epsilon)` over samples of either. And with
:math:`V = \mathbb{E} \lVert \epsilon \rVert^2` and C the diameter of a ball with both distributions and their
noise,

.. math:: W_1(P_r, P_g) \le 2 V^{1/2} + 2 C \sqrt{\mathrm{JS}(P_{r+\epsilon} \,\|\, P_{g+\epsilon})}.

The noise must be bounded, for with normal noise no ball contains the distributions.

Reference: Arjovsky, Bottou 2017, "Towards Principled Methods for Training Generative Adversarial Networks",
theorem 3.3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from scipy.stats import chi2
from torch import Tensor

from monge.distance.transport.exact import wasserstein
from monge.experiment.sweep import Result

WITHIN = 0.99
"""Share of the normal distribution that lies in the ball of the noise."""
DRAWN = 1024
"""Samples of each distribution with noise, at which the densities are taken."""
SURE = 3.0
"""Standard errors that an estimated JS is reduced by before the bound is compared with W1."""
APPROACHES = 1000
"""Steps towards the farthest point, by which the centre of a ball is found."""
SETTINGS = (WITHIN, DRAWN, SURE, APPROACHES)


@dataclass(frozen=True)
class BoundedNoise:
    """Normal noise within a ball.

    Arguments:
        sigma: deviation of a coordinate, before the ball cuts it.
        dimension: of the space.
    """

    sigma: float
    dimension: int

    @property
    def radius(self) -> float:
        """Of the ball."""
        return self.sigma * math.sqrt(chi2.ppf(WITHIN, self.dimension))

    @property
    def variance(self) -> float:
        r"""V, the mean of the squared length."""
        inside = float(chi2.cdf((self.radius / self.sigma) ** 2, self.dimension + 2))
        return self.dimension * self.sigma**2 * inside / WITHIN

    def draw(self, n: int, draws: torch.Generator) -> Tensor:
        """n samples (n, d), float64."""
        direction = torch.randn(n, self.dimension, generator=draws, dtype=torch.float64)
        share = torch.rand(n, 1, generator=draws, dtype=torch.float64).numpy()
        length = self.sigma * torch.from_numpy(chi2.ppf(WITHIN * share, self.dimension)).sqrt()
        return length * torch.nn.functional.normalize(direction, dim=1)

    def logs(self, x: Tensor, points: Tensor) -> Tensor:
        """Log density at x (n, d) of the noised distribution of points (m, d), up to a common constant, (n,)."""
        distances = torch.cdist(x, points, compute_mode="donot_use_mm_for_euclid_dist")
        inside = distances <= self.radius * (1 + 1e-9)
        terms = torch.where(inside, -distances.square() / (2 * self.sigma**2), -torch.inf)
        return torch.logsumexp(terms, dim=1) - math.log(len(points))


def js(p: Tensor, q: Tensor, noise: BoundedNoise, draws: torch.Generator) -> tuple[float, float]:
    """JS in nats of two distributions of points (m, d) with noise, and its standard error, over 2 x 1,024 samples."""
    gains = []
    for own, other in ((p, q), (q, p)):
        which = torch.randint(len(own), (DRAWN,), generator=draws)
        x = own[which] + noise.draw(DRAWN, draws)
        gains.append(math.log(2) - torch.nn.functional.softplus(noise.logs(x, other) - noise.logs(x, own)))
    mean = float(sum(gain.mean() for gain in gains)) / 2
    error = math.sqrt(sum(float(gain.var()) for gain in gains) / DRAWN) / 2
    return max(0.0, mean), error


def diameter(points: Tensor) -> float:
    """Of a ball that contains all points (m, d), the smallest one up to about a hundredth.

    Reference: Badoiu, Clarkson 2003, "Smaller core-sets for balls".
    """
    centre = points.mean(dim=0)
    for step in range(1, APPROACHES):
        farthest = (points - centre).square().sum(dim=1).argmax()
        centre = centre + (points[farthest] - centre) / (step + 1)
    return 2 * float((points - centre).norm(dim=1).max())


def bound(variance: float, across: float, divergence: float) -> float:
    """What theorem 3.3 says that W1 is at most.

    Arguments:
        variance: V, of the noise.
        across: C, the diameter of a ball that contains both distributions with noise.
        divergence: JS of the two distributions with noise, in nats.
    """
    return 2 * math.sqrt(variance) + 2 * across * math.sqrt(max(0.0, divergence))


def compared(p: Tensor, q: Tensor, sigmas: Sequence[float], draws: torch.Generator) -> Result:
    """W1 of two distributions of points (m, d); at every noise JS and the bound, estimated and at least."""
    both = diameter(torch.cat([p, q]))
    levels = []
    for sigma in sigmas:
        noise = BoundedNoise(sigma, p.shape[1])
        value, error = js(p, q, noise, draws)
        bounds = [bound(noise.variance, both + 2 * noise.radius, least) for least in (value, value - SURE * error)]
        levels.append([round(number, 5) for number in (value, *bounds)])
    values, estimated, least = (list(column) for column in zip(*levels, strict=True))
    w1 = round(wasserstein(p.numpy(), q.numpy()), 5)
    return {"w1": w1, "diameter": round(both, 4), "js": values, "bound": estimated, "least_bound": least}
