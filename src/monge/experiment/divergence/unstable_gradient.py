r"""The better the discriminator, the larger and the wilder the gradient of -log D that reaches the generator.

With noise in the discriminator, and in its derivative, that is independent and normal, every coordinate of

.. math:: -\nabla_\theta\, \mathbb{E} \log D(g_\theta(z))

has a centred Cauchy distribution, without mean or variance (Arjovsky, Bottou 2017, theorem 2.6; figure 3, where the
length grows by a multiple for generators of 1 and 10 epochs and stays about the same for that of 25). Here growth is
that from the discriminator's start, and the distribution is that of changes from step to step of late training, whose
excess kurtosis is 0 if they are normal. `fixed_generator` has the protocol.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from monge.experiment.divergence import fixed_generator
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import judged, judged_by_case, of, shown, spread, spread_by_case
from monge.experiment.sweep import Result
from monge.plot.chart import curve, key, panels
from monge.plot.style import INK, Files

YOUNG = ("1", "10")
"""Epochs of the generators for which growth is claimed."""
TRAINED = "25"
"""Epochs of the one for which it is denied."""
GROWN_TIMES = 3.0
"""Times the gradient at the start."""
HEAVY_KURTOSIS = 1.0
"""Three standard errors of the excess kurtosis of 200 normal numbers."""


def growth(row: Result) -> float:
    """The median of the last five looks at the gradient of -log D over that at the start."""
    norms = row["norms"]["-log D"]
    return float(np.median(norms[-5:]) / norms[0])


def tail(row: Result) -> float:
    """The excess kurtosis of changes from step to step."""
    return float(row["kurtosis"])


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, with their numbers for every generator."""
    young, trained = [row for row in rows if row["case"] in YOUNG], of(rows, TRAINED)
    return {
        "grows": {
            "verdict": judged_by_case(young, lambda row: growth(row) >= GROWN_TIMES),
            "times_by_epochs": spread_by_case(rows, growth),
        },
        "trained_is_steady": {
            "verdict": judged([growth(row) < GROWN_TIMES for row in trained]),
            "times": spread([growth(row) for row in trained]),
        },
        "heavy_tail": {
            "verdict": judged_by_case(rows, lambda row: tail(row) >= HEAVY_KURTOSIS),
            "kurtosis_by_epochs": spread_by_case(rows, tail),
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']} epochs: {growth(row):.1f} times, excess kurtosis {tail(row):.2f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Lengths of the gradient, its growth and its tail, and the verdicts."""
    body = []
    for epochs in fixed_generator.EPOCHS:
        some = of(rows, epochs)
        norms = np.array([row["norms"]["-log D"] for row in some])
        ends = [shown(norms[:, at].tolist()) for at in (0, -1)]
        body.append([epochs, *ends, *(shown([value(row) for row in some]) for value in (growth, tail))])
    header = ["epochs of the generator", "first gradient", "last gradient", "growth", "excess kurtosis of changes"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Lengths of the gradient against the discriminator's steps, and the tail of its changes."""

    def tails(plot: Axes) -> None:
        at = np.arange(len(fixed_generator.EPOCHS))
        for number, aside in enumerate(np.linspace(-0.2, 0.2, len(of(rows, fixed_generator.EPOCHS[0])))):
            values = [tail(of(rows, epochs)[number]) for epochs in fixed_generator.EPOCHS]
            curve(plot, at + aside, values, 0, "a repeat" if number == 0 else "", linestyle="", markevery=1)
        plot.axhline(0, color=INK, linewidth=0.6)
        plot.axhline(HEAVY_KURTOSIS, color=INK, linewidth=0.9, linestyle=":", label="heavy from here")
        plot.set_yscale("symlog", linthresh=HEAVY_KURTOSIS, linscale=0.4)
        plot.set_yticks([0, 1, 2, 5, 10, 20, 50], ["0", "1", "2", "5", "10", "20", "50"])
        plot.minorticks_off()
        plot.set_xticks(at, fixed_generator.EPOCHS)
        plot.set(xlabel="epochs of the generator", ylabel="excess kurtosis of changes (normal: 0)", xlim=(-0.5, 2.5))
        key(plot, 2)

    return panels([lambda plot: fixed_generator.paint(plot, rows, "-log D"), tails], 3.0)


reproduce = Experiment(
    name="unstable-gradient",
    claims={
        "grows": f"the gradient of -log D grows at least {GROWN_TIMES:g} times for generators of 1 and 10 epochs",
        "trained_is_steady": f"for the generator of 25 epochs it stays below {GROWN_TIMES:g} times",
        "heavy_tail": f"its changes have a tail heavier than normal, an excess kurtosis of {HEAVY_KURTOSIS:g} or more",
    },
    cells=fixed_generator.CELLS,
    measure=fixed_generator.measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
