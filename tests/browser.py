"""Debian's chromium, driven over a pipe in the protocol of its own developer tools; no package is needed for it."""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SECONDS = 120
"""How long anything may take that is waited for."""
KEYS = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39, "ArrowDown": 40}


def chromium() -> str:
    """The program; a test that needs it fails where there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("the browser 'chromium' is not installed; on Debian: apt-get install chromium", pytrace=False)
    return found


class Tab:
    """A page in a browser.

    Attributes:
        console: what the page said, and its errors.
        requests: addresses that it asked for.
    """

    def __init__(self, send: Callable[..., dict[str, Any]], session: str) -> None:
        self._send, self.session = send, session
        self.console: list[str] = []
        self.requests: list[str] = []
        self.loaded = False

    def send(self, method: str, **given: Any) -> dict[str, Any]:
        """Calls a method of the protocol."""
        return self._send(method, session=self.session, **given)

    def heard(self, method: str, given: dict[str, Any]) -> None:
        """Keeps what the page reports."""
        if method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(given["exceptionDetails"].get("exception", {}).get("description", str(given)))
        elif method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(one.get("value")) for one in given["args"]))
        elif method == "Log.entryAdded":
            self.console.append(given["entry"]["text"])
        elif method == "Page.loadEventFired":
            self.loaded = True

    def open(self, page: Path | str, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """Shows a file, or an address, at a size, in the light or the dark scheme."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.send("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.until(lambda: self.loaded)

    def run(self, script: str) -> Any:
        """The value of an expression of the page, waited for if it is a promise."""
        given = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in given:
            raise AssertionError(given["exceptionDetails"]["exception"]["description"])
        return given["result"].get("value")

    def until(self, holds: "Callable[[], Any] | str") -> None:
        """Waits for an expression of the page, or a function, to be true."""
        end = time.monotonic() + SECONDS
        while not (self.run(holds) if isinstance(holds, str) else holds()):
            assert time.monotonic() < end, f"waited in vain for {holds}"
            self.send("Runtime.evaluate", expression="0")
            time.sleep(0.01)

    def click(self, selector: str, right: float = 0.5, down: float = 0.5) -> None:
        """Clicks on an element, by shares of its width and height."""
        find = f"document.querySelector({json.dumps(selector)})"
        box = self.run(f"{find}.scrollIntoView({{ block: 'center' }}), {find}.getBoundingClientRect().toJSON()")
        at = {"x": box["left"] + right * box["width"], "y": box["top"] + down * box["height"]}
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **at)

    def press(self, key: str) -> None:
        """Presses a key."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        code = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0]))}
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, **code, **(text if kind == "keyDown" else {}))

    def picture(self, path: Path, selector: str | None = None) -> None:
        """Stores a picture of the page, or of one of its elements."""
        find = f"document.querySelector({json.dumps(selector or 'html')}).getBoundingClientRect()"
        box = self.run(
            f"(box => ({{ x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height }}))({find})"
        )
        given = self.send("Page.captureScreenshot", captureBeyondViewport=True, clip={**box, "scale": 1})
        path.write_bytes(base64.b64decode(given["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Callable[[], Tab]]:
    """A running browser; what it gives opens a tab."""
    command = [chromium(), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}"]
    read, its_end = os.pipe()
    its_start, write = os.pipe()
    # it reads from file 3 and writes to file 4; not every shell knows files beyond 9
    shell = ["bash", "-c", f'exec "$@" 3<&{its_start} 4>&{its_end}', "bash", *command]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(shell, pass_fds=(its_start, its_end), stdout=quiet, stderr=quiet)
    os.close(its_start)
    os.close(its_end)
    numbers, tabs, said = itertools.count(1), {}, messages(read)
    with os.fdopen(write, "wb", buffering=0) as orders:

        def send(method: str, session: str | None = None, **given: Any) -> dict[str, Any]:
            number = next(numbers)
            order = {"id": number, "method": method, "params": given} | ({"sessionId": session} if session else {})
            orders.write(json.dumps(order).encode() + b"\0")
            while True:
                found = json.loads(next(said))
                if found.get("id") == number:
                    assert "error" not in found, (method, found["error"])
                    result: dict[str, Any] = found["result"]
                    return result
                if "method" in found and found.get("sessionId") in tabs:
                    tabs[found["sessionId"]].heard(found["method"], found["params"])

        def opened() -> Tab:
            target = send("Target.createTarget", url="about:blank")["targetId"]
            session = send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            tabs[session] = Tab(send, session)
            return tabs[session]

        try:
            yield opened
            send("Browser.close")
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait()
            said.close()


def messages(file: int) -> Generator[bytes, None, None]:
    """What a browser says, one message after another."""
    with os.fdopen(file, "rb", buffering=0) as answers:
        rest = b""
        while select.select([answers], [], [], SECONDS)[0] and (part := answers.read(2**20)):
            *whole, rest = (rest + part).split(b"\0")
            yield from whole
    raise AssertionError("the browser has ended, or says nothing")
