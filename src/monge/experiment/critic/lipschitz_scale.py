r"""Does the Lipschitz constant K only scale the critic's gradient? Critics fitted apart, under several K.

If f is the best critic among functions with constant 1, then K f is among those with constant K, and W1 is

.. math:: \frac{1}{K} \sup_{\lVert f \rVert_L \le K} \mathbb{E}_{p_r} f - \mathbb{E}_{p_g} f,

so K is said not to matter: it makes the generator's gradient K times as long and leaves its direction. Here networks
of different start, on different batches, are fitted under a penalty on slopes above K (with weight :math:`10 / K`, so
that the loss of K f is K times that of f), and others with weights clipped at c, as in Algorithm 1, where c decides a K
that nobody knows. Compared are their gradients at the same generated samples. A second critic under the same K tells
what two fits differ by anyway.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", section 3; Gulrajani et al. 2017, section 3, on what
clipping does to the critic; Zheng 2017, part four.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from matplotlib.axes import Axes
from numpy.typing import NDArray
from torch import Tensor, nn

from monge.data.dataset import DataSet
from monge.data.toy import ring8
from monge.experiment.divergence.discriminator import network
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, judged_by_case, of, repeats, shown, spread, spread_by_case, timed
from monge.experiment.sweep import Result
from monge.plot.chart import LOOKS, key, marks, panels
from monge.plot.style import INK, Files

CONSTANTS = (1.0, 2.0, 5.0)
CLIPS = (0.05, 0.1, 0.2)
CASES = ("ring8", "shift")
"""Distributions on the plane: 8 modes around the generated one, and the generated one shifted by 3."""
STEPS = 500
BATCH = 128
WIDTH = 64
RATE = 2e-3
BETAS = (0.5, 0.9)
PENALTY_WEIGHT = 10.0
SHOWN_CRITICS = ("K = 1", "K = 5", f"c = {CLIPS[1]:g}")
"""Those in the figure."""
JUDGED = 1000
"""Generated samples at which gradients are compared."""
ARROWS = 40
"""Those of them that are in the figure."""
PARALLEL_COSINE = 0.95
"""The least mean cosine of gradients that count as parallel."""
LENGTH_TOLERANCE = 0.1
"""How far a ratio of lengths may be from K, as a fraction."""


@cache
def _ring8() -> DataSet:
    return ring8()


def real(case: str, n: int, draw: torch.Generator) -> Tensor:
    """Real samples, (n, 2), in deviations of a coordinate."""
    if case == "ring8":
        return _ring8().batch(n, draw)
    return torch.randn(n, 2, generator=draw) * 0.5 + torch.tensor([3.0, 0.0])


def generated(n: int, draw: torch.Generator) -> Tensor:
    """Generated samples, (n, 2), about 0."""
    return torch.randn(n, 2, generator=draw) * 0.5


def critic(case: str, seed: int, *, constant: float | None = None, clip: float | None = None) -> nn.Module:
    """A critic fitted under a penalty on slopes above the constant, or with clipped weights."""
    draw = torch.Generator().manual_seed(seed)
    fitted = network((2,), seed, WIDTH)
    optimiser = torch.optim.Adam(fitted.parameters(), RATE, BETAS)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    for _ in range(STEPS):
        x, y = real(case, BATCH, draw), generated(BATCH, draw)
        loss = fitted(y).mean() - fitted(x).mean()
        if constant is not None:
            mixed = torch.lerp(x, y, torch.rand(BATCH, 1, generator=draw))
            steep = gradient(fitted, mixed, graph=True).square().sum(dim=1).clamp_min(1e-20).sqrt()
            loss = loss + PENALTY_WEIGHT / constant * (steep - constant).relu().square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if clip is not None:
            with torch.no_grad():
                for values in fitted.parameters():
                    values.clamp_(-clip, clip)
    return fitted


def gradient(function: nn.Module, points: Tensor, *, graph: bool = False) -> Tensor:
    """The gradient of a critic at points (n, 2), (n, 2)."""
    points = points.detach().requires_grad_()
    (slope,) = torch.autograd.grad(function(points).sum(), points, create_graph=graph)
    return slope


@timed
def measure(cell: Repeat) -> Result:
    """Directions and lengths of every critic's gradients, against those of the first of its kind."""
    where = generated(JUDGED, torch.Generator().manual_seed(cell.torch_seed()))
    seeds = iter(range(cell.torch_seed(1) % 2**31, 2**31))
    fields: dict[str, NDArray[np.float64]] = {}
    for name, constant in (("1 again", 1.0), *((f"{k:g}", k) for k in CONSTANTS)):
        fields[f"K = {name}"] = gradient(critic(cell.case, next(seeds), constant=constant), where).double().numpy()
    for clip in CLIPS:
        fields[f"c = {clip:g}"] = gradient(critic(cell.case, next(seeds), clip=clip), where).double().numpy()
    pairs = {name: (field, fields["K = 1"]) for name, field in fields.items()}
    return {
        "cosine": {name: round(cosine(*pair), 5) for name, pair in pairs.items()},
        "length": {name: round(_length(a) / _length(b), 5) for name, (a, b) in pairs.items()},
        "clipped": {f"c = {c:g}": round(cosine(fields[f"c = {c:g}"], fields[f"c = {CLIPS[0]:g}"]), 5) for c in CLIPS},
        "slope": round(_length(fields["K = 1"]), 5),
        "at": np.round(where[:ARROWS].numpy().astype(float), 3).tolist(),
        "arrows": {name: np.round(fields[name][:ARROWS], 3).tolist() for name in SHOWN_CRITICS},
    }


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """The mean cosine of the angles between two fields of vectors, (n, 2)."""
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return float(np.mean((a * b).sum(axis=1) / lengths.clip(1e-12)))


