r"""Both networks updated at once, from the same old parameters, against one after the other as in Algorithm 1.

Trained in parallel, neither network waits for the other: the generator's gradient is taken on the critic as it was
when the step began, while the critic is updated k times (Jacobi's order instead of Gauss and Seidel's).

The theory cautions. Of a distribution at one point theta, real at 0, and the critic f(x) = psi x, the game is bilinear
for the Wasserstein loss, and simultaneous gradient descent at rate h multiplies the distance from the equilibrium
exactly by

.. math:: \sqrt{1 + h^2}

at every step, while the alternating one stays on an ellipse; for the cross entropy the factor is
:math:`\sqrt{1 + h^2 \sigma(\theta \psi)^2}`, above 1 as well. Real networks of digits are trained both ways
too, from the same start on the same batches.

What could be gained is the share of the smaller part in the arithmetic of a step, counted in multiplications and not
timed.

References: Zen n.d., part one ("the two networks can be trained in parallel"); Mescheder, Geiger, Nowozin 2018,
"Which training methods for GANs do actually converge?", section 2 (the Dirac-GAN, lemmas 2.3 and 2.4 on both orders).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.generator.update_order import generator_share, orbit, simultaneous_step
from monge.experiment.repeat import (
    Repeat,
    by_case,
    judged,
    judged_by_case,
    of,
    repeats,
    shown,
    spread,
    spread_by_case,
    timed,
)
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, judged_digits, outcome
from monge.objective import Objective
from monge.objective.loss import Minimax, Wasserstein
from monge.plot.chart import curve, key, panels
from monge.plot.style import INK, Files
from monge.training.loop import Step
from monge.training.step import train_step

ORDERS: Mapping[str, Step] = {"alternating": train_step, "simultaneous": simultaneous_step}
GAMES = {"W1": Objective(Wasserstein()), "cross entropy": Objective(Minimax())}
"""Of one point against another."""
GAME = "game"
GAME_RATE = 0.2
ROUNDS = 500
SHOWN = 100
"""Rounds in the figure."""
CONFIG = Config(generator="mlp:latent=16:width=128:depth=3:norm=batch", critic="mlp:width=128:depth=3", steps=1000)
RULE = TrainingConfig(batch=64, learning_rate=1e-3, decay_from=0.5, ema=0.99)
RULES = {
    "gan": replace(RULE, n_critic=1, beta1=0.5, beta2=0.999),
    "wgan-gp": replace(RULE, n_critic=2, beta1=0.0, beta2=0.9),
}
AS_GOOD_TIMES = 1.25
"""Times the alternating excess, at most."""
OUT_TIMES = 2.0
"""Times its first distance that the simultaneous game ends from the equilibrium, at least."""
BOUND_TIMES = 2.0
"""Times its first distance that the alternating game may come to."""


@timed
def measure(cell: Repeat) -> Result:
    """The paths of both games, or the figures of an objective's generators, in either order."""
    if cell.case == GAME:
        angle = cell.draw().uniform(0, 2 * np.pi)
        return {name: game(objective, float(np.cos(angle)), float(np.sin(angle))) for name, objective in GAMES.items()}
    data, judge = judged_digits()
    config = replace(CONFIG, objective=cell.case, training=RULES[cell.case], seed=cell.torch_seed() % 2**31)
    facts: Result = {order: outcome(config, data, judge, step=step) for order, step in ORDERS.items()}
    return facts | {"generator_share": round(generator_share(config, data), 4)}


def game(objective: Objective, theta: float, psi: float) -> Result:
    """Least, largest and last distance from the equilibrium in either order, and the path's first part."""
    facts: Result = {}
    for order, step in ORDERS.items():
        path = orbit(objective, step, (theta, psi), GAME_RATE, ROUNDS)
        radii = np.hypot(*path)
        ends = [float(f"{value:.5g}") for value in (radii.min(), radii.max(), radii[-1])]
        facts[order] = {"radii": ends, "path": np.round(path[:, :SHOWN], 3).tolist()}
    return facts


def excess(row: Result, order: str) -> float:
    """Of the generator trained in one order; infinite if the training failed."""
    return float(row[order].get("excess", np.inf))


def excess_ratio(row: Result) -> float:
    """The simultaneous excess over the alternating one."""
    return excess(row, "simultaneous") / excess(row, "alternating")


def last_distance(row: Result, name: str) -> float:
    """How far a simultaneous game ends from the equilibrium."""
    return float(row[name]["simultaneous"]["radii"][-1])


def verdict(rows: Sequence[Result]) -> Result:
    """The claims, with their numbers for every objective and game."""
    games, trainings = of(rows, GAME), [row for row in rows if row["case"] in RULES]
    distances = [_alternating_distances(row) for row in games]
    return {
        "as_good": {
            "verdict": judged_by_case(trainings, lambda row: excess_ratio(row) <= AS_GOOD_TIMES),
            "times_alternating_excess": spread_by_case(trainings, excess_ratio),
            "generator_share": {case: some[0]["generator_share"] for case, some in by_case(trainings).items()},
        },
        "spirals_out": {
            "verdict": judged([min(last_distance(row, name) for name in GAMES) >= OUT_TIMES for row in games]),
            "last_distance": {name: spread([last_distance(row, name) for row in games]) for name in GAMES if games},
        },
        "alternating_is_bounded": {
            "verdict": judged([min(some) >= 1 / BOUND_TIMES and max(some) <= BOUND_TIMES for some in distances]),
            "least_and_largest_distance": [min(map(min, distances)), max(map(max, distances))] if distances else None,
        },
    }


def _alternating_distances(row: Result) -> list[float]:
    """The least, largest and last distances from the equilibrium in both games, one network updated after the other."""
    return [distance for name in GAMES for distance in row[name]["alternating"]["radii"]]


def line(row: Result) -> str:
    """One result in one line."""
    if row["case"] == GAME:
        return ", ".join(f"{name}: {last_distance(row, name):.3g} times as far" for name in GAMES)
    return f"{row['case']}: {excess_ratio(row):.2f} times the alternating excess"


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
        "as_good": f"digits: updated simultaneously, GAN and WGAN-GP have at most {AS_GOOD_TIMES:g} times the excess "
        "of Algorithm 1's order",
        "spirals_out": f"a point against a point, W1 and cross entropy: simultaneous gradient descent ends at least "
        f"{OUT_TIMES:g} times as far from the equilibrium",
        "alternating_is_bounded": f"in Algorithm 1's order it stays within {1 / BOUND_TIMES:g} and {BOUND_TIMES:g} "
        "times",
    },
    cells=repeats((GAME, *RULES), (tuple(GAMES), GAME_RATE, ROUNDS, SHOWN, CONFIG, tuple(RULES.items()), JUDGED)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
