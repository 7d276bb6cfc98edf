r"""The critic's loss under momentum: does it collapse, and does the optimiser then step against the gradient?

A WGAN of digits and one of eight Gaussians, with clipped weights, are trained by five optimisers, each at two rates,
both networks alike as in the authors' code. At every update of the critic, before weights are clipped, its step u is
compared with its gradient,

.. math:: \cos(u, -\nabla L_D) = -\frac{u \cdot \nabla L_D}{\lVert u \rVert \lVert \nabla L_D \rVert}.

Without momentum each coordinate of u has the sign of the negative gradient's, so the cosine is positive whatever the
loss; what is asked is whether it turns negative with momentum, and when. The critic is called collapsed at an update
where its loss of the batch is above 0, that of a critic which says nothing, by a tenth of the best estimate
:math:`-L_D` of the run (its 99th percentile). A loss that rises towards 0 may be a generator that gets better; a critic
that takes generated samples for real ones cannot.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", section 4.3 ("unstable at times when one uses a momentum
based optimizer such as Adam (with beta1 > 0) on the critic, or when one uses high learning rates"); source 003, part
four, the fourth of its four changes. The authors' code has Adam with (.5, .999).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector
from torch.optim import SGD, Adam, Optimizer, RMSprop

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import DataSet
from monge.data.toy import ring8
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, by_case, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, Judge, sampled
from monge.objective.loss import AdversarialLoss
from monge.plot.chart import band, key, marks, panels
from monge.plot.style import INK, Files
from monge.run.pool import flushed_denormals
from monge.training.assemble import assemble
from monge.training.step import train_step

RATE, HIGH, SGD_FACTOR = 5e-5, 20.0, 2e4
"""The paper's rate, how many times as large the high one is, and SGD's rate over that of the others.

SGD's was chosen among powers of ten by the excess of one training with a seed of its own.
"""
WITH, WITHOUT = ("Adam, beta1 = .9", "Adam, beta1 = .5"), ("Adam, beta1 = 0", "RMSProp", "SGD")
DATA: dict[str, Callable[[], DataSet]] = {"digits": digits, "ring8": ring8}
ALPHA, BETA2 = 0.99, 0.999
"""Decay of the squares, of RMSProp and of Adam."""
RATES = {"low": 1.0, "high": HIGH}
CONFIG = Config(
    objective="wgan",
    generator="mlp:latent=32:width=128:depth=3",
    critic="mlp:width=128:depth=3",
    steps=300,
    training=TrainingConfig(batch=64, n_critic=5, optimiser="rmsprop", learning_rate=RATE, ema=0.0),
)
WARM, BLOCK = 200, 20
"""First updates of the critic that are not judged, and updates in a point of the figure."""
BEST, WRONG = 0.99, 0.1
"""The quantile that is the best estimate of a run; the least fraction of it by which a collapsed critic is wrong."""
COLLAPSED, USUAL, ELSEWHERE, FEWER = 0.01, 0.5, 0.05, 1 / 3
"""Least share of collapsed updates; least share of negative cosines in them; most elsewhere; the most without momentum,
over that with it."""


class Recorded(AdversarialLoss):
    """A loss that notes each value of the critic's.

    Arguments:
        loss: the one that both networks minimise.

    Attributes:
        values: of the critic's loss, in order.
    """

    def __init__(self, loss: AdversarialLoss) -> None:
        self._loss = loss
        self.values: list[float] = []

    def critic(self, real: Tensor, fake: Tensor) -> Tensor:
        value = self._loss.critic(real, fake)
        self.values.append(float(value.detach()))
        return value

    def generator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self._loss.generator(real, fake)


def cosines(optimiser: Optimizer) -> list[float]:
    """A list to which every step of an optimiser adds the cosine between it and the negative gradient."""
    parameters: list[Tensor] = [p for group in optimiser.param_groups for p in group["params"]]
    found: list[float] = []
    before: list[Tensor] = []

    def remember(*_: Any) -> None:
        before[:] = [parameters_to_vector(parameters).detach()]

    def compare(*_: Any) -> None:
        update = (parameters_to_vector(parameters).detach() - before[0]).double()
        gradient = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]).double()
        length = float(update.norm() * gradient.norm())
        found.append(-float(update @ gradient) / length if length else 0.0)

    optimiser.register_step_pre_hook(remember)
    optimiser.register_step_post_hook(compare)
    return found


def _optimiser(name: str, parameters: Iterable[nn.Parameter], rate: float) -> Optimizer:
    if name == "SGD":
        return SGD(parameters, rate * SGD_FACTOR)
    if name == "RMSProp":
        return RMSprop(parameters, rate, alpha=ALPHA)
    return Adam(parameters, rate, (float(name.split(" = ")[1]), BETA2), fused=True)


def trained(data: DataSet, judge: Judge, seed: int, name: str, rate: float) -> Result:
    """What the critic's loss and steps did in one training, and how far its generator is from the data."""
    config = replace(CONFIG, seed=seed)
    state, objective, sampler = assemble(config, data, torch.device("cpu"))
    state.critic_optimiser = _optimiser(name, state.critic.parameters(), rate)
    state.generator_optimiser = _optimiser(name, state.generator.parameters(), rate)
    assert objective.constraint is not None
    objective.constraint(state.critic)  # else the first losses are those of weights that are never allowed again
    loss, angles = Recorded(objective.loss), cosines(state.critic_optimiser)
    with flushed_denormals():
        for step in range(config.steps):
            train_step(state, replace(objective, loss=loss), sampler(step))
    return described(-np.array(loss.values), np.array(angles)) | {
        "excess": judge(sampled(state, data, 2 * judge.n, seed))["excess"]
    }


