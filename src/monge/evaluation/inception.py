"""The Inception network with weights from a file of the user's."""

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from monge.errors import UserError
from monge.nn.inception import COUNTER, Inception
from monge.run.tensor import read_state, read_tensors


def load_inception(path: Path) -> Inception:
    """The network with the weights of a file, `.safetensors` or as torch saves them, in evaluation mode.

    Raises:
        UserError: no such file, no state dict, or one of another network.
    """
    with torch.device("meta"):
        network = Inception()
    found = _state_dict(path)
    for name, expected in network.state_dict().items():
        if name.endswith(COUNTER):
            found[name] = torch.zeros((), dtype=torch.int64)
        elif name not in found:
            raise _wrong(path, f"it lacks {name}")
        elif found[name].shape != expected.shape:
            raise _wrong(path, f"{name} must have shape {tuple(expected.shape)}; got {tuple(found[name].shape)}")
    more = sorted(found.keys() - network.state_dict().keys())
    if more:
        raise _wrong(path, f"it also has {more[0]}")
    network.to_empty(device="cpu").load_state_dict(found)
    return network.eval().requires_grad_(False)


def _state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name."""
    if not path.is_file():
        raise UserError(f"--features inception:{path}: no such file")
    try:
        found = (read_tensors if path.suffix == ".safetensors" else read_state)(path)
    except Exception as error:  # damaged files make torch raise almost anything
        raise _wrong(path, "it contains no state dict that can be read safely") from error
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        raise _wrong(path, "it contains no state dict")
    return cast(dict[str, Tensor], dict(found))


def _wrong(path: Path, why: str) -> UserError:
    return UserError(f"--features inception:{path} does not contain the FID's Inception weights: {why}")
