"""`monge distance A B`: how far apart two sample sets are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from monge.cli.option import Settings, Written
from monge.cli.parse import at_least, parse, show
from monge.cli.threshold import FAILED, failures, limits
from monge.config.overlay import Given, merged
from monge.config.schema import Config, DataConfig
from monge.errors import UserError
from monge.evaluation.page.ending import ENDINGS, check_output, check_place

if TYPE_CHECKING:
    from monge.evaluation.question import Question
    from monge.evaluation.reference_cache import ReferenceCache
    from monge.evaluation.two_samples import Comparison

DEFAULT = (Path("distance.png"),)
LEAST = 8
"""Samples of a set: with fewer no discriminator can be fitted and judged."""


@dataclass(frozen=True)
class Distance:
    """Says how far apart two sample sets are: the bracket of W1, other distances, and a picture.

    A and B may be folders of images, files .npy, .npz, FILE.npz:KEY, .csv or .parquet, or built-in names, with samples
    of one shape, and tables with the same columns. Of a data set all samples are used, training and held-out; of a toy
    fresh ones are drawn.
    """

    a: Annotated[str, Written("A", positional=True)]
    """The reference, such as real samples."""
    b: Annotated[str, Written("B", positional=True)]
    """What is compared with it, such as generated samples."""
    seed: int = 0
    """Decides everything random."""
    samples: Annotated[int, Written("N")] = 5000
    """Samples of each, at most; of more, so many are chosen at random."""
    families: tuple[str, ...] = ()
    """Families of potentials for the lower limit, such as linear or cones; by default those that are certified."""
    explain: bool = True
    """Do not say in which features they differ, and which samples of B are farthest from A."""
    standardise: Annotated[str | None, Written("UNITS")] = None
    """Units of numbers, by A alone: none (the data's own), std, robust (quartiles) or quantile (ranks); by default
    std for tables, else none."""
    columns: Annotated[str | None, Written("A,B")] = None
    """Compare these columns only; those of arrays are counted from 1."""
    exclude: Annotated[str | None, Written("A,B")] = None
    """Leave these columns out."""
    group: Annotated[str | None, Written("COLUMN")] = None
    """Rows with equal values in this column, such as those of one subject, depend on each other: they are relabelled
    together, and prove no lower limit. The column itself is not compared."""
    groups: Annotated[tuple[str, ...], Written("NAME=A,B")] = ()
    """Sum up the parts of features of one group, such as body=age,weight; of arrays, body='column 1,column 2'."""
    fail_above: Annotated[tuple[str, ...], Written("FIGURE=NUMBER")] = ()
    """Leave with exit status 3 if a figure of the bracket is above a limit, such as excess=0.1."""
    fail_below_p: Annotated[float | None, Written("P")] = None
    """Leave with exit status 3 if the p-value is below this."""
    reference_cache: Annotated[Path | None, Written("FILE.npz")] = None
    """Keep in this file what depends on A alone, and read it from there while A and the options stay the same."""
    out: Annotated[tuple[Path, ...], Written("FILE", repeated=True)] = DEFAULT
    """What to write, by its ending: the picture (.png), a page with everything (.html, or .md without pictures) or the
    features (.csv). It can be given several times."""
    picture: bool = True
    """Draw no picture."""
    json: bool = False
    """Print one JSON document."""
    given: Annotated[Mapping[str, Any], Settings(Config, ("data",))] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files to write; without pictures, one of these is none."""
        pictures = self.picture or self.out != DEFAULT
        return self.out if pictures else ()

    @property
    def data(self) -> DataConfig:
        """How both are read."""
        return merged(Config(), [Given("the command line", self.given)]).data

    @property
    def above(self) -> dict[str, float]:
        """Limits of figures of the bracket."""
        return limits("--fail-above", self.fail_above)


def main(arguments: Sequence[str]) -> int:
    """Measures, writes and shows."""
    asked = parse(Distance, "distance", arguments)
    check(asked)

    from monge.cli.progress import StageBar
    from monge.evaluation.question import stage
    from monge.evaluation.two_samples import check_families
    from monge.evaluation.units import check_units

    check_families(asked.families)
    check_units(asked.standardise)
    question = question_of(asked)
    cache = None if asked.reference_cache is None else question.cache(asked.reference_cache)
    with StageBar() as stages:

        def show_stage(name: str, done: int, total: int) -> None:
            stages.show(stage(name), done, total)

        result = question.answer(cache=cache, progress=show_stage)
        for path in asked.outputs:
            stages.show(path.name, 0, 1)
            write(result, path, asked, arguments)
    return say(asked, result, cache)


def say(asked: Distance, result: "Comparison", cache: "ReferenceCache | None") -> int:
    """Shows the result, what is beyond its limit, and what was written; gives the exit status."""
    from monge.evaluation.table import comparison_text

    failed = failures(result.bracket.as_json(), result.figures["p_value"].value, asked.above, asked.fail_below_p)
    document = result.as_json() | {"written": [str(path) for path in asked.outputs]}
    lines = [comparison_text(result), *map(str, failed)]
    if asked.above or asked.fail_below_p is not None:
        document["failed"] = [failure.as_json() for failure in failed]
    if cache is not None:
        document["reference"] = cache.as_json()
        lines.append(str(cache))
    lines += [written(path) for path in asked.outputs]
    show(document, asked.json, "\n".join(lines))
    return FAILED if failed else 0


def written(path: Path) -> str:
    """Says what a file is."""
    what = ENDINGS[path.suffix.lower()]
    return f"The {what} {'are' if what.endswith('s') else 'is'} {path}."


def check(asked: Distance) -> None:
    """Refuses values outside their range, and a picture that could not be written after a minute's work.

    Raises:
        UserError: names the option, the value and what is allowed.
    """
    at_least(0, seed=asked.seed)
    at_least(LEAST, samples=asked.samples)
    limits("--fail-above", asked.fail_above)
    named(asked.groups)
    if asked.groups and not asked.explain:
        raise UserError("--groups cannot be combined with --no-explain; leave one out")
    if asked.fail_below_p is not None and not 0 < asked.fail_below_p <= 1:
        raise UserError(f"--fail-below-p must be above 0 and at most 1; got {asked.fail_below_p:g}")
    if (path := asked.reference_cache) is not None:
        if path.suffix.lower() != ".npz":
            raise UserError(f"--reference-cache must end in .npz; got {path}")
        check_place(path, "--reference-cache")
    for path in asked.outputs:
        if path.suffix.lower() == ".png" and not asked.picture:
            raise UserError(f"--no-picture cannot be combined with --out {path}; leave one out")
        check_output(path, asked.explain)


def question_of(asked: Distance) -> "Question":
    """What is asked of the two sample sets.

    Raises:
        UserError: a group of features that is none.
    """
    from monge.evaluation.question import Question

    names = ("a", "b", "data", "samples", "seed", "standardise", "columns", "exclude", "group", "families", "explain")
    return Question(**{name: getattr(asked, name) for name in names}, groups=named(asked.groups))


def named(groups: Sequence[str]) -> dict[str, str]:
    """The features of each group, written `body=age,weight`.

    Raises:
        UserError: a text without a name, or a name that is there twice.
    """
    found: dict[str, str] = {}
    for text in groups:
        name, _, members = text.partition("=")
        if not name or not members or name in found:
            raise UserError(f"--groups must be NAME=A,B, each NAME once, such as body=age,weight; got {text!r}")
        found[name] = members
    return found


def write(result: "Comparison", path: Path, asked: Distance, arguments: Sequence[str]) -> None:
    """Writes one of the files.

    Raises:
        UserError: the disk is full.
    """
    from monge.evaluation.page.output import Order, write_output

    picture = next((other for other in asked.outputs if other.suffix.lower() == ".png"), None)
    write_output(Order(result, path, ["monge", "distance", *arguments], picture, asked.picture))
