r"""Two Gaussians on a line: the discriminator saturates, the critic keeps its slope.

Real samples are N(3, 1) and generated ones N(-3, 1). The best discriminator is the logistic function of 6 x, the log
ratio of the densities, so the gradient that the first GAN's generator follows,

.. math:: \frac{d}{dx} \log(1 - D^*(x)) = -6\, D^*(x),

is below 1e-7 at the centre of the generated samples, 6 from the real ones. The best 1-Lipschitz critic is x itself,
because one distribution is a shift of the other: slope 1 everywhere. Both are trained here on samples.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", figure 2; Zheng 2017, parts one and four.
"""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.stats import norm
from torch import Tensor

from monge.distance.divergence.discriminator import optimal_discriminator
from monge.distance.dual.potential import fit_potential
from monge.experiment.divergence.discriminator import network, train_discriminator
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.plot.chart import band, curve, key, panels
from monge.plot.style import Files

CENTRE = 3.0
"""Of the real distribution, and minus that of the generated one."""
SAMPLES = 4000
"""Of each distribution, for the critic."""
STEPS = 2000
BATCH = 128
"""Of the discriminator."""
CRITIC_STEPS = 500
ACROSS = np.linspace(-6, 6, 121)
"""Where both are looked at."""
VANISHED_SLOPE = 1e-2
"""The discriminator's median slope at generated samples, at most."""
KEPT_SLOPE = 0.9
"""The critic's median slope there, at least."""
LINEAR_SLOPE = 0.95
"""The critic's slope anywhere between the centres of the two distributions, at least."""
SATURATED = 0.99
"""How near to 1 and 0 D is at the two centres."""


@timed
def measure(cell: Repeat) -> Result:
    """D and its gradients, and the critic and its slopes, over the line and at generated samples."""
    draw = torch.Generator().manual_seed(cell.torch_seed())
    discriminator = network((1,), cell.torch_seed(1))

    def sides(n: int) -> tuple[Tensor, Tensor]:
        return tuple(torch.randn(n, 1, generator=draw) + at for at in (CENTRE, -CENTRE))  # type: ignore[return-value]

    train_discriminator(discriminator, lambda step: sides(BATCH), STEPS)
    real, fake = (side.double().numpy() for side in sides(SAMPLES))
    critic = fit_potential(real, fake, "orthogonal", steps=CRITIC_STEPS, seed=cell.seed + cell.number)
    line = ACROSS[:, None]
    heights = critic(line) / critic.lipschitz
    saturating, trick = _gradients(discriminator, fake)
    slopes = critic.gradient(line)[:, 0] / critic.lipschitz
    return {
        "d": _rounded(_values(discriminator, line)),
        "f": _rounded(heights - heights.mean()),
        "slopes": _rounded(slopes),
        "log_1_minus_d": _rounded(_gradients(discriminator, line)[0]),
        "median_slope": {
            "log(1 - D)": float(np.median(saturating)),
            "-log D": float(np.median(trick)),
            "critic": float(np.median(np.abs(critic.gradient(fake)[:, 0]) / critic.lipschitz)),
        },
        "w1_bound": float((critic(real).mean() - critic(fake).mean()) / critic.lipschitz),
    }


def _values(discriminator: torch.nn.Module, points: NDArray[np.float64]) -> NDArray[np.float64]:
    with torch.no_grad():
        logits: Tensor = discriminator(torch.as_tensor(points, dtype=torch.float32))
    return np.asarray(logits[:, 0].double().sigmoid().numpy())


