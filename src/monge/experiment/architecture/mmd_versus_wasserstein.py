r"""WGAN-GP against MMD-GAN: quality, diversity, speed and cost, and what the critic's size has to do with it.

Both train the same generator of digits for as many steps on the same batches. A critic of WGAN-GP gives a number; that
of MMD-GAN gives sixteen, which a fixed kernel k compares over all pairs of a batch,

.. math:: \mathbb{E}\,k(h(x_r), h(x_r')) + \mathbb{E}\,k(h(x_g), h(x_g')) - 2\,\mathbb{E}\,k(h(x_r), h(x_g)).

Source 002 has it that the WGAN overcomes heavy computation, hard training and slow convergence of MMD-GAN, and that
its pictures are more lifelike and more diverse. Binkowski et al. find otherwise: the kernel does part of a critic's
work, so MMD-GAN loses little when the critic shrinks (CIFAR-10, FID: with 64 filters 39.9 against 37.5 of WGAN-GP, with
16 filters 48.1 against 147.1). With F the excess of W1 and w the number of filters, this is

.. math:: F_{GP}(16) - F_{MMD}(16) > F_{GP}(64) - F_{MMD}(64).

A DCGAN of 8 x 8 pixels has a single convolution, which is small with any number of filters; a critic of three fully
connected layers, the one of the recipe for digits, stands for a large one. The rule is one for both: the published one
of MMD-GAN, but for two critic updates instead of five, and five times the learning rate, as there are few steps.
Penalties have their published weights (10; 1). A step's cost is the median of CPU times, of steps that alternate in one
process.

References: source 002, introduction; Binkowski, Sutherland, Arbel, Gretton 2018, "Demystifying MMD GANs", experiments
on CIFAR-10.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import DataSet
from monge.experiment.architecture.architecture import enlarged
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import Judge, sampled, train
from monge.plot.chart import band, panels
from monge.plot.style import Files
from monge.run.pool import flushed_denormals
from monge.training.assemble import assemble
from monge.training.state import TrainingState
from monge.training.step import train_step

WGAN, MMD = "wgan-gp", "mmd-gan"
TITLES = {WGAN: "WGAN-GP", MMD: "MMD-GAN"}
CRITICS = {"16": "dcgan:width=16", "64": "dcgan:width=64", "mlp": "mlp:width=256:depth=3"}
LABELS = {"16": "16", "64": "64", "mlp": "MLP"}
SMALL, LARGE = "16", "64"
"""The critics of Binkowski et al., by filters."""
OUTPUTS = {WGAN: 1, MMD: 16}
GENERATOR, STEPS, PARTS = "dcgan:latent=16:width=16", 800, 4
"""Generators are judged after each quarter of the steps."""
RULE = TrainingConfig(batch=64, n_critic=2, learning_rate=5e-4, beta1=0.5, beta2=0.9, decay_from=0.5, ema=0.99)
JUDGED, TIMED = 497, 30
"""Samples on each side of a judgement; steps of a time."""
BIG, BIG_TIMED = 32, 3
"""Pixels of larger images on which steps are timed as well, and how many."""
FIGURES = ("excess", "recall", "precision")


def config(objective: str, critic: str, seed: int) -> Config:
    """The training by an objective with a critic, by its key."""
    judge = f"{CRITICS[critic]}:outputs={OUTPUTS[objective]}"
    return Config(objective=objective, generator=GENERATOR, critic=judge, steps=STEPS, seed=seed, training=RULE)


@cache
def _judge() -> tuple[DataSet, Judge]:
    data = digits()
    return data, Judge(data, JUDGED)


def course(objective: str, critic: str, seed: int) -> Result:
    """The figures of a training's generator after each quarter of the steps."""
    data, judge = _judge()
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
        "costs": {critic: costs(critic, _judge()[0], TIMED, seed) for critic in CRITICS},
        "costs_of_larger": costs(LARGE, enlarged(BIG), BIG_TIMED, seed),
    }


def of(row: Result, critic: str, objective: str, figure: str = "excess", part: int = PARTS) -> float:
    """A figure of a repeat after some quarters of the steps."""
    return float(row["courses"][critic][objective][figure][part - 1])


def lead(row: Result, critic: str) -> float:
    """By how much MMD-GAN's excess is less than that of WGAN-GP with a critic."""
    return of(row, critic, WGAN) - of(row, critic, MMD)


def ratio(of_both: dict[str, float]) -> float:
    """MMD-GAN's cost over that of WGAN-GP."""
    return of_both[MMD] / of_both[WGAN]


