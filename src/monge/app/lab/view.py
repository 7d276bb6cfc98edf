"""What one sees of a training: arrays of numbers that a page draws."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from monge.app.lab.side import SHOWN, Side
from monge.data.dataset import DataSet
from monge.distance.bounds import lower_bound
from monge.distance.divergence.discrete import js
from monge.distance.divergence.neighbour import neighbour_kl
from monge.distance.transport.exact import coupling, wasserstein
from monge.metric.modes import modes
from monge.model.build import latent_size
from monge.nn.packing import PackedCritic

TICKS = 32
"""Points of the critic's surface along each side."""
ARROWS = 64
"""Generated points that have an arrow."""
LINES, REACH = 17, 2.0
"""Of the generator's grid, which reaches so many deviations of the latent code."""
BINS = 40
"""Of the histogram of weights."""
CELLS = 16
"""Along each side, of the grid on which the Jensen-Shannon divergence is taken."""
MARGIN = 0.35
"""Around the data, as a share of their width."""
Array = NDArray[np.float32]
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Scene:
    """The data, and the square in which they and all else are shown.

    Attributes:
        data: opened.
        train, held_out: points (n, 2) in the data's units.
        box: left, bottom, and the side of the square.
        floor: W1 between the two parts.
    """

    data: DataSet
    train: NDArray[np.float64]
    held_out: NDArray[np.float64]
    box: tuple[float, float, float]
    floor: float

    @classmethod
    def of(cls, data: DataSet) -> "Scene":
        """Of some data, of which at most 256 points a part are taken."""
        parts = [part.sample(part.at_most(SHOWN)).astype(np.float64) for part in (data.train, data.held_out)]
        both = np.concatenate(parts)
        low, high = both.min(axis=0), both.max(axis=0)
        side = float((high - low).max()) * (1 + 2 * MARGIN) or 1.0
        left, bottom = ((low + high) / 2 - side / 2).tolist()
        return cls(data, parts[0], parts[1], (left, bottom, side), wasserstein(*parts))

    @property
    def grid(self) -> NDArray[np.float64]:
        """The points (1024, 2) of the critic's surface, row by row from below."""
        left, bottom, side = self.box
        ticks = (np.arange(TICKS) + 0.5) / TICKS * side
        return np.stack([np.tile(left + ticks, TICKS), np.repeat(bottom + ticks, TICKS)], axis=1)


def surface(side: Side, scene: Scene, shown: Array) -> Arrays:
    """The critic's values on the grid, and the length of its gradient, per unit of the scale it is trained in."""
    points = side.data.codec.from_metric(torch.from_numpy(scene.grid)).float().requires_grad_()
    values = _witness(side, scene, shown)(points)
    (slope,) = torch.autograd.grad(values.sum(), points)
    shape = TICKS, TICKS
    return {"surface": _array(values).reshape(shape), "slope": _array(slope.norm(dim=1)).reshape(shape)}


def arrows(side: Side, scene: Scene, shown: Array) -> Arrays:
    """Where the loss sends the first 64 generated points: minus its gradient, per unit of the scale it is trained in.

    Without a mean over the batch, so that a critic of slope 1 gives arrows of length 1.
    """
    fake = _model(side, shown[:ARROWS]).requires_grad_()
    critic = side.state.critic
    with torch.no_grad():
        real = critic(_model(side, scene.train[:ARROWS]))
    loss = side.objective.loss
    outputs = critic(fake)
    value = loss.generator(real if loss.compares else real[:0], outputs)
    (gradient,) = torch.autograd.grad(value, fake)
    return {"arrows": _array(-gradient * len(fake))}