def described(estimates: NDArray[np.float64], angles: NDArray[np.float64]) -> Result:
    """Counts of collapsed updates and negative cosines after the first ones, and estimates in blocks."""
    late, turned = estimates[WARM:], angles[WARM:] < 0
    down = late < -WRONG * np.quantile(estimates, BEST)
    medians = np.median(estimates[: len(estimates) // BLOCK * BLOCK].reshape(-1, BLOCK), axis=1)
    return {
        "updates": len(late),
        "collapsed": int(down.sum()),
        "negative": int(turned.sum()),
        "negative_collapsed": int((turned & down).sum()),
        "estimate": [float(f"{value:.3g}") for value in medians],
    }


@timed
def measure(cell: Repeat) -> Result:
    """Every optimiser at both rates, from the same networks on the same batches."""
    data = DATA[cell.case]()
    run = partial(trained, data, Judge(data), cell.torch_seed() % 2**31)
    names = (*WITH, *WITHOUT)
    return {
        "runs": {rate: {name: run(name, RATE * factor) for name in names} for rate, factor in RATES.items()},
    }


def total(row: Result, name: str, what: str) -> int:
    """A count of one optimiser, over both rates."""
    return sum(row["runs"][rate][name][what] for rate in RATES)


def collapsed(row: Result, name: str) -> dict[str, float]:
    """The share of collapsed updates of one optimiser, by rate."""
    runs = {rate: row["runs"][rate][name] for rate in RATES}
    return {rate: run["collapsed"] / run["updates"] for rate, run in runs.items()}


def turned(row: Result, name: str) -> tuple[float, float]:
    """The shares of negative cosines, among collapsed updates and among all others, over both rates."""
    down, inside = total(row, name, "collapsed"), total(row, name, "negative_collapsed")
    return inside / max(down, 1), (total(row, name, "negative") - inside) / max(total(row, name, "updates") - down, 1)


def fewer(row: Result) -> bool:
    """Whether no optimiser without momentum collapses more than a third as often as any with it does."""
    fewest = min(total(row, name, "collapsed") for name in WITH)
    return fewest > 0 and max(total(row, name, "collapsed") for name in WITHOUT) <= FEWER * fewest


def most(row: Result, name: str) -> float:
    """The larger of both rates' shares of collapsed updates."""
    return max(collapsed(row, name).values())


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims, with their numbers over the repeats of each data set."""

    def facts(names: Sequence[str], value: Callable[[Result, str], float]) -> Result:
        runs = by_case(rows)
        return {
            name: {case: spread([value(row, name) for row in some]) for case, some in runs.items()} for name in names
        }

    def inside(row: Result, name: str) -> float:
        return turned(row, name)[0]

    def outside(row: Result, name: str) -> float:
        return turned(row, name)[1]

    found = {
        "collapses": ([min(most(row, n) for n in WITH) >= COLLAPSED for row in rows], facts(WITH, most)),
        "momentum_is_why": ([fewer(row) for row in rows], facts(WITHOUT, most)),
        "turns_negative": ([min(inside(row, n) for n in WITH) >= USUAL for row in rows], facts(WITH, inside)),
        "only_then": ([max(outside(row, n) for n in WITH) <= ELSEWHERE for row in rows], facts(WITH, outside)),
    }
    cases = [row["case"] for row in rows]
    return {claim: {"verdict": judged(met, cases), "shares": shares} for claim, (met, shares) in found.items()}


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: " + ", ".join(f"{name}: {most(row, name):.1%}" for name in (*WITH, *WITHOUT)) + " collapsed"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Collapsed updates, negative cosines and excess for every optimiser, and the verdicts."""
    body = []
    for (case, some), rate, name in product(by_case(rows).items(), RATES, (*WITH, *WITHOUT)):
        runs = [row["runs"][rate][name] for row in some]
        own = RATE * RATES[rate] * (SGD_FACTOR if name == "SGD" else 1)
        shares = [shown([run[what] / run["updates"] for run in runs]) for what in ("collapsed", "negative")]
        inside = [run["negative_collapsed"] / run["collapsed"] for run in runs if run["collapsed"]]
        excess = shown([run["excess"] for run in runs])
        body.append([case, name, f"{own:g}", *shares, shown(inside) if inside else "none", excess])
    header = ["data", "optimiser", "rate", "collapsed", "cosine < 0", "of the collapsed, cosine < 0", "excess"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """The critic's estimate during training at the high rate, and shares of negative cosines."""
    at = (np.arange(CONFIG.steps * CONFIG.training.n_critic // BLOCK) + 0.5) * BLOCK

    def trace(plot: Axes, case: str) -> None:
        plot.axhline(0, color=INK, linewidth=0.6)
        for look, name in enumerate((*WITH, "RMSProp")):
            band(plot, at, [row["runs"]["high"][name]["estimate"] for row in by_case(rows)[case]], look, name)
        plot.set(xlabel="update of the critic", ylabel=f"the critic's estimate, {case}")
        key(plot)

    def shares(plot: Axes) -> None:
        ticks = [f"{case}\n{when}" for case in DATA for when in ("collapsed", "other")]
        for look, name in enumerate(WITH):
            for i, aside in enumerate(np.linspace(-0.15, 0.15, len(by_case(rows)["digits"]))):
                values = [share for case in DATA for share in turned(by_case(rows)[case][i], name)]
                where, label = np.arange(4) + 0.44 * look - 0.22 + aside, name if i == 0 else ""
                marks(plot, where, values, look, label)
        plot.axhline(USUAL, color=INK, linewidth=0.9, linestyle=":")
        plot.set_xticks(range(4), ticks)
        plot.tick_params(axis="x", labelsize=6.5)
        plot.set(xlabel="updates of both rates", ylabel="share with a negative cosine", xlim=(-0.5, 3.5))
        key(plot)

    return panels([lambda plot: trace(plot, "digits"), lambda plot: trace(plot, "ring8"), shares], 3.0)


reproduce = Experiment(
    name="momentum",
    claims={
        "collapses": f"with either momentum the critic's loss collapses at times: at {COLLAPSED:.0%} of the updates "
        "of one of both rates",
        "momentum_is_why": "without momentum (beta1 = 0, RMSProp, SGD) it does so at most a third as often",
        "turns_negative": f"while it is collapsed, at least {USUAL:.0%} of the steps have a negative cosine with the "
        "negative gradient",
        "only_then": f"elsewhere at most {ELSEWHERE:.0%} have",
    },
    cells=repeats(
        tuple(DATA), (CONFIG, RATE, HIGH, SGD_FACTOR, WITH, WITHOUT, ALPHA, BETA2, WARM, BLOCK, BEST, WRONG, JUDGED)
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
