"""What is measured of a generator's latent space: the digits that codes halfway give, jumps on paths, and classes."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.stats import norm
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import Tensor

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import DataSet
from monge.distance.points import Points
from monge.experiment.repeat import Repeat, repeats, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import train
from monge.metric.class_shares import Labels, predicted
from monge.metric.memorisation import nearest
from monge.metric.precision_recall import coverage
from monge.plot.chart import greys
from monge.training.state import TrainingState

OBJECTIVE = "wgan-gp:weight=5:noise=0.2"
WIDTH = 256
STEPS = 1500
"""The recipe for digits, with fewer steps."""
RULE = TrainingConfig(batch=64, n_critic=2, learning_rate=5e-4, decay_from=0.5, ema=0.998)
SPACE = 16
"""Latent numbers of the generator whose paths are followed."""
PLANE = 2
"""Those of the generator whose latent space is a picture."""
SIDE = 8
"""Pixels."""
PAIRS = 497
"""Of codes; and real digits of a precision."""
PATHS = 100
PIECES = 32
"""Steps of a path."""
CODES = 1500
"""Whose neighbours are looked at."""
NEIGHBOURS = 10
ROWS = 3
"""Pairs of codes in the figure."""
ALONG = 9
"""Pictures along a path in the figure."""
GRID = 12
"""Digits on a side of the plane in the figure."""
MARKED = 300
"""Codes in the figure."""

CELLS = repeats(
    ["digits"],
    (OBJECTIVE, WIDTH, STEPS, RULE, SPACE, PLANE, PAIRS, PATHS, PIECES, CODES, NEIGHBOURS, ROWS, ALONG, GRID, MARKED),
)


@cache
def _data() -> DataSet:
    return digits()


def trained(latent: int, seed: int) -> TrainingState:
    """A generator of so many latent numbers, trained."""
    names = f"mlp:latent={latent}:width={WIDTH}:depth=3:norm=batch", f"mlp:width={WIDTH}:depth=3"
    config = Config(objective=OBJECTIVE, generator=names[0], critic=names[1], steps=STEPS, seed=seed, training=RULE)
    return train(config, _data())


@torch.no_grad()
def pictures(state: TrainingState, codes: Tensor) -> Points:
    """What the averaged generator makes of codes (n, z), in metric scale, (n, 64)."""
    network = state.generator_ema.eval()
    found: Points = network(codes).flatten(1).double().numpy()
    return found


def lines(ends: Tensor, points: int) -> Tensor:
    """Points on straight lines between pairs of codes (2, n, z), ends included, (n, points, z)."""
    at = torch.linspace(0, 1, points)[:, None]
    return torch.lerp(ends[0][:, None], ends[1][:, None], at)


def largest_share(path: Points) -> float:
    """The largest step's share of the length of a path (n, d)."""
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return float(steps.max() / max(steps.sum(), 1e-12))


def agreement(codes: NDArray[np.floating], classes: Labels) -> float:
    """The share of the nearest codes of a code that have its class, on average; codes are (n, z)."""
    found = KDTree(codes).query(codes, NEIGHBOURS + 1)[1][:, 1:]
    return float((classes[found] == classes[:, None]).mean())


def _classes(samples: Points) -> Labels:
    data = _data()
    return predicted(data.codec.metric(data.train.all()), np.asarray(data.train.labels), samples)


@timed
def measure(cell: Repeat) -> Result:
    """How near and how smooth paths are, and how well classes cohere in the plane."""
    seed, draw = cell.torch_seed() % 2**31, torch.Generator().manual_seed(cell.torch_seed(1))
    return along(trained(SPACE, seed), draw, cell.number == 0) | plane(trained(PLANE, seed), draw, cell.number == 0)


def along(state: TrainingState, draw: torch.Generator, kept: bool) -> Result:
    """Distances and precision of ordinary samples, codes halfway and blends; jumps on paths; projections."""
    ends = torch.randn(2, PAIRS, SPACE, generator=draw)
    first, second = (pictures(state, codes) for codes in ends)
    sets = {"ordinary": first, "latent": pictures(state, ends.mean(dim=0)), "blend": (first + second) / 2}
    data = _data()
    train_set, some = (data.codec.metric(x) for x in (data.train.all(), data.train.sample(PAIRS)))
    paths = [pictures(state, path) for path in lines(ends[:, :PATHS], PIECES + 1)]
    facts: Result = {
        "distance": {name: round(float(nearest(x, train_set)[1].mean()), 4) for name, x in sets.items()},
        "precision": {name: round(coverage(some, x)["precision"], 4) for name, x in sets.items()},
        "jump": round(float(np.mean([largest_share(path) for path in paths])), 4),
        "projected": projected(state, draw),
    }
    if kept:
        facts["rows"] = [_row(state, ends[:, i]) for i in range(ROWS)]
    return facts


def _row(state: TrainingState, ends: Tensor) -> dict[str, list[str]]:
    """Pictures along a line between two codes, and blends of its ends."""
    path = pictures(state, lines(ends[:, None], ALONG)[0])
    weights = np.linspace(0, 1, ALONG)[:, None]
    blends = (1 - weights) * path[0] + weights * path[-1]
    return {"latent": [greys(x) for x in path], "blend": [greys(x) for x in blends]}


def projected(state: TrainingState, draw: torch.Generator) -> dict[str, float]:
    """How classes cohere in planes that codes are projected on, and in the whole latent space."""
    codes = torch.randn(CODES, SPACE, generator=draw)
    classes, points = _classes(pictures(state, codes)), codes.double().numpy()
    planes = {
        "principal components": PCA(2).fit_transform(points),
        "linear discriminants": LinearDiscriminantAnalysis(n_components=2).fit(points, classes).transform(points),
        f"all {SPACE} numbers": points,
    }
    return {name: round(agreement(at, classes), 4) for name, at in planes.items()}


def plane(state: TrainingState, draw: torch.Generator, kept: bool) -> Result:
    """How classes cohere in a latent plane, and how many there are."""
    codes = torch.randn(CODES, PLANE, generator=draw)
    classes = _classes(pictures(state, codes))
    points, shuffled = codes.double().numpy(), classes[torch.randperm(CODES, generator=draw).numpy()]
    facts: Result = {
        "agreement": round(agreement(points, classes), 4),
        "shuffled": round(agreement(points, shuffled), 4),
        "classes": int((np.bincount(classes, minlength=10) >= CODES / 100).sum()),
    }
    if kept:
        facts["codes"] = [[*np.round(at, 2).tolist(), int(c)] for at, c in zip(points[:MARKED], classes, strict=False)]
        across = norm.ppf((np.arange(GRID) + 0.5) / GRID)
        places = [[(x, y) for x in across] for y in across[::-1]]
        facts["grid"] = [[greys(x) for x in pictures(state, torch.tensor(row, dtype=torch.float32))] for row in places]
    return facts
