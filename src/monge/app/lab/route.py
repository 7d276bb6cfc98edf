"""The lab's addresses."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from monge.app.body import asked
from monge.app.lab.session import Labs
from monge.errors import UserError
from monge.run.files import write_atomically

FEWEST, MOST = 10, 50_000
"""Points that one can draw or load."""
LARGEST = 4 * 2**20
"""Bytes of a request."""


class LabRoutes:
    """Answers what a page asks of labs.

    Arguments:
        labs: that are open.
        folder: where drawn points are kept, so that a command can train on them.
    """

    def __init__(self, labs: Labs, folder: Path) -> None:
        self._labs, self._folder = labs, folder

    def routes(self) -> list[Route]:
        """Of the application."""
        return [
            Route("/api/lab/catalogue", self.catalogue),
            Route("/api/lab", self.begin, methods=["POST"]),
            Route("/api/lab/points", self.points, methods=["POST"]),
            Route("/api/lab/{name}", self.order, methods=["POST"]),
        ]

    async def catalogue(self, request: Request) -> Response:
        """What a lab can be asked for."""
        from monge.app.lab.catalogue import catalogue  # which loads torch

        return JSONResponse(catalogue())

    async def begin(self, request: Request) -> Response:
        """A new lab, as a stream of messages that ends with the page."""
        document = await asked(request, LARGEST)
        return StreamingResponse(self._labs.stream(document), media_type="application/octet-stream")

    async def order(self, request: Request) -> Response:
        """What a lab is to do; the answer is in its stream."""
        self._labs.order(request.path_params["name"], await asked(request, LARGEST))
        return JSONResponse({})

    async def points(self, request: Request) -> Response:
        """Keeps points that were drawn or loaded, as an array that a command can train on."""
        found = points((await asked(request, LARGEST)).get("points"))
        content = npy(found)
        path = self._folder / f"points-{hashlib.sha256(content).hexdigest()[:12]}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        return JSONResponse({"data": str(path), "points": len(found)})


def points(given: Any) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Points in the plane, (n, 2).

    Raises:
        UserError: they are none, too few, or too many.
    """
    try:
        found = np.asarray(given, np.float32)
    except (TypeError, ValueError):
        found = np.empty(0, np.float32)
    if found.ndim != 2 or found.shape[1] != 2 or not np.isfinite(found).all():
        raise UserError("points must be pairs of finite numbers")
    if not FEWEST <= len(found) <= MOST:
        raise UserError(f"points must be {FEWEST} to {MOST:,}; got {len(found):,}")
    if not np.ptp(found, axis=0).max() > 0:
        raise UserError("points must not all be in one place")
    return found


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """An array as the content of a `.npy` file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