def warp(side: Side, scene: Scene, shown: Array) -> Arrays:
    """Where the generator puts a square grid of its first two latent numbers, (17, 17, 2); the others are 0."""
    ticks = torch.linspace(-REACH, REACH, LINES)
    z = torch.zeros(LINES * LINES, latent_size(side.state.generator))
    grid = torch.cartesian_prod(ticks, ticks)
    z[:, : min(2, z.shape[1])] = grid[:, : z.shape[1]]
    generator = side.state.generator
    training = generator.training
    generator.eval()
    with torch.no_grad():
        points = side.data.codec.decode(generator(z))
    generator.train(training)
    return {"warp": points.astype(np.float32).reshape(LINES, LINES, 2)}


def weights(side: Side, scene: Scene, shown: Array) -> Arrays:
    """Counts of the critic's weights in 40 equal bins, and the ends of these."""
    values = torch.cat([part.detach().flatten() for part in side.state.critic.parameters()])
    reach = float(values.abs().max()) or 1.0
    counts = torch.histc(values, BINS, -reach, reach)
    return {"weights": _array(counts), "weights_reach": np.array([reach], np.float32)}


def transport(side: Side, scene: Scene, shown: Array) -> Arrays:
    """The held-out point to which the optimal plan sends each generated one, (256,); that of most mass."""
    plan = coupling(shown, scene.held_out)
    order = np.argsort(plan.mass, kind="stable")
    target = np.zeros(SHOWN, np.float32)
    target[plan.source[order]] = plan.target[order]
    return {"coupling": target}


VIEWS: dict[str, Callable[[Side, Scene, Array], Arrays]] = {
    "surface": surface,
    "arrows": arrows,
    "warp": warp,
    "weights": weights,
    "coupling": transport,
}
"""What can be asked for besides the generated points (256, 2), which each of them takes, by name."""


def measured(side: Side, scene: Scene, shown: Array) -> dict[str, Any]:
    """How far the generator is: the bracket, KL and JS, and the modes that it covers, of 256 points."""
    fake, other, third = (points.astype(np.float64) for points in (shown, side.points(seed=1), side.points(seed=2)))
    upper, spread = wasserstein(scene.held_out, fake), wasserstein(fake, other)
    half = len(scene.train) // 2
    fit, choose = (scene.train[:half], third[:half]), (scene.train[half:], third[half:])
    limit = lower_bound(fit, choose, (scene.held_out, other), families=["c-transform"])
    found = {
        "lower": limit.value,
        "upper": upper,
        "floor": scene.floor,
        "excess": upper - (scene.floor + spread) / 2,
        "kl": neighbour_kl(scene.held_out, fake, neighbours=min(5, len(scene.held_out) - 1)),
        "js": _js(scene, fake),
    }
    info = side.data.info
    if info.centres is not None and info.deviation is not None:
        found |= {"modes": modes(fake, info.centres, info.deviation)["modes"], "of_modes": len(info.centres)}
    return found


def _js(scene: Scene, fake: NDArray[np.float64]) -> float:
    """JS between the shares of points in the cells of a grid; what lies outside of it is one cell more."""
    left, bottom, side = scene.box
    edges = [start + np.linspace(0, side, CELLS + 1) for start in (left, bottom)]
    shares = []
    for points in (scene.held_out, fake):
        counts = np.histogram2d(points[:, 0], points[:, 1], edges)[0].flatten()
        shares.append(np.append(counts, len(points) - counts.sum()) / len(points))
    return float(js(*shares))


def _witness(side: Side, scene: Scene, shown: Array) -> Callable[[Tensor], Tensor]:
    """The function of a point, in model scale, that tells real from generated."""
    critic, loss = side.state.critic, side.objective.loss
    pack = critic.size if isinstance(critic, PackedCritic) else 1
    with torch.no_grad():
        sets = [critic(_model(side, points)) for points in (scene.train, shown)]

    def values(points: Tensor) -> Tensor:
        return loss.witness(critic(points.repeat_interleave(pack, dim=0)), *sets)

    return values


def _model(side: Side, points: NDArray[Any]) -> Tensor:
    return side.data.codec.from_metric(torch.from_numpy(points.astype(np.float64))).float()


def _array(values: Tensor) -> Array:
    found: Array = values.detach().float().numpy()
    return found
