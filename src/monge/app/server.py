"""The application and the server that it runs on."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from monge.app.claims import ClaimRoutes, Read
from monge.app.distance.route import DistanceRoutes
from monge.app.guard import LOCAL, Guard
from monge.app.lab.route import LabRoutes
from monge.app.lab.session import Labs
from monge.app.page import page
from monge.app.run.route import RunRoutes
from monge.errors import MongeError, one_line

STATIC = Path(__file__).parent / "static"


def application(folder: Path, labs: Labs, token: str, read_claims: Read) -> Starlette:
    """All pages and what they ask for.

    Arguments:
        folder: of the runs that are shown; what pages store is in it, too.
        labs: that are open.
        token: what a page sends along with what changes anything.
        read_claims: reads the results of an experiment.
    """
    distance, runs = DistanceRoutes(), RunRoutes(folder)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        labs.close()
        runs.close()
        distance.close()

    routes = [
        Route("/", lambda request: RedirectResponse("/lab")),
        Route("/lab", lambda request: page(request, "lab.html")),
        *LabRoutes(labs, folder / "lab").routes(),
        *runs.routes(),
        *distance.routes(),
        *ClaimRoutes(folder, read_claims).routes(),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    handlers = {MongeError: refused, HTTPException: missing, ClientDisconnect: gone, Exception: broken}
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)  # type: ignore[arg-type]
    app.state.token = token
    app.state.ending = lambda: False
    return app


async def refused(request: Request, error: MongeError) -> Response:
    """What was asked cannot be done, in a line."""
    return JSONResponse({"error": one_line(str(error))}, 400)


async def missing(request: Request, error: HTTPException) -> Response:
    """There is no such page, or it is not reached that way."""
    text = "there is no such page" if error.status_code == 404 else error.detail
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": text}, error.status_code)
    return page(request, "missing.html", status=error.status_code, text=text)


async def gone(request: Request, error: ClientDisconnect) -> Response:
    """Who asked has gone away; nobody reads this."""
    return Response(status_code=400)


async def broken(request: Request, error: Exception) -> Response:
    """A mistake of monge's own, in a line; the server goes on."""
    return JSONResponse({"error": one_line(f"{type(error).__name__}: {error}")}, 500)


def serve(pages: Starlette, listening: socket.socket, host: str, token: str, said: Callable[[str, str], None]) -> None:
    """Serves the pages until Ctrl-C.

    Arguments:
        pages: see `application`.
        listening: see `address.bound`.
        host: that it listens on; any but 127.0.0.1 is reached from other machines.
        token: of the pages.
        said: called with the server's address once it answers, and with a warning, empty where there is none.
    """
    port = listening.getsockname()[1]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    names = {*LOCAL, shown, host, *(() if host in LOCAL else (socket.gethostname(),))}
    labs = Labs()
    labs.warm()
    app = Guard(pages, token, frozenset(f"{name}:{port}" for name in names))
    warning = "" if host in LOCAL else "whoever reaches this address and has its token can train and read runs here"
    said(f"http://{shown}:{port}", warning)
    # what goes wrong is said on the page, in a line; at Ctrl-C uvicorn would say at length that pages are open
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1, access_log=False)
    server = uvicorn.Server(config)
    pages.state.ending = lambda: server.should_exit  # streams that never end by themselves ask it
    server.run(sockets=[listening])
