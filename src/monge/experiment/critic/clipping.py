r"""What clipping weights does to a critic: gradients along its depth, the weights themselves, and what it can see.

Critics are trained against generated samples that stand still, real ones plus N(0, I) (in deviations of the data), with
weights clipped at c or with a gradient penalty. Three things are measured.

Gradients: of a critic of 12 hidden ReLU layers, :math:`\lVert \partial L / \partial h_l \rVert` in the activations of
every layer, for c = .1, .01 and .001.

Weights: the share of them within 2 % of c, or of the largest of their layer where there is no c. Before training they
are uniform within c; else the first clip alone would pile them there.

Moments: a function of mean and covariance cannot tell real samples from the normal distribution N with theirs. So of
the gap between real and generated samples that a critic sees, the share

.. math:: \frac{\mathbb{E}_r f - \mathbb{E}_N f}{\mathbb{E}_r f - \mathbb{E}_g f}

is due to higher moments: 0 for a quadratic function, and more than .5 for minus the distance to the nearest of eight
modes on a circle.

Reference: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", section 3, figures 1a and 1b, where a
generator of 12 layers is trained along in 1b, and the authors' code of the toy problems (weight .1, He's start).
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray

from monge.data.dataset import DataSet
from monge.data.toy import grid25, ring8, swissroll
from monge.distance.transport.exact import wasserstein
from monge.experiment.critic import critic_fit
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, judged_by_case, of, repeats, shown, spread, spread_by_case, timed
from monge.experiment.sweep import Result
from monge.plot.chart import band, panels
from monge.plot.style import BLUE, INK, VERMILION, Files

LAWS: dict[str, Callable[[], DataSet]] = {"ring8": ring8, "grid25": grid25, "swissroll": swissroll}
CLIPS = (0.1, 0.01, 0.001)
"""Bounds of the deep critics."""
CLIP = 0.01
"""The bound of critics whose weights and values are looked at."""
DEEP = "12 layers"
CLIPPED = f"c = {CLIP:g}"
PENALTY = "penalty"
DEEP_LAYERS = 12
LAYERS = 3
DEEP_STEPS = 500
STEPS = 1500
CRITIC_SETTINGS = (CLIPS, CLIP, DEEP_LAYERS, LAYERS, DEEP_STEPS, STEPS)
JUDGED = 20_000
"""Samples of a mean."""
TRANSPORTED = 1000
"""Samples of an exact transport."""
SIDE = 37
"""Points across a picture."""
REACH = 2.5
"""Half the width of a picture, in deviations."""
BINS = 40
EXPONENTIAL_ORDERS = 3.0
STEADY_ORDERS = 1.0
PILED_SHARE = 0.5
LOOSE_SHARE = 0.05
BLIND_SHARE = 0.1
SEEING_SHARE = 0.25


def deep(data: DataSet, seed: int) -> Result:
    """Norms along the depth of critics under every bound and under the penalty."""
    facts: Result = {"norms": {}, "piled": {}}
    real, fake = critic_fit.samples(data, TRANSPORTED, torch.Generator().manual_seed(seed + 1))
    for clip in (*CLIPS, None):
        name = PENALTY if clip is None else f"c = {clip:g}"
        critic = critic_fit.fitted(data, DEEP_LAYERS, DEEP_STEPS, seed, clip)
        facts["norms"][name] = critic_fit.layer_norms(critic, real, fake)
        facts["piled"][name] = round(critic_fit.at_bound(critic_fit.weights(critic, clip)), 4)
    return facts


def shallow(data: DataSet, seed: int, *, keep: bool) -> Result:
    """Weights and values of a clipped critic and of a penalised one, with pictures of both if they are to be kept."""
    draw = torch.Generator().manual_seed(seed + 1)
    real, fake = critic_fit.samples(data, JUDGED, draw)
    facts: Result = {"w1": round(wasserstein(real[:TRANSPORTED].numpy(), fake[:TRANSPORTED].numpy()), 4)}
    ticks = torch.linspace(-REACH, REACH, SIDE)
    for name, clip in ((CLIPPED, CLIP), (PENALTY, None)):
        critic = critic_fit.fitted(data, LAYERS, STEPS, seed, clip)
        weights = critic_fit.weights(critic, clip)
        facts[name] = {
            "higher_moments": round(critic_fit.higher_moments(critic, real, fake, draw), 4),
            "piled": round(critic_fit.at_bound(weights), 4),
            "unmoved": round(critic_fit.unmoved(critic, critic_fit.started(LAYERS, seed, clip)), 4),
            "w1_estimate": round(critic_fit.gap(critic, real, fake), 4),
        }
        if keep:
            with torch.no_grad():
                surface = critic(torch.cartesian_prod(ticks, ticks)).reshape(SIDE, SIDE).T.double().numpy()
            facts[name]["surface"] = np.round((surface - surface.mean()) / surface.std(), 2).tolist()
            facts[name]["bars"] = np.histogram(weights, BINS, (-1, 1))[0].tolist()
    return facts


@timed
def measure(cell: Repeat) -> Result:
    """Deep critics of a spiral, or a clipped and a penalised critic of one distribution."""
    seed = cell.torch_seed() % 2**31
    if cell.case == DEEP:
        return deep(swissroll(), seed)
    return shallow(LAWS[cell.case](), seed, keep=cell.number == 0)


def _logarithms(row: Result, name: str) -> NDArray[np.float64]:
    """Of the norms, to the base of 10; a gradient of 0 counts as 1e-300."""
    logarithms: NDArray[np.float64] = np.log10(np.maximum(row["norms"][name], 1e-300))
    return logarithms


def orders(row: Result, name: str) -> float:
    """Orders of magnitude from the last hidden layer's gradient to the first's; positive if it explodes."""
    norms = _logarithms(row, name)
    return float(norms[0] - norms[-1])


def straightness(row: Result, name: str) -> float:
    """The squared correlation of the gradient's logarithm with the layer: 1 if exponential, 0 if constant."""
    norms = _logarithms(row, name)
    return float(np.corrcoef(np.arange(len(norms)), norms)[0, 1] ** 2) if np.ptp(norms) else 0.0


