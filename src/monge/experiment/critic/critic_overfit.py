r"""Does the critic learn few images by heart? Its estimate on training images against that on held-out ones.

A WGAN-GP is trained on N of the training digits, with and without noise on what its critic sees. At evenly spaced steps
the critic f is read on all N of them, on the 497 held-out digits and on fresh generated samples,

.. math:: \frac{1}{K} \bigl(\mathbb{E}_{x} f - \mathbb{E}_{p_g} f\bigr), \qquad x \text{ training or held out},

where K is the largest gradient seen at held-out and generated samples and on segments between them. The gap between the
two is 0 in expectation for a function that has not seen the training digits; the noise is never on what is read.

References: Gulrajani et al. 2017, "Improved Training of Wasserstein GANs", figure 5b, on 1,000 digits of MNIST ("the
critic overfits faster than the generator, causing the training loss to increase gradually over time even as the
validation loss drops"; the figure shows the negative loss, as here); instance noise: Arjovsky, Bottou 2017, section 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from monge.config.schema import Config, TrainingConfig
from monge.data.dataset import ArrayData, DataInfo
from monge.data.scale import Codec
from monge.data.split import ArraySplit
from monge.distance.dual.potential import measured_lipschitz
from monge.distance.points import Points
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, by_case, by_repeat, judged, of, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import JUDGED, judged_digits, sampled, train
from monge.model.inference import critic_outputs
from monge.plot.chart import band, curve, key, panels
from monge.plot.style import INK, Files
from monge.training.state import TrainingState

IMAGES = (100, 300, 1300)
NOISE = 0.2
"""Deviation of the noise, as in the recipe for digits; a digit's pixels are in [-1, 1]."""
CONFIG = Config(
    objective="wgan-gp",
    generator="mlp:latent=16:width=128:depth=3:norm=batch",
    critic="mlp:width=128:depth=3",
    steps=600,
    training=TrainingConfig(batch=64, n_critic=5, learning_rate=5e-4, ema=0.0),
)
LOOK_COUNT = 20
"""Evenly spaced over the steps."""
HELD_OUT = 497
FAKES = 1000
"""Held-out and generated samples of a look."""
QUARTER = LOOK_COUNT // 4
OPENED_TIMES = 2.0
"""Times its size in the first quarter that a gap has in the last if it has opened."""
CASES = {f"{n}{noise}": n for n in IMAGES for noise in ("", " with noise")}


def part_of(data: ArrayData, n: int, draw: np.random.Generator) -> ArrayData:
    """The data with only n of its training images, and all that are held out."""
    chosen = data.train.rows(draw.permutation(data.train.size)[:n])
    return ArrayData(
        DataInfo(data.info.name), ArraySplit.whole(chosen), ArraySplit.whole(data.held_out.sample(HELD_OUT))
    )


def reading(critic: nn.Module, codec: Codec, train: Points, held_out: Points, fake: Points) -> dict[str, float]:
    """What a critic says of training and of held-out samples beyond generated ones, over its largest gradient.

    Arguments:
        train, held_out, fake: samples in metric scale, (n, d), of the latter at least as many as held-out ones.
    """
    means = [float(critic_outputs(critic, codec, points).mean()) for points in (train, held_out, fake)]

    def potential(points: Tensor) -> Tensor:
        values: Tensor = critic(codec.from_metric(points))
        return values

    real, generated = (torch.from_numpy(points[: len(held_out)]).float() for points in (held_out, fake))
    slope = measured_lipschitz(potential, real, generated, torch.linspace(0, 1, len(held_out))[:, None])
    return {"train": (means[0] - means[2]) / slope, "held_out": (means[1] - means[2]) / slope, "slope": slope}


