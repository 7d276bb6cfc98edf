"""What is asked of two sample sets, by the command and by the page: which they are, how they are read and compared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monge.config.schema import DataConfig
from monge.data.source import applicable, open_like
from monge.distance.bounds import Progress, silent
from monge.distance.excess_split import afresh
from monge.errors import UserError
from monge.evaluation.cluster import clustered, set_apart
from monge.evaluation.estimates import ESTIMATES
from monge.evaluation.reference_cache import ReferenceCache
from monge.evaluation.sample_set import SAMPLES, SampleSet, check_kinds
from monge.evaluation.two_samples import Comparison, check_families, compare
from monge.evaluation.units import check_units, standardised

Clusters = NDArray[np.str_] | None
"""What says which rows belong together."""


@dataclass(frozen=True)
class Question:
    """What is asked of two sample sets.

    Arguments:
        a: the reference: a built-in name or a path.
        b: what is compared with it.
        data: how both are read.
        samples: of each, at most.
        seed, standardise, columns, exclude, group, families, explain, groups: as in `two_samples`.
    """

    a: str
    b: str
    data: DataConfig = field(default_factory=DataConfig)
    samples: int = SAMPLES
    seed: int = 0
    standardise: str | None = None
    columns: str | None = None
    exclude: str | None = None
    group: str | None = None
    families: tuple[str, ...] = ()
    explain: bool = True
    groups: Mapping[str, str] = field(default_factory=dict)

    def cache(self, path: Path) -> ReferenceCache:
        """What is kept of A in a file, or is to be kept there.

        Raises:
            UserError: there is no A, or a file of something else.
        """
        how = {f"data.{name}": value for name, value in asdict(applicable(self.data, self.a, self.b)).items()}
        names = ("samples", "seed", "standardise", "columns", "exclude", "group")
        return ReferenceCache.open(path, self.a, how | {name: getattr(self, name) for name in names})

    def answer(self, *, cache: ReferenceCache | None = None, progress: Progress = silent) -> Comparison:
        """Reads both and compares them.

        Arguments:
            cache: of what rests on A alone; it is written if it is not yet.
            progress: as in `compare`.

        Raises:
            UserError: data that cannot be read or compared, or an option that is not allowed.
        """
        check_families(self.families)
        units = check_units(self.standardise)
        kept = None if cache is None or self.group else cache.kept
        reference, own = self.read(0) if kept is None else (kept, None)
        b, other = self.read(1, reference)
        if b.drawn and reference.data is None:  # then all rows are looked at
            reference, own = self.read(0)
        check_kinds(reference, b)
        a, b = clustered(*standardised(reference, b, units), (own, other), self.group)
        result = compare(
            a,
            b,
            seed=self.seed,
            families=self.families,
            explained=self.explain,
            groups=self.groups,
            progress=progress,
            recall=afresh if cache is None else cache.recall,
        )
        if cache is not None:
            cache.save(reference)
        return result

    def read(self, side: int, like: SampleSet | None = None) -> tuple[SampleSet, Clusters]:
        """The samples of A (0), or of B (1) in the metric scale of A, and what says which rows belong together.

        Raises:
            UserError: begins with which of them it is.
        """
        source, other = (self.a, self.b) if side == 0 else (self.b, self.a)
        try:
            space = None if like is None else like.space
            data = open_like(source, applicable(self.data, source, other), space)
            data, values = set_apart(data, self.columns, self.exclude, self.group, other=side == 1)
            return SampleSet.draw(data, source, most=self.samples, seed=self.seed, side=side, like=like), values
        except UserError as error:
            named = "AB"[side] if Path(source).name in str(error) else f"{'AB'[side]} {source}"
            raise UserError(f"{named}: {error}") from error


def stage(name: str) -> str:
    """What people are shown of something that is being done."""
    return _SHOWN.get(name, name)


_SHOWN = {entry.name: entry.shown for entry in ESTIMATES}
