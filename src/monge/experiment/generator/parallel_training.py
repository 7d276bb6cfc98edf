r"""Both networks updated at once, from the same old parameters, against one after the other as in Algorithm 1.

Trained in parallel, neither network waits for the other: the generator's gradient is taken on the critic as it was
when the step began, while the critic is updated k times (Jacobi's order instead of Gauss and Seidel's).

The theory cautions. Of a law at one point theta, real at 0, and the critic f(x) = psi x, the game is bilinear for the
Wasserstein loss, and simultaneous gradient descent at rate h multiplies the distance from the equilibrium exactly by

.. math:: \sqrt{1 + h^2}

at every step, while the alternating one stays on an ellipse; for the cross entropy the factor is
:math:`\sqrt{1 + h^2 \sigma(\theta \psi)^2}`, above 1 as well. Real networks of digits are trained both ways
too, from the same start on the same batches.

What could be gained is the share of the smaller part in the arithmetic of a step, counted in multiplications and not
timed.

References: source 002, part one ("the two networks can be trained in parallel"); Mescheder, Geiger, Nowozin 2018,
"Which training methods for GANs do actually converge?", section 2 (the Dirac-GAN, lemmas 2.3 and 2.4 on both orders).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import DataSet
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.generator.update_order import generator_share, orbit, simultaneous_step
from monge.experiment.repeat import Repeat, by_case, judged, of, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, Judge, outcome
from monge.objective import Objective
from monge.objective.loss import Minimax, Wasserstein
from monge.plot.chart import curve, key, panels
from monge.plot.style import INK, Files
from monge.training.loop import Step
from monge.training.step import train_step

ORDERS: Mapping[str, Step] = {"alternating": train_step, "simultaneous": simultaneous_step}
GAMES = {"W1": Objective(Wasserstein()), "cross entropy": Objective(Minimax())}
"""Of one point against another."""
GAME, H, ROUNDS, SHOWN = "game", 0.2, 500, 100
CONFIG = Config(generator="mlp:latent=16:width=128:depth=3:norm=batch", critic="mlp:width=128:depth=3", steps=1000)
RULE = TrainingConfig(batch=64, learning_rate=1e-3, decay_from=0.5, ema=0.99)
RULES = {
    "gan": replace(RULE, n_critic=1, beta1=0.5, beta2=0.999),
    "wgan-gp": replace(RULE, n_critic=2, beta1=0.0, beta2=0.9),
}
WORSE, OUT, BOUNDED = 1.25, 2.0, 2.0
"""The most times the alternating excess; how far the simultaneous game goes out, and how far the alternating may."""


@cache
def _judged() -> tuple[DataSet, Judge]:
    data = digits()
    return data, Judge(data)


@timed
def measure(cell: Repeat) -> Result:
    """The paths of both games, or the figures of an objective's generators, in either order."""
    if cell.case == GAME:
        angle = cell.draw().uniform(0, 2 * np.pi)
        return {name: game(objective, float(np.cos(angle)), float(np.sin(angle))) for name, objective in GAMES.items()}
    data, judge = _judged()
    config = replace(CONFIG, objective=cell.case, training=RULES[cell.case], seed=cell.torch_seed() % 2**31)
    facts: Result = {order: outcome(config, data, judge, step=step) for order, step in ORDERS.items()}
    return facts | {"generator_share": round(generator_share(config, data), 4)}


def game(objective: Objective, theta: float, psi: float) -> Result:
    """Least, largest and last distance from the equilibrium in either order, and the path's first part."""
    facts: Result = {}
    for order, step in ORDERS.items():
        path = orbit(objective, step, (theta, psi), H, ROUNDS)
        radii = np.hypot(*path)
        ends = [float(f"{value:.5g}") for value in (radii.min(), radii.max(), radii[-1])]
        facts[order] = {"radii": ends, "path": np.round(path[:, :SHOWN], 3).tolist()}
    return facts


def excess(row: Result, order: str) -> float:
    """Of the generator trained in one order; infinite if the training failed."""
    return float(row[order].get("excess", np.inf))


def ratio(row: Result) -> float:
    """The simultaneous excess over the alternating one."""
    return excess(row, "simultaneous") / excess(row, "alternating")


