r"""With the networks of a DCGAN, batch norm and all, a WGAN is about as good as the GAN.

With F the excess of W1 of either generator,

.. math:: \tfrac23 \le \frac{F_W}{F_{GAN}} \le \tfrac32,

for the WGAN with clipped weights, as in the paper, and for the one with gradient penalty. `architecture` has the
protocol; its runs are those of `no-batch-norm`.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", figure 5; Zheng 2017, part four ("about as good as
DCGAN").
"""

from collections.abc import Sequence

from monge.experiment.architecture import architecture
from monge.experiment.experiment import Experiment
from monge.experiment.repeat import by_repeat, judged, spread
from monge.experiment.sweep import Result

ALIKE = 1.5
"""Times the excess, either way."""
CASES = ("dcgan",)
CLAIMS = {"wgan_alike": "wgan", "gp_alike": "wgan-gp"}
"""Whom each claim is about."""


def verdict(rows: Sequence[Result]) -> Result:
    """Both claims, with the excess over that of the GAN."""
    found = {}
    for claim, name in CLAIMS.items():
        times = [run[f"{name}-dcgan"]["excess"] / run["gan-dcgan"]["excess"] for run in by_repeat(rows)]
        found[claim] = {"verdict": judged([1 / ALIKE <= t <= ALIKE for t in times]), "times_excess": spread(times)}
    return found


reproduce = Experiment(
    name="dcgan-parity",
    claims={
        "wgan_alike": f"with a DCGAN the excess of the WGAN is within a factor of {ALIKE:g} of the GAN's",
        "gp_alike": "so is that of the WGAN with gradient penalty",
    },
    cells=architecture.cells(*CASES),
    measure=architecture.measure,
    line=architecture.line,
    verdict=verdict,
    tables=lambda rows: architecture.tables(rows, CASES, verdict(rows)),
    figures=lambda rows: architecture.figure(rows, CASES, height=2.2),
)
