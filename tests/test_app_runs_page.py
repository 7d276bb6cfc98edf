"""The pages of runs in a real browser: every control does what it says, at the widths of a screen and of a phone."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import Tab, browser, complaints
from shelf import Page, fill, served

pytestmark = pytest.mark.web

SIZES = [(1280, "light"), (390, "dark")]
NAMES = ("digits", "coded", "group/plane", "shop")
sizes = pytest.mark.parametrize(("width", "scheme"), SIZES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With small runs."""
    path = tmp_path_factory.mktemp("shelf")
    fill(path, *NAMES)
    (path / "digits/report.html").write_text("<!doctype html><title>Report</title><p id=found>The report</p>")
    return path


@pytest.fixture(scope="module")
def page(folder: Path) -> Iterator[Page]:
    """That shows them."""
    with served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def opened(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Tab]]:
    """Opens pages in one browser."""
    with browser(tmp_path_factory.mktemp("profile")) as new:

        def give(path: str, width: int = 1280, scheme: str = "light") -> Tab:
            tab = new()
            tab.open(page.at(path), width, 800, scheme)
            return tab

        yield give


def explored(tab: Tab) -> None:
    """Waits until a run's page has drawn what it was asked for."""
    tab.until("!document.getElementById('explore').hidden")
    drawn = "[...document.querySelectorAll('#sheet, #table, #picked')].filter(one => !one.hidden)"
    tab.until(f"(all => all.length && all.every(one => one.getAttribute('aria-busy') === 'false'))({drawn})")


def picture(tab: Tab, name: str = "grid") -> str:
    """What a picture of the page shows."""
    explored(tab)
    script = """(image => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 200, height: 200});
        canvas.getContext("2d").drawImage(image, 0, 0, 200, 200);
        return canvas.toDataURL();
    })"""
    found: str = tab.run(f"{script}(document.getElementById('{name}'))")
    return found


def set_to(tab: Tab, selector: str, value: Any) -> None:
    """Gives a control a value, as its user does."""
    find = f"document.querySelector({json.dumps(selector)})"
    tab.run(f"{find}.value = {value!r}; for (const what of ['input', 'change']) {find}.dispatchEvent(new Event(what))")


def text(tab: Tab, selector: str) -> str:
    """What an element says."""
    found: str = tab.run(f"document.querySelector({json.dumps(selector)}).textContent")
    return found


def sound(tab: Tab, page: Page) -> None:
    """Whether a page is as all of them have to be."""
    assert complaints(tab) == []
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    assert tab.console == []
    assert [one for one in tab.requests if not one.startswith((page.address, "data:", f"blob:{page.address}"))] == []


@sizes
def test_runs_on_one_chart(page: Page, opened: Callable[..., Tab], width: int, scheme: str) -> None:
    tab = opened("/runs", width, scheme)
    tab.until("document.querySelectorAll('.run').length === 4")
    assert "excess" in text(tab, ".run .excess")
    tab.click("[aria-label='Choose digits']")
    tab.run("document.querySelector(\"[aria-label='Choose coded']\").focus()")
    tab.press(" ")
    tab.until("document.querySelector('#curves canvas')?.dataset.points === '2'")  # a bracket each
    assert "digits: " in tab.run("document.querySelector('#curves canvas').getAttribute('aria-label')")
    tab.until("document.getElementById('differ').textContent.includes('training.conditional')")
    tab.click("#terms [value=critic_loss]")
    tab.click("#terms [value=upper]")
    tab.click("#terms [value=excess]")
    tab.until("[...document.querySelectorAll('#curves canvas')].map(one => one.dataset.points).join() === '2,12'")
    assert tab.run("location.hash") == "#run=digits&run=coded&curve=upper&curve=critic_loss"
    sound(tab, page)
    again = opened("/runs" + tab.run("location.hash"), width, scheme)
    again.until("[...document.querySelectorAll('#curves canvas')].map(one => one.dataset.points).join() === '2,12'")
    assert again.run("[...document.querySelectorAll('.run input:checked')].length") == 2
    again.click("[aria-label='Choose coded']")
    again.click("[aria-label='Choose digits']")
    assert again.run("document.getElementById('chart').hidden && document.getElementById('settings').hidden")
    again.click(".run h2 a[href='/runs/group/plane']")
    again.until("document.title.startsWith('group/plane')")
    assert again.console == []


