"""The claims of the theory that `monge reproduce` has tested in a folder, one card for each experiment."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from monge.app.guard import REPORT_POLICY
from monge.app.page import page
from monge.config.registry import EXPERIMENTS
from monge.errors import MongeError, UserError, one_line
from monge.run.files import ordinary, read_json

RESULT, FIGURE, PAGE = "result.json", "figure.png", "claims.html"
"""What `monge reproduce` writes into the folder of an experiment, and beside those folders."""
FIRST = "parallel-lines"
"""The experiment to begin with."""
MOST = 200
"""Results that are shown."""
PLACES = ("*", "reproduce/*", "*/reproduce/*", "")
"""Where experiments are in the folder."""


class Claim(Protocol):
    """One claim with its verdict."""

    @property
    def text(self) -> str:
        """What is claimed."""

    @property
    def measured(self) -> Sequence[str]:
        """The numbers behind the verdict."""

    @property
    def verdict(self) -> str:
        """The word."""

    @property
    def tone(self) -> str:
        """How it is marked."""


class Shown(Protocol):
    """One experiment."""

    @property
    def description(self) -> str:
        """In a line."""

    @property
    def claims(self) -> Sequence[Claim]:
        """With their verdicts."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Budget, seed and seconds."""

    @property
    def versions(self) -> str:
        """That made the measurements."""


Read = Callable[[str, Path], Shown]
"""Reads the results of an experiment of a name in a folder; raises a `UserError` for what is none."""


@dataclass(frozen=True)
class Card:
    """What the page shows of one folder.

    Attributes:
        name: of the experiment.
        place: the folder, from that of all.
        shown: its results; None where they cannot be read.
        figure: whether there is one.
        error: why they cannot be read, in a line.
        command: that writes them.
    """

    name: str
    place: str
    shown: Shown | None
    figure: bool
    error: str
    command: str


class ClaimRoutes:
    """Answers what a page asks of claims.

    Arguments:
        folder: in which they are looked for.
        read: reads the results of one experiment.
    """

    def __init__(self, folder: Path, read: Read) -> None:
        self._folder, self._read = folder, read
        self._cards: dict[Path, tuple[int, Card]] = {}

    def routes(self) -> list[Route]:
        """Of the application."""
        return [
            Route("/claims", self.page),
            Route("/claims/all", self.whole),
            Route("/api/claims/{place:path}/figure.png", self.figure),
        ]

    # these are no coroutines, so that they do not keep others waiting
    def page(self, request: Request) -> Response:
        """The page."""
        cards = [self._card(place) for place in self._places()]
        order = list(EXPERIMENTS)
        cards.sort(key=lambda card: (order.index(card.name) if card.name in order else len(order), card.place))
        claims = [claim for card in cards if card.shown is not None for claim in card.shown.claims]
        tally: dict[tuple[str, str], int] = {}
        for claim in sorted(claims, key=lambda claim: claim.tone != "good"):
            tally[claim.verdict, claim.tone] = tally.get((claim.verdict, claim.tone), 0) + 1
        whole = next((path for path in self._pages() if _is_file(path)), None)
        first = shlex.join(["monge", "reproduce", FIRST, *self._where()])
        given: dict[str, Any] = {"folder": str(self._folder), "whole": whole is not None, "first": first}
        return page(request, "claims.html", cards=cards, tally=tally, **given)

    def whole(self, request: Request) -> Response:
        """The page that `monge reproduce all` has written."""
        for path in self._pages():
            if _is_file(path):
                headers = {"content-security-policy": REPORT_POLICY}
                return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)
        raise HTTPException(404)

    def figure(self, request: Request) -> Response:
        """A figure; none but those of the folders that the page shows."""
        wanted = request.path_params["place"]
        for place in self._places():
            if self._named(place) == wanted and _is_file(place / FIGURE):
                return FileResponse(place / FIGURE, media_type="image/png")
        raise HTTPException(404)

    def _places(self) -> list[Path]:
        """Folders with results, each once."""
        found: dict[Path, None] = {}
        for pattern in PLACES:
            for path in sorted(self._folder.glob(f"{pattern}/{RESULT}" if pattern else RESULT)):
                if len(found) < MOST and _is_file(path):
                    found[path.parent] = None
        return list(found)

    def _pages(self) -> Iterator[Path]:
        yield self._folder / "reproduce" / PAGE
        yield self._folder / PAGE

    def _where(self) -> list[str]:
        """What the command for the first needs, so that it writes where this page looks."""
        return [] if self._folder == Path("runs") else ["--out", str(self._folder / "reproduce" / FIRST)]

    def _named(self, place: Path) -> str:
        return place.relative_to(self._folder).as_posix()

    def _card(self, place: Path) -> Card:
        """A folder's card, read again where it has changed."""
        try:
            changed = (place / RESULT).stat().st_mtime_ns
        except OSError:
            changed = 0
        if place not in self._cards or self._cards[place][0] != changed:
            self._cards[place] = changed, self._made(place)
        return self._cards[place][1]

    def _made(self, place: Path) -> Card:
        named, figure = self._named(place), _is_file(place / FIGURE)
        try:
            facts = read_json(place / RESULT)
            name = facts.get("experiment")
            if not isinstance(name, str) or name not in EXPERIMENTS:
                raise UserError(f"{RESULT} must be the result of an experiment; got {str(name)[:100]!r}")
            shown = self._read(name, place)
        except (MongeError, OSError, ValueError) as error:
            return Card(place.name, named, None, False, one_line(str(error)), "")
        command = f"monge reproduce {name} --budget {shown.facts.get('budget')} --seed {shown.facts.get('seed')}"
        return Card(name, named, shown, figure, "", command)


def _is_file(path: Path) -> bool:
    try:
        ordinary(path)
    except (OSError, ValueError):
        return False
    return True
