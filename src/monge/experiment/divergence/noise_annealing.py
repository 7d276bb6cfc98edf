r"""Annealed noise: the divergence that it makes is no measure of progress, yet it trains what does not train without.

With noise on both distributions their supports overlap, and JS of the noised distributions falls as they come nearer,
so that the first form of the GAN has a gradient even at the best discriminator, whose loss is
:math:`2 \log 2 - 2\,\mathrm{JS}(P_{r+\epsilon} \| P_{g+\epsilon})`. But the noise decides that number as much as the
distributions do: values under different noise cannot be compared. What theorem 3.3 leaves is a bound on W1 (see
`bounded_noise`).

The data are a surface in 16 dimensions (see `perfect_discriminator`) or a ring of eight modes, standardised. Their
points meet the same points shifted by .5 and by 3, which is W1 itself; a normal distribution; and the samples of
generators that were trained with ten discriminator updates a step, without noise and with noise that is annealed to 0.

References: Arjovsky, Bottou 2017, "Towards Principled Methods for Training Generative Adversarial Networks", section 3,
theorems 3.2 and 3.3, which has no experiment with noise; Zheng 2017, part two, which says so.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes

from monge.experiment.divergence import bounded_noise, noisy_training
from monge.experiment.divergence.noisy_training import NOISE_GONE, TRAININGS, data_of, training_course
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged_by_case, of, repeats, shown, spread, spread_by_case, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, Judge
from monge.plot.chart import band, key, panels
from monge.plot.style import INK, Files

CASES = ("surface", "ring8")
SIGMAS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Deviations of the noise; a coordinate of the data has 1."""
POINTS = 512
"""Of each distribution."""
NEAR_SHIFT = 0.5
FAR_SHIFT = 3.0
"""Of two pairs, and so their W1."""
LITTLE_NOISE = 0.1
MUCH_NOISE = 5.0
"""Under which the near and the far pair are compared."""
LABELS = {
    "near": f"shift {NEAR_SHIFT:g}",
    "far": f"shift {FAR_SHIFT:g}",
    "normal": "normal distribution",
    "generator, none": "GAN, no noise",
    "generator, annealed": "GAN, annealed",
}
HIGH_SHARE = 0.9
LOW_SHARE = 0.1
"""Of log 2, at the least and the most noise."""
HALF = 0.5
"""Of a near pair's JS, and of the excess without noise."""


@timed
def measure(cell: Repeat) -> Result:
    """Trainings under every noise, and the bound of the data against shifts, a normal distribution and generators."""
    data, draws = data_of(cell), torch.Generator().manual_seed(cell.torch_seed(2))
    judge = Judge(data)
    found = {name: training_course(cell, data, judge, objective, POINTS) for name, objective in TRAININGS.items()}
    real = data.batch(POINTS, draws).double()
    direction = torch.nn.functional.normalize(torch.randn(real.shape[1], generator=draws).double(), dim=0)
    others = {"near": real + NEAR_SHIFT * direction, "far": real + FAR_SHIFT * direction}
    others["normal"] = torch.randn(real.shape, generator=draws).double()
    others |= {f"generator, {name}": found[name][1] for name in ("none", "annealed")}
    pairs = {name: bounded_noise.compared(real, other, SIGMAS, draws) for name, other in others.items()}
    return {"trainings": {name: facts for name, (facts, _) in found.items()}, "pairs": pairs}


def _shares(row: Result, level: int) -> list[float]:
    """JS of both pairs that stand still, over log 2, at a level of the noise."""
    return [float(row["pairs"][name]["js"][level]) / math.log(2) for name in ("near", "far")]


def _misled(row: Result) -> float:
    """JS of the far pair with much noise over that of the near pair with little."""
    far, near = (row["pairs"][name]["js"][SIGMAS.index(s)] for name, s in (("far", MUCH_NOISE), ("near", LITTLE_NOISE)))
    return float(far) / max(float(near), 1e-12)


def _tightest(row: Result) -> float:
    """The least that the bound is over W1, with JS as small as it may be."""
    return min(min(map(float, pair["least_bound"])) / float(pair["w1"]) for pair in row["pairs"].values())


def _excesses(row: Result) -> tuple[float, float]:
    """The excess with annealed noise, and that without."""
    annealed, none = (float(row["trainings"][name]["excess"]) for name in ("annealed", "none"))
    return annealed, none


def _trains(row: Result) -> bool:
    """Whether annealed noise leaves at most half of the excess without noise."""
    annealed, none = _excesses(row)
    return annealed <= HALF * none


