"""Everything that can be measured of a trained generator against its data."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from monge import plot
from monge.assemble import build_critic, latent_size, open_source
from monge.data.codec import Codec
from monge.data.dataset import DataSet
from monge.distance.bracket import Bracket
from monge.distance.exact import Points
from monge.distance.matrix import ClusterMatrix, cluster_matrix, real_probability, sample_weights
from monge.errors import UserError
from monge.metric.coverage import coverage
from monge.metric.frechet import frechet
from monge.metric.label import class_shares
from monge.metric.mode import modes
from monge.metric.nearest import novelty, searchable
from monge.nn.layer import latent
from monge.reading import RealSets
from monge.run import RunFolder, write_atomically
from monge.sample import CHUNK, config_of, generate, load_generator
from monge.training import checkpoint
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
        clusters: the critic's distances between clusters of generated and of held-out samples.
    """

    bracket: Bracket
    metrics: dict[str, Any]
    counts: dict[str, int]
    clusters: ClusterMatrix

    def as_json(self) -> dict[str, Any]:
        """The figures as plain mappings."""
        return {
            "bracket": self.bracket.as_json(),
            "metrics": self.metrics,
            "counts": self.counts,
            "critic_clusters": {name: np.asarray(value).tolist() for name, value in asdict(self.clusters).items()},
        }


def evaluate(run: RunFolder, data: DataSet | None = None, seed: int = 0, weights: str = "ema") -> Evaluation:
    """Measures the last checkpoint's generator, and draws the critic's distances as a picture in the run folder.

    Arguments:
        run: a trained run.
        data: other data to measure against, of the same sample shape; none means the run's own.
        seed: of the generated samples.
        weights: "ema" or "raw".

    Raises:
        UserError: no checkpoint, unknown weights, or data of another shape.
    """
    generator, codec = load_generator(run, weights)
    config = config_of(run)
    data = data or open_source(config.source, config.data)
    if data.codec.shape != codec.shape:
        raise UserError(f"--data has samples of shape {data.codec.shape}, the run generates {codec.shape}")
    real = RealSets(data)
    codes = latent(max(FAKES, real.fakes), latent_size(generator), stream(seed, Purpose.SAMPLE))
    samples = generate(generator, codec, codes)
    fake = codec.metric(samples)
    measured = real.bracket(fake[: real.fakes])
    counts = {"bracket": real.n, "bracket_draws": real.draws, "generated": len(fake)}
    metrics: dict[str, Any] = {"upper_over_floor": measured.upper / measured.floor if measured.floor else None}
    metrics |= _against(data, fake, real, counts) | _pixels(data, samples)

    critic = build_critic(config, codec.shape)
    last = checkpoint.folder_of(run.checkpoints, checkpoint.steps(run.checkpoints)[-1])
    checkpoint.load_network(critic, last, "critic")
    on_real, on_fake = _outputs(critic, codec, real.held_out[0]), _outputs(critic, codec, fake[: real.n])
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
    if data.labels is not None:
        chosen = np.random.default_rng(0).permutation(len(data.labels))[:LABELLED]
        features = data.codec.metric(data.train[chosen])
        figures["class_shares"] = class_shares(features, data.labels[chosen], fake[:FAKES], data.classes)
    return figures


def _outputs(critic: nn.Module, codec: Codec, points: Points) -> Points:
    """What the critic says of points in metric scale, (n, k)."""
    critic.eval()
    with torch.no_grad():
        parts = [critic(codec.from_metric(part)) for part in torch.from_numpy(points).float().split(CHUNK)]
    return torch.cat(parts).flatten(1).double().numpy()


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
