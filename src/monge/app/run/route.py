"""Addresses of the runs and of what their generators draw."""

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from monge.app.guard import REPORT_POLICY
from monge.app.page import page
from monge.app.run import draw, rows
from monge.app.run.curve import MOST as MOST_CHOSEN
from monge.app.run.curve import events
from monge.app.run.models import Models, OpenModel
from monge.app.run.neighbour import Neighbours
from monge.app.run.query import Drawing, condition, drawing, whole
from monge.app.run.settings import differing
from monge.app.run.shelf import Shelf
from monge.errors import UserError

T = TypeVar("T")


class RunRoutes:
    """Answers what pages ask of the runs in a folder.

    Pictures are drawn in one thread and what takes longer in another, so that the server answers others meanwhile.

    Arguments:
        folder: of the runs.
    """

    def __init__(self, folder: Path) -> None:
        self._shelf = Shelf(folder)
        self._models, self._neighbours = Models(self._shelf), Neighbours(self._shelf)
        self._quick, self._slow = (
            ThreadPoolExecutor(1, name, torch.set_num_threads, (1,)) for name in ("draw", "slow")
        )

    def routes(self) -> list[Route]:
        """Of the application."""
        run = "/api/runs/{name:path}"
        return [
            Route("/runs", lambda request: page(request, "runs.html", folder=str(self._shelf.folder))),
            Route("/runs/{name:path}", self.explore),
            Route("/reports/{name:path}", self.report),
            Route("/api/runs", self.runs),
            Route("/api/runs/events", self.events),
            Route("/api/runs/settings", self.settings),
            Route(f"{run}/about", self.about),
            Route(f"{run}/thumbnail.png", self.thumbnail),
            Route(f"{run}/grid.png", self.grid),
            Route(f"{run}/strip.png", self.strip),
            Route(f"{run}/nearest", self.nearest),
            Route(f"{run}/rows", self.table),
            Route(f"{run}/rows.csv", self.file),
        ]

    def close(self) -> None:
        """Ends its threads; what they do now is done first."""
        for threads in (self._quick, self._slow):
            threads.shutdown(wait=False, cancel_futures=True)

    def runs(self, request: Request) -> Response:
        """The runs in the folder."""
        return JSONResponse({"runs": [self._shelf.summary(name) for name in self._shelf.names()]})

    async def events(self, request: Request) -> Response:
        """Curves of some runs, as they grow, until the client goes away."""
        found = events(self._shelf, chosen(request), request.app.state.ending)
        return StreamingResponse(found, media_type="text/event-stream")

    def settings(self, request: Request) -> Response:
        """The settings in which some runs differ."""
        return JSONResponse(differing(self._shelf, chosen(request)))

    def explore(self, request: Request) -> Response:
        """The page of one run."""
        name = request.path_params["name"]
        try:
            self._shelf.path(name)
        except UserError as error:
            return page(request, "missing.html", status=404, text=str(error))
        return page(request, "explore.html", name=name)

    def report(self, request: Request) -> Response:
        """A run's report, apart from all else: it has its script inside."""
        content = self._shelf.report(request.path_params["name"])
        return Response(content, media_type="text/html", headers={"content-security-policy": REPORT_POLICY})

    async def about(self, request: Request) -> Response:
        """A run in a few facts, and what its model can be asked for; in a line why there is none."""
        name = request.path_params["name"]
        self._shelf.facts(name)
        found = await asyncio.to_thread(self._shelf.summary, name)
        weights = request.query_params.get("weights") or "ema"
        try:
            model = await self._in(self._quick, lambda: draw.about(self._models.get(name, weights).model))
        except UserError as error:
            return JSONResponse(found | {"model": None, "missing": str(error)})
        return JSONResponse(found | {"model": model})

    def thumbnail(self, request: Request) -> Response:
        """The newest picture of a training's samples."""
        return picture(self._shelf.picture(request.path_params["name"]))

    async def grid(self, request: Request) -> Response:
        """Samples as a picture."""
        return picture(await self._drawn(request, draw.grid))

    async def strip(self, request: Request) -> Response:
        """What lies between two samples, as a picture."""

        def between(opened: OpenModel, asked: Drawing) -> bytes:
            first, last = (whole(request.query_params, end, 0, 0, asked.n - 1) for end in ("from", "to"))
            return draw.strip(opened, asked, first, last)

        return picture(await self._drawn(request, between))

    async def nearest(self, request: Request) -> Response:
        """The training samples nearest to one of the samples."""
        name, query = request.path_params["name"], request.query_params

        def find() -> Response:
            opened, asked = self._asked(request)
            index = whole(query, "index", 0, 0, asked.n - 1)
            return JSONResponse(self._neighbours.find(name, opened, asked, index))

        return await self._in(self._slow, find)

    async def table(self, request: Request) -> Response:
        """Samples as rows of text, for the page."""
        return await self._in(self._slow, lambda: JSONResponse(rows.as_json(*self._rows(request, rows.SHOWN))))

    async def file(self, request: Request) -> Response:
        """Samples as a file."""

        def make() -> Response:
            content, _ = rows.as_csv(*self._rows(request, rows.USUAL, rows.MOST))
            headers = {"content-disposition": 'attachment; filename="samples.csv"'}
            return Response(content, media_type="text/csv; charset=utf-8", headers=headers)

        return await self._in(self._slow, make)

    def _rows(self, request: Request, usual: int, most: int = rows.MOST_SHOWN) -> tuple[OpenModel, Drawing, str | None]:
        """The model, and which rows are asked for."""
        query = request.query_params
        return self._opened(request), drawing(query, usual, most), condition(query)

    def _opened(self, request: Request) -> OpenModel:
        return self._models.get(request.path_params["name"], request.query_params.get("weights") or "ema")

    def _asked(self, request: Request) -> tuple[OpenModel, Drawing]:
        opened = self._opened(request)
        return opened, drawing(request.query_params, draw.usual(opened.model), draw.most(opened.model))

    async def _drawn(self, request: Request, make: Callable[[OpenModel, Drawing], bytes]) -> bytes:
        return await self._in(self._quick, lambda: make(*self._asked(request)))

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        """What some work gives that is done in a thread of its own; errors name parameters, not options."""
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except UserError as error:
            raise UserError(re.sub(r"--(class|code|where|weights)\b", r"\1", str(error))) from error


def picture(content: bytes) -> Response:
    """The bytes of a PNG file as an answer."""
    return Response(content, media_type="image/png")


def chosen(request: Request) -> Sequence[str]:
    """The names of runs in an address.

    Raises:
        UserError: there are too many.
    """
    found = request.query_params.getlist("run")
    if len(found) > MOST_CHOSEN:
        raise UserError(f"run must be given at most {MOST_CHOSEN} times; got {len(found)}")
    return found
