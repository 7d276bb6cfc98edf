"""Labs of several pages at once, each in a process of its own that ends with its page."""

import asyncio
import contextlib
import json
import secrets
import signal
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from monge.app.lab.message import packed
from monge.app.process import process_context
from monge.errors import UserError

MOST = 12
"""Labs at once."""


def _work(orders: Connection, document: Mapping[str, Any]) -> None:
    """A lab's process; what it needs is loaded there, and never in the server's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the server, which ends this one

    from monge.app.lab.worker import work

    work(orders, document)


class Labs:
    """The labs that are open."""

    def __init__(self) -> None:
        self._context = process_context()
        self._open: dict[str, tuple[BaseProcess, Connection]] = {}
        self._threads = ThreadPoolExecutor(MOST + 1, "lab")

    def warm(self) -> None:
        """Begins and ends one while the first page is opened, which need not wait then for what is loaded once."""
        self._threads.submit(self._warm)

    def _warm(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, {"changes": None}), daemon=True)
        process.start()
        theirs.close()
        ours.recv_bytes()
        ours.close()
        process.join()

    async def stream(self, document: Mapping[str, Any]) -> AsyncIterator[bytes]:
        """The messages of a new lab (see `message.packed`), the first of which has its name, until nobody reads them.

        Arguments:
            document: what `worker.lab_of` reads.
        """
        if len(self._open) >= MOST:
            yield packed({"error": f"{MOST} labs are open already; close one", "ended": True}, {})
            return
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, dict(document)), daemon=True)
        name = secrets.token_hex(8)
        self._open[name] = process, ours
        try:
            process.start()
            theirs.close()
            yield packed({"lab": name}, {})
            loop = asyncio.get_running_loop()
            while True:
                try:
                    message = await loop.run_in_executor(self._threads, ours.recv_bytes)
                except (EOFError, OSError):
                    break
                yield message
                with contextlib.suppress(UserError):  # that it has ended is read next
                    self.order(name, {"free": True})
            yield packed({"error": "the lab's process has ended; begin anew", "ended": True}, {})
        finally:
            del self._open[name]
            process.kill()  # which ends the reading, too

    def order(self, name: str, order: Mapping[str, Any]) -> None:
        """Tells a lab what to do.

        Raises:
            UserError: there is no such lab.
        """
        if name not in self._open:
            raise UserError("this lab has ended; begin anew")
        try:
            self._open[name][1].send_bytes(json.dumps(order).encode())
        except OSError as error:
            raise UserError("this lab has ended; begin anew") from error

    def close(self) -> None:
        """Ends all of them."""
        for process, _ in list(self._open.values()):
            process.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)
