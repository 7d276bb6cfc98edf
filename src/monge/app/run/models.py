"""Trained models that pages have asked for, each loaded once, with the pictures that were drawn of it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from monge.api import Run
from monge.app.run.shelf import Shelf
from monge.data.space import VectorSpace
from monge.errors import UserError
from monge.model.trained_model import TrainedModel
from monge.report.sampler.direction import principal_directions

MOST = 4
"""Models that are kept."""
MOST_BYTES = 2**24
"""Bytes of the pictures that are kept of a model."""
FRAME = 1000
"""Samples that decide the axes of all pictures of points."""


class OpenModel:
    """A trained model, and what was drawn of it.

    Arguments:
        model: as loaded.
    """

    def __init__(self, model: TrainedModel) -> None:
        self.model = model
        self._pictures: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @cached_property
    def directions(self) -> Tensor:
        """Directions of the latent space along which samples change most, (k, latent)."""
        return principal_directions(self.model)

    @cached_property
    def frame(self) -> NDArray[Any] | None:
        """Points that all pictures of points share their axes with; None for what is no point."""
        return self.model.sample(FRAME).x if isinstance(self.model.space, VectorSpace) else None

    def picture(self, key: Hashable, draw: Callable[[], bytes]) -> bytes:
        """A picture by all that it depends on, drawn where it is not kept."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
        found = draw()
        with self._lock:
            if key not in self._pictures:
                self._pictures[key] = found
                self._bytes += len(found)
            while self._bytes > MOST_BYTES:
                _, oldest = self._pictures.popitem(last=False)
                self._bytes -= len(oldest)
        return found


class Models:
    """The last models that were asked for.

    Arguments:
        shelf: of their runs.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._open: OrderedDict[tuple[str, str], tuple[Run, OpenModel]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, weights: str = "ema") -> OpenModel:
        """The model of a run's last checkpoint, loaded anew where there is a newer one.

        Raises:
            UserError: there is no such run, or it has no model that can be loaded.
        """
        path, key = self._shelf.path(name), (name, weights)
        with self._lock:
            run, kept = self._open.pop(key, (None, None))
            run = run or Run(path)
            try:
                model = run.model(weights)
            except OSError as error:  # it is being deleted
                raise UserError(f"run {name!r} cannot be read: {error.strerror or error}") from error
            if kept is None or kept.model is not model:
                kept = OpenModel(model)
            self._open[key] = run, kept
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        return kept
