"""Everything that can be measured of a trained generator against its data."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from torch import nn

from monge import plot
from monge.data.dataset import DataSet
from monge.data.table.reader import difference
from monge.distance.bounds import Bracket
from monge.errors import UserError
from monge.evaluation.features import features_of
from monge.evaluation.figures import against, bracket_figures, classes, judgement, pixels
from monge.evaluation.reference import RealSets
from monge.metric.critic_matrix import ClusterMatrix
from monge.metric.ledger import Ledger
from monge.model.build import latent_size
from monge.model.inference import generate
from monge.model.load import load_generator, own_data
from monge.model.random import Purpose, latent, stream
from monge.model.weights import steps
from monge.run.files import write_atomically
from monge.run.folder import RunFolder

FAKES = 5000
PICTURE = "critic_distance.png"


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
    run: RunFolder,
    data: DataSet | None = None,
    seed: int = 0,
    weights: str = "ema",
    critic: nn.Module | None = None,
    thorough: bool = True,
    features: str = "raw",
) -> Evaluation:
    """Measures the last checkpoint's generator; the run's own data also leave a picture of the critic's distances.

    Arguments:
        run: a trained run.
        data: other data to measure against, of the same sample shape; none means the run's own, and that the picture
            in the run folder is drawn.
        seed: of the generated samples.
        weights: "ema" or "raw".
        critic: a module like the one that was trained, if that was no named one.
        thorough: whether to train potentials for the bracket's lower limit, which takes most of the time.
        features: "raw", pixels or the vectors themselves; "classifier", the last hidden layer of a small classifier
            of the data's labels (see `metric.classifier`); or "inception:FILE", those of the FID (see `nn.inception`),
            for precision to Frechet, and for copying. The bracket is of raw samples always.

    Raises:
        UserError: no checkpoint, unknown weights, own data that are gone or have changed, data of another shape, or
            features that are unknown or not to be had of these data.
    """
    generator, codec = load_generator(run, weights)
    step, facts, own = steps(run.checkpoints)[-1], run.facts(), data is None
    data = data or own_data(run)
    if found := difference(facts.get("columns"), data.columns):
        raise UserError(f"the data must have the columns of the run in their order: of those, {data.name} {found}")
    if data.codec.shape != codec.shape:
        raise UserError(f"--data has samples of shape {data.codec.shape}, the run generates {codec.shape}")
    compared = features_of(data, features)
    real = RealSets(data, trained=thorough)
    codes = latent(max(FAKES, real.fakes), latent_size(generator), stream(seed, Purpose.SAMPLE))
    samples = generate(generator, codec, codes)
    fake = codec.metric(samples)
    measured = real.bracket(fake[: real.fakes])
    counts = {"bracket": real.n, "bracket_draws": real.draws, "generated": len(fake)}
    ledger = Ledger()
    bracket_figures(ledger, measured)
    reasons = against(ledger, data, fake, counts, compared)
    ledger.add(pixels(data, samples))
    if data.labels is not None:
        classes(ledger, data, data.labels, fake[:FAKES], generator, codes[:FAKES], facts["classes"])
    said, clusters = judgement(run, critic, codec, real.held_out[0], fake[: real.n])
    if clusters is not None and own:
        write_atomically(run.path / PICTURE, plot.png(plot.heat_map(clusters, "critic output")))
        said["picture"] = PICTURE
    ledger.add({"critic": said})
    return Evaluation(
        measured,
        ledger.metrics,
        counts,
        clusters,
        step=step,
        weights=weights,
        seed=seed,
        fingerprint=data.fingerprint,
        floors=ledger.floors,
        errors=ledger.errors,
        unreliable=reasons,
        features=compared.name,
    )
