"""What the figures of a trained generator are taken of: its samples and the data's, each drawn or made once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from numpy.typing import NDArray
from torch import Tensor

from monge.data.dataset import ArrayData, DataSet
from monge.data.space import VectorSpace
from monge.data.table.codec import TableCodec
from monge.distance.excess_split import ExcessSplit, excess_split
from monge.distance.points import Points
from monge.distance.summary import Bracket
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.features import Features
from monge.evaluation.reference import ReferenceSamples
from monge.evaluation.scales import Scales, scales
from monge.evaluation.table_quality import TableQuality
from monge.metric.critic_matrix import ClusterMatrix, cluster_matrix
from monge.metric.table.baseline import independent_columns
from monge.model import copula
from monge.model.inference import generate
from monge.model.random import Purpose, latent, stream
from monge.model.trained_model import TrainedModel

FAKES = 5000
"""Generated samples that are measured, at least."""
COMPARED = 2000
"""Samples on each side of the figures with a floor, at most; as many generated as held-out ones."""
FEWEST = 5
"""Held-out samples from which there are floors."""
ROWS = 50_000
"""Generated rows of a table that are measured, at most; else as many as training rows."""
ALONE = 1000
"""Generated samples that are compared where there are no floors."""
CLUSTERS = 8
"""Clusters of critic outputs on a side, at most."""

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Measured:
    """A trained generator and the data that it is measured against; whatever is drawn of them depends on seeds alone.

    Samples are in metric scale, (n, d), unless said otherwise; features are what `features` makes of them, (n, k).

    Arguments:
        model: the trained model.
        data: of the same space.
        features: what samples are compared by.
        seed: of the generated samples.
        thorough: whether to train potentials for the bracket's lower limit.
        statistics: whether to take the statistics of two phases.
    """

    model: TrainedModel
    data: DataSet
    features: Features
    seed: int = 0
    thorough: bool = True
    statistics: bool = False
    _found: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, function: Callable[["Measured"], T]) -> T:
        """What a function finds of this; computed when it is first asked for, and kept for figures that share it."""
        if function not in self._found:
            self._found[function] = function(self)
        found: T = self._found[function]
        return found

    @cached_property
    def reference(self) -> ReferenceSamples:
        """The real side of the bracket."""
        return ReferenceSamples(self.data, trained=self.thorough)

    @cached_property
    def latent(self) -> Tensor:
        """Latent numbers of all generated samples, (n, z)."""
        return self.model.latent(max(FAKES, self.reference.fakes), stream(self.seed, Purpose.SAMPLE))

    @cached_property
    def samples(self) -> NDArray[Any]:
        """All generated samples, in raw scale."""
        return self.model.generate(self.latent)

    @cached_property
    def fake(self) -> Points:
        """All generated samples."""
        return self.model.codec.metric(self.samples)

    @cached_property
    def bracket(self) -> Bracket:
        """W1 between generated and held-out samples."""
        return self.reference.bracket(self.fake[: self.reference.fakes])

    @cached_property
    def quality(self) -> TableQuality | None:
        """The figures of a synthetic table; None for other data, and where nothing thorough is asked for."""
        data, codec = self.data, self.model.codec
        if not (self.thorough and isinstance(data, ArrayData) and isinstance(codec, TableCodec)):
            return None
        train, count = data.train.all(), min(data.train.size, ROWS)
        seeds = (stream(self.seed, Purpose.SAMPLE, part) for part in (1, 2))
        other = copula.fit(data, self.seed)
        baselines = {
            "copula": generate(other, codec, latent(count, other.latent, next(seeds))),
            "independent": independent_columns(train, count, seed=self.seed),
        }
        rows = self.model.generate(self.model.latent(count, next(seeds)))
        return TableQuality.of(
            codec.schema, train, data.held_out.all(), rows, codec.metric, baselines=baselines, seed=self.seed
        )

    @cached_property
    def by_column(self) -> ExcessSplit | None:
        """The bracket's excess, split exactly into the columns of a table; None for other data."""
        if not isinstance(self.model.codec, TableCodec):
            return None
        sides, n = self.reference, self.reference.n
        fake = self.fake[: sides.fakes].reshape(sides.draws, 2, n, -1)
        groups = FeatureGroups.of(self.model.codec, self.fake.shape[1]).groups
        first, second = list(zip(sides.held_out, sides.train, strict=True)), [(a, b) for a, b in fake]
        return excess_split(first, second, groups)

    @cached_property
    def held_out_samples(self) -> Points:
        """Held-out samples, at most 2,000."""
        return self.data.codec.metric(self.data.held_out.sample(self.data.held_out.at_most(COMPARED)))

    @property
    def generated_samples(self) -> Points:
        """As many generated samples as held-out ones, or 1,000 where these are too few for a floor."""
        return self.fake[: len(self.held_out_samples) if self.floored else ALONE]

    @cached_property
    def train(self) -> Points:
        """Features of training samples, at most 2,000."""
        drawn = self.data.train.sample(self.data.train.at_most(COMPARED))
        return self.features.encode(self.data.codec.metric(drawn))

    @cached_property
    def held_out(self) -> Points:
        """Features of `held_out_samples`."""
        return self.features.encode(self.held_out_samples)

    @cached_property
    def generated(self) -> Points:
        """Features of `generated_samples`."""
        return self.features.encode(self.generated_samples)

    @property
    def floored(self) -> bool:
        """Whether there are enough held-out samples to show what a perfect generator would."""
        return len(self.held_out_samples) >= FEWEST

    @property
    def fewest(self) -> int:
        """Samples on the smallest of the sides whose features are compared."""
        return min(len(self.train), len(self.generated), len(self.held_out))

    @property
    def scales(self) -> Scales | None:
        """Columns that hardly count in the bracket beside others; None for images, and where every column counts."""
        if not isinstance(self.data.space, VectorSpace):
            return None
        return scales(self.held_out_samples, self.generated_samples, self.data.info.columns)

    @property
    def counts(self) -> dict[str, int]:
        """How many samples of each kind there are."""
        bracket = {"bracket": self.reference.n, "bracket_draws": self.reference.draws, "generated": len(self.fake)}
        sides = {"manifold_real": len(self.train), "manifold_generated": len(self.generated)}
        return bracket | sides | {"held_out": len(self.held_out)}

    @cached_property
    def judged(self) -> tuple[Points, Points] | None:
        """What the critic says of held-out and of generated samples, (n, k) each; None without a critic."""
        if self.model.critic is None:
            return None
        sides = self.reference.held_out[0], self.fake[: self.reference.n]
        return self.model.judged(sides[0]), self.model.judged(sides[1])

    @cached_property
    def clusters(self) -> ClusterMatrix | None:
        """The critic's distances between clusters of `judged`; None without a critic."""
        if self.judged is None:
            return None
        return cluster_matrix(*self.judged, min(CLUSTERS, self.reference.n))
