r"""Two parallel segments: which distances say how far apart they are, and which lead gradient descent together.

P is uniform on {0} x [0, 1] and Q on {theta} x [0, 1]. W1 is |theta|; for every theta but 0, KL is infinite, JS log 2,
and TV and Hellinger are 1: their gradients in theta are 0, or are none. The closed forms are in
`monge.distance.closed_form.parallel_lines`; here samples are to confirm them, by exact transport and by a held-out
discriminator, and theta descends by each:

.. math:: \theta_{t+1} = \theta_t - \frac{r}{\sqrt{t + 1}}\, g(\theta_t)

with g a gradient or, for W1, a subgradient: |theta| is not smooth at its minimum, so the rate has to decay. A gradient
that is undefined moves nothing.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", example 1; Zheng 2017, part three.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.random import Generator
from numpy.typing import NDArray

from monge.distance.closed_form import parallel_lines as closed
from monge.distance.divergence.discriminator import js_lower_bound
from monge.distance.transport.exact import coupling, wasserstein
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.plot.chart import band, curve, key, panels
from monge.plot.style import INK, Files

THETAS = (-1.0, -0.6, -0.3, -0.1, 0.0, 0.1, 0.3, 0.6, 1.0)
SAMPLES = 400
"""Of each segment, for the curves."""
BATCH = 32
"""Samples of each segment, for a step of descent."""
STEPS = 400
RATE = 0.1
"""Over all steps the rates add up to about 4, several times the longest way."""
SHOWN = 51
"""Points of a path in the figure."""
CURVES: Mapping[str, Callable[[float], closed.ValueAndGradient]] = {
    "W1": closed.wasserstein,
    "JS": closed.js,
    "TV": closed.tv,
    "KL": closed.kl,
    "Hellinger": closed.hellinger,
}
SAMPLED = "W1 of samples"
W1_ERROR = 0.05
"""How far W1 of samples may be from |theta|."""
JS_SHARE = 0.95
"""Of log 2, that the bound of JS must reach."""
JS_AT_0 = 0.05
"""The most that bound may be where the segments meet, in nats."""
ARRIVED = 0.02
"""|theta| at the end where descent arrives, at most."""
MOVED = 1e-9
"""The way of a descent that does not move, at most."""


def segment(draw: Generator, n: int, theta: float) -> NDArray[np.float64]:
    """Samples of the segment at theta, (n, 2)."""
    return np.column_stack([np.full(n, theta), draw.uniform(size=n)])


def sampled_gradient(theta: float, draw: Generator) -> float:
    """The derivative in theta of exact W1 between fresh samples, whose plan is held (envelope theorem)."""
    x, y = segment(draw, BATCH, 0.0), segment(draw, BATCH, theta)
    plan = coupling(x, y)
    ways = y[plan.target] - x[plan.source]
    return float(np.average(ways[:, 0] / np.linalg.norm(ways, axis=1).clip(1e-12), weights=plan.mass))


def descend(gradient: Callable[[float], float], theta: float) -> list[float]:
    """Theta at every step."""
    path = [theta]
    for step in range(STEPS):
        slope = gradient(path[-1])
        path.append(path[-1] - (0.0 if np.isnan(slope) else RATE / (step + 1) ** 0.5 * slope))
    return path


@timed
def measure(cell: Repeat) -> Result:
    """W1 and JS of samples at every theta; descent from one random start by every distance."""
    draw = cell.draw()
    start = float(draw.choice([-1, 1]) * draw.uniform(0.3, 1.0))
    pairs = [(segment(draw, SAMPLES, 0.0), segment(draw, SAMPLES, theta)) for theta in THETAS]
    paths = {name: descend(lambda at, f=f: float(f(at).gradient), start) for name, f in CURVES.items()}  # type: ignore[misc]
    paths[SAMPLED] = descend(lambda at: sampled_gradient(at, draw), start)
    return {
        "w1": [round(wasserstein(x, y), 5) for x, y in pairs],
        "js": [round(js_lower_bound(x, y, seed=cell.number).value, 5) for x, y in pairs],
        "start": start,
        "paths": {name: [round(theta, 5) for theta in path] for name, path in paths.items()},
    }


def w1_error(row: Result) -> float:
    """How far W1 of samples is from |theta|, at most."""
    return max(abs(float(w1) - abs(theta)) for w1, theta in zip(row["w1"], THETAS, strict=True))


def js_share(row: Result) -> float:
    """JS of samples over log 2, at the theta but 0 where it is least."""
    return min(float(js) for js, theta in zip(row["js"], THETAS, strict=True) if theta) / math.log(2)


def js_at_0(row: Result) -> float:
    """JS of samples where the segments meet."""
    return float(row["js"][THETAS.index(0.0)])


def only_w1_arrives(row: Result) -> bool:
    """Whether descent by W1, in closed form and of samples, ends at 0, and that by anything else does not move."""
    ends = [abs(row["paths"][name][-1]) for name in ("W1", SAMPLED)]
    ways = [np.ptp(row["paths"][name]) for name in CURVES if name != "W1"]
    return bool(max(ends) <= ARRIVED and max(ways) <= MOVED)


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, with their numbers over the repeats."""
    return {
        "w1_follows": {
            "verdict": judged([w1_error(row) <= W1_ERROR for row in rows]),
            "largest_error": spread([w1_error(row) for row in rows]),
        },
        "js_jumps": {
            "verdict": judged([js_share(row) >= JS_SHARE and js_at_0(row) <= JS_AT_0 for row in rows]),
            "least_share_of_log_2": spread([js_share(row) for row in rows]),
            "at_0": spread([js_at_0(row) for row in rows]),
        },
        "only_w1_arrives": {
            "verdict": judged([only_w1_arrives(row) for row in rows]),
            "ends": {name: spread([abs(row["paths"][name][-1]) for row in rows]) for name in rows[0]["paths"]},
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    ends = ", ".join(f"{name} {path[-1]:.3f}" for name, path in row["paths"].items())
    return f"from {row['start']:.3f}: {ends}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Where each distance leads, and the verdicts."""
    body = [
        [name, *(shown([abs(row["paths"][name][at]) for row in rows]) for at in (0, -1))] for name in rows[0]["paths"]
    ]
    return [Table(["distance", "distance at the start", "at the end"], body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """The distances against theta, their gradients, and theta against the steps of descent."""
    across = np.linspace(-1, 1, 400)

    def values(plot: Axes) -> None:
        for look, name in enumerate(("W1", "JS", "TV")):
            curve(plot, across, CURVES[name](across).value, look, name, marker="")  # type: ignore[arg-type]
        for look, (name, seen) in enumerate((("W1", "w1"), ("JS", "js"))):
            measured = np.median([row[seen] for row in rows], axis=0)
            curve(plot, THETAS, measured, look, f"{name} of samples", linestyle="", markevery=1)
        plot.plot([], [], " ", label="KL is infinite")
        plot.set(xlabel="theta (lengths of a segment)", ylabel="distance (W1: lengths, JS: nats)")
        key(plot, 2)

    def gradients(plot: Axes) -> None:
        for look, name in enumerate(("W1", "JS", "TV")):
            curve(plot, across, CURVES[name](across).gradient, look, name, markevery=(13 * look, 60))  # type: ignore[arg-type]
        plot.plot([], [], " ", label="KL has none")
        plot.set(xlabel="theta (lengths of a segment)", ylabel="gradient in theta")
        key(plot, 2)

    def paths(plot: Axes) -> None:
        for look, name in ((0, SAMPLED), (1, "JS"), (2, "TV"), (3, "KL")):
            relative = [np.array(row["paths"][name][:SHOWN]) / row["start"] for row in rows]
            band(plot, np.arange(len(relative[0])), relative, look, name, markevery=(2 * look, 10))
        plot.axhline(0, color=INK, linewidth=0.6)
        plot.set(xlabel="step of descent", ylabel="theta / theta at the start")
        key(plot, 2)

    return panels([values, gradients, paths])


reproduce = Experiment(
    name="parallel-lines",
    claims={
        "w1_follows": f"W1 of samples is |theta|, within {W1_ERROR:g}",
        "js_jumps": f"JS of samples is at least {JS_SHARE:.0%} of log 2 at every theta but 0, and about 0 there",
        "only_w1_arrives": "gradient descent on theta arrives by W1 and does not move by KL, JS, TV or Hellinger",
    },
    cells=repeats(["lines"], (THETAS, SAMPLES, BATCH, STEPS, RATE)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
