r"""Reverse KL, what -log D minimises at the best discriminator, forgives dropped modes and not false ones.

.. math:: \mathrm{KL}(p_g \,\|\, p_r) = \int p_g \log \frac{p_g}{p_r}

is small where the generator makes nothing, and unbounded where it makes what is not real; the other way round it is the
opposite. The real distribution is a mixture on a line, of N(0, 1) and, with the share s, of a distribution L away. A
generator that drops the second costs at most log 1 / (1 - s) nats, however far it is, because the real density is at
least 1 - s times its own. One that moves the share s to a place L away on the other side, where nothing real is, costs
about :math:`s (L^2 / 2 + \log s) + (1 - s) \log (1 - s)`. All by quadrature. Then one normal distribution is fitted to
a mixture by either divergence.

References: Arjovsky, Bottou 2017, "Towards Principled Methods for Training GANs", theorem 2.5; Zheng 2017, part one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm

from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.plot.chart import band, curve, key, panels
from monge.plot.style import Files

GRID = np.linspace(-40, 40, 8001)
"""Of the quadrature, in deviations of the first distribution."""
MISTAKES = ("dropped", "false")
DISTANCES = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
FITTED = 8.0
"""The distance of the mixture that one normal distribution is fitted to."""
FAR = 6.0
"""The distance from which on one mistake is dear and the other cheap."""
DEAR_TIMES = 5.0
"""How many times the cheap mistake the dear one costs."""
NEAR_FIT = 0.5
"""Deviations between a fitted mean and a mode for it to be on the mode; fractions for moments."""
SLACK = 1e-6
"""Of the bound of the cheap mistake, in nats."""


@dataclass(frozen=True)
class Mixture:
    """A distribution on a line: shares, means and deviations of normal distributions."""

    shares: tuple[float, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    @property
    def log_density(self) -> NDArray[np.float64]:
        """On the grid."""
        parts = [norm(m, d).logpdf(GRID) for m, d in zip(self.means, self.deviations, strict=True)]
        return np.asarray(logsumexp(parts, axis=0, b=np.array(self.shares)[:, None]))


def kl(p: Mixture, q: Mixture) -> float:
    """KL of q from p in nats, by the trapezoidal rule."""
    log_p, log_q = p.log_density, q.log_density
    return float(trapezoid(np.exp(log_p) * (log_p - log_q), GRID))


@timed
def measure(cell: Repeat) -> Result:
    """Both mistakes by both divergences at every distance, and the fits, for one random mixture."""
    draw = cell.draw()
    share, deviation = float(draw.uniform(0.1, 0.5)), float(draw.uniform(0.7, 1.4))
    costs: dict[str, list[float]] = {f"{side} {law}": [] for side in ("reverse", "forward") for law in MISTAKES}
    for distance in DISTANCES:
        real = Mixture((1 - share, share), (0.0, distance), (1.0, deviation))
        dropped = Mixture((1.0,), (0.0,), (1.0,))
        false = Mixture(
            ((1 - share) ** 2, share * (1 - share), share), (0.0, distance, -distance), (1.0, deviation, 1.0)
        )
        for name, law in zip(MISTAKES, (dropped, false), strict=True):
            costs[f"reverse {name}"].append(kl(law, real))
            costs[f"forward {name}"].append(kl(real, law))
    real = Mixture((1 - share, share), (0.0, FITTED), (1.0, deviation))
    start = [float(draw.uniform(-2, FITTED + 2)), float(draw.uniform(0, 1))]
    return {
        "share": share,
        "deviation": deviation,
        "costs": {name: [float(f"{cost:.6g}") for cost in some] for name, some in costs.items()},
        "reverse fit": fit(real, start, reverse=True),
        "forward fit": fit(real, start, reverse=False),
    }


def fit(real: Mixture, start: Sequence[float], *, reverse: bool) -> list[float]:
    """Mean and deviation of the normal distribution that minimises a divergence, from a mean and a log deviation."""

    def cost(at: NDArray[np.float64]) -> float:
        law = Mixture((1.0,), (float(at[0]),), (float(np.exp(np.clip(at[1], -3, 2))),))
        return kl(law, real) if reverse else kl(real, law)

    found = minimize(cost, np.array(start), method="Nelder-Mead", options={"xatol": 1e-4, "fatol": 1e-8})
    return [round(float(found.x[0]), 4), round(float(np.exp(found.x[1])), 4)]


def _ratios(row: Result, dear: str, cheap: str) -> float:
    """The least ratio of costs from `FAR` on."""
    far = [i for i, distance in enumerate(DISTANCES) if distance >= FAR]
    return float(min(row["costs"][dear][i] / max(row["costs"][cheap][i], 1e-12) for i in far))


def _on_a_mode(row: Result) -> float:
    """How far the reverse fit's mean is from the nearer mode."""
    mean = row["reverse fit"][0]
    return float(min(abs(mean), abs(mean - FITTED)))


