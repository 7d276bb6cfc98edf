r"""With fully connected networks the WGAN falls a little, and the GAN more: it collapses.

The generator has four hidden layers without batch norm, the critic three. With F and V the excess of W1 and the
variance of an objective's samples, and F' the excess of the same objective's DCGAN with batch norm, the claims are, for
the WGAN with clipped weights and the one with gradient penalty alike,

.. math:: \frac{F_W}{F_W'} \le \tfrac32, \qquad \frac{F_{GAN}}{F_{GAN}'} > \frac{F_W}{F_W'}, \qquad
          V_{GAN} < \tfrac12 V_W.

`architecture` has the protocol; its DCGAN runs are those of `no-batch-norm`.

References: Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN", figure 7, with layers of 512 units and larger images;
Zheng 2017, part four ("fully connected networks, no CNN"; "collapse mode, too little diversity").
"""

from collections.abc import Sequence

from monge.experiment.architecture import architecture
from monge.experiment.architecture.architecture import WASSERSTEIN, times_excess
from monge.experiment.experiment import Experiment
from monge.experiment.repeat import by_repeat, judged, spread
from monge.experiment.sweep import Result

LITTLE_FALL = 1.5
"""Times the DCGAN's excess."""
COLLAPSED_SHARE = 0.5
"""Of the variance of a Wasserstein GAN's samples."""
CASES = ("dcgan", "mlp")


def variance(run: dict[str, Result], name: str) -> float:
    """Of the samples of an objective's fully connected generator, over that of real digits."""
    return float(run[f"{name}-mlp"]["variance_ratio"])


def verdict(rows: Sequence[Result]) -> Result:
    """The three claims, for either Wasserstein objective."""
    runs = by_repeat(rows)
    names = [name for name in WASSERSTEIN for _ in runs]
    met: dict[str, list[bool]] = {"falls_little": [], "gan_falls_more": [], "gan_collapses": []}
    for name in WASSERSTEIN:
        for run in runs:
            met["falls_little"].append(times_excess(run, name, "mlp") <= LITTLE_FALL)
            met["gan_falls_more"].append(times_excess(run, "gan", "mlp") > times_excess(run, name, "mlp"))
            met["gan_collapses"].append(variance(run, "gan") < COLLAPSED_SHARE * variance(run, name))
    falls = {name: spread([times_excess(run, name, "mlp") for run in runs]) for name in ("gan", *WASSERSTEIN)}
    variances = {name: spread([variance(run, name) for run in runs]) for name in falls}
    return {
        "falls_little": {"verdict": judged(met["falls_little"], names), "times_excess": falls},
        "gan_falls_more": {
            "verdict": judged(met["gan_falls_more"], names),
            "excess": {name: spread([run[f"{name}-mlp"]["excess"] for run in runs]) for name in falls},
        },
        "gan_collapses": {"verdict": judged(met["gan_collapses"], names), "variance_over_real": variances},
    }


reproduce = Experiment(
    name="mlp-generator",
    claims={
        "falls_little": f"with an MLP either Wasserstein GAN has at most {LITTLE_FALL:g} times the excess of its DCGAN",
        "gan_falls_more": "the GAN has a larger multiple of the excess of its DCGAN",
        "gan_collapses": f"the variance of its samples is under {COLLAPSED_SHARE:g} of that of either Wasserstein "
        "GAN's",
    },
    cells=architecture.cells(*CASES),
    measure=architecture.measure,
    line=architecture.line,
    verdict=verdict,
    tables=lambda rows: architecture.tables(rows, CASES, verdict(rows)),
    figures=lambda rows: architecture.figure(rows, CASES, "variance_ratio"),
)
