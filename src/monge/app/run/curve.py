"""Curves of runs as they grow, as a stream of server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool

from monge.app.run.shelf import Shelf
from monge.errors import UserError
from monge.run.follow import Follower, Part

TERMS = ("excess", "upper", "critic_loss")
"""What there are curves of."""
POINTS = 1000
"""Points of a curve that are sent at once, at most."""
EVERY = 1.0
"""Seconds between two looks at the runs."""
PARTS = 5
"""Times in between at which the server may end."""
BEATS = 15
"""Looks after which something is sent even where nothing is new, so that a lost connection is noticed."""
LONGEST = 2**25
"""Bytes at the end of a log that are read."""
MOST = 8
"""Runs on one chart: more could not be told apart."""


class Watch:
    """One run's curves.

    Arguments:
        shelf: where it is.
        name: of the run.
    """

    def __init__(self, shelf: Shelf, name: str) -> None:
        self._shelf, self._name = shelf, name
        self._log: Follower | None = None
        self._said: Any = None

    def look(self) -> dict[str, Any] | None:
        """What is new since the last look, or in a line what is wrong with the run; None where nothing is new."""
        try:
            facts = self._shelf.facts(self._name)
            self._log = self._log or Follower(self._shelf.path(self._name) / "log.jsonl", LONGEST)
            part = self._log.more()
        except UserError as error:
            self._log = None  # if it comes back, it begins anew
            return self._changed({"run": self._name, "problem": str(error)})
        except OSError as error:
            return self._changed({"run": self._name, "problem": f"run {self._name!r} cannot be read: {error.strerror}"})
        found = {"run": self._name, "status": facts["status"]}
        changed = self._changed(found)
        if changed is None and not part.entries and not part.fresh and not part.damaged:
            return None
        return found | {"fresh": part.fresh, "damaged": part.damaged, "curves": curves(part)}

    def _changed(self, said: dict[str, Any]) -> dict[str, Any] | None:
        before, self._said = self._said, said
        return None if said == before else said


def curves(part: Part) -> Mapping[str, Sequence[tuple[int, float]]]:
    """Steps and values of each term in some entries, an even choice where there are many."""
    found: dict[str, list[tuple[int, float]]] = {name: [] for name in TERMS}
    for entry in part.entries:
        values = entry | entry.get("bracket", {})
        for name, points in found.items():
            if name in values:
                points.append((entry["step"], values[name]))
    return {name: even(points) for name, points in found.items()}


def even(points: Sequence[tuple[int, float]]) -> Sequence[tuple[int, float]]:
    """At most `POINTS` of some points, the first and the last among them."""
    if len(points) <= POINTS:
        return points
    last = len(points) - 1
    return [points[round(index * last / (POINTS - 1))] for index in range(POINTS)]


async def events(shelf: Shelf, names: Sequence[str], ending: Callable[[], bool]) -> AsyncIterator[str]:
    """What is new of some runs, each as an event, until nobody listens or the server ends."""
    watches = [Watch(shelf, name) for name in dict.fromkeys(names)]
    quiet = BEATS
    while not ending():
        quiet += 1
        for watch in watches:
            found = await run_in_threadpool(watch.look)
            if found is not None:
                quiet = 0
                yield f"data: {json.dumps(found)}\n\n"
        if quiet > BEATS:
            quiet = 0
            yield ": nothing new\n\n"
        for _ in range(PARTS):
            if not ending():
                await asyncio.sleep(EVERY / PARTS)
