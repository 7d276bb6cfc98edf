"""The weights of a network in a checkpoint's folder."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from monge.errors import UserError
from monge.run.files import numbered
from monge.run.tensor import read_tensors

COPULA = "copula"
"""Name of the file of a run's copula, and of a run's model where it was kept instead of the trained generator."""


def folder_of(checkpoints: Path, step: int) -> Path:
    """Where the checkpoint of a step lives."""
    return checkpoints / f"step-{step:06d}"


def steps(checkpoints: Path) -> list[int]:
    """Steps of the whole checkpoints in a folder, ascending."""
    return [step for step, _ in numbered(checkpoints)]


def load_network(network: nn.Module, folder: Path, name: str) -> None:
    """Reads one network's weights from a checkpoint.

    Raises:
        UserError: the file is missing, damaged, or of another network.
    """
    try:
        network.load_state_dict(read_tensors(file_of(folder, name)))
    except Exception as error:
        raise unreadable(file_of(folder, name), error) from error


def loaded(make: Callable[[], nn.Module], folder: Path, name: str) -> nn.Module:
    """A network with its weights from a checkpoint.

    The config of a stranger's run can ask for a network of any size. Its memory is taken only when the file, which has
    a number for each of its weights, fits.

    Arguments:
        make: builds the network.
        folder: of the checkpoint.
        name: of the network's file.

    Raises:
        UserError: as `load_network`.
    """
    found = read_weights(folder, name)
    try:
        with torch.device("meta"):
            make().load_state_dict(found, assign=True)
        network = make()
        network.load_state_dict(found)
    except UserError:
        raise
    except Exception as error:
        raise unreadable(file_of(folder, name), error) from error
    return network


def read_weights(folder: Path, name: str) -> dict[str, Tensor]:
    """One network's weights in a checkpoint, by their names.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return read_tensors(file_of(folder, name))
    except Exception as error:
        raise unreadable(file_of(folder, name), error) from error


def unreadable(file: Path, error: Exception) -> UserError:
    """The error for a file of a checkpoint that cannot be read, from what the library said of it."""
    said = str(error).splitlines()
    return UserError(f"checkpoint {file} cannot be read: {said[0] if said else type(error).__name__}")


def file_of(folder: Path, name: str) -> Path:
    """Where the weights of a network lie in a checkpoint's folder."""
    return folder / f"{name}.safetensors"
