r"""Objectives times networks, trained alike on digits of 16 x 16 pixels: what claims about architectures share.

Three objectives, the GAN with -log D, the WGAN with clipped weights and the WGAN with gradient penalty, train the same
networks for the same number of generator updates: a generator that is a DCGAN with batch norm, the same with neither
batch norm nor more filters in deeper layers, and four fully connected layers without batch norm. The critic of the
first two is a DCGAN without batch norm, since a penalty for each sample forbids it, that of the last fully connected.
The digits are enlarged, because a DCGAN of 8 x 8 pixels has a single level: its number of filters would be constant
anyway.

Each objective has one rule for all networks. Learning rate and bound are those of least excess for the DCGAN with batch
norm, among .0005, .001, .002 (WGAN: .0002, .0005, .001, with bounds .01 and .05), under a seed that is not used here;
for the GAN .002 was better than .001 by .02, no more than noise, and it has .001 like the others.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", figures 5 to 7; Zheng 2017, part four.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from sklearn.datasets import load_digits

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataInfo, DataSet, split_data
from monge.data.image.resize import resize
from monge.errors import TrainingError
from monge.experiment.experiment import Budget, Table, verdict_table
from monge.experiment.repeat import Repeat, by_repeat, repeats, shown, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import Judge, sampled, train
from monge.plot.chart import greys, key, marks, mosaic, panels
from monge.plot.style import Files

SIDE = 16
"""Pixels."""
HELD_OUT = 497
"""Digits that training never sees."""
JUDGED = 497
"""Samples on each side of a judgement."""
NETWORKS = {
    "dcgan": ("dcgan:latent=32:width=8:norm=batch", "dcgan:width=8"),
    "plain": ("dcgan:latent=32:width=8:norm=none:constant=true", "dcgan:width=8"),
    "mlp": ("mlp:latent=32:width=128:depth=4:norm=none", "mlp:width=128:depth=3"),
}
"""Generator and critic."""
STEPS = 600


def _adam(beta2: float, n_critic: int) -> TrainingConfig:
    return TrainingConfig(batch=64, n_critic=n_critic, learning_rate=1e-3, beta1=0.5, beta2=beta2, ema=0)


OBJECTIVES = {
    "gan": ("gan", _adam(0.999, 1)),
    "wgan": (
        "wgan:bound=0.05",
        TrainingConfig(batch=64, n_critic=3, optimiser="rmsprop", learning_rate=1e-3, ema=0),
    ),
    "wgan-gp": ("wgan-gp", _adam(0.9, 3)),
}
WASSERSTEIN = ("wgan", "wgan-gp")
TITLES = {"gan": "GAN", "wgan": "WGAN", "wgan-gp": "WGAN-GP"}
NAMES = {"dcgan": "DCGAN", "plain": "no norm", "mlp": "MLP"}
FAILURE = {"excess": 2.0 * SIDE, "recall": 0.0, "precision": 0.0, "variance_ratio": 0.0}
"""The figures of a training that failed: no images in [-1, 1] are further apart than its excess."""
FIGURES = {"excess": "excess", "recall": "recall", "precision": "precision", "variance_ratio": "variance / real"}
LABELS = {
    "excess": "excess of W1 (grey, [-1, 1])",
    "recall": "recall (share of real digits)",
    "variance_ratio": "variance over that of real digits",
}
SHOWN = 8
"""Samples of the first repeat that are kept for the figure, in 16 greys."""


def cells(*networks: str) -> Callable[[Budget, int, Path], list[Repeat]]:
    """The cells of an experiment: every objective on each of some networks."""

    def found(budget: Budget, seed: int, folder: Path) -> list[Repeat]:
        every = []
        for network in networks:
            how = (SIDE, HELD_OUT, JUDGED, NETWORKS[network], STEPS, tuple(OBJECTIVES.items()), SHOWN)
            every += repeats([f"{objective}-{network}" for objective in OBJECTIVES], how)(budget, seed, folder)
        return every

    return found


@cache
def enlarged(side: int = SIDE) -> DataSet:
    """The digits at another size, split like `monge.data.builtin.digits`."""
    digits = load_digits()
    images = resize((digits.images * (255 / 16)).round().astype(np.uint8)[..., None], (side, side))
    return split_data(DataInfo("digits"), images, digits.target.astype(np.int64), held_out=HELD_OUT)


@timed
def measure(cell: Repeat) -> Result:
    """The figures of one objective's generator, and some of its samples."""
    objective, network = cell.case.rsplit("-", 1)
    (name, rule), (generator, critic) = OBJECTIVES[objective], NETWORKS[network]
    seed, data = cell.torch_seed(), enlarged()
    config = Config(objective=name, generator=generator, critic=critic, steps=STEPS, seed=seed, training=rule)
    judge = Judge(data, JUDGED)
    try:
        fake = sampled(train(config, data), data, 2 * judge.n, seed)
    except TrainingError as error:
        return {"failed": str(error)} | FAILURE
    samples = {} if cell.number else {"samples": [greys(sample) for sample in fake[:SHOWN]]}
    return judge(fake) | samples


