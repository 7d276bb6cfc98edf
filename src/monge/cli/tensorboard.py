"""Figures of a training for TensorBoard, which the extra `tensorboard` brings."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

from monge.errors import UserError

FLAG = "--log.tensorboard"


def check(folder: Path | None) -> None:
    """Refuses a folder where nothing can be written.

    Raises:
        UserError: TensorBoard is not installed, or the path is no folder.
    """
    if folder is None:
        return
    if find_spec("tensorboard") is None:
        raise UserError(f"{FLAG} needs TensorBoard; pip install 'monge[tensorboard]'")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{FLAG} must be a folder; got {folder}")


class TensorBoard:
    """Writes what is logged of a training into a folder that `tensorboard --logdir` shows.

    A run that is continued takes the place of what was written of later steps.

    Arguments:
        folder: is made; None writes nothing.
        display: is shown everything first.
    """

    def __init__(self, folder: Path | None, display: Callable[[int, Mapping[str, Any]], None]) -> None:
        self._folder, self._display = folder, display
        self._writer: Any = None

    def __enter__(self) -> "TensorBoard":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._writer is not None:
            self._writer.close()

    def show(self, step: int, seen: Mapping[str, Any]) -> None:
        """Takes a step and what was read of it, which is nothing on most steps."""
        self._display(step, seen)
        if self._folder is None or not seen:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter  # which takes seconds

            self._writer = SummaryWriter(str(self._folder), purge_step=step)
        for name, value in flat(seen):
            self._writer.add_scalar(name, value, step)


def flat(seen: Mapping[str, Any], group: str = "") -> list[tuple[str, float]]:
    """All numbers by their names, those of groups as `group/name`.

    Example:
        >>> flat({"penalty": 0.5, "bracket": {"excess": 0.2, "family": "linear"}})
        [('penalty', 0.5), ('bracket/excess', 0.2)]
    """
    found: list[tuple[str, float]] = []
    for name, value in seen.items():
        if isinstance(value, Mapping):
            found += flat(value, f"{group}{name}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((group + name, value))
    return found
