r"""How good may the critic be? The same generator updates after 1, 2, 5 and 20 updates of the critic each.

The better the discriminator of the first GAN, the smaller the gradient of log(1 - D) that reaches the generator, so
that it must be kept in balance, "neither too good nor too bad"; the Wasserstein critic may be trained to optimality,
and the closer it is, the better its gradient. Said of a generator's excess e(k) with k updates of the critic a step,

.. math:: \frac{e(20)}{\min_{k < 20} e(k)} \ge \tfrac32 \text{ for } \log(1 - D), \qquad
          \frac{e(20)}{\min_{k < 20} e(k)} \le 1.1 \text{ for the WGAN-GP}.

Adam divides a gradient by its own length, so one that is merely small, and not lost in its noise, does not stop it.

References: Zheng 2017, at the beginning ("no longer needs careful balance") and part one; Arjovsky, Chintala, Bottou
2017, "Wasserstein GAN", section 3 ("we can (and should) train the critic till optimality").
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, by_case, by_repeat, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, judged_digits, outcome
from monge.plot.chart import band, key, panels
from monge.plot.style import Files

COUNTS = (1, 2, 5, 20)
"""Updates of the critic in a step."""
CONFIG = Config(generator="mlp:latent=16:width=64:depth=2:norm=batch", critic="mlp:width=64:depth=2", steps=400)
RULE = TrainingConfig(batch=64, learning_rate=1e-3, ema=0.99)
RULES = {
    "gan-minimax": replace(RULE, beta1=0.5, beta2=0.999),
    "gan": replace(RULE, beta1=0.5, beta2=0.999),
    "wgan-gp": replace(RULE, beta1=0.0, beta2=0.9),
}
LABELS = {"gan-minimax": "log(1 - D)", "gan": "-log D", "wgan-gp": "WGAN-GP"}
HURT_TIMES = 1.5
UNHURT_TIMES = 1.1
"""Times the least excess with fewer updates: of an objective that is hurt at least, of one that is not at most."""
WORST = 16.0
"""No images of 8 x 8 in [-1, 1] are further apart: the excess of a training that failed."""


def case(objective: str, count: int) -> str:
    """The name of a case."""
    return f"{objective} {count}"


@timed
def measure(cell: Repeat) -> Result:
    """The figures of one objective's generator with one number of critic updates."""
    objective, count = cell.case.split()
    rule = replace(RULES[objective], n_critic=int(count))
    seed = cell.torch_seed() % 2**31
    data, judge = judged_digits()
    return outcome(replace(CONFIG, objective=objective, training=rule, seed=seed), data, judge)


def excess(row: Result) -> float:
    """Of a generator; the largest there can be, if its training failed."""
    return float(row.get("excess", WORST))


def against(repeat: dict[str, Result], objective: str) -> float:
    """The excess after most critic updates over the least of that after fewer."""
    fewer = min(excess(repeat[case(objective, count)]) for count in COUNTS[:-1])
    return excess(repeat[case(objective, COUNTS[-1])]) / fewer


def verdict(rows: Sequence[Result]) -> Result:
    """Both claims, and the same number for the objective of which nothing is claimed."""
    times = {objective: [against(run, objective) for run in by_repeat(rows)] for objective in RULES}
    return {
        "wgan_gp_is_not_hurt": {
            "verdict": judged([value <= UNHURT_TIMES for value in times["wgan-gp"]]),
            "excess_over_the_least": spread(times["wgan-gp"]),
        },
        "minimax_is_hurt": {
            "verdict": judged([value >= HURT_TIMES for value in times["gan-minimax"]]),
            "excess_over_the_least": spread(times["gan-minimax"]),
            "of_gan": spread(times["gan"]),
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: excess {excess(row):.3f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Figures for every objective and number of updates, and the verdicts."""
    body = []
    for name, some in by_case(rows).items():
        objective, count = name.split()
        figures = [[row.get(what, 0.0) for row in some] for what in ("recall", "precision")]
        body.append([objective, count, *map(shown, [[excess(row) for row in some], *figures])])
    header = ["objective", "critic updates", "excess", "recall", "precision"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Excess and recall against the number of critic updates."""
    runs = by_repeat(rows)

    def draw(plot: Axes, what: str) -> None:
        for look, objective in enumerate(RULES):
            of = [[run[case(objective, count)] for count in COUNTS] for run in runs]
            values = [[excess(row) if what == "excess" else row.get(what, 0.0) for row in some] for some in of]
            band(plot, np.arange(len(COUNTS)), values, look, LABELS[objective])
        plot.set_xticks(range(len(COUNTS)), [str(count) for count in COUNTS])
        unit = "(grey, [-1, 1], 64 pixels)" if what == "excess" else "(share of real digits)"
        plot.set(xlabel="critic updates for one of the generator", ylabel=f"{what} {unit}", ylim=(0, None))
        key(plot, 3)

    return panels([lambda plot: draw(plot, "excess"), lambda plot: draw(plot, "recall")], 2.9)


reproduce = Experiment(
    name="n-critic",
    claims={
        "wgan_gp_is_not_hurt": f"the WGAN-GP's excess with {COUNTS[-1]} critic updates is at most {UNHURT_TIMES:g} "
        "times the least with fewer",
        "minimax_is_hurt": f"with log(1 - D) it is at least {HURT_TIMES:g} times that",
    },
    cells=repeats(
        [case(objective, count) for objective in RULES for count in COUNTS], (CONFIG, tuple(RULES.items()), JUDGED)
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
