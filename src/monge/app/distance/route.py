"""The addresses of the page of two files."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from monge.app.body import asked
from monge.app.distance.asked import FEWEST, MOST, PAGE, asked_of
from monge.app.distance.session import Comparisons, line
from monge.app.distance.upload import ENDINGS, LARGEST, Uploads
from monge.app.guard import REPORT_POLICY
from monge.app.page import page
from monge.config.registry import DATA
from monge.errors import UserError

LINES = "application/x-ndjson"
LONGEST = 2**16
"""Bytes of a request that is no file."""


class Messages(StreamingResponse):
    """Lines of JSON as they are made; what makes them is closed at once when nobody reads them any more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends them."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self.body_iterator.aclose()  # type: ignore[attr-defined]


class DistanceRoutes:
    """Answers what a page asks of two files.

    Arguments:
        largest: bytes of a file.
    """

    def __init__(self, largest: int = LARGEST) -> None:
        self._uploads = Uploads(largest)
        self._comparisons = Comparisons(self._uploads.folder)

    def routes(self) -> list[Route]:
        """Of the application."""
        return [
            Route("/distance", self.page),
            Route("/api/distance", self.compare, methods=["POST"]),
            Route("/api/distance/files/{name:path}", self.receive, methods=["PUT"]),
            Route("/api/distance/{word}/report.html", self.report),
        ]

    async def page(self, request: Request) -> Response:
        """The page."""
        names, largest = {name: entry.description for name, entry in DATA.items()}, self._uploads.largest
        limits = FEWEST, MOST
        return page(request, "distance.html", names=names, samples=limits, endings=ENDINGS, largest=largest)

    async def receive(self, request: Request) -> Response:
        """Keeps a file; the answer is the word that names it."""
        return JSONResponse({"file": await self._uploads.receive(request, request.path_params["name"])})

    async def compare(self, request: Request) -> Response:
        """A new comparison, as a stream of lines that ends with the page."""
        document = await asked(request, LONGEST)
        try:
            lines = self._comparisons.stream(asked_of(document, self._uploads))
        except UserError as error:  # a person's slip, which is no failure of the page's: a browser would log it as one
            return Response(line({"error": str(error)}), media_type=LINES)
        return Messages(lines, media_type=LINES)

    async def report(self, request: Request) -> Response:
        """The page that the command would write, which stands apart from this one."""
        found = self._comparisons.page(request.path_params["word"])
        if found is None:
            raise HTTPException(404)
        name = PAGE if "download" in request.query_params else None
        return FileResponse(
            found,
            filename=name,
            media_type="text/html; charset=utf-8",
            headers={"content-security-policy": REPORT_POLICY},
        )

    def close(self) -> None:
        """Ends what is going on, and deletes all files."""
        self._comparisons.close()
        self._uploads.close()