def _off_moments(row: Result) -> float:
    """How far the forward fit is from the mixture's mean and deviation, as a fraction of the latter."""
    share, (mean, deviation) = row["share"], row["forward fit"]
    variance = (1 - share) + share * row["deviation"] ** 2 + share * (1 - share) * FITTED**2
    return float(max(abs(mean - share * FITTED), abs(deviation - variance**0.5)) / variance**0.5)


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims, with their numbers over random mixtures."""
    over = [max(row["costs"]["reverse dropped"]) + float(np.log1p(-row["share"])) for row in rows]
    reverse = [_ratios(row, "reverse false", "reverse dropped") for row in rows]
    forward = [_ratios(row, "forward dropped", "forward false") for row in rows]
    on, off = [_on_a_mode(row) for row in rows], [_off_moments(row) for row in rows]
    return {
        "dropped_is_bounded": {"verdict": judged([o <= SLACK for o in over]), "over_the_bound": spread(over)},
        "false_is_dear": {"verdict": judged([r >= DEAR_TIMES for r in reverse]), "false_over_dropped": spread(reverse)},
        "forward_is_opposite": {
            "verdict": judged([f >= DEAR_TIMES for f in forward]),
            "dropped_over_false": spread(forward),
        },
        "one_mode_or_all": {
            "verdict": judged([a <= NEAR_FIT and b <= NEAR_FIT for a, b in zip(on, off, strict=True)]),
            "reverse_from_a_mode": spread(on),
            "forward_from_moments": spread(off),
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"share {row['share']:.2f}: " + ", ".join(f"{name} {some[-1]:.3g}" for name, some in row["costs"].items())


def tables(rows: Sequence[Result]) -> list[Table]:
    """Costs at every distance, and the verdicts."""
    body = [
        [name, *(shown([row["costs"][name][i] for row in rows]) for i in range(len(DISTANCES)))]
        for name in rows[0]["costs"]
    ]
    header = ["KL (nats), by distance", *(f"{distance:g}" for distance in DISTANCES)]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Costs of both mistakes by both divergences, and one normal distribution fitted by either."""

    def costs(plot: Axes, which: str, label: str) -> None:
        for look, mistake in enumerate(MISTAKES):
            band(plot, DISTANCES, [row["costs"][f"{which} {mistake}"] for row in rows], look, f"{mistake} mode")
        plot.set(xlabel="distance (deviations)", ylabel=f"{label} (nats)", yscale="log", ylim=(0.03, 100))
        plot.set_xticks(DISTANCES, [f"{distance:g}" for distance in DISTANCES])
        key(plot)

    def fits(plot: Axes) -> None:
        row = rows[0]
        near = (GRID > -8) & (GRID < 16)
        real = Mixture((1 - row["share"], row["share"]), (0.0, FITTED), (1.0, row["deviation"]))
        plot.fill_between(GRID[near], np.exp(real.log_density[near]), color="#9aa3b2", alpha=0.5, label="real")
        for look, (name, label) in enumerate((("reverse fit", "fit, KL(g || r)"), ("forward fit", "fit, KL(r || g)"))):
            curve(plot, GRID[near], norm(*row[name]).pdf(GRID[near]), look, label)
        plot.set(xlabel="x (deviations)", ylabel="density (per deviation)")
        key(plot)

    return panels(
        [lambda plot: costs(plot, "reverse", "KL(g || r)"), lambda plot: costs(plot, "forward", "KL(r || g)"), fits]
    )


reproduce = Experiment(
    name="reverse-kl",
    claims={
        "dropped_is_bounded": "KL(g || r) of a dropped mode of share s is at most log 1 / (1 - s), however far it is",
        "false_is_dear": f"KL(g || r) of a false mode is at least {DEAR_TIMES:g} times that, from {FAR:g} deviations "
        "on",
        "forward_is_opposite": f"KL(r || g) of a dropped mode is at least {DEAR_TIMES:g} times that of a false one",
        "one_mode_or_all": "a normal distribution fitted by KL(g || r) sits on one mode; by KL(r || g) it covers both",
    },
    cells=repeats(["mixture"], (DISTANCES, FITTED, len(GRID))),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
