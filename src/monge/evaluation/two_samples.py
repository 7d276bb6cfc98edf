"""Two sample sets and how far apart they are."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike
from PIL import Image

from monge.data.selection import Names
from monge.data.source import load_data, load_like
from monge.data.space import Space, TableSpace, VectorSpace
from monge.distance.bounds import CERTIFIED, Progress, bracket, silent
from monge.distance.dual.family import FAMILIES, Family
from monge.distance.excess_split import Recall, afresh, split_bracket
from monge.distance.serial import SerialDependence
from monge.distance.summary import Bracket
from monge.distance.transport.exact import Coupling, coupling
from monge.distance.two_sample.battery import Battery
from monge.distance.two_sample.missed import Missed, missed
from monge.errors import UserError, unknown_name
from monge.evaluation.breakdown import grouped
from monge.evaluation.cluster import clustered, set_apart
from monge.evaluation.coordinate import FeatureGroups
from monge.evaluation.estimates import Figure, figures_of
from monge.evaluation.explanation import Explanation, explanation_of
from monge.evaluation.pair import Pair, common, repeats
from monge.evaluation.sample_set import SAMPLES, SampleSet, check_kinds
from monge.evaluation.scales import Scales, scales
from monge.evaluation.units import check_units, scale, standardised, usual
from monge.evaluation.verdict import Verdict, judge
from monge.evaluation.whole import Whole, whole

COUPLED = 400
"""Samples a side of the coupling that is drawn."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Two sample sets and how far apart they are.

    Attributes:
        a, b: the sets; a takes the place of the real samples.
        seed: decided all choices.
        bracket: W1 between them.
        figures: further estimates by name.
        battery: whether they come from one distribution.
        whole: what all rows say; None where the points are all of them.
        missed: the smallest differences that would have been shown.
        shared: points that are in both sets.
        repeated: samples of a, and of b, that equal an earlier one of their set.
        dependence: of the rows of a, and of b, on their order in the file; None where none is seen.
        scales: columns that hardly count beside others; None for images, and where every column counts.
        plan: optimal coupling of the first 400 points of a with those of b.
        explanation: in what they differ; None where it was not asked for.
    """

    a: SampleSet
    b: SampleSet
    seed: int
    bracket: Bracket
    figures: dict[str, Figure]
    battery: Battery
    whole: Whole | None
    missed: Missed
    shared: int
    repeated: tuple[int, int]
    dependence: tuple[SerialDependence | None, SerialDependence | None]
    scales: Scales | None
    plan: Coupling
    explanation: Explanation | None = None

    @property
    def p_value(self) -> float:
        """Of the tests together: of the battery and, where there are more rows than it looks at, of columns of all."""
        found = self.figures["p_value"].value
        assert found is not None
        return found

    @cached_property
    def verdict(self) -> Verdict:
        """What all of this says together."""
        return judge(self)

    def as_json(self) -> dict[str, Any]:
        """Everything but the points, as plain mappings."""
        explained = {} if self.explanation is None else {"explanation": self.explanation.as_json()}
        return {
            "standardise": self.a.standardise or usual(self.a.space),
            "units": scale(self.a),
            "left_out": identifiers(self.a.space),
            "a": self.a.as_json(),
            "b": self.b.as_json(),
            "seed": self.seed,
            **self.verdict.as_json(),
            "shared": self.shared,
            "repeated": self.repeated,
            "dependence": [None if found is None else asdict(found) for found in self.dependence],
            "scales": None if self.scales is None else asdict(self.scales),
            "bracket": self.bracket.as_json(),
            **{name: asdict(figure) for name, figure in self.figures.items()},
            "tests": self.battery.as_json(),
            "all_rows": None if self.whole is None else self.whole.as_json(),
            "missed": asdict(self.missed),
            **explained,
        }

    def __repr__(self) -> str:
        from monge.evaluation.table import comparison_text  # which needs this class

        return comparison_text(self)

    def _repr_html_(self) -> str:
        from monge.evaluation.page.html import sections_html
        from monge.evaluation.page.section import comparison_summary

        return sections_html(comparison_summary(self))

    @property
    def features(self) -> Any:
        """The features as a data frame of pandas, those that differ most clearly first; columns as in `as_json`.

        Raises:
            UserError: they were not explained, or pandas is not installed.
        """
        from monge.evaluation.page.output import feature_rows

        rows = feature_rows(self)
        try:
            import pandas
        except ImportError:
            text = "a data frame needs the package pandas (monge's extra `frame`): pip install 'pandas>=2.2'"
            raise UserError(f"features: {text}; as_json() needs none") from None
        return pandas.DataFrame(rows)

    def plot(self) -> Image.Image:
        """Both clouds, the potential and the coupling, and the features if they were asked for."""
        from monge.evaluation.picture import comparison_picture  # which needs this class

        return comparison_picture(self)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Writes a file, as its ending says: a page (.html or .md), the picture (.png) or the features (.csv).

        Raises:
            UserError: another ending, a folder that is no place to write to, or features that were not explained.
        """
        from monge.evaluation.page.output import Order, write_output

        write_output(Order(self, Path(path)), "path")


