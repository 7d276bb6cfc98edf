"""Everything that can be measured of a trained generator against its data."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from monge import plot
from monge.assemble import OWN, latent_size, open_source
from monge.data.dataset import DataSet
from monge.distance.bracket import Bracket
from monge.distance.exact import Points
from monge.distance.matrix import ClusterMatrix, cluster_matrix, real_probability, sample_weights
from monge.errors import UserError
from monge.metric.coverage import coverage
from monge.metric.frechet import frechet
from monge.metric.label import agreement, class_shares, predicted, purity
from monge.metric.mode import modes
from monge.metric.nearest import novelty, searchable
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator
from monge.nn.layer import latent
from monge.reading import RealSets
from monge.run import RunFolder, write_atomically
from monge.sample import config_of, critic_outputs, generate, load_critic, load_generator
from monge.training.random import Purpose, stream

FAKES = 5000
MANIFOLD_REAL, MANIFOLD_FAKE = 2000, 1000
LABELLED = 5000
CLUSTERS = 8
PICTURE = "critic_distance.png"


@dataclass(frozen=True)
class Evaluation:
    """The figures of one evaluation.

    Attributes:
        bracket: W1 between generated and held-out samples.
        metrics: named figures; which ones depends on the data (modes need known centres, classes need labels).
        counts: how many samples each figure rests on.
        clusters: the critic's distances between clusters of generated and of held-out samples; none without a critic.
    """

    bracket: Bracket
    metrics: dict[str, Any]
    counts: dict[str, int]
    clusters: ClusterMatrix | None

    def as_json(self) -> dict[str, Any]:
        """The figures as plain mappings."""
        bracket = self.bracket.as_json()
        if self.bracket.lipschitz == "none":
            few = f"{self.bracket.n} held-out samples are too few to fit, choose and judge a potential, 6 are needed"
            bracket["no_lower_limit"] = few if self.bracket.n < 6 else "no potential stayed finite"
        document = {"bracket": bracket, "metrics": self.metrics, "counts": self.counts}
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
) -> Evaluation:
    """Measures the last checkpoint's generator, and draws the critic's distances as a picture in the run folder.

    Arguments:
        run: a trained run.
        data: other data to measure against, of the same sample shape; none means the run's own.
        seed: of the generated samples.
        weights: "ema" or "raw".
        critic: a module like the one that was trained, if that was no named one.
        thorough: whether to train potentials for the bracket's lower limit, which takes most of the time.

    Raises:
        UserError: no checkpoint, unknown weights, or data of another shape.
    """
    generator, codec = load_generator(run, weights)
    config = config_of(run)
    data = data or open_source(config.source, config.data)
    if data.codec.shape != codec.shape:
        raise UserError(f"--data has samples of shape {data.codec.shape}, the run generates {codec.shape}")
    real = RealSets(data, trained=thorough)
    codes = latent(max(FAKES, real.fakes), latent_size(generator), stream(seed, Purpose.SAMPLE))
    samples = generate(generator, codec, codes)
    fake = codec.metric(samples)
    measured = real.bracket(fake[: real.fakes])
    counts = {"bracket": real.n, "bracket_draws": real.draws, "generated": len(fake)}
    metrics: dict[str, Any] = {"upper_over_floor": measured.upper / measured.floor if measured.floor else None}
    metrics |= _against(data, fake, real, counts) | _pixels(data, samples)
    if data.labels is not None:
        metrics |= _classes(data, data.labels, fake[:FAKES], generator, codes[:FAKES])
    if critic is None and config.critic.startswith(OWN):
        return Evaluation(
            measured, metrics | {"critic": {"absent": "the run's own critic was not given"}}, counts, None
        )
    critic = load_critic(run, critic)
    on_real, on_fake = critic_outputs(critic, codec, real.held_out[0]), critic_outputs(critic, codec, fake[: real.n])
    clusters = cluster_matrix(on_real, on_fake, min(CLUSTERS, real.n))
    figures = metrics | {"critic": _judgement(on_real, on_fake, clusters)}
    write_atomically(run.path / PICTURE, plot.png(plot.heat_map(clusters, "critic output")))
    return Evaluation(measured, figures, counts, clusters)


def _against(data: DataSet, fake: Points, real: RealSets, counts: dict[str, int]) -> dict[str, Any]:
    train = data.codec.metric(data.train_sample(min(MANIFOLD_REAL, data.size or MANIFOLD_REAL)))
    counts |= {"manifold_real": len(train), "manifold_generated": MANIFOLD_FAKE}
    some = fake[:MANIFOLD_FAKE]
    figures: dict[str, Any] = dict(coverage(train, some, k=min(3, len(train) - 1)))
    if train.shape[1] < len(train):
        # with fewer samples than dimensions the covariance says more about n than about the data
        figures["frechet"] = frechet(train, fake)
    figures["variance_ratio"] = float(fake.var(axis=0).sum() / max(train.var(axis=0).sum(), np.finfo(float).tiny))
    if data.size is not None:
        counts["novelty_train"] = searchable(data.size, data.codec.shape)
        searched = data.codec.metric(data.train_sample(counts["novelty_train"]))
        figures["novelty"] = novelty(some, searched, real.held_out[0])
    if data.centres is not None and data.deviation is not None:
        counts["modes"] = 2500
        figures |= modes(fake[:2500], data.centres, data.deviation)
    return figures


def _classes(
    data: DataSet, labels: NDArray[np.int64], fake: Points, generator: nn.Module, codes: Tensor
) -> dict[str, Any]:
    """Which classes the generated samples are of, and whether those that were asked for."""
    chosen = np.random.default_rng(0).permutation(len(labels))[:LABELLED]
    found = predicted(data.codec.metric(data.train[chosen]), labels[chosen], fake)
    figures: dict[str, Any] = {"class_shares": class_shares(found, np.unique(labels[chosen]), data.classes)}
    if isinstance(generator, ConditionalGenerator):
        figures["class_agreement"] = agreement(found, generator.labels(codes).numpy())
    if isinstance(generator, CodedGenerator) and generator.codes.categorical:
        cells = generator.codes.of(codes)[:, : generator.codes.categorical].long().numpy()
        figures["code_purity"] = [purity(found, column) for column in cells.T]
    return figures


def _judgement(real: Points, fake: Points, clusters: ClusterMatrix) -> dict[str, Any]:
    """What the critic's outputs tell of the two sides, in a few figures.

    The probabilities are 1/2, and the median weight 1, when the critic cannot tell generated from held-out samples.
    """
    probabilities = real_probability(real, fake)
    return {
        "mean_distance": clusters.mean,
        "weighted_distance": clusters.weighted_distance,
        "real_probability": {
            name: float(p.mean()) for name, p in zip(("real", "generated"), probabilities, strict=True)
        },
        "median_weight": float(np.median(sample_weights(*probabilities))),
        "picture": PICTURE,
    }


def _pixels(data: DataSet, samples: NDArray[Any]) -> dict[str, Any]:
    """Share of bright pixels, real and generated: the pore fraction of a binary micrograph."""
    if data.kind != "image":
        return {}
    share = {"real": data.train_sample(min(5000, data.size or 5000)), "generated": samples}
    return {"bright_share": {name: float((images > 127).mean()) for name, images in share.items()}}
