r"""Which modes do generators lose? Objectives with the same networks and steps, on eight and on twenty-five modes.

The source's reasons for collapse are in the divergences (see `reverse_kl`), and it says of the Wasserstein GAN that it
"basically solves" it. PacGAN's remedy is a critic that judges several samples at once, which shows it low variety.
A mode counts as covered if one of 2,500 samples lies within three deviations of it; the share of such samples is that
of high quality, .989 for the data itself in the plane.

All have the networks of the recipe `grid25`, 1,000 steps, batches of 128 and a learning rate of 1e-3, which falls from
the middle on. Optimiser, momentum and critic updates are each objective's published ones, but no more than two critic
updates a step; the weight of penalties on segments is .1, as in the authors' code for the plane.

References: Srivastava et al. 2017, "VEEGAN", section 4, and Lin et al. 2018, "PacGAN", section 4.1, whose protocol has
other networks and rules; Gulrajani et al. 2017; Arjovsky, Chintala, Bottou 2017; Zheng 2017.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from monge.config.registry import OBJECTIVES
from monge.config.schema import Config
from monge.data.dataset import DataSet
from monge.data.toy import grid25, ring8
from monge.distance.points import Points
from monge.errors import TrainingError
from monge.experiment.experiment import Budget, Experiment, Table, verdict_table
from monge.experiment.repeat import Repeat, by_case, judged, repeats, shown, spread, timed
from monge.experiment.sweep import Result
from monge.experiment.trial import sampled, train
from monge.metric.modes import mode_divergence, modes
from monge.plot.chart import LOOKS, storeys
from monge.plot.style import INK, Files
from monge.training.settings import published

DATA: Mapping[str, Callable[[], DataSet]] = {"ring8": ring8, "grid25": grid25}
MODES = {"ring8": 8, "grid25": 25}
COVERED = {"ring8": 8, "grid25": 24}
"""Modes that count as all: 95 in a hundred."""
RECIPE = "grid25"
STEPS = 1000
BATCH = 128
RATE = 1e-3
DECAY_FROM = 0.5
MOST_CRITIC_UPDATES = 2
SAMPLES = 2500
"""That are judged."""
DRAWN = 150
"""Samples of the first repeat in the figure."""
REAL = "real"
PACKED = "packed gan"
PENALTY = "wgan-gp:weight=0.1"
FORMS = ("gan-minimax", "gan")
QUICK = (*FORMS, PACKED, "wgan", PENALTY)
WEIGHTED = {name: f"{name}:weight=0.1" for name in ("wgan-gp", "wgan-lp", "wgan-ct")}
ALL = (*QUICK, *(WEIGHTED.get(name, name) for name, e in OBJECTIVES.items() if not e.rule.get("conditional")))
"""Of all objectives what trains on vectors without labels."""
OBJECTIVES_OF: Mapping[Budget, Sequence[str]] = {"quick": QUICK, "full": tuple(dict.fromkeys(ALL))}
COUNTS: Mapping[Budget, int] = {"quick": 3, "full": 5}
"""Repeats; fewer than elsewhere for all objectives, one of which takes minutes for each."""


def cells(budget: Budget, seed: int, folder: Path) -> list[Repeat]:
    """Both data with every objective of the budget, and without one."""
    found = []
    for name, data in DATA.items():
        for objective in (REAL, *OBJECTIVES_OF[budget]):
            trained = None if objective == REAL else config(data(), objective, 0)
            found += repeats([f"{name} {objective}"], (trained, SAMPLES, DRAWN), COUNTS)(budget, seed, folder)
    return found


def config(data: DataSet, objective: str, seed: int) -> Config:
    """The common networks and budget, with the rest of the objective's rule."""
    spec = "gan" if objective == PACKED else objective
    base = published(data, RECIPE, spec)
    rule = replace(base.training, batch=BATCH, learning_rate=RATE, decay_from=DECAY_FROM)
    rule = replace(rule, n_critic=min(MOST_CRITIC_UPDATES, rule.n_critic), pack=2 if objective == PACKED else rule.pack)
    return replace(base, steps=STEPS, seed=seed, training=rule)


@timed
def measure(cell: Repeat) -> Result:
    """Modes covered, share of samples of high quality and unevenness of the modes; or why there are no samples."""
    name, objective = cell.case.split(" ", 1)
    data, seed = DATA[name](), cell.torch_seed()
    try:
        if objective == REAL:
            fake: Points = data.codec.metric(data.held_out.sample(SAMPLES, seed))
        else:
            fake = sampled(train(config(data, objective, seed), data), data, SAMPLES, seed)
    except TrainingError as error:
        return {"failed": str(error), "modes": 0.0, "high_quality": 0.0, "mode_kl": None, "points": []}
    assert data.info.centres is not None
    assert data.info.deviation is not None
    found = modes(fake, data.info.centres, data.info.deviation)
    uneven = mode_divergence(fake, data.info.centres).value
    points = np.round(fake[:DRAWN] if cell.number == 0 else fake[:0], 2 if name == "grid25" else 3)
    return found | {"mode_kl": round(uneven, 4), "points": points.tolist()}