@timed
def measure(cell: Repeat) -> Result:
    """One training: the critic's readings at every look, and how good the generator is in the end."""
    whole, judge = judged_digits()
    data = part_of(whole, CASES[cell.case], cell.draw(1))
    noise = f":noise={NOISE:g}" if cell.case.endswith("noise") else ""
    config = replace(CONFIG, objective=CONFIG.objective + noise, seed=cell.torch_seed())
    known, held_out = (data.codec.metric(images) for images in (data.train.all(), data.held_out.sample(HELD_OUT)))
    rows: list[dict[str, float]] = []

    def watch(state: TrainingState, terms: Mapping[str, float]) -> None:
        if state.step % (config.steps // LOOK_COUNT) == 0:
            fake = sampled(state, data, FAKES, cell.torch_seed(1 + state.step))
            rows.append(reading(state.critic, data.codec, known, held_out, fake))

    state = train(config, data, watch)
    good = judge(sampled(state, data, 2 * judge.n, config.seed))
    found = {name: [float(f"{row[name]:.4g}") for row in rows] for name in rows[0]}
    return found | {name: good[name] for name in ("excess", "recall")}


def gaps(row: Result) -> list[float]:
    """What the critic says of training images beyond held-out ones, at every look."""
    return [a - b for a, b in zip(row["train"], row["held_out"], strict=True)]


def quarter(values: Sequence[float], which: int) -> float:
    """The mean of some quarter of the looks, 0 to 3."""
    return float(np.mean(values[which * QUARTER : (which + 1) * QUARTER]))


def last(row: Result) -> float:
    """The gap in the last quarter of the training."""
    return quarter(gaps(row), 3)


def diverges(row: Result) -> bool:
    """Whether the estimate on training images rises, and that on held-out ones falls, from third to last quarter."""
    train, held_out = (quarter(row[what], 3) - quarter(row[what], 2) for what in ("train", "held_out"))
    return train > 0 > held_out


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims, with their numbers over the repeats."""
    few, runs = of(rows, str(IMAGES[0])), by_repeat(rows)
    growth = [last(row) / quarter(gaps(row), 0) for row in few]
    moves = {
        f"{what}_from_third_to_last_quarter": spread([quarter(row[what], 3) - quarter(row[what], 2) for row in few])
        for what in ("train", "held_out")
    }
    return {
        "opens": {"verdict": judged([times >= OPENED_TIMES for times in growth]), "times": spread(growth)},
        "diverges": {"verdict": judged([diverges(row) for row in few])} | moves,
        "fewer_images": _fewer_images(runs),
        "noise": _noise(runs),
    }


def _fewer_images(runs: Sequence[Mapping[str, Result]]) -> Result:
    """The claim that the last gap is the larger the fewer images there are."""
    last_gaps = [[last(run[str(n)]) for n in IMAGES] for run in runs]
    return {
        "verdict": judged([sorted(some, reverse=True) == some for some in last_gaps]),
        "last_gap": {str(n): spread(some) for n, some in zip(IMAGES, zip(*last_gaps, strict=True), strict=True)},
    }


def _noise(runs: Sequence[Mapping[str, Result]]) -> Result:
    """The claim that noise makes the last gap smaller, for each number of images."""
    left = {str(n): [last(run[f"{n} with noise"]) / last(run[str(n)]) for run in runs] for n in IMAGES}
    met = [share < 1 for some in left.values() for share in some]
    return {
        "verdict": judged(met, [images for images, some in left.items() for _ in some]),
        "gap_over_that_without": {images: spread(some) for images, some in left.items()},
    }


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: gap {gaps(row)[0]:.2f} to {last(row):.2f}, excess {row['excess']:.2f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Readings in the last quarter and the generators, and the verdicts."""
    body = [
        [
            case,
            *(shown([quarter(row[what], 3) for row in some]) for what in ("train", "held_out")),
            *(shown([pick(row) for row in some]) for pick in (lambda row: quarter(gaps(row), 0), last)),
            *(shown([row[what] for row in some]) for what in ("excess", "recall")),
        ]
        for case, some in by_case(rows).items()
    ]
    header = ["images", "on training images", "on held-out ones", "gap, first quarter", "gap, last quarter"]
    return [Table([*header, "excess", "recall"], body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Both estimates of the fewest images, and the gaps of all cases, against the steps."""
    steps = (np.arange(LOOK_COUNT) + 1) * (CONFIG.steps // LOOK_COUNT)
    cases = by_case(rows)

    def estimates(plot: Axes) -> None:
        for look, (what, name) in enumerate((("train", "training"), ("held_out", "held out"))):
            band(plot, steps, [row[what] for row in cases[str(IMAGES[0])]], look, name)
        plot.axhline(0, color=INK, linewidth=0.6)
        plot.set(xlabel="step", ylabel=f"critic's estimate, {IMAGES[0]} images (grey)", ylim=(None, None))
        key(plot, 2)

    def gap(plot: Axes) -> None:
        for look, n in enumerate(IMAGES):
            band(plot, steps, [gaps(row) for row in cases[str(n)]], look, f"{n:,}" + " images" * (look == 0))
            middle = np.median([gaps(row) for row in cases[f"{n} with noise"]], axis=0)
            curve(plot, steps, middle, look, "", markerfacecolor="white", linewidth=0.8)
        curve(plot, [], [], 4, "with noise", linestyle="", marker="o", markerfacecolor="white")
        plot.axhline(0, color=INK, linewidth=0.6)
        plot.set(xlabel="step", ylabel="training minus held out (grey)")
        key(plot, 4)

    return panels([estimates, gap], 3.0)


reproduce = Experiment(
    name="critic-overfit",
    claims={
        "opens": f"on {IMAGES[0]} images the gap in the last quarter is at least {OPENED_TIMES:g} times that in the "
        "first",
        "diverges": "on them, from the third quarter to the last, the estimate on training images rises and that on "
        "held-out images falls",
        "fewer_images": f"the fewer the images, the larger the last gap: {', '.join(f'{n:,}' for n in IMAGES)}",
        "noise": f"noise of {NOISE:g} on the critic's input makes the gap smaller for every number of images",
    },
    cells=repeats(tuple(CASES), (CONFIG, NOISE, LOOK_COUNT, HELD_OUT, FAKES, JUDGED)),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