def verdict(rows: Sequence[Result]) -> Result:
    """The claims, with their numbers for every objective and game."""
    games = of(rows, GAME)
    trained = [row for row in rows if row["case"] in RULES]
    out = [min(row[name]["simultaneous"]["radii"][2] for name in GAMES) for row in games]
    kept = [[bound for name in GAMES for bound in row[name]["alternating"]["radii"]] for row in games]
    return {
        "as_good": {
            "verdict": judged([ratio(row) <= WORSE for row in trained], [row["case"] for row in trained]),
            "times_alternating_excess": {
                case: spread([ratio(row) for row in some]) for case, some in by_case(trained).items()
            },
            "generator_share": {case: some[0]["generator_share"] for case, some in by_case(trained).items()},
        },
        "spirals_out": {
            "verdict": judged([last >= OUT for last in out]),
            "last_distance": {
                name: spread([row[name]["simultaneous"]["radii"][2] for row in games]) for name in GAMES if games
            },
        },
        "alternating_is_bounded": {
            "verdict": judged([min(some) >= 1 / BOUNDED and max(some) <= BOUNDED for some in kept]),
            "least_and_largest_distance": [min(map(min, kept)), max(map(max, kept))] if kept else None,
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    if row["case"] == GAME:
        return ", ".join(f"{name}: {row[name]['simultaneous']['radii'][2]:.3g} times as far" for name in GAMES)
    return f"{row['case']}: {ratio(row):.2f} times the alternating excess"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Figures of the generators, distances in the games, and the verdicts."""
    body, ends = [], []
    for case, some in by_case(rows).items():
        for order in ORDERS:
            if case in RULES:
                done = [row[order] for row in some if "excess" in row[order]]
                figures = [[one[what] for one in done] for what in ("excess", "recall", "precision")]
                share = some[0]["generator_share"]
                body.append([case, order, *(shown(one) if one else "failed" for one in figures), f"{share:.0%}"])
            else:
                for name in GAMES:
                    radii = np.array([row[name][order]["radii"] for row in some])
                    ends.append([name, order, *(shown(radii[:, at].tolist()) for at in range(3))])
    header = ["objective", "order", "excess", "recall", "precision", "generator's share of a step"]
    distance = ["game", "order", "least distance", "largest", "last"]
    return [Table(header, body), Table(distance, ends), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Paths of both games, and the excess of generators trained in either order."""
    first = by_case(rows)[GAME][0]

    def path(plot: Axes, name: str) -> None:
        for look, order in enumerate(ORDERS):
            x, y = first[name][order]["path"]
            curve(plot, x, y, look, order, markersize=2.5, linewidth=0.8)
        plot.scatter([0], [0], 20, color=INK, marker="+", zorder=3)
        reach = 1.1 * np.abs([first[name][order]["path"] for order in ORDERS]).max()
        plot.set(xlim=(-reach, reach), ylim=(-reach, reach), box_aspect=1)
        plot.set(xlabel="θ, where the generator is", ylabel=f"ψ, slope of the critic ({name})")
        key(plot)

    def figures(plot: Axes) -> None:
        runs = {case: some for case, some in by_case(rows).items() if case in RULES}
        for look, order in enumerate(ORDERS):
            count = max(map(len, runs.values()))
            for number, aside in enumerate(np.linspace(-0.14, 0.14, count)):
                values = [excess(some[number], order) for some in runs.values()]
                at = np.arange(len(values)) + 0.4 * look - 0.2 + aside
                how = {"linestyle": "", "markevery": 1, "markerfacecolor": "none", "markeredgewidth": 0.8}
                curve(plot, at, values, look, order if number == 0 else "", **how)
        plot.set_xticks(range(len(runs)), list(runs))
        plot.set(
            xlabel="objective",
            ylabel="excess (grey, [-1, 1], 64 pixels)",
            xlim=(-0.5, 1.5),
            ylim=(0, None),
            box_aspect=1,
        )
        key(plot)

    return panels([lambda plot: path(plot, "W1"), lambda plot: path(plot, "cross entropy"), figures], 3.0)


reproduce = Experiment(
    name="parallel-training",
    claims={
        "as_good": f"digits: updated at once, GAN and WGAN-GP have at most {WORSE:g} times the excess of Algorithm 1's "
        "order",
        "spirals_out": f"a point against a point, W1 and cross entropy: at once, gradient descent ends at least "
        f"{OUT:g} times as far from the equilibrium",
        "alternating_is_bounded": f"in Algorithm 1's order it stays within {1 / BOUNDED:g} and {BOUNDED:g} times",
    },
    cells=repeats((GAME, *RULES), (tuple(GAMES), H, ROUNDS, SHOWN, CONFIG, tuple(RULES.items()), JUDGED)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
