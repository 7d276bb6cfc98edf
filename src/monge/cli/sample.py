"""`monge sample RUN --out FILE`: draw samples from a run."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from monge.cli.option import Written
from monge.cli.parse import at_least, parse, show
from monge.errors import UserError

if TYPE_CHECKING:
    from monge.api import Run
    from monge.model.trained_model import Samples, TrainedModel

FILM = ".webp"
SUFFIXES = (".png", ".tif", ".tiff", ".npz", ".npy", ".csv", ".parquet", FILM)
COLUMNS = 10
IMAGES, TABLE_ROWS = 64, 1000
"""Samples where no number is asked for."""


@dataclass(frozen=True)
class Sample:
    """Draws samples from the generator of RUN: a .png picture, or .npz, .npy, .csv or .parquet in the data's units.

    Into a folder (--out FOLDER/), each image is a file of its own with pixels as the data's: 0000.png, 0001.png and so
    on, or 0000.tif for floats. A .tif file has such images as pages. A .webp file shows the samples of the training in
    motion: of the same latent codes, step by step.

    For runs of tables: --where, --balance, --fill and --identifiers.
    """

    run: Annotated[Path, Written("RUN", positional=True)]
    """Folder of the run."""
    out: Annotated[str, Written("FILE")]
    """File to write, or a new or empty folder for single images."""
    n: Annotated[int | None, Written("N", ("-n", "--n"))] = None
    """Number of samples; with --interpolate, of paths (default: 64, of rows of tables 1000)."""
    seed: int = 0
    """Equal seeds give equal samples."""
    weights: str = "ema"
    """ema (averaged), raw, or best (averaged, of the checkpoint nearest to the validation part)."""
    class_: Annotated[str | None, Written("NAME", ("--class",))] = None
    """The class to generate, for a run with --training.conditional."""
    code: Annotated[tuple[str, ...], Written("INDEX=VALUE")] = ()
    """Values of an InfoGAN's codes; others are drawn."""
    reject: bool = False
    """Keep only samples that the critic (of tables: boosted trees) takes for real; reads the run's data."""
    data: Annotated[str | None, Written("DATA")] = None
    """With --reject: where the run's data are now, if they were moved."""
    interpolate: bool = False
    """Walk from one latent code to another, ten samples a path."""
    where: Annotated[str | None, Written("CONDITION")] = None
    """Only rows that meet a condition, such as "income = '>50K' and age >= 60"."""
    balance: Annotated[str | None, Written("COLUMN")] = None
    """Rows with the levels of this column in equal numbers."""
    fill: Annotated[str | None, Written("TABLE")] = None
    """Complete the missing values of this table, and columns that it lacks, from generated rows."""
    identifiers: bool = False
    """Make columns that identify rows anew, as numbers from 1, instead of leaving them out."""
    json: bool = False
    """Print one JSON document."""

    @property
    def path(self) -> Path:
        """Where the samples go."""
        return Path(os.path.expanduser(self.out))

    @property
    def folder(self) -> bool:
        """Whether that is a folder."""
        return self.out.endswith("/") or self.path.is_dir()

    @property
    def suffix(self) -> str:
        """The kind of file, in small letters; empty for a folder."""
        return "" if self.folder else self.path.suffix.lower()


def main(arguments: Sequence[str]) -> int:
    """Draws and writes."""
    asked = parse(Sample, "sample", arguments)
    check(asked)
    codes = parse_codes(asked.code)

    from monge import api
    from monge.data.table.reader import pyarrow

    if asked.suffix == ".parquet":
        pyarrow(f"--out {asked.out}")
    run = api.open_run(asked.run)
    if asked.suffix == FILM:
        return animate(asked, run)
    if asked.fill is not None:
        return complete(asked, run)
    found = drawn(asked, run, codes)
    write(asked, run.model(asked.weights), found)
    text = f"{len(found.x)} samples in {asked.out}"
    document = {"out": asked.out, "n": len(found.x), "shape": list(found.x.shape)}
    if asked.reject or asked.where is not None or asked.balance is not None:
        text += f", of {found.tried} generated"
        document["tried"] = found.tried
    show(document, asked.json, text)
    return 0


def drawn(asked: Sample, run: "Run", codes: dict[int, float]) -> "Samples":
    """The samples that are asked for.

    Raises:
        UserError: the run cannot give them.
    """
    from monge.data.space import TableSpace
    from monge.model.frame import table_codec
    from monge.model.trained_model import Request, Samples

    model = run.model(asked.weights)
    if asked.identifiers:
        schema = table_codec(model, "--identifiers").schema
        if len(schema) == len(schema.columns):
            raise UserError(f"--identifiers: no column of the table of run {str(asked.run)!r} identifies rows")
    n = asked.n or (TABLE_ROWS if isinstance(model.space, TableSpace) else IMAGES)
    if asked.interpolate:
        path = run.interpolate(n, COLUMNS, seed=asked.seed, weights=asked.weights)
        return Samples(path, None, len(path))
    request = Request(asked.class_, codes, asked.where, asked.balance)
    data = None if asked.data is None else run.open_data(asked.data)
    return run.draw(n, asked.seed, asked.weights, request, reject=asked.reject, data=data)


def animate(asked: Sample, run: "Run") -> int:
    """Writes the pictures of the training as an animation.

    Raises:
        UserError: there are none, or the file cannot be written.
    """
    from monge.report.film import film

    content, n = film(run)
    write_file(asked, content)
    show({"out": asked.out, "n": n}, asked.json, f"{n} pictures of the training in {asked.out}")
    return 0


