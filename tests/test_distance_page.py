"""The files of a comparison: its page in HTML and Markdown, its features, its picture, by real command lines."""

import csv
import html
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import monge
from browser import chromium
from monge.cli import run
from monge.evaluation.page.block import Bar, Cell, Page, PageSection, Table, Text
from monge.evaluation.page.ending import ENDINGS
from monge.evaluation.page.html import bar_svg, page_html
from monge.evaluation.page.markdown import markdown
from monge.evaluation.page.output import WRITERS
from monge.evaluation.page.section import SECTIONS, comparison_page

pytestmark = [pytest.mark.web, pytest.mark.usefixtures("few_relabellings")]

QUICK = ["--families", "linear"]
EVIL = "<script>alert('x')</script> | *b* `c`"


class Words(HTMLParser):
    """The tags of a page, what its links point to, and the texts of its cells."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.cells: list[str] = []
        self.within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "srcset", "data") and value]
        if tag in ("td", "th"):
            self.within = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self.within &= tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.within:
            self.cells[-1] += data


def table(name: str, seed: int, older: float = 0, rows: int = 70) -> None:
    """Rows of an identifier, an age, an income with missing values, a job and a day; the age has an evil name."""
    random = np.random.default_rng(seed)
    lines = [["id", EVIL, "income", "job", "day"]]
    for number in range(rows):
        age, income = random.normal(40 + 10 * older, 10), random.normal(50_000, 20_000)
        job, known = random.choice(["clerk", "<b>nurse</b>", "smith"]), random.random() > 0.1
        day = f"2021-0{random.integers(1, 10)}-{random.integers(10, 28)}"
        lines.append([f"P{number:05}", f"{age:.1f}", f"{income:.0f}" if known else "", job, day])
    with open(name, "w", newline="") as file:
        csv.writer(file).writerows(lines)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which two tables were compared, with all kinds of files."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        table("a.csv", 0)
        table("b.csv", 1, older=1.2)
        outs = [word for name in ("page.html", "page.md", "features.csv", "x.png") for word in ("--out", name)]
        command = [sys.executable, "-m", "monge", "distance", *outs, "a.csv", "b.csv", *QUICK, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    (folder / "said.json").write_text(done.stdout)
    return folder


@pytest.fixture
def page(written: Path) -> str:
    return (written / "page.html").read_text()


def test_every_ending_has_a_writer() -> None:
    assert list(ENDINGS) == list(WRITERS)


def test_the_page_needs_nothing_else_and_escapes_every_name(page: str) -> None:
    assert len(page.encode()) < 5_000_000
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r"base64,[\w+/=]+", "", page))
    words = Words()
    words.feed(page)
    assert not {"script", "link", "iframe", "b>nurse<"} & set(words.tags)
    assert all(link.startswith("data:image/") for link in words.links)
    assert "default-src 'none'" in page
    assert EVIL in words.cells
    assert "<b>nurse</b>" in words.cells
    assert "prefers-color-scheme: dark" in page


def test_the_page_begins_with_the_verdict_and_ends_with_the_command(page: str) -> None:
    titles = [html.unescape(title) for title in re.findall("<h2>(.*?)</h2>", page)]
    assert titles[0].startswith("A and B differ (")
    assert titles[1:] == [
        "How far apart",
        "Is it chance?",
        "In which features",
        "Samples of B farthest from A",
        "The pictures",
        "Other measures",
        "What was compared",
        "To repeat it",
    ]
    assert f"They differ in {html.escape(EVIL, quote=False)}." in page.replace("&#39;", "'")
    assert page.count("<svg") == 6 + 4
    assert page.count("<img") == 3
    assert "Left out as identifiers of rows: id." in page
    repeated = page.split("To repeat it")[1]
    assert "<span>monge distance</span> <span>--out page.html</span>" in repeated
    assert "--families linear</span> <span>--json</span>" in repeated


def test_the_farthest_rows_stand_as_in_the_files(written: Path, page: str) -> None:
    files = {name: list(csv.reader((written / f"{name.lower()}.csv").read_text().splitlines()))[1:] for name in "AB"}
    words = Words()
    words.feed(page)
    seen = 0
    for index, text in enumerate(words.cells):
        if found := re.fullmatch(r"([AB]), row (\d+)", text):
            row = files[found[1]][int(found[2]) - 1]
            assert words.cells[index + 2 : index + 6] == [value or "(missing)" for value in row[1:]]
            seen += 1
    assert seen == 20
    farthest = json.loads((written / "said.json").read_text())["explanation"]["farthest"]
    assert f"B, row {farthest[0]['row'] + 1}" in words.cells
    assert page.count("<mark>") >= 20


def test_features_and_markdown_say_the_same(written: Path) -> None:
    features = json.loads((written / "said.json").read_text())["explanation"]["features"]
    rows = list(csv.DictReader((written / "features.csv").read_text().splitlines()))
    assert [row["name"] for row in rows] == [feature["name"] for feature in features]
    assert list(rows[0]) == list(features[0])
    assert [float(row["excess"]) for row in rows] == [feature["excess"] for feature in features]
    text = (written / "page.md").read_text()
    assert text.startswith("# a.csv and b.csv\n")
    assert "](<x.png>)" in text
    assert "&lt;script&gt;alert('x')&lt;/script&gt; \\| \\*b\\* \\`c\\`" in text
    assert "<script" not in text
    assert "data:image" not in text
    assert [line for line in text.splitlines() if line.startswith("## ")][1:] == [
        "## How far apart",
        "## Is it chance?",
        "## In which features",
        "## Samples of B farthest from A",
        "## Other measures",
        "## What was compared",
        "## To repeat it",
    ]
    widths = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")]
    assert set(widths) == {4, 5, 7}
    with Image.open(written / "x.png") as picture:
        assert picture.width == 1600


@pytest.fixture
def arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monge.distance.split_test.MOST", 19)
    monkeypatch.setattr("monge.distance.split_test.RELABELLINGS", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.LEAST", 19)
    monkeypatch.setattr("monge.distance.two_sample.battery.MOST", 19)
    monkeypatch.setattr("monge.distance.two_sample.missed.SIMULATIONS", 2)
    for name, points in zip("ab", np.random.default_rng(0).normal(size=(2, 60, 3)), strict=True):
        np.save(f"{name}.npy", points)
    return tmp_path


BAD = {
    "ending": (["--out", "x.gif"], "--out must end in .png, .html, .md or .csv; got x.gif"),
    "folder": (["--out", "no/x.html"], "--out no/x.html cannot be written: its folder must exist and be writable"),
    "no features": (["--out", "x.csv", "--no-explain"], "--out x.csv contains the features, which must be explained"),
    "no picture": (["--out", "x.png", "--no-picture"], "--no-picture cannot be combined with --out x.png"),
    "second": (["--out", "x.html", "--out", "y"], "--out must end in .png, .html, .md or .csv; got y"),
    "one each": (["--out", "x.html", "y.html"], "'y.html' is one argument too many"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD.values(), ids=BAD)
def test_files_that_cannot_be_written(
    arguments: list[str], said: str, arrays: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["distance", "a.npy", "b.npy", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"monge: {said}")
    assert shown.err.count("\n") == 1
    assert sorted(path.name for path in arrays.iterdir()) == ["a.npy", "b.npy"]


def test_a_page_without_features_and_pictures(arrays: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["distance", "a.npy", "b.npy", "--out", "x.HTML", "--no-picture", "--no-explain", *QUICK]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("The page is x.HTML.\n")
    page = Path("x.HTML").read_text()
    assert "No difference detected" in page
    assert "<img" not in page
    assert "In which features" not in page
    assert not Path("distance.png").exists()


def test_pages_of_images_show_pairs(arrays: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (120, 4, 4, 1), dtype=np.uint8)
    found = monge.two_samples(images[:60], images[60:] // 2, families=["linear"])
    page = page_html(comparison_page(found))
    assert page.count("<img") == 3 + 10 + 3
    assert re.search(r"<figcaption>[\d.]+: B \d+, A \d+</figcaption>", page)
    found.report("images.md")
    text = Path("images.md").read_text()
    assert re.search(r"^- [\d.]+: B \d+, A \d+$", text, re.MULTILINE)
    assert "Made in Python by monge.two\\_samples." in text


def test_equal_comparisons_give_equal_pages(arrays: Path) -> None:
    pages = []
    for name in ("one.html", "two.html"):
        monge.two_samples("a.npy", "b.npy", families=["linear"]).report(name)
        pages.append(Path(name).read_bytes())
    assert pages[0] == pages[1]


def test_a_section_is_one_function(arrays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = monge.two_samples("a.npy", "b.npy", explain=False, families=["linear"])

    def more(result: Any) -> PageSection:
        return PageSection("More", [Text(f"seed {result.seed} of <all>"), Table(("", "n"), [[Cell("x"), Cell("7")]])])

    monkeypatch.setattr("monge.evaluation.page.section.SECTIONS", (*SECTIONS, more))
    page = comparison_page(found, pictures=False)
    assert "seed 0 of &lt;all&gt;" in page_html(page)
    assert "## More\n\nseed 0 of &lt;all&gt;\n\n|  | n |\n|---|---|\n| x | 7 |" in markdown(page)


def test_bars_stay_within_their_cell() -> None:
    bar = Bar([(0, 2, "floor"), (2, 3, "excess")], (-1, 3), (2.5, 9))
    assert [bar.place(value) for value in (-1, 0, 3)] == [0, 25, 100]
    svg = bar_svg(bar)
    assert '<rect class="floor" x="25.0" y="3" width="50.0" height="10"/>' in svg
    assert "M87.5 8H100.0" in svg
    assert Bar([(0, 0, "floor")], (0, 0)).place(0) == 0
    title = "<i>\x07"
    assert "&lt;i&gt;\\x07" in page_html(Page(title, [], []))


STAGE = """<!doctype html><iframe id="view" style="width:{width}px;height:900px;border:0" srcdoc="{page}"></iframe>
<pre id="probe"></pre>
<script>
document.getElementById("view").addEventListener("load", event => {{
  const page = event.target.contentDocument;
  document.getElementById("probe").textContent = JSON.stringify({{
    width: page.documentElement.clientWidth, wanted: page.documentElement.scrollWidth,
    broken: [...page.images].filter(image => !image.complete || !image.naturalWidth).length,
    picture: page.querySelector(".trio img").clientWidth, bar: page.querySelector("td.bar svg").clientWidth,
    name: page.querySelector(".folded th").clientHeight,
  }});
}});
</script>"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_asks_for_nothing(page: str, tmp_path: Path, width: int) -> None:
    stage = tmp_path / "stage.html"
    stage.write_text(STAGE.format(width=width, page=html.escape(page)))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--no-first-run"]
    flags += ["--disable-background-networking", "--virtual-time-budget=3000", "--dump-dom", "--window-size=1400,1000"]
    command = [chromium(), *flags, f"--user-data-dir={tmp_path / 'profile'}", stage.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    seen = json.loads(html.unescape(done.stdout.split('<pre id="probe">')[1].split("</pre>")[0]))
    assert seen["wanted"] <= seen["width"]
    assert seen["broken"] == 0
    assert seen["picture"] > 280
    assert seen["bar"] > 150
    assert seen["name"] < 50  # in one line