def verdict(rows: Sequence[Result]) -> Result:
    """The five claims, with their numbers over the repeats."""
    deep_rows, flat = of(rows, DEEP), [row for row in rows if row["case"] in LAWS]
    return {
        "exponential": _exponential(deep_rows),
        "penalty_is_steady": {
            "verdict": judged([abs(orders(row, PENALTY)) <= STEADY_ORDERS for row in deep_rows]),
            "orders": spread([orders(row, PENALTY) for row in deep_rows]) if deep_rows else None,
        },
        "piles": {
            "verdict": judged_by_case(flat, _piles),
            "shares": _by_law(flat, "piled", CLIPPED) | _by_law(flat, "piled", PENALTY),
        },
        "clipped_is_blind": {
            "verdict": judged_by_case(flat, lambda row: row[CLIPPED]["higher_moments"] <= BLIND_SHARE),
            "shares": _by_law(flat, "higher_moments", CLIPPED),
        },
        "penalised_sees": {
            "verdict": judged_by_case(flat, lambda row: row[PENALTY]["higher_moments"] >= SEEING_SHARE),
            "shares": _by_law(flat, "higher_moments", PENALTY),
        },
    }


def _exponential(rows: Sequence[Result]) -> Result:
    """The claim about clipped critics of many layers."""
    names = [f"c = {clip:g}" for clip in CLIPS] if rows else []
    return {
        "verdict": judged([all(abs(orders(row, name)) >= EXPONENTIAL_ORDERS for name in names) for row in rows]),
        "orders": {name: spread([orders(row, name) for row in rows]) for name in names},
        "squared_correlation": {name: spread([straightness(row, name) for row in rows]) for name in names},
    }


def _piles(row: Result) -> bool:
    """Whether clipped weights lie at the bound, and penalised ones do not lie at the largest of their layer."""
    return bool(row[CLIPPED]["piled"] >= PILED_SHARE and row[PENALTY]["piled"] <= LOOSE_SHARE)


def _by_law(rows: Sequence[Result], what: str, name: str) -> Result:
    """A share of one kind of critic, for each distribution."""
    return {name: spread_by_case(rows, lambda row: float(row[name][what]))}