def two_samples(
    x: str | os.PathLike[str] | ArrayLike,
    y: str | os.PathLike[str] | ArrayLike,
    *,
    standardise: str | None = None,
    explain: bool = True,
    columns: Names | None = None,
    exclude: Names | None = None,
    group: str | None = None,
    groups: Mapping[str, Names] | None = None,
    families: Sequence[str | Family] = (),
    samples: int = SAMPLES,
    seed: int = 0,
) -> Comparison:
    """Says how far apart two sample sets are, and in what: what `monge distance` does.

    Arguments:
        x: the reference: a name, a path, an array or a data frame, as in `load_data`.
        y: what is compared with it, with samples of the same kind.
        standardise: units of numbers, which x alone decides: none (the data's own), std, robust or quantile; by
            default std for tables and frames, else none.
        explain: whether to find out in which features they differ.
        columns, exclude: names of the columns to compare, or to leave out; those of arrays are counted from 1.
        group: a column whose equal values mark rows that depend on each other, such as those of one subject; it is not
            compared, and without independent rows there is no lower limit.
        groups: names of features by the name of a group, whose parts of the excess are summed up.
        families: of potentials for the lower limit; those that are certified where none are given.
        samples: of either, at most; of more, so many are chosen at random.
        seed: equal seeds give equal results.

    Raises:
        UserError: data that cannot be read or compared, or an argument that is not allowed.

    Example:
        >>> import monge
        >>> import numpy as np
        >>> x, y = np.random.default_rng(0).normal(size=(2, 90, 3))
        >>> found = monge.two_samples(x, y + [0, 2, 0], families=["linear"])
        >>> found.bracket.excess > 1
        True
        >>> found.as_json()["explanation"]["features"][0]["name"]
        'column 2'
    """
    units = check_units(standardise)
    check_families(families)
    first, second = (
        os.fspath(side) if isinstance(side, str | os.PathLike) else name for side, name in ((x, "x"), (y, "y"))
    )
    data, own = set_apart(load_data(x), columns, exclude, group)
    a = SampleSet.draw(data, first, most=samples, seed=seed, side=0)
    data, other = set_apart(load_like(y, a.space), columns, exclude, group, other=True)
    b = SampleSet.draw(data, second, most=samples, seed=seed, side=1, like=a)
    check_kinds(a, b)
    a, b = clustered(*standardised(a, b, units), (own, other), group)
    return compare(a, b, seed=seed, families=families, explained=explain, groups=groups)


def compare(
    a: SampleSet,
    b: SampleSet,
    *,
    seed: int = 0,
    families: Sequence[str | Family] = (),
    explained: bool = True,
    groups: Mapping[str, Names] | None = None,
    progress: Progress = silent,
    recall: Recall = afresh,
) -> Comparison:
    """Measures how far apart two sample sets are.

    Arguments:
        a, b: sets of samples of one kind and shape.
        seed: equal seeds give equal results.
        families: of potentials for the lower limit; the bracket's own where none are given.
        explained: whether to find out in what they differ.
        groups: names of features by the name of a group.
        progress: called with what is being done, and how much of it is done and to do.
        recall: gives what rests on a alone, if it is known already.

    Raises:
        UserError: samples of different kinds, shapes or columns, or an unknown family or feature.
    """
    check_kinds(a, b)
    check_families(families)
    x, y = a.points, b.points
    families, explanation = families or CERTIFIED, None
    features = FeatureGroups.of(a.codec, x.shape[1], a.columns or b.columns)
    together = grouped(groups, features.names)
    everything = whole(a, b, features, seed=seed, progress=progress)
    clusters = None if a.clusters is None or b.clusters is None else (a.clusters, b.clusters)
    if explained or clusters:
        how: dict[str, Any] = {"seed": seed, "families": families, "progress": progress, "recall": recall}
        measured, split = split_bracket(x, y, features.groups, clusters=clusters, **how)
        alone = None if everything is None else everything.columns
        explanation = explanation_of(a, b, features, split, alone, together, seed, progress)
    else:
        measured = bracket(x, y, seed=seed, families=families, progress=progress)
    pair = Pair(x, y, seed, progress, everything, clusters)
    return Comparison(
        a,
        b,
        seed,
        measured,
        figures_of(pair),
        pair.battery,
        everything,
        # simulations take rows to be independent
        missed(x, y, pair.battery, features.numbers, seed=seed) if clusters is None else Missed(None, None, (0, 0)),
        shared=common(x, y),
        repeated=(repeats(x), repeats(y)),
        dependence=(a.dependence(seed), b.dependence(seed)) if clusters is None else (None, None),
        scales=scales(x, y, a.columns or b.columns) if isinstance(a.space, VectorSpace) else None,
        plan=coupling(x[:COUPLED], y[:COUPLED]),
        explanation=explanation,
    )


def identifiers(space: Space) -> list[str]:
    """The columns of a table that are in no row, because they identify rows."""
    columns = space.schema.columns if isinstance(space, TableSpace) else ()
    return [column.name for column in columns if column.kind == "identifier"]


def check_families(families: Sequence[str | Family]) -> None:
    """Refuses names of families that do not exist.

    Raises:
        UserError: names the nearest one.
    """
    for family in families:
        if isinstance(family, str) and family not in FAMILIES:
            raise unknown_name("--families", family, FAMILIES)