def test_a_run_that_grows_and_goes(page: Page, opened: Callable[..., Tab], folder: Path) -> None:
    shutil.copytree(folder / "digits", folder / "short")
    tab = opened("/runs#run=short&run=digits&curve=critic_loss")
    points = "document.querySelector('#curves canvas')?.dataset.points"
    tab.until(f"{points} === '12'")
    with (folder / "short/log.jsonl").open("a") as file:
        file.write('{"step": 7, "critic_loss": 0.5}\n')
    tab.until(f"{points} === '13'")
    (folder / "short/run.json").write_text("half")
    tab.until("document.getElementById('notice').textContent.includes('run.json is damaged')")
    tab.until("document.querySelector('.run .problem')?.textContent.includes('run.json is damaged')")
    assert tab.run(points) == "6"  # the other stays
    shutil.rmtree(folder / "short")
    tab.until("document.querySelectorAll('.run').length === 4")
    assert "short" in text(tab, "#notice")
    tab.until(f"{points} === '6'")
    assert tab.console == []


@sizes
def test_every_control_of_pictures(page: Page, opened: Callable[..., Tab], width: int, scheme: str) -> None:
    tab = opened("/runs/coded", width, scheme)
    first, row = picture(tab), picture(tab, "strip")
    seen = {first}
    tab.click("#again")
    seen.add(picture(tab))
    assert text(tab, "#told") == "16 images, seed 1"
    for selector, value in (("#codes select", "3"), ("#truncation", "0.3"), ("#n", "4"), ("#weights", "raw")):
        set_to(tab, selector, value)
        seen.add(picture(tab))
    for selector in ("#codes input[data-index='1']", "#codes input[data-index='2']", "#directions input"):
        tab.run(f"document.querySelector({json.dumps(selector)}).focus()")
        for _ in range(12):
            tab.press("ArrowRight")
        assert tab.run("document.activeElement.nextElementSibling.textContent") not in ("drawn", "0.0")
        seen.add(picture(tab))
    assert len(seen) == 9
    tab.click("#reset")
    for selector, value in (("#seed", "0"), ("#n", "16"), ("#weights", "ema")):
        set_to(tab, selector, value)
    assert (picture(tab), picture(tab, "strip")) == (first, row)
    tab.click("#grid", 0.6, 0.9)
    assert picture(tab, "strip") != row
    assert tab.run("['from', 'to'].map(name => document.getElementById(name).value)") == ["2", "15"]
    tab.press("ArrowRight")
    tab.press("ArrowDown")
    tab.press(" ")
    explored(tab)
    assert tab.run("['from', 'to'].map(name => document.getElementById(name).value)") == ["15", "16"]
    assert tab.run("[...document.querySelectorAll('#tiles [aria-pressed=true]')].map(one => one.dataset.end)") == [
        "from",
        "to",
    ]
    set_to(tab, "#from", "1")
    set_to(tab, "#to", "2")
    assert picture(tab, "strip") == row
    tab.click("#nearest")
    tab.until("document.querySelector('#near img') !== null")
    assert "training samples, at distances" in text(tab, "#near")
    sound(tab, page)