def _length(field: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(field, axis=1).mean())


def least_cosine(row: Result) -> float:
    """The least mean cosine of critics under a penalty with those of K = 1."""
    return min(float(row["cosine"][f"K = {k:g}"]) for k in CONSTANTS[1:])


def length_error(row: Result) -> float:
    """How far lengths are from K times those of K = 1, at most, as a fraction."""
    return max(abs(float(row["length"][f"K = {k:g}"]) / k - 1) for k in CONSTANTS[1:])


def least_clipped_cosine(row: Result) -> float:
    """The least mean cosine of clipped critics, with each other or with those of K = 1."""
    cosines = [*row["clipped"].values(), *(row["cosine"][f"c = {clip:g}"] for clip in CLIPS)]
    return float(min(cosines))


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, with their numbers over the repeats of both cases."""
    return {
        "parallel": {
            "verdict": judged_by_case(rows, lambda row: least_cosine(row) >= PARALLEL_COSINE),
            "least_cosine": spread([least_cosine(row) for row in rows]),
            "cosine_of_two_fits": spread([row["cosine"]["K = 1 again"] for row in rows]),
        },
        "k_times": {
            "verdict": judged_by_case(rows, lambda row: length_error(row) <= LENGTH_TOLERANCE),
            "largest_relative_difference": spread([length_error(row) for row in rows]),
        },
        "clipping_too": {
            "verdict": judged_by_case(rows, lambda row: least_clipped_cosine(row) >= PARALLEL_COSINE),
            "least_cosine": spread_by_case(rows, least_clipped_cosine),
        },
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: " + ", ".join(f"{name}: {value:.3f}" for name, value in row["cosine"].items())


def tables(rows: Sequence[Result]) -> list[Table]:
    """Cosines and lengths against K = 1, and the verdicts."""
    body = []
    for case in CASES:
        some = of(rows, case)
        for name in some[0]["cosine"] if some else ():
            body.append([case, name, *(shown([row[what][name] for row in some]) for what in ("cosine", "length"))])
    header = ["distributions", "critic", "mean cosine with that of K = 1", "length over that of K = 1"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Gradients at generated samples, and cosines and lengths of all critics."""
    names = [name for name in rows[0]["cosine"] if name != "K = 1"]

    def arrows(plot: Axes) -> None:
        row = rows[0]
        x, y = np.array(row["at"]).T
        for look, (name, field) in enumerate(row["arrows"].items()):
            u, v = (np.array(field) / np.linalg.norm(field, axis=1).mean()).T
            plot.quiver(x, y, u, v, color=LOOKS[look]["color"], width=0.011 - 0.004 * look, scale=12, label=name)
        plot.set(xlabel="x₁ (deviations)", ylabel="x₂ (deviations)", box_aspect=1, xlim=(-2.2, 2.2), ylim=(-2.2, 2.2))
        plot.legend(loc="lower left", bbox_to_anchor=(-0.1, 1.0), ncols=3, handlelength=1, columnspacing=0.8)

    def compared(plot: Axes, what: str, label: str) -> None:
        for look, case in enumerate(CASES):
            some = of(rows, case)
            for i, (row, aside) in enumerate(zip(some, np.linspace(-0.15, 0.15, len(some)), strict=True)):
                at = np.arange(len(names)) + 0.44 * look - 0.22 + aside
                values, law = [row[what][name] for name in names], case if i == 0 else ""
                marks(plot, at, values, look, law)
        plot.set_xticks(
            range(len(names)), [name.replace(" = ", "=").replace(" ", "\n").replace("0.", ".") for name in names]
        )
        plot.tick_params(axis="x", labelsize=6.5)
        plot.set(xlabel="critic", ylabel=label)
        key(plot, 2)

    def cosines(plot: Axes) -> None:
        compared(plot, "cosine", "mean cosine with K = 1")
        plot.axhline(PARALLEL_COSINE, color=INK, linewidth=0.9, linestyle=":")

    def lengths(plot: Axes) -> None:
        compared(plot, "length", "length over that of K = 1")
        plot.set_yscale("log")

    return panels([arrows, cosines, lengths])


reproduce = Experiment(
    name="lipschitz-scale",
    claims={
        "parallel": f"critics under a penalty with K = 2 and 5 have gradients parallel to those of K = 1, cosine "
        f"{PARALLEL_COSINE:g} or more",
        "k_times": f"and K times as long, within {LENGTH_TOLERANCE:.0%}",
        "clipping_too": f"critics with weights clipped at {', '.join(f'{c:g}' for c in CLIPS)} are parallel to each "
        "other and to these",
    },
    cells=repeats(CASES, (CONSTANTS, CLIPS, STEPS, BATCH, WIDTH, RATE, BETAS, PENALTY_WEIGHT, JUDGED, ARROWS)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
