"""`monge sample RUN --out FILE`: draw samples from a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from monge.cli.parse import check_seed, parse, show
from monge.errors import UserError

if TYPE_CHECKING:
    from monge.model.trained_model import Samples, TrainedModel

SUFFIXES = (".png", ".npz", ".npy", ".csv", ".parquet")
COLUMNS = 10


@dataclass(frozen=True)
class Sample:
    """Draws samples from the generator of RUN: a .png picture, or .npz, .npy, .csv or .parquet in the data's units."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder of the run."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """File to write."""
    n: Annotated[int, tyro.conf.arg(name="n", aliases=["-n"])] = 64
    """Number of samples; with --interpolate, of paths."""
    seed: int = 0
    """Equal seeds give equal samples."""
    weights: str = "ema"
    """ema (averaged) or raw."""
    class_: Annotated[str | None, tyro.conf.arg(name="class", metavar="NAME")] = None
    """The class to generate, for a run with --training.conditional."""
    code: Annotated[tuple[str, ...], tyro.conf.arg(metavar="INDEX=VALUE")] = ()
    """Values of an InfoGAN's codes; others are drawn."""
    reject: tyro.conf.FlagCreatePairsOff[bool] = False
    """Keep those samples only that the critic takes for real; reads the run's data."""
    data: Annotated[str | None, tyro.conf.arg(metavar="DATA")] = None
    """With --reject: where the run's data are now, if they were moved."""
    interpolate: tyro.conf.FlagCreatePairsOff[bool] = False
    """Walk from one latent code to another, ten samples a path."""
    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Draws and writes."""
    asked = parse(Sample, "sample", arguments)
    if asked.out.suffix not in SUFFIXES:
        raise UserError(f"--out {asked.out}: allowed endings are {', '.join(SUFFIXES)}")
    if asked.n < 1:
        raise UserError(f"-n {asked.n}: at least 1 is allowed")
    check_seed(asked.seed)
    codes = parse_codes(asked.code)
    if asked.interpolate and (asked.reject or asked.class_ is not None or codes):
        raise UserError("--interpolate walks between latent codes; it takes no --class, --code or --reject")
    if asked.data is not None and not asked.reject:
        raise UserError(f"--data {asked.data}: only --reject reads data; leave one out or give both")

    from monge import api
    from monge.data.table.reader import pyarrow
    from monge.model.trained_model import Request, Samples
    from monge.run.files import write_atomically

    if asked.out.suffix == ".parquet":
        pyarrow(f"--out {asked.out}")
    request = Request(asked.class_, codes)
    run = api.open_run(asked.run)
    if asked.interpolate:
        path = run.interpolate(asked.n, COLUMNS, seed=asked.seed, weights=asked.weights)
        found = Samples(path, None, len(path))
    else:
        data = None if asked.data is None else run.open_data(asked.data)
        found = run.draw(asked.n, asked.seed, asked.weights, request, reject=asked.reject, data=data)
    try:
        write_atomically(asked.out, content(asked, run.model(asked.weights), found))
    except OSError as error:
        raise UserError(f"--out {asked.out} cannot be written: {error.strerror or error}") from error
    text = f"{len(found.x)} samples in {asked.out}"
    document = {"out": str(asked.out), "n": len(found.x), "shape": list(found.x.shape)}
    if asked.reject:
        text += f", of {found.tried} generated"
        document["tried"] = found.tried
    show(document, asked.json, text)
    return 0


def content(asked: Sample, model: "TrainedModel", found: "Samples") -> bytes:
    """What the file holds: a picture of the samples, or the samples with their classes."""
    from monge import plot
    from monge.data.space import ImageSpace
    from monge.data.writer import encode

    if asked.out.suffix != ".png":
        return encode(model.space, found.x, asked.out.suffix, found.y, model.columns, model.label_column)
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
            raise UserError(f"--code {text}: INDEX=VALUE is allowed, as in --code 0=3") from None
    return codes
