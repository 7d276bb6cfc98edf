"""The training samples nearest to a generated one, where the data are at hand."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monge import plot
from monge.app.run.draw import refuse_tables, sample
from monge.app.run.models import OpenModel
from monge.app.run.query import Drawing
from monge.app.run.shelf import Shelf
from monge.data.space import ImageSpace
from monge.distance.points import Points
from monge.errors import UserError
from monge.metric.memorisation import searchable
from monge.model.load import own_data
from monge.run.folder import RunFolder

NEAREST = 5
"""Training samples that are shown."""
CHUNK = 4096
"""Training samples whose distances are taken at a time."""


@dataclass(frozen=True, eq=False)
class Training:
    """The training samples of a run.

    Attributes:
        name, fingerprint: of the run and of its data.
        raw, points: those that are searched, raw (n, ...) and in metric scale (n, d).
        size: how many there are.
    """

    name: str
    fingerprint: str
    raw: NDArray[Any]
    points: Points
    size: int


class Neighbours:
    """Finds training samples; those of the last run are kept.

    Arguments:
        shelf: of the runs.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept: Training | None = None

    def find(self, name: str, opened: OpenModel, drawing: Drawing, index: int) -> Mapping[str, Any]:
        """The nearest ones with their distances; `missing` says in a line why there are none.

        Raises:
            UserError: there is no such run or sample.
        """
        refuse_tables(opened.model)
        model, one = opened.model, sample(opened, drawing, index)
        try:
            training = self._training(name)
        except UserError as error:
            return {"missing": f"Nearest training samples need the run's data: {error}"}
        point = model.codec.metric(one)[0]
        distances = np.concatenate(
            [
                np.linalg.norm(training.points[start : start + CHUNK] - point, axis=1)
                for start in range(0, len(training.points), CHUNK)
            ]
        )
        order = np.argsort(distances, kind="stable")[:NEAREST]
        found = {
            "distances": [float(distance) for distance in distances[order]],
            "unit": model.space.unit,
            "searched": len(training.points),
            "size": training.size,
        }
        shown = np.concatenate([one, training.raw[order].astype(one.dtype)])
        if isinstance(model.space, ImageSpace):
            image = plot.png(plot.grid(model.space.shown(shown), len(shown), least=64), quick=True)
            return found | {"picture": f"data:image/png;base64,{base64.b64encode(image).decode()}"}
        columns = list(model.columns or (f"x{column}" for column in range(shown.shape[1])))
        return found | {"columns": columns[:12], "rows": [[float(value) for value in row[:12]] for row in shown]}

    def _training(self, name: str) -> Training:
        """The training samples of a run.

        Raises:
            UserError: they are gone, or have no end.
        """
        facts = self._shelf.facts(name)
        kept = self._kept
        if kept is not None and (kept.name, kept.fingerprint) == (name, facts["fingerprint"]):
            return kept
        self._kept = None
        data = own_data(RunFolder(self._shelf.path(name)), facts=facts)
        if data.train.size is None:
            raise UserError(f"{data.info.name} draws every training sample afresh, so that none can be looked for")
        raw = data.train.sample(searchable(data.train.size, data.space.shape))
        self._kept = Training(name, facts["fingerprint"], raw, data.codec.metric(raw), data.train.size)
        return self._kept
