"""Everything that can be measured of a trained generator against its data."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from monge.data.dataset import DataSet
from monge.data.table.reader import difference
from monge.distance.bounds import Bracket
from monge.errors import UserError
from monge.evaluation.features import features_of
from monge.evaluation.figures import against, bracket_figures, classes, judgement, pixels
from monge.evaluation.reference import ReferenceSamples
from monge.metric.critic_matrix import ClusterMatrix
from monge.metric.ledger import Ledger
from monge.model.random import Purpose, stream
from monge.model.trained_model import TrainedModel

FAKES = 5000
"""Generated samples that are measured, at least."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one evaluation.

    Attributes:
        bracket: W1 between generated and held-out samples.
        metrics: named figures; which ones depends on the data (modes need known centres, classes need labels).
        counts: how many samples each figure rests on.
        clusters: the critic's distances between clusters of generated and of held-out samples; none without a critic.
        step: of the checkpoint that was measured.
        weights: "ema" or "raw".
        seed: of the generated samples.
        fingerprint: of the data that were measured against.
        floors: of figures of the bracket and of `metrics`, the same between training and held-out samples of the same
            numbers: what a perfect generator would show.
        errors: standard errors of such figures.
        unreliable: figures that say little at this sample size, each with the reason.
        features: what the figures rest on that compare features: "raw", "classifier", or "inception" with eight digits
            of its weights.
    """

    bracket: Bracket
    metrics: dict[str, Any]
    counts: dict[str, int]
    clusters: ClusterMatrix | None
    step: int
    weights: str
    seed: int
    fingerprint: str
    floors: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    unreliable: dict[str, str] = field(default_factory=dict)
    features: str = "raw"

    def as_json(self) -> dict[str, Any]:
        """The figures as plain mappings."""
        bracket = self.bracket.as_json()
        if self.bracket.lipschitz == "none":
            few = f"{self.bracket.n} held-out samples are too few to fit, choose and judge a potential, 6 are needed"
            bracket["no_lower_limit"] = few if self.bracket.n < 6 else "no potential stayed finite"
        document: dict[str, Any] = {name: getattr(self, name) for name in ("step", "weights", "seed", "fingerprint")}
        document |= {
            "bracket": bracket,
            "metrics": self.metrics,
            "floors": self.floors,
            "errors": self.errors,
        }
        document |= {"unreliable": self.unreliable, "features": self.features, "counts": self.counts}
        if self.clusters is not None:
            clusters = {name: np.asarray(value).tolist() for name, value in asdict(self.clusters).items()}
            document["critic_clusters"] = clusters
        return document


def evaluate(
    model: TrainedModel,
    data: DataSet,
    seed: int = 0,
    *,
    thorough: bool = True,
    features: str = "raw",
) -> Evaluation:
    """Measures a trained generator against some data.

    Arguments:
        model: the trained model; without a critic at hand its judgement is left out.
        data: measured against; of the shape, and the columns, that the model generates.
        seed: of the generated samples.
        thorough: whether to train potentials for the bracket's lower limit, which takes most of the time.
        features: "raw", pixels or the vectors themselves; "classifier", the last hidden layer of a small classifier
            of the data's labels (see `metric.classifier`); or "inception:FILE", those of the FID (see `nn.inception`),
            for precision to Frechet, and for copying. The bracket is of raw samples always.

    Raises:
        UserError: data of another shape or other columns, or features that are unknown or not to be had of these data.
    """
    if found := difference(model.columns, data.info.columns):
        raise UserError(f"the data must have the columns of the run in their order: of those, {data.info.name} {found}")
    if data.space.shape != model.space.shape:
        ours, theirs = model.space.shape, data.space.shape
        raise UserError(f"--data has samples of shape {theirs}, the run generates {ours}")
    compared = features_of(data, features)
    real = ReferenceSamples(data, trained=thorough)
    z = model.latent(max(FAKES, real.fakes), stream(seed, Purpose.SAMPLE))
    samples = model.generate(z)
    fake = model.codec.metric(samples)
    measured = real.bracket(fake[: real.fakes])
    counts = {"bracket": real.n, "bracket_draws": real.draws, "generated": len(fake)}
    ledger = Ledger()
    bracket_figures(ledger, measured)
    reasons = against(ledger, data, fake, counts, compared)
    ledger.add(pixels(data, samples))
    if data.train.labels is not None:
        classes(ledger, data, data.train.labels, fake[:FAKES], model, model.condition(z[:FAKES]))
    said, clusters = judgement(model, real.held_out[0], fake[: real.n])
    ledger.add({"critic": said})
    return Evaluation(
        measured,
        ledger.metrics,
        counts,
        clusters,
        step=model.step,
        weights=model.weights,
        seed=seed,
        fingerprint=data.fingerprint,
        floors=ledger.floors,
        errors=ledger.errors,
        unreliable=reasons,
        features=compared.name,
    )
