"""A generator in a folder of its own, in the layout of the Hugging Face hub: samples without its run or its data.

::

    config.json             what the generator is, how samples are decoded, and the hashes of the files
    generator.safetensors   its weights
    model.onnx              generator and decoding for other programs, see `model.onnx`
    samples.png, README.md  a picture, and the model card

`config.json` holds its own hash, too. The card has none, as it is meant to be edited.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import nn

from monge.config.overlay import overlay
from monge.config.schema import Config
from monge.data.codec import codec_from_state
from monge.data.table.codec import TableCodec
from monge.errors import UserError
from monge.model.build import build_generator, placeholder_shares
from monge.model.frame import filled, values
from monge.model.trained_model import Request, TrainedModel, check_seed
from monge.model.weights import COPULA, loaded
from monge.nn.copula import CopulaGenerator
from monge.run.entry import Wrong, count, mapping, maybe, of
from monge.run.facts import named, texts
from monge.run.files import ordinary, read_json

FORMAT = 1
"""Of `config.json`; raised when older folders can no longer be read."""
NEEDED: Mapping[str, Wrong] = {
    "config": of(dict),
    "codec": mapping({"kind": of(str)}),
    "classes": maybe(named),
    "columns": maybe(texts),
    "label_column": maybe(of(str)),
    "files": of(dict),
    "model": of(str),
    "step": count,
    "weights": of(str),
}
"""What `config.json` must have."""
CONFIG, WEIGHTS, ONNX, PICTURE, CARD = "config.json", "generator.safetensors", "model.onnx", "samples.png", "README.md"


class ExportedModel:
    """A generator that was exported; made by `monge.load`.

    Attributes:
        model: the trained model, without its critic.
        document: the content of `config.json`.
    """

    def __init__(self, model: TrainedModel, document: Mapping[str, Any]) -> None:
        self.model, self.document = model, document

    def sample(
        self,
        n: int,
        *,
        seed: int = 0,
        label: str | int | None = None,
        codes: Mapping[int, float] | None = None,
        where: str | None = None,
        balance: str | None = None,
        identifiers: bool = False,
    ) -> Any:
        """Generates n samples in the data's own scale: those that the run gave for the same arguments.

        Arguments: as of `monge.Run.sample`.
        """
        found = self.model.sample(n, seed, Request(label, codes or {}, where, balance))
        return values(self.model, found, identifiers=identifiers)

    def interpolate(self, rows: int, columns: int, *, seed: int = 0) -> NDArray[Any]:
        """Generates samples (rows * columns, ...) along paths between latent codes."""
        return self.model.interpolate(rows, columns, seed)

    def fill(self, given: Any, *, seed: int = 0) -> Any:
        """Completes the missing values of a data frame from generated rows; see `monge.model.frame.filled`."""
        check_seed(seed)
        return filled(self.model, given, seed)


def load(folder: str | Path) -> ExportedModel:
    """The generator in a folder that `monge export` wrote.

    Raises:
        UserError: there is none, its format is another, or a file does not match its hash.

    Example:
        >>> import monge, numpy as np
        >>> points = np.random.default_rng(0).normal(size=(200, 2))
        >>> run = monge.train(points, run="runs/points", steps=4, threads=1, training={"batch": 32})
        >>> folder = monge.export(run, "points-generator", onnx=False)
        >>> bool((monge.load(folder).sample(3, seed=1) == run.sample(3, seed=1)).all())
        True
    """
    path = Path(folder).expanduser()
    document = _document(path)
    _verify(path, document["files"])
    try:
        model = _model(str(folder), path, document)
    except UserError:
        raise
    except Exception as error:  # a document that fits its hash can still say anything
        raise UserError(f"{path / CONFIG} is damaged: {str(error) or type(error).__name__}") from error
    return ExportedModel(model, document)


def _model(name: str, path: Path, document: Mapping[str, Any]) -> TrainedModel:
    """The generator that a document describes."""
    codec = codec_from_state(document["codec"])
    config = overlay(Config(), document["config"], str(path / CONFIG))
    if document["model"] == COPULA and isinstance(codec, TableCodec):
        make: Callable[[], nn.Module] = partial(CopulaGenerator, codec.layout, len(codec.modelled))
    else:
        make = partial(build_generator, config, codec.space, placeholder_shares(document["classes"]))
    generator = loaded(make, path, Path(WEIGHTS).stem)
    return TrainedModel(
        name=name,
        generator=generator.eval(),
        read_critic=None,
        codec=codec,
        classes=document["classes"],
        columns=document["columns"],
        label_column=document["label_column"],
        config=config,
        weights=document["weights"],
        step=document["step"],
    )


def config_text(document: Mapping[str, Any]) -> str:
    """What `config.json` contains: a document, its own hash in it."""
    return json.dumps(dict(document) | {"sha256": _own_hash(document)}, indent=2) + "\n"


def file_facts(content: bytes) -> dict[str, Any]:
    """Size and hash of a file."""
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _own_hash(document: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in document.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _document(path: Path) -> dict[str, Any]:
    """The content of `config.json`.

    Raises:
        UserError: it is missing, damaged, or of another format.
    """
    try:
        document = read_json(path / CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{str(path)!r} is no exported generator: it contains no {CONFIG}") from None
    except OSError as error:
        raise UserError(f"{path / CONFIG} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path / CONFIG} is damaged: {error}") from error
    if document.get("model_type") != "monge":
        raise UserError(f"{path / CONFIG} is of no generator that monge exported")
    if document.get("format") != FORMAT:
        raise UserError(f"{path / CONFIG}: its format must be {FORMAT}; got {document.get('format')}; export it again")
    if document.get("sha256") != _own_hash(document):
        raise UserError(f"{path / CONFIG} does not match its hash: it was changed or damaged; export it again")
    if (wrong := mapping(NEEDED)(document)) is not None:
        raise UserError(f"{path / CONFIG} is damaged: {wrong}")
    return document


def _verify(path: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuses files that are not those that were written; only the weights must be there.

    Raises:
        UserError: names the file.
    """
    for name, facts in files.items():
        if Path(name).name != name:
            raise UserError(f"{path / CONFIG} is damaged: its files must lie beside it; got {name!r}")
        try:
            ordinary(path / name)
            content = (path / name).read_bytes()
        except FileNotFoundError:
            if name == WEIGHTS:
                raise UserError(f"{str(path)!r} is no exported generator: it contains no {name}") from None
            continue
        except (OSError, ValueError) as error:
            raise UserError(f"{path / name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        if file_facts(content) != facts:
            raise UserError(f"{path / name} does not match its hash: it was changed or damaged; export it again")
