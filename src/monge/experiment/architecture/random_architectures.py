r"""Networks drawn at random: with how many does each of two objectives succeed, and the other not?

Every pair of generator and critic is trained as a GAN with -log D and as a WGAN with gradient penalty, from the same
weights, for the same number of generator updates, and each objective has one rule for all networks. A training succeeds
if the excess of W1 of its generator is below a threshold; there are four of them, as in the paper, where it is the
inception score. A generator that only gives the mean image has an excess of 2.96 (grey values in [-1, 1], 64 pixels).

Both objectives have the learning rate, among .0005, .001 and .002, of least mean excess over two networks with batch
norm, an MLP and a DCGAN, under a seed that is not used here; so the thresholds, too, were set in view of these two.

Reference: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", section 5.1, tables 1 and 2: 200
architectures on 32 x 32 ImageNet; only the GAN succeeds with 0, 1, 0 and 1 of them, only the WGAN-GP with 8, 88, 147
and 104.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import DataSet
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, by_repeat, judged, repeats, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import Judge, outcome
from monge.plot.chart import LOOKS, key, panels
from monge.plot.style import INK, Files

PER_REPEAT = 14
"""Architectures of a repeat."""
STEPS = 300
"""Generator updates of a training."""
JUDGED = 497
"""Samples on each side of a judgement."""
LATENT = (4, 16, 64)
GENERATORS: dict[str, dict[str, tuple[Any, ...]]] = {
    "mlp": {"width": (32, 64, 128), "depth": (2, 4, 8), "norm": ("none", "batch", "layer")},
    "dcgan": {"width": (8, 16, 32), "norm": ("none", "batch", "layer")},
}
CRITICS: dict[str, dict[str, tuple[Any, ...]]] = {
    "mlp": {"width": (32, 64, 128), "depth": (2, 4, 8), "slope": (0.0, 0.2, 0.5)},
    "dcgan": {"width": (8, 16, 32)},
}
"""What is drawn, each with equal chances: first the network, then its options."""
RULES = {
    "gan": TrainingConfig(batch=64, n_critic=1, learning_rate=5e-4, beta1=0.5, beta2=0.999, ema=0),
    "wgan-gp": TrainingConfig(batch=64, n_critic=3, learning_rate=1e-3, beta1=0.5, beta2=0.9, ema=0),
}
THRESHOLDS = (3.0, 2.0, 1.5, 1.0)
SELDOM = 0.1
"""Share of architectures with which, at most, only the GAN may succeed for the second claim; in the paper 1 of 200."""
WORST = 16.0
"""No images in [-1, 1] of 64 pixels are further apart: the excess of a training that failed."""
NARROW = 0.03
"""Bars of a smaller share of the architectures have their number above them."""
OUTCOMES = ("only GAN", "only WGAN-GP", "both", "neither")


@cache
def _data() -> DataSet:
    return digits()


def architecture(draw: np.random.Generator) -> tuple[str, str]:
    """A generator and a critic, with their options."""

    def network(table: dict[str, dict[str, tuple[Any, ...]]]) -> str:
        name = list(table)[draw.integers(len(table))]
        chosen = {option: values[draw.integers(len(values))] for option, values in table[name].items()}
        return ":".join([name, *(f"{option}={value}" for option, value in chosen.items())])

    latent = LATENT[draw.integers(len(LATENT))]
    return f"{network(GENERATORS)}:latent={latent}", network(CRITICS)


def drawn(cell: Repeat) -> tuple[str, str]:
    """The architecture of a cell; no two of a repeat are equal."""
    found: list[tuple[str, str]] = []
    for number in range(int(cell.case) + 1):
        draw = cell.draw(1 + number)
        pair = architecture(draw)
        while pair in found:
            pair = architecture(draw)
        found.append(pair)
    return found[-1]


@timed
def measure(cell: Repeat) -> Result:
    """Both objectives' figures on one architecture."""
    generator, critic = drawn(cell)
    data = _data()
    judge = Judge(data, JUDGED)
    row: Result = {"generator": generator, "critic": critic, "excess": {}, "recall": {}}
    for name, rule in RULES.items():
        config = Config(
            objective=name, generator=generator, critic=critic, steps=STEPS, seed=cell.torch_seed(), training=rule
        )
        found = outcome(config, data, judge)
        row["excess"][name] = round(found.get("excess", WORST), 4)
        row["recall"][name] = round(found.get("recall", 0.0), 4)
        if "failed" in found:
            row[f"failed {name}"] = found["failed"]
    return row


def success(row: Result, threshold: float) -> str:
    """Who succeeds."""
    gan, gp = (row["excess"][name] < threshold for name in RULES)
    return OUTCOMES[2 if gan and gp else 3 if not gan and not gp else 0 if gan else 1]


def counts(rows: Sequence[Result], threshold: float) -> dict[str, int]:
    """With how many architectures who succeeds."""
    found = [success(row, threshold) for row in rows]
    return {name: found.count(name) for name in OUTCOMES}


