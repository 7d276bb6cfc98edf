"""Everything that can be measured of a trained generator against its data."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from monge import plot
from monge.data.codec import Codec
from monge.data.dataset import DataSet
from monge.data.table.reader import difference
from monge.distance.bracket import Bracket
from monge.distance.points import Points
from monge.errors import UserError
from monge.evaluation.features import Features, features_of
from monge.evaluation.reference import RealSets
from monge.metric.class_shares import agreement, class_shares, predicted, purity, recognition
from monge.metric.critic import critic_figures
from monge.metric.critic_matrix import ClusterMatrix, cluster_matrix
from monge.metric.inception_score import class_score
from monge.metric.ledger import Ledger, share
from monge.metric.memorisation import searchable
from monge.metric.modes import mode_figures
from monge.metric.panel import ORIGINAL, originality, panel, unreliable
from monge.model.build import OWN, latent_size
from monge.model.random import Purpose, stream
from monge.model.sample import config_of, critic_outputs, generate, load_critic, load_generator, own_data
from monge.nn.code import CodedGenerator
from monge.nn.condition import ConditionalGenerator
from monge.nn.layer import latent
from monge.run.folder import RunFolder, write_atomically
from monge.training import checkpoint

FAKES = 5000
COMPARED = 2000
"""Samples on each side of the figures with a floor, at most; as many generated as held-out ones."""
FEWEST, ALONE = 5, 1000
"""Held-out samples from which there are floors, and how many generated samples are compared where there are fewer."""
MODES = 2500
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
    step, facts, own = checkpoint.steps(run.checkpoints)[-1], run.facts(), data is None
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
    _bracket(ledger, measured)
    reasons = _against(ledger, data, fake, counts, compared)
    ledger.add(_pixels(data, samples))
    if data.labels is not None:
        _classes(ledger, data, data.labels, fake[:FAKES], generator, codes[:FAKES], facts["classes"])
    judgement, clusters = _judgement(run, critic, codec, real.held_out[0], fake[: real.n])
    if clusters is not None and own:
        write_atomically(run.path / PICTURE, plot.png(plot.heat_map(clusters, "critic output")))
        judgement["picture"] = PICTURE
    ledger.add({"critic": judgement})
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


def _bracket(ledger: Ledger, measured: Bracket) -> None:
    """Enters what a perfect generator's bracket would show, and the bracket's errors."""
    ledger.floors.update({"upper": measured.floor, "spread": measured.floor, "excess": 0.0})
    for name in ("spread", "excess"):
        error = getattr(measured, f"{name}_error")
        if error is not None:
            ledger.errors[name] = error
    ratio = measured.upper / measured.floor if measured.floor else None
    ledger.add({"upper_over_floor": ratio}, {"upper_over_floor": 1.0})


def _against(ledger: Ledger, data: DataSet, fake: Points, counts: dict[str, int], features: Features) -> dict[str, str]:
    """Enters the figures that compare sample sets, and returns which of them are unreliable."""
    metric, encode, classifier = data.codec.metric, features.encode, features.classifier
    train = encode(metric(data.train_sample(min(COMPARED, data.size or COMPARED))))
    raw_held_out = metric(data.held_out_sample(min(COMPARED, data.held_out_size)))
    held_out, compared = encode(raw_held_out), len(raw_held_out) >= FEWEST
    some = fake[: len(held_out) if compared else ALONE]
    counts |= {"manifold_real": len(train), "manifold_generated": len(some), "held_out": len(held_out)}
    generated = encode(some)
    found = panel(train, generated, features.singular)
    ledger.add(found, panel(train, held_out, features.singular) if compared else {})
    if data.size is not None:
        counts["novelty_train"] = searchable(data.size, data.codec.shape)
        whole = len(train) == counts["novelty_train"]
        searched = train if whole else encode(metric(data.train_sample(counts["novelty_train"])))
        ledger.add(originality(generated, searched, held_out), ORIGINAL)
    if classifier is not None:
        scores = [class_score(classifier.probabilities(x)) for x in (some, raw_held_out)]
        accuracy = share(classifier.accuracy, classifier.judged)
        ledger.add({"class_score": scores[0], "class_accuracy": accuracy}, {"class_score": scores[1]})
    per_mode = math.inf
    if data.centres is not None and data.deviation is not None:
        counts["modes"] = min(MODES, data.held_out_size)
        per_mode = counts["modes"] / len(data.centres)
        sides = fake[: counts["modes"]], metric(data.held_out_sample(counts["modes"]))
        ledger.add(*(mode_figures(x, data.centres, data.deviation) for x in sides))
    sizes = (len(train), min(len(generated), len(held_out)))
    reasons = unreliable(ledger.estimates, sizes, train.shape[1], per_mode)
    if not compared:
        reasons |= {name: f"no floor: {len(held_out)} held-out samples, {FEWEST} are needed" for name in found}
    return reasons


def _classes(
    ledger: Ledger,
    data: DataSet,
    labels: NDArray[np.int64],
    fake: Points,
    generator: nn.Module,
    codes: Tensor,
    asked: list[str] | None,
) -> None:
    """Enters which classes the generated samples are of, and whether those asked for, where the data have the same."""
    chosen = np.random.default_rng(0).permutation(len(labels))[:LABELLED]
    x, y = data.codec.metric(data.train_rows(chosen)), labels[chosen]
    held_out = data.codec.metric(data.held_out_sample(min(LABELLED, data.held_out_size)))
    classes = predicted(x, y, np.concatenate([fake, held_out]))
    found = classes[: len(fake)]
    shares, real = (class_shares(side, np.unique(y), data.classes) for side in (found, classes[len(fake) :]))
    estimates = {name: share(part, len(fake)) for name, part in shares.items()}
    ledger.add({"class_shares": estimates}, {"class_shares": real})
    if isinstance(generator, ConditionalGenerator) and asked == data.classes:
        right = share(agreement(found, generator.labels(codes).numpy()), len(found))
        ledger.add({"class_agreement": right}, {"class_agreement": recognition(x, y)})
    if isinstance(generator, CodedGenerator) and generator.codes.categorical:
        cells = generator.codes.of(codes)[:, : generator.codes.categorical].long().numpy()
        ledger.add({"code_purity": [purity(found, column) for column in cells.T]})


def _judgement(
    run: RunFolder, critic: nn.Module | None, codec: Codec, real: Points, fake: Points
) -> tuple[dict[str, Any], ClusterMatrix | None]:
    """What the critic says of the two sides, and its distances between clusters."""
    if critic is None and config_of(run).critic.startswith(OWN):
        return {"absent": "the run's own critic was not given"}, None
    trained = load_critic(run, critic)
    on_real, on_fake = critic_outputs(trained, codec, real), critic_outputs(trained, codec, fake)
    clusters = cluster_matrix(on_real, on_fake, min(CLUSTERS, len(real)))
    return critic_figures(on_real, on_fake, clusters), clusters


def _pixels(data: DataSet, samples: NDArray[Any]) -> dict[str, Any]:
    """Share of bright pixels, real and generated: the pore fraction of a binary micrograph."""
    if data.kind != "image":
        return {}
    share = {"real": data.train_sample(min(5000, data.size or 5000)), "generated": samples}
    return {"bright_share": {name: float((images > 127).mean()) for name, images in share.items()}}
