"""The weights of another run as the start of a new one."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from monge.errors import UserError
from monge.model.weights import file_of, read_weights, unreadable
from monge.model.whole import newest
from monge.run.files import numbered
from monge.run.folder import RunFolder
from monge.run.index import defect
from monge.run.tensor import read_state
from monge.training.state import TrainingState

OF_DATA = "shares"
"""Name of the buffers with the shares of the classes, which are the data's and not the other run's."""


def started(state: TrainingState, place: str | None, run: RunFolder, facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """Gives a state at step 0 the weights that a run starts from, if there are any and it has no checkpoint of its own.

    Arguments:
        place: a run folder or one of its checkpoints; none starts from initial weights.
        facts: the content of the new run's `run.json`, if it was begun before: it must have begun with these weights.

    Returns:
        What `run.json` records as `started_from`: absolute path, step, and a hash of the weights. Empty where the state
        is as it was.

    Raises:
        UserError: there are no such weights, they are of other shapes, or have changed.
    """
    if place is None:
        return {}
    step, folder = checkpoint_at(place)
    digest = start(state, folder, place)
    if facts is not None and facts.get("started_from", {}).get("weights") != digest:
        what = f"--start-from {place}: its weights have changed since run {str(run.path)!r} began, which has none saved"
        raise UserError(f"{what}; choose another --run")
    return {"started_from": {"path": os.path.abspath(Path(place).expanduser()), "step": step, "weights": digest}}


def checkpoint_at(place: str) -> tuple[int, Path]:
    """Step and folder of a checkpoint, or of the last one of a run.

    Raises:
        UserError: it is neither, is damaged, or the run has no whole one.
    """
    path = Path(place).expanduser()
    for step, folder in numbered(path.parent):
        if folder == path:
            if wrong := defect(folder, step, indexed=_indexed(RunFolder(path.parent.parent))):
                raise UserError(f"--start-from {place}: it is damaged: {wrong}")
            return step, folder
    run = RunFolder(path)
    if not run.exists:
        raise UserError(f"--start-from must be a run folder or one of its checkpoints; got {place}")
    found = newest(run, run.facts())
    return found.step, found.folder


def _indexed(run: RunFolder) -> bool:
    """Whether the checkpoints of a run have an index, which those of older versions, and alone, need not have."""
    return run.exists and "saved" in run.facts()


def start(state: TrainingState, folder: Path, place: str) -> str:
    """Gives the three networks of a state the weights of a checkpoint, and goes on counting its averages.

    Optimisers stay new. Without the count, the first update would copy the generator over the averaged weights.

    Returns:
        32 hexadecimal digits for the weights.

    Raises:
        UserError: a file is missing or damaged, or a network has other shapes; names the first that differs.
    """
    found = {name: read_weights(folder, name) for name in state.networks()}
    for name, network in state.networks().items():
        if differs := difference(network.state_dict(), found[name]):
            what = f"--start-from {place}: its {name.replace('_', ' ')} must have the shapes of this training's"
            raise UserError(f"{what}; {differs}")
    digest = hashlib.blake2b(digest_size=16)
    for name, network in state.networks().items():
        digest.update(file_of(folder, name).read_bytes())
        own = {key: value for key, value in network.state_dict().items() if key.rpartition(".")[2] == OF_DATA}
        network.load_state_dict(found[name] | own)
    rest = folder / "state.pt"
    try:
        state.average.count = int(read_state(rest)["averaged"])
    except Exception as error:
        raise unreadable(rest, error) from error
    return digest.hexdigest()


def difference(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> str | None:
    """The first weight that only one network has, or that has another shape there, in words."""
    for key in [*ours, *theirs]:
        there, here = (tuple(side[key].shape) if key in side else "absent" for side in (theirs, ours))
        if there != here:
            return f"{key} is {there} there and {here} here"
    return None
