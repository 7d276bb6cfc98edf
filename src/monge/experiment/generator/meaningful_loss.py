r"""Does the loss say how good the samples are? Estimates of distance against the excess, over a training.

The critic's loss without its penalty estimates W1 (Zheng 2017, part four: it "correlates highly with the quality of the
generated pictures"), and the discriminator's loss L of a GAN estimates the Jensen-Shannon divergence, which it bounds,

.. math:: W_1 \approx \mathbb{E}_{p_r} f - \mathbb{E}_{p_g} f, \qquad
          \mathrm{JS}(p_r \| p_g) \ge \log 2 - L / 2

(Arjovsky, Chintala, Bottou 2017, figures 3 and 4, where the second "correlates poorly with the sample quality", stays
or goes up, and "often remains very close to log 2"). At log-spaced steps both, and the bracket's certified lower limit,
are compared by Spearman's rank correlation :math:`\rho` with the excess. The limit and the excess share no sample:
of 497 held-out digits 249 are the limit's and 248 the excess's, of the training digits 650 and 248 others; generated
ones are fresh for each, at every step. The upper estimate is left out because the excess is made of it.

A training has a trend, with which everything that has one correlates; so the number of steps is compared too, and the
changes from look to look. In a GAN that does not get better there is no trend.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from matplotlib.axes import Axes

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import DataSet
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.generator.course import SETTINGS, Look, interval, rho, rho_of_changes
from monge.experiment.repeat import Repeat, by_case, judged_by_case, repeats, shown, spread, spread_by_case, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import sampled, train
from monge.plot.chart import LOOKS, band, curve, marks, panels
from monge.plot.style import INK, Files
from monge.training.state import TrainingState

GENERATORS = {"mlp": "mlp:latent=32:width=128:depth=3", "dcgan": "dcgan:latent=32:width=16"}
WGAN_GP = Config(
    objective="wgan-gp",
    critic="mlp:width=128:depth=3",
    steps=800,
    training=TrainingConfig(batch=64, n_critic=5, critic_boost=True, learning_rate=3e-4, ema=0.0),
)
"""100 critic updates in the first 25 steps, as in the authors' code, so that there is an estimate from the start."""
GAN = replace(
    WGAN_GP,
    objective="gan",
    steps=1500,
    training=TrainingConfig(batch=128, n_critic=1, learning_rate=2e-4, beta1=0.5, beta2=0.999, ema=0.0),
)
"""The rule of DCGAN; about as many seconds."""
CONFIGS: Mapping[str, Config] = {
    f"{name}, {kind}": replace(config, generator=generator)
    for name, config in (("wgan-gp", WGAN_GP), ("gan", GAN))
    for kind, generator in GENERATORS.items()
}
FIRST_LOOK = 10
"""The first step at which there is a look."""
LOOK_COUNT = 16
WINDOW = 51
"""Steps over which a loss has its median, at most; never more than the last half of the training."""
HIGH_RHO = 0.9
"""From here on a course follows another one."""
LOW_RHO = 0.5
"""Below this a course says nothing of another one."""
SATURATED_SHARE = 0.8
"""Of log 2, from which on JS is near it."""
NAMES = {"lower": "lower limit", "estimate": "loss's estimate", "frechet": "Frechet", "steps": "number of steps"}


@cache
def _data() -> DataSet:
    return digits()


def looks_at(steps: int) -> list[int]:
    """The log-spaced steps at which there is a look."""
    return sorted({*np.geomspace(FIRST_LOOK, steps, LOOK_COUNT).round().astype(int).tolist()})