def times_excess(repeat: dict[str, Result], objective: str, network: str) -> float:
    """How many times the excess of the same objective's DCGAN a network has."""
    return float(repeat[f"{objective}-{network}"]["excess"] / repeat[f"{objective}-dcgan"]["excess"])


def as_good(row: Result, other: Result, factor: float) -> bool:
    """Whether the excess is at most so many times another's, and the recall no less than its so many-th part."""
    near = row["excess"] <= factor * other["excess"] and row["recall"] * factor >= other["recall"]
    return bool(near)


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: excess {row['excess']:.3f}, recall {row['recall']:.2f}"


def tables(rows: Sequence[Result], networks: Sequence[str], verdicts: Result) -> list[Table]:
    """Figures of every network and objective, and the verdicts."""
    body = []
    for network in networks:
        for objective in OBJECTIVES:
            some = [row for row in rows if row["case"] == f"{objective}-{network}"]
            body.append([NAMES[network], TITLES[objective], *(shown([row[name] for row in some]) for name in FIGURES)])
    header = ["networks", "objective", *FIGURES.values()]
    return [Table(header, body), verdict_table(verdicts)]


def figure(rows: Sequence[Result], networks: Sequence[str], second: str = "recall", height: float = 2.7) -> Files:
    """Samples, excess and another figure of every network and objective; the height is in inches."""
    return panels(
        [
            lambda plot: paint_samples(plot, rows, networks),
            lambda plot: paint_figure(plot, rows, networks, "excess"),
            lambda plot: paint_figure(plot, rows, networks, second),
        ],
        height,
    )


def paint_figure(plot: Axes, rows: Sequence[Result], networks: Sequence[str], name: str) -> None:
    """One figure by objective, a mark for each repeat, looks by network."""
    highest, runs = max(row[name] for row in rows), by_repeat(rows)
    for look, network in enumerate(networks):
        values = [[run[f"{objective}-{network}"][name] for objective in OBJECTIVES] for run in runs]
        middle = np.arange(len(OBJECTIVES)) + 0.2 * (2 * look - len(networks) + 1)
        at = np.add.outer(np.linspace(-0.13, 0.13, len(runs)), middle).ravel()
        marks(plot, at, np.ravel(values), look, NAMES[network], clip_on=False)
    plot.set_xticks(range(len(OBJECTIVES)), list(TITLES.values()), fontsize=7)
    plot.set(
        xlabel="objective", ylabel=LABELS[name], xlim=(-0.5, len(OBJECTIVES) - 0.5), ylim=(0, 1.08 * (highest or 1))
    )
    if len(networks) > 1 and name == "excess":
        key(plot, 2)


def paint_samples(plot: Axes, rows: Sequence[Result], networks: Sequence[str]) -> None:
    """Samples of the first repeat: a line for each network and objective."""
    first = by_repeat(rows)[0]
    lines, labels = [], []
    for network in networks:
        for objective in OBJECTIVES:
            texts = first[f"{objective}-{network}"].get("samples", ["0" * SIDE**2] * SHOWN)
            lines.append(texts)
            labels.append(f"{TITLES[objective]}, {NAMES[network]}")
    mosaic(plot, lines)
    plot.set_yticks([(SIDE + 2) * (i + 0.5) - 0.5 for i in range(len(labels))], labels, fontsize=6)
    plot.set_xlabel(f"{SHOWN} samples each")
    plot.tick_params(length=0)