@sizes
def test_classes_and_the_report(page: Page, opened: Callable[..., Tab], width: int, scheme: str) -> None:
    tab = opened("/runs/digits", width, scheme)
    first = picture(tab)
    set_to(tab, "#class", "7")
    assert picture(tab) != first
    assert tab.run("document.querySelector('#about dd').textContent.includes('±')")
    sound(tab, page)
    assert tab.run("document.querySelector('#about a').target") == "_blank"
    tab.run("document.querySelector('#about a').target = ''")
    tab.click("#about a")
    tab.until("document.title === 'Report'")
    assert tab.run("document.getElementById('found').textContent") == "The report"


@sizes
def test_points(page: Page, opened: Callable[..., Tab], width: int, scheme: str, tmp_path: Path) -> None:
    tab = opened("/runs/group/plane", width, scheme)
    first, path = picture(tab), picture(tab, "strip")
    set_to(tab, "#to", "40")
    assert picture(tab, "strip") != path
    set_to(tab, "#truncation", "0.5")
    assert picture(tab) != first
    tab.click("#nearest")
    tab.until("document.getElementById('near').textContent.includes('draws every training sample afresh')")
    assert saved(tab, tmp_path, 20)[0] == ["x0", "x1"]
    sound(tab, page)


@sizes
def test_rows_with_a_condition(page: Page, opened: Callable[..., Tab], width: int, scheme: str, tmp_path: Path) -> None:
    tab = opened("/runs/shop", width, scheme)
    explored(tab)
    shown = "[...document.querySelectorAll('#table tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    first = tab.run(shown)
    assert len(first) == 51
    tab.click("#again")
    explored(tab)
    assert tab.run(shown) != first
    set_to(tab, "#where", "product = 'lamp' and quantity >= 2")
    explored(tab)
    rows = tab.run(shown)
    assert {row[rows[0].index("product")] for row in rows[1:]} == {"lamp"}
    assert "generated" in text(tab, "#told")
    lines = saved(tab, tmp_path, 30)
    assert lines[0] == rows[0]
    assert {line[rows[0].index("product")] for line in lines[1:]} == {"lamp"}
    sound(tab, page)


def saved(tab: Tab, folder: Path, rows: int) -> list[list[str]]:
    """The rows of the file that a page lets its reader save."""
    tab.send("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    set_to(tab, "#rows", str(rows))
    tab.click("#save")
    tab.until((folder / "samples.csv").exists)
    tab.until(f"document.getElementById('told').textContent === '{rows} rows in samples.csv'")
    found = list(csv.reader((folder / "samples.csv").read_text().splitlines()))
    assert len(found) == rows + 1
    return found


def test_errors_are_a_line_and_the_page_goes_on(opened: Callable[..., Tab], folder: Path) -> None:
    tab = opened("/runs/shop")
    explored(tab)
    for selector, value, line in (
        ("#where", "colour = 'red'", "where: "),
        ("#seed", "-1", "seed must be a whole number from 0"),
    ):
        set_to(tab, selector, value)
        tab.until(f"document.getElementById('notice').textContent.startsWith({line!r})")
    set_to(tab, "#where", "")
    set_to(tab, "#seed", "0")
    tab.until("document.getElementById('notice').hidden")
    explored(tab)
    assert {line.partition(" (")[0] for line in tab.console} == {
        "Failed to load resource: the server responded with a status of 400"
    }
    shutil.copytree(folder / "digits", folder / "short")
    tab = opened("/runs/short")
    explored(tab)
    shutil.rmtree(folder / "short")
    tab.click("#again")
    tab.until("document.getElementById('notice').textContent.startsWith(\"run 'short' is not in\")")


def test_a_damaged_run_and_one_that_is_not_there(opened: Callable[..., Tab], folder: Path) -> None:
    (folder / "broken").mkdir()
    (folder / "broken/run.json").write_text("half")
    try:
        tab = opened("/runs/broken")
        tab.until("document.getElementById('notice').textContent.includes('run.json is damaged')")
        assert tab.run("document.getElementById('explore').hidden")
    finally:
        shutil.rmtree(folder / "broken")
    assert "is not in" in text(opened("/runs/nothing"), "main p")
