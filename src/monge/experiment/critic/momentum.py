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
based optimizer such as Adam (with beta1 > 0) on the critic, or when one uses high learning rates"); Zheng 2017, part
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
from monge.experiment.repeat import Repeat, by_case, judged_by_case, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, Judge, sampled
from monge.objective.loss import AdversarialLoss
from monge.plot.chart import band, key, marks, panels
from monge.plot.style import INK, Files
from monge.run.pool import flushed_denormals
from monge.training.assemble import assemble
from monge.training.step import train_step

RATE = 5e-5
"""The paper's."""
HIGH_FACTOR = 20.0
"""How many times as large the high rate is."""
SGD_FACTOR = 2e4
"""SGD's rate over that of the others: of powers of ten the best, by the excess of a training with a seed of its own."""
MOMENTUM = ("Adam, beta1 = .9", "Adam, beta1 = .5")
NO_MOMENTUM = ("Adam, beta1 = 0", "RMSProp", "SGD")
OPTIMISERS = (*MOMENTUM, *NO_MOMENTUM)
DATA: dict[str, Callable[[], DataSet]] = {"digits": digits, "ring8": ring8}
ALPHA = 0.99
"""Decay of RMSProp's squares."""
BETA2 = 0.999
"""Decay of Adam's."""
RATES = {"low": 1.0, "high": HIGH_FACTOR}
CONFIG = Config(
    objective="wgan",
    generator="mlp:latent=32:width=128:depth=3",
    critic="mlp:width=128:depth=3",
    steps=300,
    training=TrainingConfig(batch=64, n_critic=5, optimiser="rmsprop", learning_rate=RATE, ema=0.0),
)
TRAINING_SETTINGS = (CONFIG, RATE, HIGH_FACTOR, SGD_FACTOR, MOMENTUM, NO_MOMENTUM, ALPHA, BETA2)
WARM_UP = 200
"""First updates of the critic, which are not judged."""
BLOCK = 20
"""Updates in a point of the figure."""
BEST_QUANTILE = 0.99
"""Of a run's estimates: its best one."""
WRONG_FRACTION = 0.1
"""Of the best estimate, by which a collapsed critic is wrong at least."""
COLLAPSED_SHARE = 0.01
"""Of the updates, at least."""
NEGATIVE_SHARE = 0.5
"""Of the collapsed updates, at least."""
NEGATIVE_ELSEWHERE = 0.05
"""Share of all others, at most."""
WITHOUT_OVER_WITH = 1 / 3
"""Collapsed updates without momentum over those with it, at most."""


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


def training_result(data: DataSet, judge: Judge, seed: int, name: str, rate: float) -> Result:
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
    late, turned = estimates[WARM_UP:], angles[WARM_UP:] < 0
    down = late < -WRONG_FRACTION * np.quantile(estimates, BEST_QUANTILE)
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
    run = partial(training_result, data, Judge(data), cell.torch_seed() % 2**31)
    return {"runs": {rate: {name: run(name, RATE * factor) for name in OPTIMISERS} for rate, factor in RATES.items()}}


def total(row: Result, name: str, what: str) -> int:
    """A count of one optimiser, over both rates."""
    return sum(row["runs"][rate][name][what] for rate in RATES)


def collapsed(row: Result, name: str) -> float:
    """The share of an optimiser's updates that are collapsed, at the rate at which it is larger."""
    runs = [row["runs"][rate][name] for rate in RATES]
    return max(float(run["collapsed"] / run["updates"]) for run in runs)


def turned(row: Result, name: str) -> float:
    """The share of negative cosines among collapsed updates, over both rates."""
    return total(row, name, "negative_collapsed") / max(total(row, name, "collapsed"), 1)


def turned_elsewhere(row: Result, name: str) -> float:
    """The share of negative cosines among all other updates, over both rates."""
    negative = total(row, name, "negative") - total(row, name, "negative_collapsed")
    return negative / max(total(row, name, "updates") - total(row, name, "collapsed"), 1)