def verdict(rows: Sequence[Result]) -> Result:
    """What each objective loses, for both data."""
    counts = {case: [float(row["modes"]) for row in some] for case, some in by_case(rows).items()}
    found: Result = {}
    for data in DATA:
        own = {name: counts[f"{data} {name}"] for name in (*FORMS, PACKED, PENALTY)}
        found[f"gan_loses_{data}"] = _gan_loses(own)
        found[f"packing_{data}"] = {
            "verdict": judged(_fewer(own["gan"], own[PACKED])),
            "modes": {name: spread(own[name]) for name in ("gan", PACKED)},
        }
    both = {f"{data} {name}": counts[f"{data} {name}"] for data in DATA for name in ("wgan", PENALTY)}
    return found | {"wgan_covers_all": _covers_all(both)}


def _fewer(some: Sequence[float], others: Sequence[float]) -> list[bool]:
    """Whether each repeat covers fewer modes than another one."""
    return [a < b for a, b in zip(some, others, strict=True)]


def _gan_loses(counts: Mapping[str, Sequence[float]]) -> Result:
    """The claim that both forms of the GAN cover fewer modes than WGAN-GP, on one data set."""
    lost = {name: _fewer(counts[name], counts[PENALTY]) for name in FORMS}
    return {"verdict": _told(lost), "modes": {name: spread(counts[name]) for name in (*FORMS, PENALTY)}}


def _covers_all(counts: Mapping[str, Sequence[float]]) -> Result:
    """The claim that a WGAN covers all modes, for cases of data and objective."""
    covered = {case: [count >= COVERED[case.split()[0]] for count in some] for case, some in counts.items()}
    return {"verdict": _told(covered), "modes": {case: spread(some) for case, some in counts.items()}}


def _told(met: Mapping[str, Sequence[bool]]) -> str:
    """The verdict on repeats of several cases."""
    return judged([m for some in met.values() for m in some], [case for case, some in met.items() for _ in some])


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']}: {row['modes']:g} modes, high quality {row['high_quality']:.3f}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Modes, quality and unevenness of every objective, and the verdicts."""
    body = []
    for case, some in by_case(rows).items():
        uneven = [row["mode_kl"] for row in some if row["mode_kl"] is not None]
        facts = [shown([row[what] for row in some]) for what in ("modes", "high_quality")]
        body.append([*case.split(" ", 1), *facts, shown(uneven) if uneven else "failed"])
    header = ["data", "objective", "modes covered", "share of high quality", "KL from equal modes (nats)"]
    return [Table(header, body), verdict_table(verdict(rows))]


def _marks(plot: Axes, rows: Sequence[Result], data: str, what: str) -> None:
    """A mark for each repeat of each objective, one below the other."""
    some = {name.split(" ", 1)[1]: those for name, those in by_case(rows).items() if name.split()[0] == data}
    most, style = (MODES[data], LOOKS[0]) if what == "modes" else (1, LOOKS[1])
    for at, those in enumerate(some.values()):
        places = at + np.linspace(-0.2, 0.2, len(those))
        values = [row[what] for row in those]
        plot.plot(values, places, color=style["color"], marker=style["marker"], markersize=3.5, linestyle="")
    plot.axvline(most, color=INK, linewidth=0.6)
    label = f"modes covered of {most}" if what == "modes" else "share of high quality"
    plot.set(xlabel=label, xlim=(-0.05 * most, 1.08 * most), title=data, ylim=(len(some) - 0.5, -0.5))
    plot.set_xticks(np.linspace(0, most, 3 if most == 1 else 5 if most == 8 else 6))
    plot.set_yticks(range(len(some)), [name.split(":")[0] for name in some])
    plot.tick_params(axis="y", labelleft=what == "modes")


def _scatter(plot: Axes, row: Result) -> None:
    """Samples of one generator, and the modes."""
    data, name = row["case"].split(" ", 1)
    centres = DATA[data]().info.centres
    assert centres is not None
    plot.plot(*centres.T, color=INK, marker="+", markersize=4, markeredgewidth=0.6, linestyle="")
    if row["points"]:
        plot.plot(*np.array(row["points"]).T, color=LOOKS[0]["color"], marker=".", markersize=2, linestyle="")
    most = 1.35 * float(np.abs(centres).max())
    plot.set(xlim=(-most, most), ylim=(-most, most), xticks=[], yticks=[], box_aspect=1)
    plot.set_title(f"{name.split(':')[0]}\n{row['modes']:g} modes, {row['high_quality']:.0%}", fontsize=6.5)


def figure(rows: Sequence[Result]) -> Files:
    """Modes and quality of every objective and repeat; and samples of the first repeats."""
    cases = by_case(rows)
    marks = [partial(_marks, rows=rows, data=data, what=what) for data in DATA for what in ("modes", "high_quality")]
    scatters = [[partial(_scatter, row=cases[f"{data} {name}"][0]) for name in (REAL, *QUICK)] for data in DATA]
    return storeys([marks, *scatters], [0.8 + 0.16 * len(cases) / 2, 1.5, 1.5])


reproduce = Experiment(
    name="mode-collapse",
    claims={f"gan_loses_{data}": f"on {data} both forms of the GAN cover fewer modes than WGAN-GP" for data in DATA}
    | {
        f"packing_{data}": f"on {data} a GAN whose critic judges pairs covers more modes than one whose critic does not"
        for data in DATA
    }
    | {
        "wgan_covers_all": "WGAN, with clipping and with the penalty, covers "
        + " and ".join(f"{count} modes or more of {data}" for data, count in COVERED.items())
    },
    cells=cells,
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
