r"""Without batch norm, and with as many filters in every layer, a DCGAN collapses and a WGAN does not.

The generator's batch norm keeps a GAN from collapsing, and a WGAN is said not to need it. So every objective is
compared with itself: with F and R the excess of W1 and the recall of its generator without batch norm, and F', R' of
its twin, the DCGAN with batch norm, it works nearly as well if

.. math:: F \le \tfrac32 F' \quad\text{and}\quad R \ge \tfrac23 R',

and fails if :math:`F > 2 F'` or :math:`R < R' / 2`. `architecture` has the protocol.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", figure 6; Zheng 2017, part four ("take batch norm away
and DCGAN collapses").
"""

from collections.abc import Sequence

from monge.experiment.architecture import architecture
from monge.experiment.architecture.architecture import as_good
from monge.experiment.experiment import Experiment
from monge.experiment.repeat import by_repeat, judged, spread
from monge.experiment.sweep import Result

NEARLY_AS_GOOD = 1.5
"""Times the twin's excess, and parts of its recall, up to which a network works nearly as well."""
FAILED_BY = 2.0
"""Times the twin's excess, or parts of its recall, beyond which a network has failed."""
CASES = ("dcgan", "plain")
CLAIMS = {"gan_fails": "gan", "wgan_works": "wgan", "gp_works": "wgan-gp"}
"""Whom each claim is about."""


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, with excess over the twin's, and both recalls."""
    found = {}
    for claim, name in CLAIMS.items():
        pairs = [(repeat[f"{name}-plain"], repeat[f"{name}-dcgan"]) for repeat in by_repeat(rows)]
        met = [not as_good(*pair, FAILED_BY) if name == "gan" else as_good(*pair, NEARLY_AS_GOOD) for pair in pairs]
        found[claim] = {
            "verdict": judged(met),
            "times_excess": spread([architecture.times_excess(repeat, name, "plain") for repeat in by_repeat(rows)]),
            "recall": spread([row["recall"] for row, _ in pairs]),
            "recall_of_twin": spread([twin["recall"] for _, twin in pairs]),
        }
    return found


reproduce = Experiment(
    name="no-batch-norm",
    claims={
        "gan_fails": f"without batch norm a GAN has over {FAILED_BY:g} times the excess or under 1/{FAILED_BY:g} the "
        "recall",
        "wgan_works": f"the WGAN at most {NEARLY_AS_GOOD:g} times the excess, and at least 1/{NEARLY_AS_GOOD:g} the "
        "recall",
        "gp_works": "so does the WGAN with gradient penalty",
    },
    cells=architecture.cells(*CASES),
    measure=architecture.measure,
    line=architecture.line,
    verdict=verdict,
    tables=lambda rows: architecture.tables(rows, CASES, verdict(rows)),
    figures=lambda rows: architecture.figure(rows, CASES),
)
