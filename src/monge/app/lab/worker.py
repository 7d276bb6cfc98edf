"""A lab in a process of its own: it takes orders, and sends frames as fast as they are taken."""

import json
import os
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

import torch

from monge.app.lab.lab import Lab
from monge.app.lab.message import packed
from monge.app.lab.settings import Settings
from monge.app.lab.view import VIEWS
from monge.errors import MongeError, UserError, one_line, unknown_name

FASTEST = 1 / 40
"""Seconds between two frames, at least: no eye sees more."""
SLOWEST = 5.0
AHEAD = 2
"""Frames on their way at once."""
MOST_STEPS = 1000
"""Of a frame."""


def work(orders: Connection, document: Mapping[str, Any]) -> None:
    """Runs a lab until the other end is gone.

    Arguments:
        orders: gives orders as JSON, and takes frames (see `message.packed`).
        document: what `lab_of` reads.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as every training of monge
    try:
        worker = Worker(orders, lab_of(document))
        worker.set(document)
    except MongeError as error:
        orders.send_bytes(packed({"error": one_line(str(error)), "ended": True}, {}))
        return
    try:
        worker.serve()
    except (EOFError, OSError):  # the page is gone
        os._exit(0)


def lab_of(document: Mapping[str, Any]) -> Lab:
    """A lab from what a page sent: settings, and perhaps changes.

    Raises:
        UserError: what is not allowed.
    """
    changes = document.get("changes", [])
    try:
        parts = [(int(step), dict(settings)) for step, settings in changes]
        settings = dict(document.get("settings", {}))
    except (TypeError, ValueError):
        raise UserError("changes must be pairs of a step and settings") from None
    return Lab(Settings.of(settings), [(step, Settings.of(part)) for step, part in parts])


class Worker:
    """Takes orders and sends frames.

    Arguments:
        connection: to the server.
        lab: what is trained.
    """

    def __init__(self, connection: Connection, lab: Lab) -> None:
        self._connection, self._lab = connection, lab
        self._views: list[str] = []
        self._measure = self._playing = False
        self._pace, self._wait, self._slow = 1, FASTEST, False
        self._free = AHEAD
        self._due = 0.0

    def serve(self) -> None:
        """Until the other end is closed.

        Raises:
            EOFError, OSError: it was.
        """
        self._connection.send_bytes(self._lab.opening())
        self._show()
        while True:
            going = self._playing and self._free > 0
            rest = self._due - time.monotonic() if going else None
            if self._connection.poll(None if rest is None else max(rest, 0)):
                self._take(json.loads(self._connection.recv_bytes()))
            elif going:
                self._due = time.monotonic() + self._wait
                for _ in range(self._pace):
                    self._lab.do("phase" if self._slow else "step")
                self._playing = any(side.failed is None for side in self._lab.sides)
                self._show()

    def _take(self, order: Mapping[str, Any]) -> None:
        if order.get("free"):
            self._free = min(AHEAD, self._free + 1)
            return
        try:
            self._obey(order)
        except MongeError as error:
            self._connection.send_bytes(packed({"error": one_line(str(error))}, {}))

    def _obey(self, order: Mapping[str, Any]) -> None:
        self.set(order)
        if "settings" in order:
            anew = self._lab.change(Settings.of(order["settings"]))
            self._connection.send_bytes(self._lab.opening())
            if anew:
                self._connection.send_bytes(packed({"began": True}, {}))
        what = order.get("do")
        if what in ("play", "pause"):
            self._playing = what == "play"
        elif what == "reset":
            self._lab.reset()
            self._connection.send_bytes(self._lab.opening())
        elif what == "copy":
            self._connection.send_bytes(packed({"copies": self._lab.copies()}, {}))
            return
        elif what is not None:
            self._playing = False
            self._lab.do(what)
        self._show()

    def set(self, order: Mapping[str, Any]) -> None:
        """What is to be shown, and how fast, where an order says so.

        Raises:
            UserError: it says what is not allowed.
        """
        if "views" in order:
            self._look(order["views"])
        if "pace" in order:
            self._set_pace(order)

    def _look(self, views: Any) -> None:
        if not isinstance(views, list):
            raise UserError(f"views must be a list of names; got {views!r}")
        for view in views:
            if view != "distances" and view not in VIEWS:
                raise unknown_name("views", str(view), [*VIEWS, "distances"])
        self._views = [view for view in VIEWS if view in views]
        self._measure = "distances" in views

    def _set_pace(self, order: Mapping[str, Any]) -> None:
        pace, wait = order["pace"], order.get("wait", 0)
        if not isinstance(pace, int) or not 1 <= pace <= MOST_STEPS:
            raise UserError(f"pace must be a whole number of steps from 1 to {MOST_STEPS}; got {pace!r}")
        if not isinstance(wait, int | float) or not 0 <= wait <= SLOWEST:
            raise UserError(f"wait must be from 0 to {SLOWEST:g} seconds; got {wait!r}")
        self._pace, self._wait, self._slow = pace, max(FASTEST, wait), bool(order.get("slow"))

    def _show(self) -> None:
        self._free -= 1
        self._connection.send_bytes(self._lab.frame(self._views, measure=self._measure))
