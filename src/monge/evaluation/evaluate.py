"""Everything that can be measured of a trained generator against its data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from monge.data.dataset import DataSet
from monge.data.space import TableSpace
from monge.data.table.reader import difference
from monge.distance.bounds import CHOSEN
from monge.distance.summary import Bracket
from monge.errors import UserError
from monge.evaluation.features import features_of
from monge.evaluation.figures import FIGURES
from monge.evaluation.ledger import Ledger, Reading
from monge.evaluation.measurement import Measured
from monge.evaluation.phases import check_statistics, details
from monge.evaluation.scales import Scales
from monge.metric.critic_matrix import ClusterMatrix
from monge.model.trained_model import TrainedModel

DOUBTED_FIRST = ("frechet", "kid")
"""Figures whose reasons come first in documents, as always; the others' follow in the order of the table."""
LEAST = 2 * CHOSEN
"""Held-out samples with which there is a lower limit."""
NO_CRITIC = "the run's own critic was not given"


@dataclass(frozen=True)
class Evaluation:
    """The figures of one evaluation.

    Attributes:
        bracket: W1 between generated and held-out samples.
        metrics: named figures; which ones depends on the data (modes need known centres, classes need labels).
        counts: how many samples each figure rests on.
        clusters: the critic's distances between clusters of generated and of held-out samples; none without a critic.
        step: of the checkpoint that was measured.
        weights: "ema", "raw" or "best".
        seed: of the generated samples.
        fingerprint: of the data that were measured against.
        floors: of figures of the bracket and of `metrics`, the same between training and held-out samples of the same
            numbers: what a perfect generator would show.
        errors: standard errors of such figures.
        unreliable: figures that say little at this sample size, each with the reason.
        features: what the figures rest on that compare features: "raw", "classifier", or "inception" with eight digits
            of its weights.
        scales: columns that hardly count in the bracket beside others; None for images, and where every column counts.
        table: the figures of a synthetic table, with the excess of each column, largest first; None for other data.
        statistics: what those of two phases rest on, with their curves; None where they were not asked for.
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
    scales: Scales | None = None
    statistics: dict[str, Any] | None = None
    table: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The figures as plain mappings."""
        bracket = self.bracket.as_json()
        if self.bracket.lipschitz == "none":
            few = f"a potential needs at least {LEAST} held-out samples; got {self.bracket.n}"
            bracket["no_lower_limit"] = few if self.bracket.n < LEAST else "no potential stayed finite"
        document: dict[str, Any] = {name: getattr(self, name) for name in ("step", "weights", "seed", "fingerprint")}
        document |= {
            "bracket": bracket,
            "metrics": self.metrics,
            "floors": self.floors,
            "errors": self.errors,
        }
        document |= {"unreliable": self.unreliable, "features": self.features, "counts": self.counts}
        document["scales"] = None if self.scales is None else asdict(self.scales)
        if self.statistics is not None:
            document["statistics"] = self.statistics
        if self.table is not None:
            document["table"] = self.table
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
    statistics: bool = False,
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
        statistics: whether to take the statistics of two phases of grey images (see `metric.two_point`).

    Raises:
        UserError: data of another shape or other columns, or features or statistics that are unknown or not to be had
            of these data.
    """
    check_data(model, data)
    if statistics:
        check_statistics(data)
    data = data.measured_by(model.codec)
    model.keep_critic()
    return read(Measured(model, data, features_of(data, features), seed, thorough, statistics))


def read(measured: Measured) -> Evaluation:
    """All figures that apply to what was measured."""
    found, ledger = {}, Ledger()
    for entry in FIGURES:
        reading = entry.function(measured)
        if reading is not None:
            found[entry.name] = reading
            ledger.enter(entry.name, reading, entry.group)
    in_bracket = {part.name for part in fields(Bracket)}
    metrics = {name: value for name, value in ledger.metrics.items() if name not in in_bracket}
    return Evaluation(
        measured.bracket,
        metrics if measured.judged is not None else metrics | {"critic": {"absent": NO_CRITIC}},
        measured.counts | ledger.counts,
        measured.clusters,
        step=measured.model.step,
        weights=measured.model.weights,
        seed=measured.seed,
        fingerprint=measured.data.fingerprint,
        floors=ledger.floors,
        errors=ledger.errors,
        unreliable=reasons(measured, found),
        features=measured.features.name,
        scales=measured.scales,
        statistics=details(measured),
        table=of_table(measured),
    )


def of_table(measured: Measured) -> dict[str, Any] | None:
    """The figures of a synthetic table as plain mappings, with the excess of each column, largest first."""
    if measured.quality is None or measured.by_column is None:
        return None
    parts, errors = measured.by_column.excess, measured.by_column.excess_error
    names, order = measured.quality.schema.names, np.argsort(-parts, kind="stable").tolist()
    error = [None if errors is None else float(errors[index]) for index in range(len(names))]
    excess = {names[index]: {"value": float(parts[index]), "error": error[index]} for index in order}
    return measured.quality.as_json() | {"excess": excess}


def check_data(model: TrainedModel, data: DataSet) -> None:
    """Refuses data that the model does not generate.

    Raises:
        UserError: another shape or other columns.
    """
    if found := difference(model.columns, data.info.columns):
        raise UserError(f"--data must have the columns of the run, in order; {data.info.name} {found}")
    if isinstance(model.space, TableSpace) and (found := model.space.difference(data.space)):
        raise UserError(f"--data must hold the same kind of values as the run in each column: {found}")
    if data.space != model.space:
        ours, theirs = model.space.shape, data.space.shape
        raise UserError(f"--data must have samples of shape {ours}, as the run generates; got {theirs}")


def reasons(measured: Measured, found: Mapping[str, Reading]) -> dict[str, str]:
    """Why figures that were found say little, of those that do: at this size, or for want of a floor."""
    entries = {entry.name: entry for entry in FIGURES if entry.name in found}
    order = dict.fromkeys([name for name in DOUBTED_FIRST if name in entries] + list(entries))
    doubts = {name: entries[name].doubt(measured, found[name]) for name in order}
    without = {name: reading.no_floor for name, reading in found.items() if reading.no_floor}
    return {name: doubt for name, doubt in doubts.items() if doubt is not None} | without
