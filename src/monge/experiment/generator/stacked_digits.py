r"""A thousand modes: three random digits, one in each colour, and how many of the combinations a generator makes.

Each colour of an image is one of scikit-learn's digits, 8 x 8, at random: training digits in 20,000 training images,
held-out digits in 26,000 held-out ones. A support vector classifier of the training digits names the three digits of a
generated image, and with q_j the share of combination j among 26,000 images the distance from equal shares is

.. math:: \sum_{j=0}^{999} q_j \log (1000\, q_j),

which no finite sample brings to 0. Real held-out images show what is left, errors of the classifier included. A blurred
image has a class as well; so a network that gives probabilities says how many digits it is sure of.

All have the same networks, batches of 64, and about the same seconds: a step of WGAN-GP, which has two critic updates
with a penalty, costs almost twice as much as one of the GAN.

References: Srivastava et al. 2017, "VEEGAN", section 4, Lin et al. 2018, "PacGAN", section 4.2, with digits of 28 x 28
in larger networks, whose numbers cannot be compared with these; Zheng 2017.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from monge.config.schema import Config, TrainingConfig
from monge.data.builtin import digits
from monge.data.dataset import ArrayData, DataInfo
from monge.data.split import ArraySplit
from monge.distance.points import Points
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, by_case, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import sampled, train
from monge.metric.class_shares import predicted
from monge.metric.classifier import Classifier
from monge.plot.chart import LOOKS, greys, mosaic, storeys
from monge.plot.style import INK, Files

TRAIN = 20_000
"""Training images."""
SAMPLES = 26_000
"""Images whose modes are counted."""
SHOWN = 6
"""Images in the figure."""
MODES = 1000
PIXELS = 64
"""Of a digit."""
GENERATOR = "mlp:latent=32:width=256:depth=3:norm=batch"
CRITIC = "mlp:width=256:depth=3"
BATCH = 64
RATE = 5e-4
DECAY_FROM = 0.5
EMA = 0.999
SURE = 0.9
"""Probability from which on a network is sure of a digit."""


@dataclass(frozen=True)
class Training:
    """What differs between the trainings.

    Arguments:
        objective, steps: of the config.
        pack, n_critic, betas: of its rule.
    """

    objective: str
    steps: int
    pack: int = 1
    n_critic: int = 1
    betas: tuple[float, float] = (0.5, 0.999)

    def config(self, seed: int) -> Config:
        """The whole config."""
        rule = TrainingConfig(
            batch=BATCH,
            n_critic=self.n_critic,
            learning_rate=RATE,
            beta1=self.betas[0],
            beta2=self.betas[1],
            decay_from=DECAY_FROM,
            ema=EMA,
            pack=self.pack,
        )
        config = Config(objective=self.objective, generator=GENERATOR, critic=CRITIC, training=rule)
        return replace(config, steps=self.steps, seed=seed)


REAL = "real"
TRAININGS: Mapping[str, Training] = {
    "gan": Training("gan", 1800),
    "packed gan": Training("gan", 1800, pack=2),
    "wgan-gp": Training("wgan-gp:weight=5", 1000, n_critic=2, betas=(0.0, 0.9)),
}


def stacked(images: NDArray[np.uint8], n: int, draw: np.random.Generator) -> NDArray[np.uint8]:
    """n images (n, 8, 8, 3), each colour of which is one of the images (m, 8, 8, 1)."""
    return np.stack([images[draw.integers(len(images), size=n), ..., 0] for _ in range(3)], axis=-1)


def data_of(cell: Repeat) -> ArrayData:
    """Stacked training digits, and stacked held-out digits."""
    single, draw = digits(), cell.draw()
    train_images, held_out = single.train.all(), single.held_out.sample(single.held_out.size)
    parts = [ArraySplit.whole(stacked(some, n, draw)) for some, n in ((train_images, TRAIN), (held_out, SAMPLES))]
    return ArrayData(DataInfo("stacked-digits"), *parts)


@cache
def _judges() -> tuple[Points, NDArray[np.int64], Classifier]:
    """Training digits, their classes, and a network that tells how sure it is."""
    single = digits()
    assert single.train.labels is not None
    real = single.codec.metric(single.train.all())
    return real, single.train.labels, Classifier.fit(real, single.train.labels)


def counted(classes: NDArray[np.int64]) -> Result:
    """Modes that occur, and the distance of their shares from equal ones, for the classes (n, 3) of images."""
    shares = np.bincount(classes @ [100, 10, 1], minlength=MODES) / len(classes)
    found = shares[shares > 0]
    return {"modes": len(found), "kl": round(float((found * np.log(MODES * found)).sum()), 5)}


@timed
def measure(cell: Repeat) -> Result:
    """Modes among generated images, or among real ones, and how sure of their digits a network is."""
    data, seed = data_of(cell), cell.torch_seed(1)
    if cell.case == REAL:
        points = data.codec.metric(data.held_out.sample(SAMPLES))
    else:
        points = sampled(train(TRAININGS[cell.case].config(seed), data), data, SAMPLES, seed)
    each = points.reshape(-1, PIXELS)
    real, labels, network = _judges()
    sure = float((network.probabilities(each).max(axis=1) >= SURE).mean())
    found = counted(predicted(real, labels, each).reshape(-1, 3))
    images = [greys(image) for image in each[: 3 * SHOWN]] if cell.number == 0 else []
    return found | {"sure": round(sure, 4), "images": images}


def _modes(rows: Sequence[Result], case: str) -> list[float]:
    return [float(row["modes"]) for row in by_case(rows)[case]]


def verdict(rows: Sequence[Result]) -> Result:
    """Both claims, with the modes of every repeat."""
    plain = _modes(rows, "gan")
    found = {}
    for claim, case in (("gan_loses_modes", "wgan-gp"), ("packing", "packed gan")):
        more = [a > b for a, b in zip(_modes(rows, case), plain, strict=True)]
        found[claim] = {"verdict": judged(more), "modes": {"gan": spread(plain), case: spread(_modes(rows, case))}}
    return found


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: {row['modes']} modes, KL {row['kl']:.3f}, sure of {row['sure']:.0%} of the digits"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Modes, distance from equal shares and recognisable digits, and the verdicts."""
    body = []
    for case, some in by_case(rows).items():
        low, middle, high = spread([row["modes"] for row in some])
        facts = [shown([row[fact] for row in some]) for fact in ("kl", "sure")]
        body.append([case, f"{middle:g} ({low:g} to {high:g})", *facts])
    header = ["images", f"modes of {MODES}", "KL from equal modes (nats)", f"share of digits sure to {SURE:g}"]
    return [Table(header, body), verdict_table(verdict(rows))]


