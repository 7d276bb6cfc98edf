r"""The better the discriminator, the smaller the gradient of log(1 - D) that reaches the generator.

For a discriminator within epsilon of a perfect one, and a generator with bounded derivatives,

.. math:: \lVert \nabla_\theta\, \mathbb{E} \log(1 - D(g_\theta(z))) \rVert_2 < M \frac{\epsilon}{1 - \epsilon}

(Arjovsky, Bottou 2017, theorem 2.4 and figure 2, where it falls by four to five orders of magnitude in 4,000 steps).
`fixed_generator` has the protocol.
"""

from collections.abc import Sequence

import numpy as np

from monge.experiment.divergence import fixed_generator
from monge.experiment.experiment import Experiment, Table, verdict_table
from monge.experiment.repeat import judged_by_case, of, shown, spread_by_case
from monge.experiment.sweep import Result
from monge.plot.chart import panels
from monge.plot.style import Files

ORDERS = 3.0
"""Of magnitude, from the largest length to the last."""


def fall(row: Result) -> float:
    """Orders of magnitude from the largest gradient of log(1 - D) to the last."""
    norms = row["norms"]["log(1 - D)"]
    return float(np.log10(max(norms) / max(norms[-1], 1e-30)))


def verdict(rows: Sequence[Result]) -> Result:
    """The claim, with its numbers for every generator."""
    word = judged_by_case(rows, lambda row: fall(row) >= ORDERS)
    return {"falls": {"verdict": word, "orders_by_epochs": spread_by_case(rows, fall)}}


def line(row: Result) -> str:
    """One result in one line."""
    return f"{row['case']} epochs: {fall(row):.1f} orders of magnitude"


def tables(rows: Sequence[Result]) -> list[Table]:
    """Lengths of the gradient, and the verdict."""
    body = []
    for epochs in fixed_generator.EPOCHS:
        norms = np.array([row["norms"]["log(1 - D)"] for row in of(rows, epochs)])
        falls = [fall(row) for row in of(rows, epochs)]
        body.append([epochs, shown(norms.max(axis=1).tolist()), shown(norms[:, -1].tolist()), shown(falls)])
    header = ["epochs of the generator", "largest gradient", "last gradient", "orders of magnitude"]
    return [Table(header, body), verdict_table(verdict(rows))]


def figure(rows: Sequence[Result]) -> Files:
    """Lengths of the gradient against the discriminator's steps."""
    return panels([lambda plot: fixed_generator.paint(plot, rows, "log(1 - D)")], 3.0, 4.6)


reproduce = Experiment(
    name="vanishing-gradient",
    claims={"falls": f"the gradient of log(1 - D) falls by at least {ORDERS:g} orders of magnitude"},
    cells=fixed_generator.CELLS,
    measure=fixed_generator.measure,
    line=line,
    verdict=verdict,
    tables=tables,
    figures=figure,
)
