r"""Is the generator that is nearer to the data the better one? Exact W1 as an objective, against a WGAN-GP.

Three generators of the same digits, with the same start and as many steps. One is trained as a WGAN-GP; the others are
pulled to training digits by exact transport (`assignment`): to those of a batch, or to all of them by the semi-dual.
W1 of samples has its least value at averages: a generated sample is nearer to its partners in many batches if it is
their median. What is then low is the upper estimate over the floor, which judges by W1 of samples too; the excess takes
off how near generated samples are to each other.

How exact each one's own estimate is, of W1 between training digits and generated ones, is measured against exact
transport between all of them.

References: Mallasto, Montufar, Gerolin 2019, "How well do WGANs estimate the Wasserstein metric?" (the c-transform
estimates better and generates worse); Stanczuk, Etmann, Kreusser, Schonlieb 2021, "Wasserstein GANs work because they
fail (to approximate the Wasserstein distance)".
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.distance.transport.exact import wasserstein
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.generator.assignment import ASSIGNMENTS, SETTINGS, train_by_assignment
from monge.experiment.repeat import Repeat, by_case, by_repeat, judged, repeats, shown, spread_by_case, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, judged_digits, sampled, train
from monge.model.inference import critic_outputs
from monge.plot.chart import greys, marks, panels, sheet
from monge.plot.style import INK, Files

CONFIG = Config(
    objective="wgan-gp:weight=5:noise=0.2",
    generator="mlp:latent=16:width=128:depth=3:norm=batch",
    critic="mlp:width=128:depth=3",
    steps=2500,
    training=TrainingConfig(batch=64, n_critic=2, learning_rate=5e-4, decay_from=0.5, ema=0.999),
)
"""The recipe for digits with half its width and a fifth of its steps."""
WGAN = "WGAN-GP"
CASES = (WGAN, *ASSIGNMENTS)
ESTIMATED = 1300
"""Generated samples of an estimate, as many as there are training digits."""
SHOWN = 36
"""Samples in the figure."""
HALF = 0.5
"""The most recall that counts as lower, over that of the WGAN-GP."""
FIGURES = {
    "estimate_over_w1": "own estimate / W1",
    "upper_over_floor": "upper / floor",
    "excess": "excess (grey, [-1, 1])",
    "recall": "recall",
    "variance_ratio": "variance / that of digits",
}


@timed
def measure(cell: Repeat) -> Result:
    """One generator: its figures, how exact the distance was that it was trained by, and some samples."""
    data, judge = judged_digits()
    config = replace(CONFIG, seed=cell.torch_seed())
    draw = torch.Generator().manual_seed(cell.torch_seed(1))
    real = data.codec.metric(data.train.all())
    if cell.case == WGAN:
        state = train(config, data)
    else:
        assignment = ASSIGNMENTS[cell.case](torch.from_numpy(real).float())
        state = train_by_assignment(config, data, assignment)
    fake = sampled(state, data, 2 * judge.n + ESTIMATED, config.seed)
    judged_ones, rest = fake[: 2 * judge.n], fake[2 * judge.n :]
    if cell.case == WGAN:
        means = [critic_outputs(state.critic, data.codec, points).mean() for points in (real, rest)]
        estimate = float(means[0] - means[1])
    else:
        estimate = assignment.estimate(torch.from_numpy(rest).float(), draw)
    images = {} if cell.number else {"samples": [greys(image) for image in fake[:SHOWN]]}
    return judge(judged_ones) | {"estimate_over_w1": round(estimate / wasserstein(real, rest), 4)} | images


def off(row: Result) -> float:
    """How far a generator's own estimate is from W1, as a fraction of it."""
    return abs(float(row["estimate_over_w1"]) - 1)


def verdict(rows: Sequence[Result]) -> Result:
    """The claims, with their numbers over the repeats."""
    pairs = [(name, repeat[name], repeat[WGAN]) for repeat in by_repeat(rows) for name in ASSIGNMENTS]
    names = [name for name, _, _ in pairs]
    return {
        "better_estimate": {"verdict": judged([off(a) < off(b) for _, a, b in pairs], names)}
        | _by_case(rows, "estimate_over_w1"),
        "smaller_distance": {
            "verdict": judged([a["upper_over_floor"] < b["upper_over_floor"] for _, a, b in pairs], names)
        }
        | _by_case(rows, "upper_over_floor"),
        "lower_recall": {"verdict": judged([a["recall"] <= HALF * b["recall"] for _, a, b in pairs], names)}
        | _by_case(rows, "recall"),
    } | {
        f"excess_tells_{name.replace(' ', '_')}": {
            "verdict": judged([a["excess"] > b["excess"] for other, a, b in pairs if other == name])
        }
        | _by_case(rows, "excess")
        for name in ASSIGNMENTS
    }


def _by_case(rows: Sequence[Result], what: str) -> Result:
    return {what: spread_by_case(rows, lambda row: float(row[what]))}


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: " + ", ".join(f"{what} {row[what]:.2f}" for what in FIGURES)


def tables(rows: Sequence[Result]) -> list[Table]:
    """Figures of all generators, and the verdicts."""
    body = [
        [case, *(shown([row[what] for row in some]) for what in (*FIGURES, "precision", "seconds"))]
        for case, some in by_case(rows).items()
    ]
    header = ["generator", *FIGURES.values(), "precision", "seconds"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Real and generated digits, and figures of the generators."""
    data, _ = judged_digits()
    sheets = {"real digits": [greys(image) for image in data.codec.metric(data.held_out.sample(SHOWN))]}
    sheets |= {case: row["samples"] for case, row in by_repeat(rows)[0].items()}
    titles = {name: f"exact W1, {name}" for name in ASSIGNMENTS}

    def show(plot: Axes, name: str) -> None:
        sheet(plot, sheets[name], titles.get(name, name))

    def compare(plot: Axes, what: str) -> None:
        cases = by_case(rows)
        for look, some in enumerate(cases.values()):
            at, values = look + np.linspace(-0.34, 0.34, len(some)), [row[what] for row in some]
            marks(plot, at, values, look, "")
        if what in ("upper_over_floor", "variance_ratio"):
            plot.axhline(1, color=INK, linewidth=0.8, linestyle=":")
        plot.set_xticks(range(len(cases)), [case.replace("WGAN-GP", "WGAN\n-GP").replace(" ", "\n") for case in cases])
        plot.set(title=FIGURES[what], xlim=(-0.5, len(cases) - 0.5))

    paints = [lambda plot, name=name: show(plot, name) for name in sheets]
    paints += [lambda plot, what=what: compare(plot, what) for what in FIGURES if what != "estimate_over_w1"]
    return panels(paints, 4.2, rows=2)


reproduce = Experiment(
    name="better-distance-worse-pictures",
    claims={
        "better_estimate": "trained by exact W1, to batches or to all digits, a generator's own estimate of W1 is "
        "nearer to it than that of a WGAN-GP's critic",
        "smaller_distance": "and its upper / floor is smaller",
        "lower_recall": f"and its recall is at most {HALF:g} times that of the WGAN-GP",
        "excess_tells_batches": "trained by W1 of batches its excess is larger",
        "excess_tells_all_digits": "trained by W1 to all digits its excess is larger",
    },
    cells=repeats(CASES, (CONFIG, SETTINGS, ESTIMATED, SHOWN, JUDGED)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
