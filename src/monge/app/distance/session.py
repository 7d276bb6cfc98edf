"""Comparisons that pages asked for, each in a process of its own that ends with its page."""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from monge.app.distance.asked import PAGE, Asked
from monge.app.process import process_context
from monge.errors import one_line

RUNNING = 2
"""Comparisons at once."""
WAITING = 4
"""Those that wait for them, at most."""
KEPT = 16
"""Pages that are kept; the oldest go first."""
ENDED = "the process that compared them has ended (it was killed, or had too little memory); press Compare to try again"


class Comparisons:
    """The comparisons that are going on, and their pages.

    Arguments:
        folder: in which they are.
    """

    def __init__(self, folder: Path) -> None:
        self._context = process_context()
        self._folder = folder / "page"
        self._processes: set[BaseProcess] = set()
        self._pages: dict[str, Path] = {}
        self._count = 0
        self._turns = asyncio.Semaphore(RUNNING)
        self._threads = ThreadPoolExecutor(RUNNING, "distance")

    async def stream(self, asked: Asked) -> AsyncIterator[bytes]:
        """Lines of JSON: what is being done, and in the end what was found, until nobody reads them."""
        if self._count >= RUNNING + WAITING:
            yield line({"error": f"{self._count} comparisons are going on or waiting already; try again later"})
            return
        self._count += 1
        try:
            if self._turns.locked():
                yield line({"stage": "waiting for another comparison", "done": 0, "total": 0})
            async with self._turns:
                async for message in self._messages(asked):
                    yield message
        finally:
            self._count -= 1

    async def _messages(self, asked: Asked) -> AsyncIterator[bytes]:
        from monge.app.distance.worker import work

        word = secrets.token_hex(8)
        folder, ended = self._folder / word, False
        ours, theirs = self._context.Pipe()
        given = theirs, str(folder), asked.words, (asked.a, asked.b), dict(asked.options)
        process = self._context.Process(target=work, args=given, daemon=True)
        self._processes.add(process)
        try:
            folder.mkdir(parents=True)
            asked.place(folder)
            process.start()
            theirs.close()
            loop = asyncio.get_running_loop()
            while not ended:
                message = json.loads(await loop.run_in_executor(self._threads, ours.recv_bytes))
                ended = "verdict" in message or "error" in message
                if "verdict" in message:
                    self._keep(word, folder / PAGE)
                    message["page"] = word
                yield line(message)
        except EOFError:
            yield line({"error": ENDED})
        except OSError as error:
            yield line({"error": one_line(f"the comparison cannot begin or go on: {error.strerror or error}")})
        finally:
            self._processes.discard(process)
            if process.pid is not None:
                process.kill()  # which ends the reading, too
            if word not in self._pages:
                shutil.rmtree(folder, ignore_errors=True)

    def page(self, word: str) -> Path | None:
        """Where the page of a comparison is."""
        return self._pages.get(word)

    def _keep(self, word: str, path: Path) -> None:
        """Keeps a page, and nothing else of its folder."""
        kept = self._folder / f"{word}.html"
        path.replace(kept)
        shutil.rmtree(path.parent, ignore_errors=True)
        self._pages[word] = kept
        while len(self._pages) > KEPT:
            self._pages.pop(next(iter(self._pages))).unlink(missing_ok=True)

    def close(self) -> None:
        """Ends all of them."""
        for process in list(self._processes):
            if process.pid is not None:
                process.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)


def line(message: Mapping[str, Any]) -> bytes:
    """A message as a line."""
    return json.dumps(message).encode() + b"\n"