def _marks(plot: Axes, rows: Sequence[Result], what: str, label: str, look: int) -> None:
    """A mark for each repeat, one kind of images below the other."""
    cases = by_case(rows)
    for at, some in enumerate(cases.values()):
        places, style = at + np.linspace(-0.32, 0.32, len(some)), LOOKS[look]
        values = [row[what] for row in some]
        how = {"color": style["color"], "marker": style["marker"], "markerfacecolor": "none", "markeredgewidth": 0.8}
        plot.plot(values, places, markersize=3.5, linestyle="", **how)
    if what == "modes":
        plot.axvline(MODES, color=INK, linewidth=0.6)
    plot.set(xlabel=label, ylim=(len(cases) - 0.5, -0.5))
    plot.set_xlim(0, 1.06 * plot.get_xlim()[1])
    plot.xaxis.set_major_formatter("{x:g}")
    plot.set_yticks(range(len(cases)), list(cases))
    plot.tick_params(axis="y", labelleft=what == "modes")


def _pictures(plot: Axes, row: Result) -> None:
    """The three colours of some images, one below the other."""
    images: list[str] = row["images"]
    mosaic(plot, [images[colour::3] for colour in range(3)])
    plot.set_title(row["case"])


def figure(rows: Sequence[Result]) -> Files:
    """Modes, distance from equal shares and recognisable digits; and images of the first repeats."""
    labels = {
        "modes": f"modes of {MODES}",
        "kl": "KL from equal modes (nats)",
        "sure": f"share of digits sure to {SURE:g}",
    }
    marks = [
        partial(_marks, rows=rows, what=what, label=label, look=look)
        for look, (what, label) in enumerate(labels.items())
    ]
    pictures = [partial(_pictures, row=some[0]) for some in by_case(rows).values()]
    return storeys([marks, pictures], [2.2, 1.3])


reproduce = Experiment(
    name="stacked-digits",
    claims={
        "gan_loses_modes": "WGAN-GP makes more of the thousand combinations of three digits than the GAN",
        "packing": "and so does a GAN whose critic judges pairs",
    },
    cells=repeats(
        [REAL, *TRAININGS],
        (TRAIN, SAMPLES, SHOWN, SURE, GENERATOR, CRITIC, BATCH, RATE, DECAY_FROM, EMA, tuple(TRAININGS.items())),
    ),
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