def complete(asked: Sample, run: "Run") -> int:
    """Completes a table and writes it.

    Raises:
        UserError: the table cannot be read or written, or the run is of no table.
    """
    from monge.data.table.incomplete import read_incomplete
    from monge.data.writer import table_bytes
    from monge.model.frame import completed, table_codec

    model = run.model(asked.weights)
    schema, path = table_codec(model, "--fill").schema, Path(os.path.expanduser(asked.fill or ""))
    found = completed(model, read_incomplete(path, schema, model.config.data.missing), asked.seed)
    write_file(asked, table_bytes(found.schema, found.x, asked.suffix, identifiers=asked.identifiers))
    if found.objection:
        warnings.warn(found.objection, UserWarning, stacklevel=2)
    text = f"{len(found.x)} rows in {asked.out}; {found.completed} values completed"
    if found.missing:
        text += f", {found.missing} stay missing in columns where training rows lack values, too"
    document = {"out": asked.out, "n": len(found.x), "shape": list(found.x.shape), "completed": found.completed}
    show(document | {"missing": found.missing, "forbidden": len(found.forbidden)}, asked.json, text)
    return 0


def check(asked: Sample) -> None:
    """Refuses values outside their range, and options that do not go together.

    Raises:
        UserError: names the option, the value and what is allowed.
    """
    if not asked.folder and asked.suffix not in SUFFIXES:
        raise UserError(f"--out must end in {', '.join(SUFFIXES)}, or in / for a folder of images; got {asked.out}")
    if asked.path.is_dir() and any(asked.path.iterdir()):
        raise UserError(f"--out {asked.out} is a folder with files in it; name a new or empty one")
    at_least(1, n=asked.n)
    at_least(0, seed=asked.seed)
    if asked.suffix == FILM and (given := differing(asked)):
        raise UserError(f"--out {asked.out} shows pictures that the training drew; {given} cannot be used with it")
    if asked.interpolate and (asked.reject or asked.class_ is not None or asked.code):
        raise UserError("--interpolate cannot be used with --class, --code or --reject")
    check_table(asked)
    if asked.data is not None and not asked.reject:
        raise UserError(f"--data {asked.data} needs --reject; nothing else in sample reads data")


def differing(asked: Sample) -> str | None:
    """The first option that says how to sample and is not as it is by default."""
    others = (field for field in fields(asked) if field.name not in ("run", "out", "json"))
    found = next((field.name for field in others if getattr(asked, field.name) != field.default), None)
    return found and ("-n" if found == "n" else f"--{found.strip('_')}")


def check_table(asked: Sample) -> None:
    """Refuses options of tables that do not go with others.

    Raises:
        UserError: names them.
    """
    others = {
        "--fill": asked.fill is not None,
        "--where": asked.where is not None,
        "--balance": asked.balance is not None,
        "--class": asked.class_ is not None,
        "--code": bool(asked.code),
        "--reject": asked.reject,
        "--interpolate": asked.interpolate,
    }
    given = [name for name, used in others.items() if used]
    if len(given) > 1 and given[0] in ("--fill", "--where", "--balance"):
        raise UserError(f"{given[0]} cannot be used with {given[1]}")
    if asked.fill is not None and asked.n is not None:
        raise UserError(f"--fill cannot be used with -n {asked.n}; it completes all rows of the table")
    wanted = "--fill" if asked.fill is not None else "--identifiers"
    if (asked.fill is not None or asked.identifiers) and asked.suffix not in (".csv", ".parquet"):
        raise UserError(f"{wanted} needs --out to end in .csv or .parquet; got {asked.out}")


def write(asked: Sample, model: "TrainedModel", found: "Samples") -> None:
    """Writes the file, or a folder of images.

    Raises:
        UserError: it cannot be written, or the samples are of another kind.
    """
    from monge.data.image.encoding import image_file, usual_suffix
    from monge.data.space import ImageSpace
    from monge.run.files import write_folder

    if asked.suffix:
        return write_file(asked, content(asked, model, found))
    if not isinstance(model.space, ImageSpace):
        raise UserError(f"--out {asked.out}: a folder is for images; {model.space.name}s go into one file")
    digits, suffix = max(4, len(str(len(found.x) - 1))), usual_suffix(found.x.dtype.name)
    files = ((f"{i:0{digits}}{suffix}", image_file(x, suffix)) for i, x in enumerate(found.x))
    with writing(asked):
        write_folder(asked.path, files)


def write_file(asked: Sample, content: bytes) -> None:
    """Writes the file.

    Raises:
        UserError: it cannot be written.
    """
    from monge.run.files import write_atomically

    with writing(asked):
        write_atomically(asked.path, content)


@contextmanager
def writing(asked: Sample) -> Iterator[None]:
    """Says of what is written where it cannot be.

    Raises:
        UserError: it cannot.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"--out {asked.out} cannot be written: {error.strerror or error}") from error


def content(asked: Sample, model: "TrainedModel", found: "Samples") -> bytes:
    """What the file contains: a picture of the samples, or the samples with their classes."""
    from monge import plot
    from monge.data.space import ImageSpace
    from monge.data.writer import encode

    if asked.suffix != ".png":
        names = model.columns, model.label_column
        return encode(model.space, found.x, asked.suffix, found.y, *names, identifiers=asked.identifiers)
    if asked.interpolate and isinstance(model.space, ImageSpace):
        return plot.png(plot.grid(model.space.shown(found.x), COLUMNS))
    return plot.png(plot.picture(model.space, found.x))


def parse_codes(texts: Sequence[str]) -> dict[int, float]:
    """Values of codes by their index, from texts INDEX=VALUE.

    Raises:
        UserError: a text is no such pair.
    """
    codes = {}
    for text in texts:
        index, _, value = text.partition("=")
        try:
            codes[int(index)] = float(value)
        except ValueError:
            raise UserError(f"--code must be INDEX=VALUE, as in --code 0=3; got {text}") from None
    return codes