def line(row: Result) -> str:
    """One result in one line."""
    if row["case"] == DEEP:
        return ", ".join(f"{name}: {orders(row, name):+.1f} orders of magnitude" for name in row["norms"])
    shares = (f"{name}: {row[name]['higher_moments']:.1%}" for name in (CLIPPED, PENALTY))
    return f"{row['case']}: " + ", ".join(shares) + " from higher moments"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Norms along the depth, weights, moments and estimates of W1, and the verdicts."""
    deeps = of(rows, DEEP)
    along = []
    for name in deeps[0]["norms"] if deeps else ():
        facts = [(orders(row, name), straightness(row, name), row["piled"][name]) for row in deeps]
        along.append([name, *(shown(values) for values in zip(*facts, strict=True))])
    seen = []
    for law in (law for law in LAWS if of(rows, law)):
        for name in (CLIPPED, PENALTY):
            found = [row[name] | {"of_w1": row[name]["w1_estimate"] / row["w1"]} for row in of(rows, law)]
            values = [shown([row[what] for row in found]) for what in ("higher_moments", "piled", "unmoved", "of_w1")]
            seen.append([law, name, *values])
    depth = ["12 layers", "orders of magnitude, last layer to first", "squared correlation", "weights at the bound"]
    header = [
        "data",
        "3 layers",
        "share from higher moments",
        "weights at the bound",
        "never moved",
        "gap over largest slope, of W1",
    ]
    return [Table(depth, along), Table(header, seen), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Values of clipped critics (above) and of penalised ones (below), gradients along the depth, and weights."""

    def surfaces(name: str, colour: str) -> list[Callable[[Axes], None]]:
        return [partial(_surface, row=of(rows, law)[0], name=name, colour=colour) for law in LAWS]

    depths, bars = partial(_depths, rows=of(rows, DEEP)), partial(_bars, row=of(rows, "swissroll")[0])
    above, below = surfaces(CLIPPED, VERMILION), surfaces(PENALTY, BLUE)
    return panels([*above, depths, *below, bars], 4.2, 7.6, rows=2)


def _surface(plot: Axes, row: Result, name: str, colour: str) -> None:
    """Contours of a critic's values, and real samples."""
    x, y = LAWS[row["case"]]().batch(300, torch.Generator().manual_seed(0)).T.numpy()
    ticks = np.linspace(-REACH, REACH, SIDE)
    plot.contour(ticks, ticks, row[name]["surface"], 14, colors=colour, linewidths=0.7, linestyles="-")
    plot.scatter(x, y, 3, color=INK, linewidths=0, zorder=3)
    plot.set(title=f"{row['case']}, {name}", xlim=(-REACH, REACH), ylim=(-REACH, REACH), box_aspect=1)
    plot.set(xlabel="x₁ (deviations)", ylabel="x₂ (deviations)" * (row["case"] == "ring8"))


def _depths(plot: Axes, rows: Sequence[Result]) -> None:
    for look, name in enumerate(rows[0]["norms"]):
        runs = 10.0 ** np.array([_logarithms(row, name) for row in rows])
        band(plot, np.arange(1, DEEP_LAYERS + 1), runs, look, name, markevery=2)
    plot.set(yscale="log", xlabel="hidden layer", ylabel="length of the gradient", xticks=[1, 4, 8, 12])
    plot.legend(loc="lower left", bbox_to_anchor=(-0.25, 1.0), ncols=2, handlelength=2.2, columnspacing=0.8)


def _bars(plot: Axes, row: Result) -> None:
    for name, colour, dash in ((CLIPPED, VERMILION, "--"), (PENALTY, BLUE, "-")):
        bars = np.array(row[name]["bars"])
        plot.stairs(bars / bars.sum(), np.linspace(-1, 1, BINS + 1), color=colour, linestyle=dash, label=name)
    plot.set(yscale="log", xlabel="weight / bound", ylabel="share of weights")
    plot.legend(loc="lower left", bbox_to_anchor=(-0.25, 1.0), ncols=2, handlelength=2.2, columnspacing=0.8)


reproduce = Experiment(
    name="clipping",
    claims={
        "exponential": f"with 12 layers and weights clipped at {', '.join(f'{c:g}' for c in CLIPS)} the gradient "
        f"changes by at least {EXPONENTIAL_ORDERS:g} orders of magnitude from the last layer to the first",
        "penalty_is_steady": f"under the penalty by at most {STEADY_ORDERS:g}",
        "piles": f"at least {PILED_SHARE:.0%} of the weights clipped at {CLIP:g} end within "
        f"{critic_fit.NEAR_BOUND:.0%} of the bound; under the penalty at most {LOOSE_SHARE:.0%} are as near to the "
        "largest of their layer",
        "clipped_is_blind": f"higher moments make up at most {BLIND_SHARE:.0%} of what the clipped critic sees",
        "penalised_sees": f"and at least {SEEING_SHARE:.0%} of what the penalised one sees",
    },
    cells=repeats((DEEP, *LAWS), (*CRITIC_SETTINGS, JUDGED, TRANSPORTED, SIDE, REACH, BINS, critic_fit.SETTINGS)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
