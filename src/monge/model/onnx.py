"""A trained generator and the decoding of its samples as one ONNX file, for use without monge and torch.

Inputs are latent numbers `z` (n, latent), standard normal, and `label` (n,) or `codes` (n, count) where the generator
takes these. Outputs are `raw`, the samples in the data's own scale, and `model`, what the network gave.
"""

import contextlib
import importlib.util
import io
import logging
import warnings
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from monge.errors import MongeError
from monge.model.build import latent_size
from monge.model.decoding import decoding
from monge.model.random import Purpose, latent, stream
from monge.model.trained_model import TrainedModel

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
"""Of the extra `export`."""
BATCHES = (1, 2, 7)
"""Numbers of samples at which a file is checked."""
TOLERANCE = 1e-5
"""Largest difference to torch, absolute or relative, that a file may have."""
Inputs = tuple[Tensor, ...]


class RawGenerator(nn.Module):
    """A generator with the decoding behind it.

    Arguments:
        model: the trained model.
    """

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.generator, self.decoding = model.generator, decoding(model.codec)

    def forward(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Samples in raw and in model scale of latent numbers (n, z) and perhaps classes (n,) or codes (n, c)."""
        x = self.generator(z) if condition is None else self.generator(z, condition)
        return self.decoding(x), x


def missing() -> list[str]:
    """Packages of the extra `export` that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def input_names(model: TrainedModel) -> list[str]:
    """Names of the file's inputs."""
    second = ["label"] if model.conditional else ["codes"] if model.codes is not None else []
    return ["z", *second]


def onnx_bytes(model: TrainedModel) -> bytes:
    """The file, which was checked against torch at several batches.

    Raises:
        MongeError: the network cannot be written so, or gives other samples there.
    """
    import onnx

    network = RawGenerator(model).eval()
    given = inputs(model, 3)
    axes = tuple({0: torch.export.Dim("n")} for _ in given)
    try:
        with quiet(), torch.no_grad():
            made = torch.onnx.export(
                network,
                given,
                input_names=input_names(model),
                output_names=["raw", "model"],
                dynamic_shapes=axes,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise MongeError(f"the generator cannot be written as ONNX: {reason}") from error
    assert made is not None
    proto = made.model_proto
    forget_places(proto)
    onnx.checker.check_model(proto)
    content: bytes = proto.SerializeToString(deterministic=True)
    check(model, content)
    return content


def forget_places(proto: "object") -> None:
    """Takes out where in which source files operations come from: paths of this machine, which change nothing."""
    import onnx

    assert isinstance(proto, onnx.ModelProto)
    for part in (proto, proto.graph, *proto.functions):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    graphs = [proto.graph, *proto.functions]
    for graph in graphs:
        for one in (*graph.node, *graph.value_info):
            one.ClearField("metadata_props")
            one.ClearField("doc_string")
    for one in (*proto.graph.initializer, *proto.graph.input, *proto.graph.output):
        one.ClearField("metadata_props")


def inputs(model: TrainedModel, n: int) -> Inputs:
    """Seeded inputs for n samples."""
    z = latent(n, latent_size(model.generator), stream(n, Purpose.SAMPLE))
    condition = model.condition(z)
    return (z,) if condition is None else (z, condition)


@torch.no_grad()
def check(model: TrainedModel, content: bytes) -> None:
    """Refuses a file whose samples are not those of torch.

    What the network gives is compared with torch's network, and the raw samples with what the codec makes of that: two
    networks that differ by rounding may put a pixel on either side of a rounded half, which says nothing of either.

    Raises:
        MongeError: they differ by more than `TOLERANCE`.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for n in BATCHES:
        given = inputs(model, n)
        feed = {name: part.numpy() for name, part in zip(input_names(model), given, strict=True)}
        raw, x = session.run(["raw", "model"], feed)
        decoded = model.codec.decode(torch.from_numpy(x))
        pairs = ((x, model.generator(*given).numpy()), (raw, decoded))
        for name, (found, wanted) in zip(("model", "raw"), pairs, strict=True):
            same = found.shape == wanted.shape
            if not same or not np.allclose(found, wanted, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
                most = np.nanmax(np.abs(found.astype(float) - wanted.astype(float))) if same else np.nan
                what = f"output {name!r} of {n} samples is up to {most:.2g} from torch's"
                raise MongeError(f"the ONNX file differs from the generator: {what}")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Holds back what torch's exporter says of its own inner workings."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
