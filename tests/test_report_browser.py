"""The report in a real browser: nothing is asked of the network, nothing is complained of, nothing sticks out.

The page's own content security policy turns every request into a console error, so a silent console is the whole check.
"""

import html
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from browser import chromium
from monge import api

pytestmark = pytest.mark.web

QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
FLAGS = [*QUIET, "--disable-sync", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"]
# A headless window cannot be as narrow as a phone, a frame can.
STAGE = """<!doctype html><iframe id="view" style="width:{width}px;height:{height}px;border:0" srcdoc="{page}"></iframe>
<pre id="probe"></pre>
<script>
const view = document.getElementById("view");
view.addEventListener("load", () => {{
  const page = view.contentDocument, slider = page.getElementById("frame");
  slider.value = 0;
  slider.dispatchEvent(new Event("input"));
  document.getElementById("probe").textContent = JSON.stringify({{
    width: page.documentElement.clientWidth,
    wanted: page.documentElement.scrollWidth,
    images: page.images.length,
    broken: [...page.images].filter(image => !image.complete || !image.naturalWidth).length,
    shown: [...page.getElementById("film").children].filter(image => !image.hidden).map(image => image.dataset.step),
    meaning: page.querySelector(".figures .soft").clientWidth,
    label: page.getElementById("shown").textContent,
    controls: page.getElementById("controls").getBoundingClientRect().height > 0,
  }});
}});
</script>"""


def browse(page: str, folder: Path, width: int, height: int) -> tuple[dict[str, Any], list[str]]:
    """What the page looks like after its scripts ran and the slider was moved to its start; lines of the console."""
    stage = folder / "stage.html"
    stage.write_text(STAGE.format(width=width, height=height, page=html.escape(page)))
    flags = [
        *FLAGS,
        "--virtual-time-budget=3000",
        "--dump-dom",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1000",
    ]
    done = subprocess.run([chromium(), *flags, stage.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    probe = done.stdout.split('<pre id="probe">')[1].split("</pre>")[0]
    return json.loads(html.unescape(probe)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of a tiny run."""
    folder = tmp_path_factory.mktemp("browser") / "run"
    run = api.train("digits", steps=6, run=folder, threads=1, observe={"bracket": 2}, training={"n_critic": 1})
    return run.write_report().read_text()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_page_is_quiet_and_fits(page: str, tmp_path: Path, width: int, height: int) -> None:
    seen, console = browse(page, tmp_path, width, height)
    assert console == []
    assert width - 20 <= seen["width"] <= width
    assert seen["wanted"] <= seen["width"]
    assert seen["meaning"] > 250
    assert seen["images"] > 10
    assert seen["broken"] == 0
    assert seen["controls"]
    assert seen["shown"] == ["2"]
    assert seen["label"] == "step 2"


def test_the_check_would_notice_a_request(page: str, tmp_path: Path) -> None:
    _, console = browse(
        page.replace("<main>", '<main><img src="http://127.0.0.1:9/x.png" alt="x">'), tmp_path, 800, 600
    )
    assert any("127.0.0.1" in line for line in console)