def fewer(row: Result) -> bool:
    """Whether no optimiser without momentum collapses more than a third as often as any with it does."""
    fewest = min(total(row, name, "collapsed") for name in MOMENTUM)
    return fewest > 0 and max(total(row, name, "collapsed") for name in NO_MOMENTUM) <= WITHOUT_OVER_WITH * fewest


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims, with their numbers over the repeats of each data set."""

    def claim(meets: Callable[[Result], bool], names: Sequence[str], share: Callable[[Result, str], float]) -> Result:
        shares = {
            name: {case: spread([share(row, name) for row in some]) for case, some in by_case(rows).items()}
            for name in names
        }
        return {"verdict": judged_by_case(rows, meets), "shares": shares}

    def least(row: Result, share: Callable[[Result, str], float]) -> float:
        return min(share(row, name) for name in MOMENTUM)

    def elsewhere(row: Result) -> float:
        return max(turned_elsewhere(row, name) for name in MOMENTUM)

    return {
        "collapses": claim(lambda row: least(row, collapsed) >= COLLAPSED_SHARE, MOMENTUM, collapsed),
        "momentum_is_why": claim(fewer, NO_MOMENTUM, collapsed),
        "turns_negative": claim(lambda row: least(row, turned) >= NEGATIVE_SHARE, MOMENTUM, turned),
        "only_then": claim(lambda row: elsewhere(row) <= NEGATIVE_ELSEWHERE, MOMENTUM, turned_elsewhere),
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: " + ", ".join(f"{name}: {collapsed(row, name):.1%}" for name in OPTIMISERS) + " collapsed"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Collapsed updates, negative cosines and excess for every optimiser, and the verdicts."""
    body = []
    for (case, some), rate, name in product(by_case(rows).items(), RATES, OPTIMISERS):
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
        for look, name in enumerate((*MOMENTUM, "RMSProp")):
            band(plot, at, [row["runs"]["high"][name]["estimate"] for row in by_case(rows)[case]], look, name)
        plot.set(xlabel="update of the critic", ylabel=f"the critic's estimate, {case}")
        key(plot)

    def shares_of(row: Result, name: str) -> tuple[float, float]:
        return turned(row, name), turned_elsewhere(row, name)

    def shares(plot: Axes) -> None:
        ticks = [f"{case}\n{when}" for case in DATA for when in ("collapsed", "other")]
        for look, name in enumerate(MOMENTUM):
            for i, aside in enumerate(np.linspace(-0.15, 0.15, len(by_case(rows)["digits"]))):
                values = [share for case in DATA for share in shares_of(by_case(rows)[case][i], name)]
                where, label = np.arange(4) + 0.44 * look - 0.22 + aside, name if i == 0 else ""
                marks(plot, where, values, look, label)
        plot.axhline(NEGATIVE_SHARE, color=INK, linewidth=0.9, linestyle=":")
        plot.set_xticks(range(4), ticks)
        plot.tick_params(axis="x", labelsize=6.5)
        plot.set(xlabel="updates of both rates", ylabel="share with a negative cosine", xlim=(-0.5, 3.5))
        key(plot)

    return panels([lambda plot: trace(plot, "digits"), lambda plot: trace(plot, "ring8"), shares], 3.0)


reproduce = Experiment(
    name="momentum",
    claims={
        "collapses": f"with either momentum the critic's loss collapses at times: at {COLLAPSED_SHARE:.0%} of the "
        "updates of one of both rates",
        "momentum_is_why": "without momentum (beta1 = 0, RMSProp, SGD) it collapses at most a third as often",
        "turns_negative": f"while it is collapsed, at least {NEGATIVE_SHARE:.0%} of the steps have a negative cosine "
        "with the negative gradient",
        "only_then": f"elsewhere at most {NEGATIVE_ELSEWHERE:.0%} have",
    },
    cells=repeats(tuple(DATA), (*TRAINING_SETTINGS, WARM_UP, BLOCK, BEST_QUANTILE, WRONG_FRACTION, JUDGED)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
