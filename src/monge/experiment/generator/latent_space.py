r"""The latent space as an abstract picture of the data: paths through it stay near them, and a plane shows the classes.

A generator of digits g takes 16 numbers :math:`z \sim N(0, I)`. Halfway between two codes on a straight line is a code
of distribution N(0, I / 2), which was never trained on; halfway on a great arc is again one of N(0, I), so that
interpolation on arcs gives ordinary samples whatever g is, and shows nothing. So here

.. math:: g\Bigl(\frac{a + b}{2}\Bigr) \quad\text{is compared with}\quad \frac{g(a) + g(b)}{2},

the blend of the two pictures, by the distance to the nearest training digit and by the share inside the manifold of
real digits (precision). A path is smooth if no one of its 32 steps makes up much of its length in pixels.

Another generator takes 2 numbers, so that its latent space is a picture. Generated digits get a class from a support
vector classifier of real ones, and a region is coherent if the ten nearest codes of a code have its class, far above
what shuffled classes would give. For comparison, the codes of 16 numbers are projected on a plane, by principal
components, which know nothing of g, and by linear discriminants, which are fitted to the classes.

References: Zen n.d., section 2.4 ("an abstract representation that can describe structure and distribution of the
samples", which is mapped to a plane to be seen); paths as in Radford, Metz, Chintala 2016, section 6.1.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.generator.latent_code import CELLS, PIECES, ROWS, SIDE, measure
from monge.experiment.repeat import judged, shown, spread
from monge.experiment.sweep import Result
from monge.plot.chart import mosaic, panels
from monge.plot.style import INK, Files

NEAR_TIMES = 1.25
"""Times the distance of ordinary samples."""
LARGEST_STEP = 1 / 8
"""Share of a path."""
COHERENT_TIMES = 5.0
"""Times the shuffled agreement."""
TITLES = {"ordinary": "ordinary", "latent": "halfway between codes", "blend": "blends of pictures"}
COLOURS = (INK, "#cc6677", "#117733", "#88ccee", "#882255", "#999933", "#332288", "#ddaa33", "#aa4499", "#44aa99")
"""Of the digits; the muted scheme of Tol, which colour-blind people tell apart, with a darker sand."""


def distance_ratio(row: Result, name: str) -> float:
    """Distance to the nearest training digit, over that of ordinary samples."""
    return float(row["distance"][name] / row["distance"]["ordinary"])


def blends_are_worse(row: Result) -> bool:
    """Whether blends of pictures are farther than samples halfway between codes, and less precise."""
    farther = distance_ratio(row, "blend") > distance_ratio(row, "latent")
    return bool(farther and row["precision"]["blend"] < row["precision"]["latent"])


def verdict(rows: Sequence[Result]) -> Result:
    """The four claims."""
    halfway, blends = ([distance_ratio(row, name) for row in rows] for name in ("latent", "blend"))
    jumps = [row["jump"] for row in rows]
    return {
        "near": {"verdict": judged([times <= NEAR_TIMES for times in halfway]), "times_the_distance": spread(halfway)},
        "blends_are_not": {
            "verdict": judged([blends_are_worse(row) for row in rows]),
            "times_the_distance": spread(blends),
            "precision": {name: spread([row["precision"][name] for row in rows]) for name in TITLES},
        },
        "smooth": {"verdict": judged([jump <= LARGEST_STEP for jump in jumps]), "largest_step": spread(jumps)},
        "regions": _regions(rows),
    }


def _regions(rows: Sequence[Result]) -> Result:
    """The claim that neighbours in the latent plane share their class."""
    found = {name: spread([row[name] for row in rows]) for name in ("agreement", "shuffled", "classes")}
    projected = {name: spread([row["projected"][name] for row in rows]) for name in rows[0]["projected"]}
    coherent = [row["agreement"] / row["shuffled"] >= COHERENT_TIMES for row in rows]
    return {"verdict": judged(coherent)} | found | {"projected": projected}


def line(row: Result) -> str:
    """One result in one line."""
    halfway, blends = (distance_ratio(row, name) for name in ("latent", "blend"))
    shares = f"agreement {row['agreement']:.2f}, shuffled {row['shuffled']:.2f}"
    return f"halfway {halfway:.2f}, blends {blends:.2f} times the distance; {shares}"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Samples halfway, latent planes, and the verdicts."""
    halfway = [
        [title, *(shown([row[what][name] for row in rows]) for what in ("distance", "precision"))]
        for name, title in TITLES.items()
    ]
    agreements = [[name, shown([row["projected"][name] for row in rows])] for name in rows[0]["projected"]]
    planes = [["2 numbers", shown([row["agreement"] for row in rows])], *agreements]
    planes.append(["2 numbers, classes shuffled", shown([row["shuffled"] for row in rows])])
    return [
        Table(["samples", "distance to the nearest training digit", "precision"], halfway),
        Table(["latent space", "neighbours of the same class"], planes),
        verdict_table(verdict(rows)),
    ]


def figure(rows: Sequence[Result]) -> Files:
    """Paths and blends, a plane of digits, and codes in it with their classes."""
    first = next(row for row in rows if "rows" in row)

    def paths(plot: Axes) -> None:
        mosaic(plot, [pair[name] for pair in first["rows"] for name in ("latent", "blend")])
        labels = ["codes", "pictures"] * ROWS
        plot.set_yticks([(SIDE + 2) * (i + 0.5) for i in range(len(labels))], labels)
        plot.tick_params(length=0)
        plot.set_title("from code to code, or picture to picture")

    def digits_of(plot: Axes) -> None:
        mosaic(plot, first["grid"])
        plot.set(title="digits of the latent plane", xlabel="z₁ (quantiles)", ylabel="z₂ (quantiles)")

    def marks(plot: Axes) -> None:
        for digit in range(10):
            some = np.array([code[:2] for code in first["codes"] if code[2] == digit]).reshape(-1, 2)
            plot.scatter(some[:, 0], some[:, 1], marker=f"${digit}$", color=COLOURS[digit], s=14, linewidths=0.2)
        plot.set(title="classes in the latent plane", xlabel="z₁", ylabel="z₂", box_aspect=1)

    return panels([paths, digits_of, marks], 2.8, 7.6)


reproduce = Experiment(
    name="latent-space",
    claims={
        "near": f"samples halfway between codes are at most {NEAR_TIMES:g} times as far from the nearest training "
        "digit as ordinary ones",
        "blends_are_not": "blends of two pictures are farther, and fewer of them are in the manifold of real digits",
        "smooth": f"the largest of {PIECES} steps of a path is at most {LARGEST_STEP:g} of its length, on average over "
        "paths",
        "regions": f"in a latent plane neighbours share a class {COHERENT_TIMES:g} times as often as with shuffled "
        "classes",
    },
    cells=CELLS,
    measure=measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