def verdict(rows: Sequence[Result]) -> Result:
    """The five claims; those of source 002 with every critic."""

    def with_every_critic(met: Callable[[Result, str], bool], difference: Callable[[Result, str], float]) -> Result:
        pairs = [(row, critic) for critic in CRITICS for row in rows]
        by_critic = {critic: spread([difference(row, critic) for row in rows]) for critic in CRITICS}
        return {"verdict": judged([met(*pair) for pair in pairs], [critic for _, critic in pairs])} | by_critic

    def gain(figure: str, part: int = PARTS) -> Callable[[Result, str], float]:
        """How much higher a figure of WGAN-GP is than that of MMD-GAN."""
        return lambda row, critic: of(row, critic, WGAN, figure, part) - of(row, critic, MMD, figure, part)

    early, late, recall = gain("excess", 1), gain("excess"), gain("recall")
    larger = [ratio(row["costs_of_larger"]) for row in rows]

    def cost(row: Result, critic: str) -> float:
        return ratio(row["costs"][critic])

    return {
        "better": with_every_critic(lambda *at: late(*at) < 0, late),
        "more_diverse": with_every_critic(lambda *at: recall(*at) > 0, recall),
        "faster": with_every_critic(lambda *at: early(*at) < 0, early),
        "cheaper": with_every_critic(lambda *at: cost(*at) > 1, cost) | {f"{BIG} pixels": spread(larger)},
        "small_critics": {
            "verdict": judged([lead(row, SMALL) > lead(row, LARGE) for row in rows]),
            "lead_of_mmd": {critic: spread([lead(row, critic) for row in rows]) for critic in CRITICS},
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return "; ".join(
        f"{critic}: " + ", ".join(f"{TITLES[name]} {of(row, critic, name):.3f}" for name in TITLES)
        for critic in CRITICS
    )


def tables(rows: Sequence[Result]) -> list[Table]:
    """Figures and costs by critic and objective, and the verdicts."""
    body = []
    for critic in CRITICS:
        for name, title in TITLES.items():
            figures = [[of(row, critic, name, figure) for row in rows] for figure in FIGURES]
            early = [of(row, critic, name, part=1) for row in rows]
            spent = [row["costs"][critic][name] for row in rows]
            body.append([LABELS[critic], title, *map(shown, [early, *figures, spent])])
    for name, title in TITLES.items():
        spent = [row["costs_of_larger"][name] for row in rows]
        body.append([f"{LABELS[LARGE]}, {BIG} pixels", title, *["" for _ in range(4)], shown(spent)])
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

    def paint(plot: Axes, of_both: Callable[[Result, str, str], float], label: str) -> None:
        for look, (name, title) in enumerate(TITLES.items()):
            band(plot, range(len(CRITICS)), [[of_both(row, c, name) for c in CRITICS] for row in rows], look, title)
        plot.set_xticks(range(len(CRITICS)), LABELS.values())
        plot.set(xlabel="critic (filters; MLP)", ylabel=label, ylim=(0, None))

    highest = max(
        of(row, critic, name, part=part) for row in rows for critic in CRITICS for name in TITLES for part in (1, PARTS)
    )

    def excess(plot: Axes, part: int) -> None:
        paint(plot, lambda row, critic, name: of(row, critic, name, part=part), "excess (grey, [-1, 1])")
        plot.set_ylim(0, 1.08 * highest)
        plot.set_title(f"after {STEPS * part // PARTS:,} steps")
        if part == 1:
            plot.legend(loc="lower left")

    def recall(plot: Axes) -> None:
        paint(plot, lambda row, critic, name: of(row, critic, name, "recall"), "recall (share of real digits)")
        plot.set_title(f"after {STEPS:,} steps")

    def cost(plot: Axes) -> None:
        paint(plot, lambda row, critic, name: row["costs"][critic][name], "CPU time of a step (ms)")

    return panels([lambda plot: excess(plot, 1), lambda plot: excess(plot, PARTS), recall, cost], 2.4, 7.6)


reproduce = Experiment(
    name="mmd-versus-wasserstein",
    claims={
        "better": "WGAN-GP ends with less excess than MMD-GAN in as many steps, with every critic",
        "more_diverse": "and with more recall",
        "faster": "and has less excess after a quarter of the steps",
        "cheaper": "a step of MMD-GAN costs more CPU time",
        "small_critics": f"MMD-GAN's lead in excess is larger with {SMALL} filters in the critic than with {LARGE}",
    },
    cells=repeats(
        ["digits"],
        (tuple(CRITICS.items()), tuple(OUTPUTS.items()), GENERATOR, STEPS, PARTS, RULE, JUDGED, TIMED, BIG, BIG_TIMED),
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