def more_often(found: Sequence[dict[str, int]]) -> bool:
    """Whether the WGAN-GP alone succeeds no less often than the GAN alone at every threshold, and more at some."""
    lead = [some["only WGAN-GP"] - some["only GAN"] for some in found]
    return min(lead) >= 0 and max(lead) > 0


def verdict(rows: Sequence[Result]) -> Result:
    """Both claims, each repeat with architectures of its own."""
    runs = [list(repeat.values()) for repeat in by_repeat(rows)]
    found = [[counts(run, threshold) for threshold in THRESHOLDS] for run in runs]
    alone = [max(some["only GAN"] for some in each) / len(run) for each, run in zip(found, runs, strict=True)]
    totals = {f"{threshold:g}": counts(rows, threshold) for threshold in THRESHOLDS}
    return {
        "gp_more_often": {"verdict": judged([more_often(each) for each in found]), "by_threshold": totals},
        "gan_seldom_alone": {"verdict": judged([a <= SELDOM for a in alone]), "largest_share": spread(alone)},
    }


def line(row: Result) -> str:
    """One result in one line."""
    both = ", ".join(f"{name} {row['excess'][name]:.2f}" for name in RULES)
    return f"{row['generator']} against {row['critic']}: excess {both}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """How often who succeeds, and the verdicts."""
    body = [[f"{t:g}", *(str(count) for count in counts(rows, t).values())] for t in THRESHOLDS]
    return [Table(["excess below", *OUTCOMES], body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """How often who succeeds at each threshold, and both excesses of every architecture."""
    return panels([lambda plot: _bars(plot, rows), lambda plot: _scatter(plot, rows)], 3.0)


def _bars(plot: Axes, rows: Sequence[Result]) -> None:
    """How many architectures have each outcome, a bar for each threshold."""
    at, left = np.arange(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
    colours = [LOOKS[1]["color"], LOOKS[0]["color"], "#bbbbbb", "#ffffff"]
    hatches = ["////", "", "", ""]
    for name, colour, hatch in zip(OUTCOMES, colours, hatches, strict=True):
        values = np.array([counts(rows, threshold)[name] for threshold in THRESHOLDS])
        how: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.6, "label": name}
        plot.barh(at, values, 0.6, left, **how)
        for y, value, start in zip(at.tolist(), values.tolist(), left.tolist(), strict=True):
            if value:
                _number(plot, y, start + value / 2, value, narrow=value < NARROW * len(rows))
        left += values
    plot.set_yticks(at, [f"{threshold:g}" for threshold in THRESHOLDS])
    plot.set(xlabel="architectures", ylabel="success: excess below", xlim=(0, len(rows)))
    key(plot, 2)


def _number(plot: Axes, y: float, x: float, value: int, *, narrow: bool) -> None:
    """The number of a part of a bar, in its middle, or above it where it is narrow."""
    place: dict[str, Any] = {"y": y, "va": "center", "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1}}
    if narrow:
        place = {"y": y + 0.32, "va": "bottom"}
    plot.text(x, s=str(value), ha="center", **place)


def _scatter(plot: Axes, rows: Sequence[Result]) -> None:
    """Both excesses of every architecture, by the norm of its generator."""
    for norm, look in zip(("none", "batch", "layer"), LOOKS, strict=False):
        some = [row["excess"] for row in rows if f"norm={norm}" in row["generator"]]
        x, y = ([row[name] for row in some] for name in RULES)
        how = {"edgecolors": look["color"], "marker": look["marker"], "s": 14, "label": f"norm {norm}"}
        plot.scatter(x, y, facecolors="none", linewidths=0.8, **how)
    every = [excess for row in rows for excess in row["excess"].values()]
    ends = [min(every), max(every)]
    plot.plot(ends, ends, color=INK, linewidth=0.8, linestyle=":")
    plot.set(xlabel="excess of the GAN (grey, [-1, 1])", ylabel="excess of the WGAN-GP", xscale="log", yscale="log")
    ticks = [t for t in (0.5, 0.7, 1, 2, 3, 5, 8, 16) if ends[0] / 1.1 <= t <= ends[1] * 1.1]
    plot.set_xticks(ticks, [f"{t:g}" for t in ticks])
    plot.set_yticks(ticks, [f"{t:g}" for t in ticks])
    plot.minorticks_off()
    key(plot, 3)


reproduce = Experiment(
    name="random-architectures",
    claims={
        "gp_more_often": "with random networks the WGAN-GP succeeds where the GAN fails at least as often as "
        "the reverse at every threshold, and more often at some",
        "gan_seldom_alone": f"only the GAN succeeds with at most {SELDOM:.0%} of them, at every threshold",
    },
    cells=repeats(
        [f"{number:02d}" for number in range(PER_REPEAT)],
        (STEPS, JUDGED, LATENT, repr(GENERATORS), repr(CRITICS), tuple(RULES.items())),
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