def _excess_ratio(row: Result) -> float:
    """The excess with annealed noise over that without."""
    annealed, none = _excesses(row)
    return annealed / none


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims, with their numbers over the repeats of both distributions."""
    least, most = 0, len(SIGMAS) - 1
    return {
        "noise_decides": {
            "verdict": judged_by_case(
                rows, lambda row: min(_shares(row, least)) >= HIGH_SHARE and max(_shares(row, most)) <= LOW_SHARE
            ),
            "share_of_log_2_at_least_noise": spread([min(_shares(row, least)) for row in rows]),
            "share_of_log_2_at_most_noise": spread([max(_shares(row, most)) for row in rows]),
        },
        "no_measure": {
            "verdict": judged_by_case(rows, lambda row: _misled(row) <= HALF),
            "far_over_near": spread([_misled(row) for row in rows]),
        },
        "bound_holds": {"verdict": judged_by_case(rows, lambda row: _tightest(row) >= 1)} | _bound_facts(rows),
        "annealing_trains": {
            "verdict": judged_by_case(rows, _trains),
            "excess_over_that_without": spread_by_case(rows, _excess_ratio),
        },
    }


def _bound_facts(rows: Sequence[Result]) -> Result:
    """How far the bound is above W1, and how often it says more than the diameter does."""
    pairs = [pair for row in rows for pair in row["pairs"].values()]
    return {
        "least_bound_over_w1": spread([_tightest(row) for row in rows]),
        "best_bound_over_w1": spread([min(pair["bound"]) / pair["w1"] for pair in pairs]),
        "best_bounds_below_diameter": sum(min(pair["bound"]) < pair["diameter"] for pair in pairs) / len(pairs),
    }


def line(row: Result) -> str:
    """One result in one line."""
    excesses = ", ".join(f"{name} {facts['excess']:.3f}" for name, facts in row["trainings"].items())
    return f"{row['case']}: bound over W1 at least {_tightest(row):.1f}; excess with noise {excesses}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Excess under every noise, W1 and bound of every pair, and the verdicts."""
    body, pairs = [], []
    for case in dict.fromkeys(row["case"] for row in rows):
        some = of(rows, case)
        body += [[case, name, shown([row["trainings"][name]["excess"] for row in some])] for name in TRAININGS]
        for name in some[0]["pairs"]:
            those = [row["pairs"][name] for row in some]
            at = SIGMAS.index(1.0)
            facts = [[pair["w1"] for pair in those], [pair["js"][at] for pair in those]]
            facts += [[min(pair["bound"]) for pair in those], [pair["diameter"] for pair in those]]
            pairs.append([case, name, *(shown(values) for values in facts)])
    header = ["data", "against", "W1", "JS at noise 1 (nats)", "best bound over all noises", "diameter without noise"]
    excesses = Table(["data", "noise", "excess"], body)
    return [excesses, Table(header, pairs), verdict_table(verdict(rows))]


def _js(plot: Axes, rows: Sequence[Result]) -> None:
    """JS of distributions that stand still against the noise."""
    for look, (name, shift) in enumerate((("near", NEAR_SHIFT), ("far", FAR_SHIFT))):
        band(plot, SIGMAS, [row["pairs"][name]["js"] for row in rows], look, f"W1 = {shift:g}", markevery=1)
    plot.axhline(math.log(2), color=INK, linewidth=0.6)
    plot.set(xlabel="noise (deviations of a coordinate)", ylabel="JS with noise (nats; log 2 = 0.69)", xscale="log")
    key(plot, 2)


def _bounds(plot: Axes, rows: Sequence[Result]) -> None:
    """The bound over W1 against the noise, of every pair."""
    for look, name in enumerate(LABELS):
        ratios = [np.array(row["pairs"][name]["bound"]) / row["pairs"][name]["w1"] for row in rows]
        band(plot, SIGMAS, ratios, look, LABELS[name], markevery=1)
    plot.axhline(1, color=INK, linewidth=0.9)
    plot.set(xlabel="noise (deviations of a coordinate)", ylabel="bound / W1", xscale="log", yscale="log")
    plot.set_ylim(0.8, None)
    key(plot, 3)


def _course(plot: Axes, rows: Sequence[Result], what: int, label: str) -> None:
    """A number during the trainings, for every noise."""
    for look, (name, text) in enumerate({"none": "no noise", "annealed": "annealed", "kept": "kept"}.items()):
        courses = np.array([row["trainings"][name]["course"] for row in rows])
        band(plot, courses[0, :, 0], courses[:, :, what], look, text, markevery=1)
    plot.axvline(NOISE_GONE, color=INK, linewidth=0.9, linestyle=":")
    plot.set(xlabel="step of the generator (dotted: noise gone)", ylabel=label, ylim=(0, None))
    key(plot, 3)


def figure(rows: Sequence[Result]) -> Files:
    """Of the surface: JS and the bound against the noise, and the excess and the discriminator's JS during training."""
    some = [row for row in rows if row["case"] == rows[0]["case"]]
    return panels(
        [
            lambda plot: _js(plot, some),
            lambda plot: _bounds(plot, some),
            lambda plot: _course(plot, some, 1, "excess (deviations of a coordinate)"),
            lambda plot: _course(plot, some, 2, "JS by the discriminator's loss (nats)"),
        ],
        5.4,
        rows=2,
    )


reproduce = Experiment(
    name="noise-annealing",
    claims={
        "noise_decides": f"JS of two fixed distributions goes from {HIGH_SHARE:g} log 2 at noise {SIGMAS[0]:g} to "
        f"{LOW_SHARE:g} log 2 at noise {SIGMAS[-1]:g}",
        "no_measure": f"JS at W1 = {FAR_SHIFT:g} with noise {MUCH_NOISE:g} is at most {HALF:g} times JS at "
        f"W1 = {NEAR_SHIFT:g} with noise {LITTLE_NOISE:g}",
        "bound_holds": "2 V^(1/2) + 2 C sqrt(JS) is never below W1",
        "annealing_trains": f"annealed noise leaves at most {HALF:g} times the excess of none, with "
        f"{noisy_training.N_CRITIC} discriminator updates a step",
    },
    cells=repeats(
        CASES, (SIGMAS, POINTS, NEAR_SHIFT, FAR_SHIFT, JUDGED, noisy_training.SETTINGS, bounded_noise.SETTINGS)
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
