"""`monge sample RUN --out FILE`: draw samples from a run."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from monge.cli.option import Written
from monge.cli.parse import at_least, parse, show
from monge.errors import UserError

if TYPE_CHECKING:
    from monge.model.trained_model import Samples, TrainedModel

SUFFIXES = (".png", ".tif", ".tiff", ".npz", ".npy", ".csv", ".parquet")
COLUMNS = 10


@dataclass(frozen=True)
class Sample:
    """Draws samples from the generator of RUN: a .png picture, or .npz, .npy, .csv or .parquet in the data's units.

    Into a folder (--out FOLDER/), each image is a file of its own with pixels as the data's: 0000.png, 0001.png and so
    on, or 0000.tif for floats. A .tif file has such images as pages.
    """

    run: Annotated[Path, Written("RUN", positional=True)]
    """Folder of the run."""
    out: Annotated[str, Written("FILE")]
    """File to write, or a new or empty folder for single images."""
    n: Annotated[int, Written("N", ("-n", "--n"))] = 64
    """Number of samples; with --interpolate, of paths."""
    seed: int = 0
    """Equal seeds give equal samples."""
    weights: str = "ema"
    """ema (averaged) or raw."""
    class_: Annotated[str | None, Written("NAME", ("--class",))] = None
    """The class to generate, for a run with --training.conditional."""
    code: Annotated[tuple[str, ...], Written("INDEX=VALUE")] = ()
    """Values of an InfoGAN's codes; others are drawn."""
    reject: bool = False
    """Keep only the samples that the critic takes for real; reads the run's data."""
    data: Annotated[str | None, Written("DATA")] = None
    """With --reject: where the run's data are now, if they were moved."""
    interpolate: bool = False
    """Walk from one latent code to another, ten samples a path."""
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
    from monge.model.trained_model import Request, Samples

    if asked.suffix == ".parquet":
        pyarrow(f"--out {asked.out}")
    request = Request(asked.class_, codes)
    run = api.open_run(asked.run)
    if asked.interpolate:
        path = run.interpolate(asked.n, COLUMNS, seed=asked.seed, weights=asked.weights)
        found = Samples(path, None, len(path))
    else:
        data = None if asked.data is None else run.open_data(asked.data)
        found = run.draw(asked.n, asked.seed, asked.weights, request, reject=asked.reject, data=data)
    write(asked, run.model(asked.weights), found)
    text = f"{len(found.x)} samples in {asked.out}"
    document = {"out": asked.out, "n": len(found.x), "shape": list(found.x.shape)}
    if asked.reject:
        text += f", of {found.tried} generated"
        document["tried"] = found.tried
    show(document, asked.json, text)
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
    if asked.interpolate and (asked.reject or asked.class_ is not None or asked.code):
        raise UserError("--interpolate cannot be used with --class, --code or --reject")
    if asked.data is not None and not asked.reject:
        raise UserError(f"--data {asked.data} needs --reject; nothing else in sample reads data")


def write(asked: Sample, model: "TrainedModel", found: "Samples") -> None:
    """Writes the file, or a folder of images.

    Raises:
        UserError: it cannot be written, or the samples are of another kind.
    """
    from monge.data.image.encoding import image_file, usual_suffix
    from monge.data.space import ImageSpace
    from monge.run.files import write_atomically, write_folder

    try:
        if asked.suffix:
            return write_atomically(asked.path, content(asked, model, found))
        if not isinstance(model.space, ImageSpace):
            raise UserError(f"--out {asked.out}: a folder is for images; {model.space.name}s go into one file")
        digits, suffix = max(4, len(str(len(found.x) - 1))), usual_suffix(found.x.dtype.name)
        files = ((f"{i:0{digits}}{suffix}", image_file(x, suffix)) for i, x in enumerate(found.x))
        write_folder(asked.path, files)
    except OSError as error:
        raise UserError(f"--out {asked.out} cannot be written: {error.strerror or error}") from error


def content(asked: Sample, model: "TrainedModel", found: "Samples") -> bytes:
    """What the file contains: a picture of the samples, or the samples with their classes."""
    from monge import plot
    from monge.data.space import ImageSpace
    from monge.data.writer import encode

    if asked.suffix != ".png":
        return encode(model.space, found.x, asked.suffix, found.y, model.columns, model.label_column)
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
