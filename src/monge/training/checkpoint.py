"""Checkpoints that are whole or absent: written to a temporary name, synced, renamed."""

import io
import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import save as as_bytes

from monge.model.weights import file_of, folder_of, load_network, steps, unreadable
from monge.training.guard import DivergenceError
from monge.training.state import TrainingState

KEPT = 2


def save(state: TrainingState, checkpoints: Path, keep: int | None = None) -> Path:
    """Writes the state and removes all but the last two checkpoints.

    Arguments:
        keep: step of another one that stays.

    Raises:
        DivergenceError: a weight is not finite; nothing is written.
        OSError: the disk is full; what was half-written is removed.
    """
    for name, network in state.networks().items():
        for key, value in network.state_dict().items():
            if not torch.isfinite(value).all():
                raise DivergenceError(f"step {state.step}: weight {key} of the {name} is not finite")
    target = folder_of(checkpoints, state.step)
    if target.exists():
        return target
    for stale in checkpoints.glob(".partial-*"):
        shutil.rmtree(stale)
    partial = checkpoints / f".partial-{target.name}"
    try:
        partial.mkdir(parents=True)
        for name, network in state.networks().items():
            # copies, because safetensors refuses weights that share memory, as tied ones do
            weights = {
                key: value.detach().clone(memory_format=torch.contiguous_format)
                for key, value in network.state_dict().items()
            }
            _write(file_of(partial, name), as_bytes(weights))
        rest = io.BytesIO()
        torch.save(state.rest(), rest)
        _write(partial / "state.pt", rest.getvalue())
        partial.rename(target)
        _sync(checkpoints)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    for step in steps(checkpoints)[:-KEPT]:
        if step != keep:
            shutil.rmtree(folder_of(checkpoints, step))
    return target


def restore(state: TrainingState, checkpoints: Path, step: int) -> None:
    """Reads a checkpoint into a state of the same networks and optimisers.

    Raises:
        UserError: a file is missing, damaged, or of other networks.
    """
    folder = folder_of(checkpoints, step)
    for name, network in state.networks().items():
        load_network(network, folder, name)
    rest = folder / "state.pt"
    try:
        state.load_rest(torch.load(rest, weights_only=True))
    except Exception as error:
        raise unreadable(rest, error) from error


def _write(path: Path, content: bytes) -> None:
    # the libraries' own writers hide a full disk in exceptions that are no OSError
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
