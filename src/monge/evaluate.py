"""Everything that can be measured of a trained generator against its data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge.assemble import build_critic, latent_size, open_source
from monge.data.dataset import DataSet
from monge.distance import bracket
from monge.distance.exact import Points
from monge.errors import UserError
from monge.metric.coverage import coverage
from monge.metric.frechet import frechet
from monge.metric.label import class_shares
from monge.metric.mode import modes
from monge.metric.nearest import novelty
from monge.nn.layer import latent
from monge.reading import CriticReading, RealSets
from monge.run import RunFolder
from monge.sample import config_of, generate, load_generator
from monge.training import checkpoint
from monge.training.random import Purpose, stream

FAKES = 5000
MANIFOLD_REAL, MANIFOLD_FAKE = 2000, 1000
LABELLED = 5000


@dataclass(frozen=True)
class Evaluation:
    """The figures of one evaluation.

    Attributes:
        bracket: W1 between generated and held-out samples.
        metrics: named figures; which ones depends on the data (modes need known centres, classes need labels).
        counts: how many samples each figure rests on.
    """

    bracket: bracket.Bracket
    metrics: dict[str, Any]
    counts: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """The figures as plain mappings."""
        return {"bracket": self.bracket.as_json(), "metrics": self.metrics, "counts": self.counts}


def evaluate(run: RunFolder, data: DataSet | None = None, seed: int = 0, weights: str = "ema") -> Evaluation:
    """Measures the last checkpoint's generator.

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
    codes = latent(max(FAKES, 2 * real.n), latent_size(generator), stream(seed, Purpose.SAMPLE))
    samples = generate(generator, codec, codes)
    fake = codec.metric(samples)

    critic = build_critic(config, codec.shape)
    last = checkpoint.folder_of(run.checkpoints, checkpoint.steps(run.checkpoints)[-1])
    checkpoint.load_network(critic, last, "critic")
    first, second = fake[: real.n], fake[real.n : 2 * real.n]
    lower = CriticReading(critic, codec, real, first).lower
    measured = bracket.measure(first, second, real.held_out, real.floor, lower=lower, lipschitz="measured")
    counts = {"bracket": real.n, "generated": len(fake)}
    metrics = {"upper_over_floor": measured.upper / real.floor if real.floor else float("nan")}
    metrics |= _against(data, fake, real, counts) | _pixels(data, samples)
    return Evaluation(measured, metrics, counts)


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
        figures["novelty"] = novelty(some, train, real.held_out)
    if data.centres is not None and data.deviation is not None:
        counts["modes"] = 2500
        figures |= modes(fake[:2500], data.centres, data.deviation)
    if data.labels is not None:
        chosen = np.random.default_rng(0).permutation(len(data.labels))[:LABELLED]
        shares = class_shares(data.codec.metric(data.train[chosen]), data.labels[chosen], fake[:FAKES])
        figures["class_shares"] = shares
    return figures


def _pixels(data: DataSet, samples: NDArray[Any]) -> dict[str, Any]:
    """Share of bright pixels, real and generated: the pore fraction of a binary micrograph."""
    if data.kind != "image":
        return {}
    share = {"real": data.train_sample(min(5000, data.size or 5000)), "generated": samples}
    return {"bright_share": {name: float((images > 127).mean()) for name, images in share.items()}}
