"""Checkpoints that are whole or absent: written to a temporary name, synced, renamed, with an index of checksums."""

import io
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import save as as_bytes

from monge.model.weights import file_of, folder_of, load_network, steps, unreadable
from monge.model.whole import Whole
from monge.run.files import free_name, sync
from monge.run.folder import FACTS, RunFolder
from monge.run.index import adopt, write_indexed
from monge.run.tensor import read_state
from monge.training.guard import DivergenceError
from monge.training.state import TrainingState

KEPT = 2
REST = "state.pt"
"""File of what is not a network."""


def save_run(state: TrainingState, run: RunFolder, keep: Collection[int | None] = ()) -> None:
    """Writes a checkpoint of a run with a copy of its `run.json`, which then knows of it.

    The log is on the disk before, so that no checkpoint is of a step that the log has lost.

    Arguments:
        keep: steps of others that stay.

    Raises:
        DivergenceError, OSError: as `save`.
    """
    if folder_of(run.checkpoints, state.step).exists():
        return
    run.sync_log()
    save(state, run.checkpoints, keep, {FACTS: run.copy(state.step)})
    run.record(state.step)


def save(
    state: TrainingState,
    checkpoints: Path,
    keep: Collection[int | None] = (),
    others: Mapping[str, bytes] | None = None,
) -> Path:
    """Writes the state and removes all but the last two checkpoints.

    Arguments:
        keep: steps of others that stay.
        others: files by their names that the checkpoint has besides.

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
        # not with its parents: of a run folder that was moved meanwhile, nothing must appear in the old place
        partial.mkdir()
        write_indexed(partial, state.step, contents(state, others or {}))
        partial.rename(target)
        sync(checkpoints)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    for step in steps(checkpoints)[:-KEPT]:
        if step not in keep:
            shutil.rmtree(folder_of(checkpoints, step))
    return target


def contents(state: TrainingState, others: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The files of a checkpoint, one at a time."""
    for name, network in state.networks().items():
        # copies, because safetensors refuses weights that share memory, as tied ones do
        weights = {
            key: value.detach().clone(memory_format=torch.contiguous_format)
            for key, value in network.state_dict().items()
        }
        # as bytes: the library's own writer hides a full disk in an exception that is no OSError
        yield file_of(Path(), name).name, as_bytes(weights)
    rest = io.BytesIO()
    torch.save(state.rest(), rest)
    yield REST, rest.getvalue()
    yield from others.items()


def restore(state: TrainingState, folder: Path) -> None:
    """Reads a checkpoint into a state of the same networks and optimisers.

    Raises:
        UserError: a file is missing, damaged, or of other networks.
    """
    for name, network in state.networks().items():
        load_network(network, folder, name)
    rest = folder / REST
    try:
        state.load_rest(read_state(rest))
    except Exception as error:
        raise unreadable(rest, error) from error


def continue_from(found: Whole, run: RunFolder) -> None:
    """Makes a checkpoint the last one of a run: newer ones, which are damaged, get another name.

    One of a version that wrote no index gets one.
    """
    for step in found.damaged:
        folder = folder_of(run.checkpoints, step)
        folder.rename(free_name(folder.with_name(f"damaged-{folder.name}")))
    if "saved" not in run.facts():  # as where a process was killed before it could record its first checkpoint
        adopt(found.folder, found.step)
