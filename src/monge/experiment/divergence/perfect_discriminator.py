r"""Distributions on curves and surfaces: a discriminator tells them apart without error, and noise ends that.

Two random networks embed the standard normal distribution of 1 or 2 dimensions in 16; what they make is standardised,
so that neither place nor size tells the two apart. The two supports are of low dimension and meet, if at all, in a set
without mass, so some discriminator is right almost everywhere and JS is log 2. With normal noise of deviation sigma on
both, all of space is in both supports, and JS falls. The distributions with noise are mixtures,

.. math:: p_\sigma(x) \approx \frac1m \sum_j N(x;\, g(z_j),\, \sigma^2 I),

from which JS follows without a discriminator, as the mean of log 2 p / (p + q) over samples of either.

References: Arjovsky, Bottou 2017, "Towards Principled Methods for Training GANs", lemma 1, theorems 2.1, 2.2 and 3.2;
Zheng 2017, parts one and two.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from monge.distance.divergence.discriminator import discriminator_bound
from monge.experiment.divergence.discriminator import network, probabilities, train_discriminator
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, of, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.nn.mlp import MLPGenerator
from monge.plot.chart import band, key, panels
from monge.plot.style import INK, Files

DIMENSION = 16
"""Of the space."""
HIDDEN = 32
"""Units in a layer of the networks that embed the distributions."""
SUPPORTS = {"curves": 1, "surfaces": 2}
"""Dimensions of the distributions."""
SIGMAS = (0.0, 0.1, 0.3, 1.0, 3.0)
"""Deviations of the noise; a coordinate of a distribution without noise has 1 on average."""
STEPS = 1000
BATCH = 128
HELD_OUT = 4096
SEEN = (0, 3, 10, 30, 100, 300, STEPS)
POINTS = 4096
"""Samples in a mixture."""
JUDGED = 512
"""Samples at which the densities are taken."""
ACCURATE = 0.99
"""Accuracy without noise, at least."""
NEAR_SHARE = 0.9
"""Of log 2, that JS without noise is at least."""
CHANCE_RISE = 0.005
"""Nats by which JS may rise with the noise, by chance."""
LOW_SHARE = 0.25
"""Of log 2, that JS under the strongest noise is at most."""

Law = Callable[[int, torch.Generator], Tensor]


def embedded(dimension: int, seed: int) -> Law:
    """The standardised distribution that a random network makes of a standard normal one."""
    generator = torch.Generator().manual_seed(seed)
    made = MLPGenerator((DIMENSION,), dimension, HIDDEN, 2)
    with torch.no_grad():
        for values in made.parameters():
            fan_in = values.shape[-1] if values.ndim == 2 else 2
            values.copy_(torch.randn(values.shape, generator=generator) * math.sqrt(2 / fan_in))
        cloud = made(torch.randn(20_000, dimension, generator=generator))
    mean, scale = cloud.mean(dim=0), (cloud.var(dim=0).mean()).sqrt()

    def law(n: int, draws: torch.Generator) -> Tensor:
        with torch.no_grad():
            return torch.as_tensor((made(torch.randn(n, dimension, generator=draws)) - mean) / scale)

    return law


def noisy_law(law: Law, sigma: float) -> Law:
    """The same distribution with normal noise."""

    def sum_of(n: int, draws: torch.Generator) -> Tensor:
        return law(n, draws) + sigma * torch.randn(n, DIMENSION, generator=draws)

    return sum_of


def mixture_js(p: Law, q: Law, sigma: float, draws: torch.Generator) -> float:
    """JS in nats of the two distributions with noise, from their densities as mixtures."""
    centres = [law(POINTS, draws).double() for law in (p, q)]
    gains = []
    for own, law in enumerate((p, q)):
        x = noisy_law(law, sigma)(JUDGED, draws).double()
        logs = [torch.logsumexp(-torch.cdist(x, c).square() / (2 * sigma**2), dim=1) for c in centres]
        gains.append(math.log(2) - torch.nn.functional.softplus(logs[1 - own] - logs[own]).mean())
    return max(0.0, float(sum(gains)) / 2)


@timed
def measure(cell: Repeat) -> Result:
    """Accuracy and bound of JS at every noise, on held-out samples, and without noise during training."""
    dimension = SUPPORTS[cell.case]
    p, q = (embedded(dimension, cell.torch_seed(side)) for side in (0, 1))
    levels = [_at(cell, noisy_law(p, sigma), noisy_law(q, sigma)) for sigma in SIGMAS]
    draws = torch.Generator().manual_seed(cell.torch_seed(4))
    return {
        "accuracy": [level[-1][0] for level in levels],
        "js": [level[-1][1] for level in levels],
        "js_of_densities": [round(mixture_js(p, q, sigma, draws), 5) for sigma in SIGMAS if sigma],
        "course": levels[0],
    }


def _at(cell: Repeat, p: Law, q: Law) -> list[tuple[float, float]]:
    """Held-out accuracy and bound of JS in nats at the steps that are looked at."""
    draws = torch.Generator().manual_seed(cell.torch_seed(2))
    held_out = p(HELD_OUT, draws), q(HELD_OUT, draws)
    discriminator = network((DIMENSION,), cell.torch_seed(3))
    seen = []

    def watch(step: int) -> None:
        if step in SEEN:
            real, fake = (probabilities(discriminator, side).numpy() for side in held_out)
            accuracy = (np.mean(real > 0.5) + np.mean(fake < 0.5)) / 2
            seen.append((round(float(accuracy), 5), round(discriminator_bound(real, fake).value, 5)))

    train_discriminator(discriminator, lambda step: (p(BATCH, draws), q(BATCH, draws)), STEPS, watch=watch)
    return seen


def verdict(rows: Sequence[Result]) -> Result:
    """The two claims, with their numbers over the repeats of both cases."""
    cases = [row["case"] for row in rows]
    least, shares = [row["accuracy"][0] for row in rows], [row["js"][0] / math.log(2) for row in rows]
    falling = [
        max(np.diff([*row["js"], 0.0]).max(), np.diff(row["js_of_densities"]).max()) <= CHANCE_RISE for row in rows
    ]
    last = [max(row["js"][-1], row["js_of_densities"][-1]) / math.log(2) for row in rows]
    return {
        "perfect": {
            "verdict": judged([a >= ACCURATE and s >= NEAR_SHARE for a, s in zip(least, shares, strict=True)], cases),
            "accuracy": spread(least),
            "share_of_log_2": spread(shares),
        },
        "noise_ends_it": {
            "verdict": judged([f and s <= LOW_SHARE for f, s in zip(falling, last, strict=True)], cases),
            "share_of_log_2_at_most_noise": spread(last),
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: accuracy {row['accuracy'][0]:.4f}, JS {row['js'][0]:.3f} to {row['js'][-1]:.3f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Accuracy and JS at every noise, and the verdicts."""
    body = []
    for case in SUPPORTS:
        some = of(rows, case)
        for i, sigma in enumerate(SIGMAS):
            seen = [shown([row[what][i] for row in some]) for what in ("accuracy", "js")]
            density = shown([row["js_of_densities"][i - 1] for row in some]) if sigma else "log 2"
            body.append([case, f"{sigma:g}", *seen, density])
    header = ["supports", "noise", "accuracy", "JS by the discriminator (nats)", "JS by densities (nats)"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Accuracy during training without noise, and JS against the noise."""
    some = {case: of(rows, case) for case in SUPPORTS}

    def course(plot: Axes) -> None:
        for look, (case, those) in enumerate(some.items()):
            band(plot, SEEN, [[a for a, _ in row["course"]] for row in those], look, case, markevery=1)
        plot.axhline(1, color=INK, linewidth=0.6)
        plot.set_xscale("symlog", linthresh=3)
        plot.set_xticks([0, 3, 10, 100, 1000], ["0", "3", "10", "100", "1000"])
        plot.set(
            xlabel="step of the discriminator",
            ylabel="accuracy on held-out samples",
            ylim=(0.3, 1.03),
            xlim=(-0.3, 1200),
        )
        plot.minorticks_off()
        key(plot, 2)

    def noise(plot: Axes) -> None:
        for look, (case, those) in enumerate(some.items()):
            band(plot, SIGMAS, [row["js"] for row in those], look, f"{case}, discriminator", markevery=1)
            densities = [[math.log(2), *row["js_of_densities"]] for row in those]
            band(plot, SIGMAS, densities, look + 2, f"{case}, densities", markevery=1)
        plot.axhline(math.log(2), color=INK, linewidth=0.6)
        plot.set_xscale("symlog", linthresh=0.1)
        plot.set_xticks(SIGMAS, [f"{sigma:g}" for sigma in SIGMAS])
        plot.minorticks_off()
        plot.set(xlabel="noise (deviations of a coordinate)", ylabel="JS (nats; log 2 = 0.69)", xlim=(-0.01, 3.5))
        plot.set_ylim(0, 0.73)
        key(plot, 2)

    return panels([course, noise], 3.0)


reproduce = Experiment(
    name="perfect-discriminator",
    claims={
        "perfect": f"between distributions on curves or surfaces in {DIMENSION} dimensions a discriminator reaches an "
        f"accuracy of {ACCURATE:g} on held-out samples and a JS of {NEAR_SHARE:g} log 2",
        "noise_ends_it": f"noise on both brings JS down, to at most {LOW_SHARE:g} log 2",
    },
    cells=repeats(list(SUPPORTS), (DIMENSION, HIDDEN, SIGMAS, STEPS, BATCH, HELD_OUT, POINTS, JUDGED)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
