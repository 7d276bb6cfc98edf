r"""WGAN-GP against MMD-GAN: quality, diversity, speed and cost, and what the critic's size has to do with it.

Both train the same generator of digits for as many steps on the same batches. A critic of WGAN-GP gives a number; that
of MMD-GAN gives sixteen, which a fixed kernel k compares over all pairs of a batch,

.. math:: \mathbb{E}\,k(h(x_r), h(x_r')) + \mathbb{E}\,k(h(x_g), h(x_g')) - 2\,\mathbb{E}\,k(h(x_r), h(x_g)).

Zen n.d. has it that the WGAN overcomes heavy computation, hard training and slow convergence of MMD-GAN, and that
its pictures are more lifelike and more diverse. Binkowski et al. find otherwise: the kernel does part of a critic's
work, so MMD-GAN loses little when the critic shrinks (CIFAR-10, FID: with 64 filters 39.9 against 37.5 of WGAN-GP, with
16 filters 48.1 against 147.1). With F the excess of W1 and w the number of filters, this is

.. math:: F_{GP}(16) - F_{MMD}(16) > F_{GP}(64) - F_{MMD}(64).

A DCGAN of 8 x 8 pixels has a single convolution, which is small with any number of filters; a critic of three fully
connected layers, the one of the recipe for digits, stands for a large one. The rule is one for both: the published one
of MMD-GAN, but for two critic updates instead of five, and five times the learning rate, as there are few steps.
Penalties have their published weights (10; 1). A step's cost is the median of CPU times, of steps that alternate in one
process.

References: Zen n.d., introduction; Binkowski, Sutherland, Arbel, Gretton 2018, "Demystifying MMD GANs", experiments
on CIFAR-10.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import numpy as np
import torch
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import DataSet
from monge.experiment.architecture.architecture import enlarged
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, judged_digits, sampled, train
from monge.plot.chart import band, panels
from monge.plot.style import Files
from monge.run.pool import flushed_denormals
from monge.training.assemble import assemble
from monge.training.state import TrainingState
from monge.training.step import train_step

WGAN = "wgan-gp"
MMD = "mmd-gan"
TITLES = {WGAN: "WGAN-GP", MMD: "MMD-GAN"}
CRITICS = {"16": "dcgan:width=16", "64": "dcgan:width=64", "mlp": "mlp:width=256:depth=3"}
LABELS = {"16": "16", "64": "64", "mlp": "MLP"}
SMALL = "16"
LARGE = "64"
"""The critics of Binkowski et al., by filters."""
OUTPUTS = {WGAN: 1, MMD: 16}
GENERATOR = "dcgan:latent=16:width=16"
STEPS = 800
PARTS = 4
"""Of the steps; generators are judged after each."""
RULE = TrainingConfig(batch=64, n_critic=2, learning_rate=5e-4, beta1=0.5, beta2=0.9, decay_from=0.5, ema=0.99)
TRAINING_SETTINGS = (tuple(CRITICS.items()), tuple(OUTPUTS.items()), GENERATOR, STEPS, PARTS, RULE)
TIMED_STEPS = 30
LARGER_SIDE = 32
"""Pixels of larger images on which steps are timed as well."""
LARGER_TIMED_STEPS = 3
FIGURES = ("excess", "recall", "precision")


def config(objective: str, critic: str, seed: int) -> Config:
    """The training by an objective with a critic, by its key."""
    judge = f"{CRITICS[critic]}:outputs={OUTPUTS[objective]}"
    return Config(objective=objective, generator=GENERATOR, critic=judge, steps=STEPS, seed=seed, training=RULE)


def course(objective: str, critic: str, seed: int) -> Result:
    """The figures of a training's generator after each quarter of the steps."""
    data, judge = judged_digits()
    found: dict[str, list[float]] = {name: [] for name in FIGURES}

    def watch(state: TrainingState, terms: object) -> None:
        if state.step in {STEPS * part // PARTS for part in range(1, PARTS + 1)}:
            seen = judge(sampled(state, data, 2 * judge.n, seed))
            for name, values in found.items():
                values.append(round(seen[name], 4))

    train(config(objective, critic, seed), data, watch)
    return dict(found)


def costs(critic: str, data: DataSet, steps: int, seed: int) -> dict[str, float]:
    """Milliseconds of CPU of a step of either objective: medians over steps that alternate, after two of each."""
    trainings = {name: assemble(config(name, critic, seed), data, torch.device("cpu")) for name in TITLES}
    spent: dict[str, list[float]] = {name: [] for name in trainings}
    with flushed_denormals():
        for _ in range(2 + steps):
            for name, (state, objective, sampler) in trainings.items():
                start = time.process_time()
                train_step(state, objective, sampler(state.step))
                spent[name].append(1e3 * (time.process_time() - start))
    return {name: round(float(np.median(times[2:])), 2) for name, times in spent.items()}


@timed
def measure(cell: Repeat) -> Result:
    """Courses and costs of both objectives with every critic, and costs on larger images with the large critic."""
    seed = cell.torch_seed()
    return {
        "courses": {critic: {name: course(name, critic, seed) for name in TITLES} for critic in CRITICS},
        "costs": {critic: costs(critic, judged_digits()[0], TIMED_STEPS, seed) for critic in CRITICS},
        "costs_of_larger": costs(LARGE, enlarged(LARGER_SIDE), LARGER_TIMED_STEPS, seed),
    }


def value(row: Result, critic: str, objective: str, figure: str = "excess", part: int = PARTS) -> float:
    """A figure of a repeat after some quarters of the steps."""
    return float(row["courses"][critic][objective][figure][part - 1])


def difference(row: Result, critic: str, figure: str = "excess", part: int = PARTS) -> float:
    """How much higher a figure of WGAN-GP is than that of MMD-GAN: of the excess, the lead of MMD-GAN."""
    return value(row, critic, WGAN, figure, part) - value(row, critic, MMD, figure, part)


def cost_ratio(of_both: dict[str, float]) -> float:
    """MMD-GAN's cost over that of WGAN-GP."""
    return of_both[MMD] / of_both[WGAN]


def verdict(rows: Sequence[Result]) -> Result:
    """The five claims; those of Zen n.d. with every critic."""
    recalls, early = partial(difference, figure="recall"), partial(difference, part=1)
    cheaper = _with_every_critic(rows, lambda row, critic: cost_ratio(row["costs"][critic]), lambda times: times > 1)
    larger = spread([cost_ratio(row["costs_of_larger"]) for row in rows])
    return {
        "better": _with_every_critic(rows, difference, lambda more: more < 0),
        "more_diverse": _with_every_critic(rows, recalls, lambda more: more > 0),
        "faster": _with_every_critic(rows, early, lambda more: more < 0),
        "cheaper": cheaper | {f"{LARGER_SIDE} pixels": larger},
        "small_critics": {
            "verdict": judged([difference(row, SMALL) > difference(row, LARGE) for row in rows]),
            "lead_of_mmd": {critic: spread([difference(row, critic) for row in rows]) for critic in CRITICS},
        },
    }


def _with_every_critic(
    rows: Sequence[Result], number: Callable[[Result, str], float], meets: Callable[[float], bool]
) -> Result:
    """A claim about a number that is to hold with every critic."""
    found = {critic: [number(row, critic) for row in rows] for critic in CRITICS}
    met = [meets(one) for numbers in found.values() for one in numbers]
    word = judged(met, [critic for critic in CRITICS for _ in rows])
    return {"verdict": word} | {critic: spread(numbers) for critic, numbers in found.items()}


def line(row: Result) -> str:
    """One result in one line."""
    return "; ".join(
        f"{critic}: " + ", ".join(f"{TITLES[name]} {value(row, critic, name):.3f}" for name in TITLES)
        for critic in CRITICS
    )


def tables(rows: Sequence[Result]) -> list[Table]:
    """Figures and costs by critic and objective, and the verdicts."""
    body = []
    for critic in CRITICS:
        for name, title in TITLES.items():
            figures = [[value(row, critic, name, figure) for row in rows] for figure in FIGURES]
            early = [value(row, critic, name, part=1) for row in rows]
            spent = [row["costs"][critic][name] for row in rows]
            body.append([LABELS[critic], title, *map(shown, [early, *figures, spent])])
    for name, title in TITLES.items():
        spent = [row["costs_of_larger"][name] for row in rows]
        body.append([f"{LABELS[LARGE]}, {LARGER_SIDE} pixels", title, *["" for _ in range(4)], shown(spent)])
    header = [
        "critic",
        "objective",
        f"excess after {STEPS // PARTS} steps",
        f"after {STEPS}",
        *FIGURES[1:],
        "ms a step",
    ]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Excess early and late, recall, and the cost of a step, by critic."""
    return panels(
        [
            lambda plot: _excess(plot, rows, 1),
            lambda plot: _excess(plot, rows, PARTS),
            lambda plot: _recall(plot, rows),
            lambda plot: _paint(
                plot, rows, lambda row, critic, name: row["costs"][critic][name], "CPU time of a step (ms)"
            ),
        ],
        2.4,
        7.6,
    )


def _paint(plot: Axes, rows: Sequence[Result], of_both: Callable[[Result, str, str], float], label: str) -> None:
    """A number of both objectives, by critic."""
    for look, (name, title) in enumerate(TITLES.items()):
        band(plot, range(len(CRITICS)), [[of_both(row, c, name) for c in CRITICS] for row in rows], look, title)
    plot.set_xticks(range(len(CRITICS)), LABELS.values())
    plot.set(xlabel="critic (filters; MLP)", ylabel=label, ylim=(0, None))


def _excess(plot: Axes, rows: Sequence[Result], part: int) -> None:
    """The excess after some quarters of the steps, on the same axis for all of them."""
    _paint(plot, rows, lambda row, critic, name: value(row, critic, name, part=part), "excess (grey, [-1, 1])")
    every = product(rows, CRITICS, TITLES, (1, PARTS))
    plot.set_ylim(0, 1.08 * max(value(row, critic, name, part=when) for row, critic, name, when in every))
    plot.set_title(f"after {STEPS * part // PARTS:,} steps")
    if part == 1:
        plot.legend(loc="lower left")


def _recall(plot: Axes, rows: Sequence[Result]) -> None:
    """The recall after all steps."""
    _paint(plot, rows, lambda row, critic, name: value(row, critic, name, "recall"), "recall (share of real digits)")
    plot.set_title(f"after {STEPS:,} steps")


reproduce = Experiment(
    name="mmd-versus-wasserstein",
    claims={
        "better": "WGAN-GP ends with less excess than MMD-GAN in as many steps, with every critic",
        "more_diverse": "and with more recall",
        "faster": "and has less excess after a quarter of the steps",
        "cheaper": "a step of MMD-GAN costs more CPU time",
        "small_critics": f"MMD-GAN's lead in excess is larger with {SMALL} filters in the critic than with {LARGE}",
    },
    cells=repeats(["digits"], (*TRAINING_SETTINGS, JUDGED, TIMED_STEPS, LARGER_SIDE, LARGER_TIMED_STEPS)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