def recent(losses: Sequence[float]) -> float:
    """The median of a loss over the last steps."""
    return float(np.median(losses[-max(1, min(WINDOW, len(losses) // 2)) :]))


def estimated(case: str, loss: float) -> float:
    """What a critic's loss says: W1 in pixels, or JS in nats."""
    return -loss if case.startswith("wgan") else math.log(2) - loss / 2


@timed
def measure(cell: Repeat) -> Result:
    """One training, with its estimates and its excess at every look."""
    config = replace(CONFIGS[cell.case], seed=cell.torch_seed())
    seen, steps = Look(_data(), cell.torch_seed(1)), looks_at(config.steps)
    losses: list[float] = []
    rows: list[dict[str, float]] = []

    def watch(state: TrainingState, terms: Mapping[str, float]) -> None:
        losses.append(terms["critic_loss"])
        if state.step in steps:
            fake = sampled(state, _data(), seen.fakes, cell.torch_seed(1 + state.step))
            rows.append(seen(fake) | {"estimate": estimated(cell.case, recent(losses))})

    train(config, _data(), watch)
    return {"steps": steps} | {name: [float(f"{row[name]:.5g}") for row in rows] for name in rows[0]}


def correlation(row: Result, what: str) -> float:
    """Spearman's, of something with the excess, over the looks."""
    return rho(row[what], row["excess"])


def last_share(row: Result) -> float:
    """What the discriminator's loss says of JS in the end, over log 2."""
    return float(row["estimate"][-1]) / math.log(2)


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims, with their numbers by case."""
    wgans, gans = ([row for row in rows if row["case"].startswith(name)] for name in ("wgan", "gan"))
    return {
        "lower": _correlated(rows, "lower", lambda value: value >= HIGH_RHO),
        "critic": _correlated(wgans, "estimate", lambda value: value >= HIGH_RHO),
        "js_says_nothing": _correlated(gans, "estimate", lambda value: value < LOW_RHO),
        "js_saturates": {
            "verdict": judged_by_case(gans, lambda row: last_share(row) >= SATURATED_SHARE),
            "last_over_log_2": spread_by_case(gans, last_share),
        },
    }


def _correlated(rows: Sequence[Result], what: str, meets: Callable[[float], bool]) -> Result:
    """A verdict, and by case the correlations of the repeats and the interval of the median one."""
    found = {case: [correlation(row, what) for row in some] for case, some in by_case(rows).items()}
    ends = {case: interval(float(np.median(values)), LOOK_COUNT) for case, values in found.items()}
    return {
        "verdict": judged_by_case(rows, lambda row: meets(correlation(row, what))),
        "rho": {case: spread(values) for case, values in found.items()},
        "interval_95": {case: [round(end, 4) for end in both] for case, both in ends.items()},
    }


def line(row: Result) -> str:
    """One result in one line."""
    seen = ", ".join(f"{what} {correlation(row, what):.2f}" for what in NAMES)
    return f"{row['case']}: excess {row['excess'][0]:.2f} to {row['excess'][-1]:.2f}, rho of {seen}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Correlations with the excess, its course, and the verdicts."""
    body, courses = [], []
    for case, some in by_case(rows).items():
        for what, name in NAMES.items():
            found = [correlation(row, what) for row in some]
            low, high = interval(float(np.median(found)), len(some[0]["steps"]))
            changes = "" if what == "steps" else shown([rho_of_changes(row[what], row["excess"]) for row in some])
            body.append([case, name, shown(found), f"{low:.3f} to {high:.3f}", changes])
        courses.append([case, *(shown([pick(row["excess"]) for row in some]) for pick in (_first, min, _last))])
    header = ["training", "what", "rho with the excess", "95 % interval of the median", "rho of changes"]
    course = Table(["training", "first excess", "least excess", "last excess"], courses)
    return [Table(header, body), course, verdict_table(verdict(rows))]


def _first(values: Sequence[float]) -> float:
    return values[0]


def _last(values: Sequence[float]) -> float:
    return values[-1]


def figure(rows: Sequence[Result]) -> Files:
    """The course of every training, all correlations, and lower limits against excess."""
    cases = by_case(rows)
    courses = [lambda plot, case=case, some=some: _course(plot, case, some) for case, some in cases.items()]
    extra = [lambda plot: _correlations(plot, cases), lambda plot: _against(plot, cases)]
    half = len(courses) // 2
    return panels([*courses[:half], extra[0], *courses[half:], extra[1]], 5.4, rows=2)


def _course(plot: Axes, case: str, some: Sequence[Result]) -> None:
    """Excess, lower limit and estimate against the steps."""
    steps, wgan = some[0]["steps"], case.startswith("wgan")
    for i, what in enumerate(("excess", "lower")):
        band(plot, steps, [row[what] for row in some], i, NAMES.get(what, what))
    other = plot if wgan else plot.twinx()
    scale = 1 if wgan else 1 / math.log(2)
    runs = np.array([row["estimate"] for row in some]) * scale
    band(other, steps, runs, 2, "critic's estimate" if wgan else "JS / log 2 (right)")
    plot.set(xlabel=f"step ({case})", xscale="log", ylabel="distance (grey, [-1, 1])", ylim=(0, None))
    if not wgan:
        other.set_ylim(0, 1.05)
        other.spines["right"].set_visible(True)
    handles = [line for axes in dict.fromkeys((plot, other)) for line in axes.get_lines()]
    plot.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.15, 1.0), ncols=2, columnspacing=1)


def _correlations(plot: Axes, cases: Mapping[str, Sequence[Result]]) -> None:
    """rho with the excess: the median of the repeats, and a bar from the lowest to the highest."""
    for style, (what, name) in enumerate((what, name) for what, name in NAMES.items() if what != "steps"):
        found = [spread([correlation(row, what) for row in some]) for some in cases.values()]
        low, middle, high = np.array(found).T
        across = np.arange(len(cases)) + 0.2 * (style - 1)
        plot.vlines(across, low, high, color=LOOKS[style]["color"], linewidth=1.5)
        curve(plot, across, middle, style, name, linestyle="", markevery=1)
    for value in (HIGH_RHO, LOW_RHO):
        plot.axhline(value, color=INK, linewidth=0.8, linestyle=":")
    plot.set_xticks(range(len(cases)), [case.replace(", ", "\n").replace("-gp", "\n-gp") for case in cases])
    plot.set(ylabel="rho with the excess", ylim=(-1.05, 1.05))
    plot.legend(loc="lower left", bbox_to_anchor=(-0.25, 1.0), ncols=2, handlelength=1, columnspacing=0.5)


def _against(plot: Axes, cases: Mapping[str, Sequence[Result]]) -> None:
    """Lower limits against excess, a mark for each look."""
    for style, (case, some) in enumerate(cases.items()):
        x, y = (np.concatenate([row[what] for row in some]) for what in ("excess", "lower"))
        marks(plot, x, y, style, case, markeredgewidth=0.6)
    plot.set(xlabel="excess (grey, [-1, 1])", ylabel="lower limit (grey, [-1, 1])")
    plot.legend(loc="lower left", bbox_to_anchor=(-0.25, 1.0), ncols=2, handlelength=1, columnspacing=0.5)


reproduce = Experiment(
    name="meaningful-loss",
    claims={
        "lower": f"in every training rho of the bracket's lower limit with the excess is at least {HIGH_RHO:g}",
        "critic": f"rho of the critic's own estimate with the excess is at least {HIGH_RHO:g} (WGAN-GP)",
        "js_says_nothing": f"rho of the discriminator's estimate of JS with the excess is below {LOW_RHO:g} (GAN)",
        "js_saturates": f"that estimate ends at {SATURATED_SHARE:g} log 2 or more",
    },
    cells=repeats(
        tuple(CONFIGS),
        (tuple(CONFIGS.items()), FIRST_LOOK, LOOK_COUNT, SETTINGS, WINDOW),
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
