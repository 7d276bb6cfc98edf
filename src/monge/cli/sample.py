"""`monge sample RUN --out FILE`: draw samples from a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from monge.cli.parse import check_seed, parse, show
from monge.errors import UserError

SUFFIXES = (".png", ".npz", ".npy", ".csv")
COLUMNS = 10


@dataclass(frozen=True)
class Sample:
    """Draws samples from the generator of RUN into a .png grid, or into .npz, .npy or .csv in the data's own units."""

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

    from monge import api, plot
    from monge.run import write_atomically
    from monge.sample import encode

    run = api.open_run(asked.run)
    if asked.interpolate:
        samples = run.interpolate(asked.n, COLUMNS, seed=asked.seed, weights=asked.weights)
    else:
        samples = run.sample(asked.n, seed=asked.seed, weights=asked.weights)
    if asked.out.suffix == ".png":
        image = plot.grid(samples, COLUMNS) if asked.interpolate and samples.ndim == 4 else plot.picture(samples)
        content = plot.png(image)
    else:
        content = encode(samples, asked.out.suffix)
    try:
        write_atomically(asked.out, content)
    except OSError as error:
        raise UserError(f"--out {asked.out} cannot be written: {error.strerror or error}") from error
    text = f"{len(samples)} samples in {asked.out}"
    show({"out": str(asked.out), "n": len(samples), "shape": list(samples.shape)}, asked.json, text)
    return 0
