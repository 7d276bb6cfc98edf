r"""The Wasserstein-1 benchmark pairs of Korotin, Kolesov, Burnaev 2022, and their published parameters.

Reference: "Kantorovich strikes back! Wasserstein GANs are not optimal transport?", NeurIPS 2022 datasets and
benchmarks, section 4. `monge.data.toy.Funnels` states the construction; here it is written with matrix products, which
a batch of 1,024 points, 128 dimensions and 256 centres needs: 5 ms instead of 400, equal to 1e-5.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from monge.data import npy
from monge.data.growth import FREE_BYTES
from monge.errors import UserError

DIMENSIONS = (2, 4, 8, 16, 32, 64, 128)
FUNNELS = (4, 16, 64, 256)
HALF_WIDTH = 2.5
POWER = 8


@dataclass(frozen=True)
class FunnelPair:
    r"""The distribution P of :math:`y = a_n + t^p R v` and the uniform distribution Q of x on a box, with optimal
    potential -u.

    Arguments:
        centres: a, (N, D); their precision is that of all samples.
        biases: b, (N,).
    """

    centres: Tensor
    biases: Tensor

    @property
    def name(self) -> str:
        """D and N."""
        return "funnel-{1}-{0}".format(*self.centres.shape)

    @property
    def precise(self) -> "FunnelPair":
        """The same pair in float64: some of P lies closer to a centre than float32 can tell, and has a direction."""
        return FunnelPair(self.centres.double(), self.biases.double())

    def uniform(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples of Q, (n, D)."""
        unit = torch.rand(n, self.centres.shape[1], generator=generator, dtype=self.centres.dtype)
        return HALF_WIDTH * (2 * unit - 1)

    def moved(self, n: int, generator: torch.Generator) -> Tensor:
        """n samples of P, (n, D)."""
        return self.move(self.uniform(n, generator))

    def move(self, x: Tensor) -> Tensor:
        """The optimal map's values at points x of the box, (n, D)."""
        squares = x.square().sum(dim=1, keepdim=True) + self.centres.square().sum(dim=1) - 2 * x @ self.centres.T
        nearest = (squares.clamp_min(0).sqrt() + self.biases).argmin(dim=1)
        offset = x - self.centres[nearest]
        distance = offset.norm(dim=1, keepdim=True)
        v = offset / distance.clamp_min(torch.finfo(x.dtype).tiny)
        box = torch.where(v == 0, torch.inf, (v.sign() * HALF_WIDTH - x) / v).amin(dim=1, keepdim=True)
        # the ray meets the region of cone m where |x + r v - a_m| + b_m = u(x) + r
        delta = distance + self.biases[nearest, None] - self.biases
        slack = 2 * (delta - (x * v).sum(dim=1, keepdim=True) + v @ self.centres.T)
        r = (squares - delta.square()) / slack
        met = (slack > 0) & (r > 0) & (r > -delta)
        met.scatter_(1, nearest[:, None], False)
        ray = distance + torch.minimum(box, torch.where(met, r, torch.inf).amin(dim=1, keepdim=True))
        return torch.where(distance > 0, self.centres[nearest] + (distance / ray) ** POWER * ray * v, x)

    def gradient(self, y: Tensor) -> Tensor:
        """The gradient of the optimal potential -u at points (n, D), unit vectors towards the centre."""
        distance = torch.cdist(y, self.centres, compute_mode="donot_use_mm_for_euclid_dist")
        towards = self.centres[(distance + self.biases).argmin(dim=1)] - y
        return torch.nn.functional.normalize(towards, dim=1)

    def distance(self, n: int, generator: torch.Generator) -> tuple[float, float]:
        """W1 = E |x - y(x)| from n samples, and its standard error."""
        lengths = torch.cat([(x - self.move(x)).norm(dim=1).double() for x in self.uniform(n, generator).split(10_000)])
        return float(lengths.mean()), float(lengths.std() / n**0.5)


def own(dimension: int, funnels: int, seed: int = 0) -> FunnelPair:
    """A pair with centres uniform in the box and biases of deviation 0.1, drawn for a seed."""
    random = np.random.default_rng([seed, dimension, funnels])
    centres = random.uniform(-HALF_WIDTH, HALF_WIDTH, (funnels, dimension))
    return FunnelPair(
        torch.from_numpy(centres).float(), torch.from_numpy(0.1 * random.standard_normal(funnels)).float()
    )


def published(path: Path, dimension: int, funnels: int) -> FunnelPair:
    """A pair with the published parameters, arrays `centers_D_N` (N, D) and `biases_D_N` (N,) of an .npz file.

    Raises:
        UserError: the file cannot be read, or the pair is not in it.
    """
    shapes = {f"centers_{dimension}_{funnels}": (funnels, dimension), f"biases_{dimension}_{funnels}": (funnels,)}
    try:
        found = npy.read_all(path, FREE_BYTES)
        arrays = [np.array(found[name], dtype=np.float32).reshape(shape) for name, shape in shapes.items()]
    except Exception as error:  # a damaged file makes zipfile raise almost anything
        raise UserError(f"--pairs {path} must be an .npz file with {', '.join(shapes)} ({error})") from error
    return FunnelPair(*map(torch.from_numpy, arrays))