def _gradients(discriminator: torch.nn.Module, points: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Lengths of the gradients of log(1 - D) and of -log D at points (n, 1): |logit'| D and |logit'| (1 - D)."""
    x = torch.as_tensor(points, dtype=torch.float32).requires_grad_()
    logits = discriminator(x)
    (slope,) = torch.autograd.grad(logits.sum(), x)
    steep, logit = slope[:, 0].abs().double(), logits[:, 0].detach().double()
    return [(steep * part.sigmoid()).numpy() for part in (logit, -logit)]


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, with their numbers over the repeats."""
    real, fake = (int(np.abs(ACROSS - at).argmin()) for at in (CENTRE, -CENTRE))
    between = (ACROSS >= -CENTRE) & (ACROSS <= CENTRE)
    sure = [min(row["d"][real], 1 - row["d"][fake]) for row in rows]
    gone = [row["median_slope"]["log(1 - D)"] for row in rows]
    kept = [row["median_slope"]["critic"] for row in rows]
    least = [float(np.min(np.array(row["slopes"])[between])) for row in rows]
    return {
        "saturates": {"verdict": judged([s >= SATURATED for s in sure]), "sure": spread(sure)},
        "gradient_vanishes": {"verdict": judged([g <= VANISHED_SLOPE for g in gone]), "median_slope": spread(gone)},
        "critic_near_linear": {
            "verdict": judged([k >= KEPT_SLOPE and s >= LINEAR_SLOPE for k, s in zip(kept, least, strict=True)]),
            "median_slope_at_generated": spread(kept),
            "least_slope_between_centres": spread(least),
            "w1_bound": spread([row["w1_bound"] for row in rows]),
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return ", ".join(f"{name}: {slope:.2g}" for name, slope in row["median_slope"].items())


def tables(rows: Sequence[Result]) -> list[Table]:
    """Median slopes at the generated samples, and the verdicts."""
    names = list(rows[0]["median_slope"])
    body = [[name, shown([row["median_slope"][name] for row in rows])] for name in names]
    return [Table(["function", "median slope at generated samples"], body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Both functions over the line, and the slopes that a generator would follow."""
    p, q = norm(CENTRE).pdf(ACROSS), norm(-CENTRE).pdf(ACROSS)
    best = optimal_discriminator(p, q)

    def functions(plot: Axes) -> None:
        plot.fill_between(ACROSS, p, color="#9aa3b2", alpha=0.5, linewidth=0, label="density, real")
        plot.fill_between(ACROSS, q, facecolor="none", edgecolor="#9aa3b2", hatch="////", label="density, generated")
        band(plot, ACROSS, [row["d"] for row in rows], 1, "D, trained")
        curve(plot, ACROSS, best, 3, "D, best", marker="")
        band(plot, ACROSS, np.array([row["f"] for row in rows]) / 6 + 0.5, 0, "critic, f / 6 + 1/2")
        plot.set(xlabel="x (deviations of either distribution)", ylabel="value (D: probability)")
        key(plot, 2)

    def slopes(plot: Axes) -> None:
        band(plot, ACROSS, np.abs([row["slopes"] for row in rows]), 0, "critic, trained")
        band(plot, ACROSS, [row["log_1_minus_d"] for row in rows], 1, "log(1 - D), trained")
        curve(plot, ACROSS, 2 * CENTRE * best, 3, "log(1 - D), best", marker="")
        plot.set_yscale("log")
        plot.set(xlabel="x (deviations of either distribution)", ylabel="length of the gradient", ylim=(1e-9, 30))
        key(plot, 2)

    return panels([functions, slopes], 3.1)


reproduce = Experiment(
    name="critic-versus-discriminator",
    claims={
        "saturates": f"between two Gaussians the discriminator is sure to {SATURATED:g} at both centres",
        "gradient_vanishes": f"the median gradient of log(1 - D) at generated samples is at most {VANISHED_SLOPE:g}",
        "critic_near_linear": f"a 1-Lipschitz critic's slope is {LINEAR_SLOPE:g} to 1 between the centres, and its "
        f"median at generated samples at least {KEPT_SLOPE:g}",
    },
    cells=repeats(["gaussians"], (CENTRE, SAMPLES, STEPS, BATCH, CRITIC_STEPS)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
