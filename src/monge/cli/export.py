"""`monge export RUN --out FOLDER`: hand a generator over."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from monge.cli.option import Written
from monge.cli.parse import parse, show


@dataclass(frozen=True)
class Export:
    """Writes the generator of RUN into a folder in the layout of the Hugging Face hub, with a model card.

    `monge.load` samples from it without the run and the data, and so do other programs with its model.onnx.
    """

    run: Annotated[Path, Written("RUN", positional=True)]
    """Folder of the run."""
    out: Annotated[Path, Written("FOLDER")]
    """A new or empty folder."""
    weights: str = "ema"
    """ema (averaged), raw, or best (averaged, of the checkpoint nearest to the validation part)."""
    license: Annotated[str, Written("NAME")] = "unknown"
    """Licence of the generator for the model card, as the hub names it, such as mit or cc-by-4.0."""
    onnx: bool = True
    """Leave out model.onnx."""
    json: bool = False
    """Print one JSON document."""


def main(arguments: Sequence[str]) -> int:
    """Exports."""
    asked = parse(Export, "export", arguments)

    from monge.report.export import export

    path = export(asked.run, asked.out, weights=asked.weights, license=asked.license, onnx=asked.onnx)
    files = sorted(file.name for file in path.iterdir())
    show({"out": str(asked.out), "files": files}, asked.json, f"{asked.out}: {', '.join(files)}")
    return 0
